/* SPDX-License-Identifier: Apache-2.0
 * Signed tokens (JWT). Ours are HS256 with the configured secret: "place" (who somebody is in a sale; lets him take up his
 * place again and look up his tickets), "access" (he was admitted under this number) and "ticket". The site's own
 * tokens say who somebody is; algorithm and key are the configuration's, never the token's. */
#ifndef BO_EDGE_TOKEN_H
#define BO_EDGE_TOKEN_H

#include "boxoffice/error.h"
#include "boxoffice/types.h"
#include "config/config.h"

#define BO_TOKEN_MAX 2048 /* longer ones are refused unread */

struct bo_place_claim {
    char sale[BO_ID_MAX + 1];
    char person[BO_ID_MAX + 1];
    int64_t number;
};

/* free() what is returned. */
char *bo_token_place(const struct bo_config *config, const char *sale, const char *person, bo_ms expires);
char *bo_token_access(const struct bo_config *config, const char *sale, const char *person, int64_t number, bo_ms expires);
/* The same for the same ticket, always. */
char *bo_token_ticket(const struct bo_config *config, const char *sale, const char *seat, const char *order);

/* BO_ERR_TOKEN_FORGED, _EXPIRED, or _FOREIGN when it is ours but for another purpose. */
int bo_token_read_place(const struct bo_config *config, const char *token, bo_ms now, struct bo_place_claim *ret) BO_CHECKED;
int bo_token_read_access(const struct bo_config *config, const char *token, bo_ms now, struct bo_place_claim *ret) BO_CHECKED;
struct bo_ticket_claim {
    char sale[BO_ID_MAX + 1], seat[BO_ID_MAX + 1], order[BO_ID_MAX + 1];
};
int bo_token_read_ticket(const struct bo_config *config, const char *token, struct bo_ticket_claim *ret) BO_CHECKED;

/* The person of a token of the site, as "u:" and its sub. */
int bo_token_read_site(const struct bo_config *config, const char *token, bo_ms now, char ret_person[BO_ID_MAX + 1]) BO_CHECKED;

#endif
