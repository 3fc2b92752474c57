/* SPDX-License-Identifier: Apache-2.0
 * What the scripts remember of a command (lua/lib/sale.lua): a digest of its idempotency key, a dot, and a digest of what it asks for, so that
 * the same key with another request is noticed. Ten characters instead of two texts of any length, because Redis' Lua pays for each byte of
 * a person's record. It is in the ledger too, so it must never change. */
#ifndef BO_EDGE_COMMAND_TOKEN_H
#define BO_EDGE_COMMAND_TOKEN_H

#define BO_COMMAND_TOKEN_BYTES 11

/* request: the words of the command, without what may change between two times it is sent, like prices. */
void bo_digest_command(const char *key, const char *request, char ret[BO_COMMAND_TOKEN_BYTES]);

#endif
