/* SPDX-License-Identifier: Apache-2.0
 * What people may say (docs/protocol.md): reads one message, checks it and hands it on. */
#ifndef BO_EDGE_MESSAGES_H
#define BO_EDGE_MESSAGES_H

#include "edge/session.h"

void bo_message_received(struct bo_session *session, const char *data, size_t length);

#endif
