/* SPDX-License-Identifier: Apache-2.0
 * Sales that PostgreSQL has and that cannot be taken over as they are. They are left out of the questions for what is new until
 * their version changes, or each question would read their plans again. */
#ifndef BO_EDGE_UNREADABLE_H
#define BO_EDGE_UNREADABLE_H

#include "base/buffer.h"
#include "edge/gateway.h"

void bo_unreadable_init(struct bo_gateway *gateway);
void bo_unreadable_free(struct bo_gateway *gateway);
void bo_unreadable_note(struct bo_gateway *gateway, const char *sale, int64_t version);
void bo_unreadable_forget(struct bo_gateway *gateway, const char *sale); /* it could be read */
bool bo_unreadable_is(const struct bo_gateway *gateway, const char *sale);
/* Goes on with an array literal of PostgreSQL of "id version". */
void bo_unreadable_print(struct bo_gateway *gateway, struct bo_buffer *known);

#endif
