/* SPDX-License-Identifier: Apache-2.0
 * gzip (RFC 1952) of a whole text, and back. */
#ifndef BO_BASE_SQUEEZE_H
#define BO_BASE_SQUEEZE_H

#include "base/buffer.h"

void bo_squeeze(const char *data, size_t length, struct bo_buffer *ret_gz);
/* Only for what bo_squeeze made: it trusts the length at the end. */
void bo_unsqueeze(const struct bo_buffer *gz, struct bo_buffer *ret);

#endif
