/* SPDX-License-Identifier: Apache-2.0
 * The keys that sign admissions (ES256, RFC 7518) and tickets. Each serves for one period of time (key_rotation_h) and is worked out from
 * the configured secret and the number of the period, so that every server has the same keys and none has to be stored or
 * handed around. The public halves of the last, the present and the next period are published as a key set
 * (RFC 7517), so any origin can check an admission without asking, and a door without a network a ticket. */
#ifndef BO_EDGE_KEYS_H
#define BO_EDGE_KEYS_H

#include "base/buffer.h"
#include "boxoffice/error.h"
#include "boxoffice/types.h"

#define BO_KEYS_TOKEN_MAX 2048 /* longer ones are refused unread */

struct bo_keys;

struct bo_keys *bo_keys_new(const char *secret, int64_t rotation_h);
void bo_keys_free(struct bo_keys *keys);

/* HMAC-SHA256 with the secret itself (RFC 2104), without the key being worked in anew each time. */
void bo_keys_mac(struct bo_keys *keys, const void *text, size_t length, unsigned char ret[32]);

/* Signs claims (a JSON object) with the key of now. free() what is returned. */
char *bo_keys_sign(struct bo_keys *keys, const char *claims, bo_ms now);

/* Checks a token against the three published keys. *ret_claims is JSON text, to be freed. BO_ERR_TOKEN_FORGED; BO_ERR_TOKEN_FOREIGN
 * when it is no ES256 token of a key id of ours. */
int bo_keys_open(struct bo_keys *keys, const char *token, bo_ms now, char **ret_claims) BO_CHECKED;

/* The same with the key of tickets (Ed25519, RFC 8037, kid "bo-tickets"). It does not rotate, because a ticket is printed; the same claims give
 * the same token, always. */
char *bo_keys_sign_ticket(struct bo_keys *keys, const char *claims);
int bo_keys_open_ticket(struct bo_keys *keys, const char *token, char **ret_claims) BO_CHECKED;

/* {"keys":[…]}: those of admissions and that of tickets */
void bo_keys_print(struct bo_keys *keys, bo_ms now, struct bo_buffer *out);

#endif
