/* SPDX-License-Identifier: Apache-2.0
 * Signed tokens (JWT, RFC 7519). Ours with the configured secret (HS256), for nobody else to read: "place" (who somebody is in
 * a sale; lets him take up his place again and look up his tickets), "account" (who somebody is in every sale), "invite" (into a lane of the
 * line, or a channel), "transfer" (of a ticket) and "link" (to a person's tickets of one order). Ours with a published key (edge/keys.h), for anybody to check: "access" (he was admitted
 * under this number) and "ticket". The site's own
 * tokens say who somebody is; algorithm and key are the configuration's, never the token's. */
#ifndef BO_EDGE_TOKEN_H
#define BO_EDGE_TOKEN_H

#include "boxoffice/error.h"
#include "boxoffice/types.h"
#include "config/config.h"
#include "edge/keys.h"
#include "edge/subjects.h"

#define BO_TOKEN_MAX BO_KEYS_TOKEN_MAX /* longer ones are refused unread */
#define BO_PLACE_TOKEN_MAX 448         /* two ids of BO_ID_MAX fit */

struct bo_place_claim {
    char sale[BO_ID_MAX + 1];
    char person[BO_ID_MAX + 1];
    int64_t number;
    bo_ms expires;
};

struct bo_link_claim {
    char sale[BO_ID_MAX + 1], order[BO_ID_MAX + 1], person[BO_ID_MAX + 1];
    bo_ms expires;
};

struct bo_site_claim {
    char person[BO_ID_MAX + 1];
    char subject[BO_SUBJECT_MAX + 1]; /* to be remembered; "": person shows it */
    char lane[BO_ID_MAX + 1];         /* "" without */
};

struct bo_invitation_claim {
    char sale[BO_ID_MAX + 1], lane[BO_ID_MAX + 1], id[BO_ID_MAX + 1];
    char channel[BO_ID_MAX + 1]; /* and the channel he may buy by; lane or channel may be "" */
    char person[BO_ID_MAX + 1]; /* "": whoever brings it first */
};

struct bo_ticket_claim {
    char sale[BO_ID_MAX + 1], seat[BO_ID_MAX + 1] /* guid */, order[BO_ID_MAX + 1];
    int64_t serial; /* rises whenever it changes hands */
};

/* Ids must be ids (bo_text_is_id): nothing is escaped. */
void bo_token_place(struct bo_keys *keys, const char *sale, const char *person, bo_ms expires, char ret[BO_PLACE_TOKEN_MAX]);

/* free() what is returned. */
char *bo_token_access(const struct bo_config *config, struct bo_keys *keys, const char *sale, const char *person, int64_t number, bo_ms now,
                      bo_ms expires);
char *bo_token_invitation(const struct bo_config *config, const struct bo_invitation_claim *claim, bo_ms expires);
/* The same for the same ticket, always. Texts of any kind. */
char *bo_token_ticket(struct bo_keys *keys, const struct bo_ticket_claim *claim);
/* Whoever brings this gets the ticket, as long as its serial is the same. */
char *bo_token_transfer(const struct bo_config *config, const struct bo_ticket_claim *claim, const char *from, bo_ms expires);
char *bo_token_link(const struct bo_config *config, const struct bo_link_claim *claim);
/* Who somebody is, on every device and in every sale that takes accounts. */
char *bo_token_account(const struct bo_config *config, const char *person, bo_ms expires);

/* BO_ERR_TOKEN_FORGED, _EXPIRED, or _FOREIGN when it is ours but for another purpose. What has expired is read all the same. */
int bo_token_read_place(const struct bo_config *config, const char *token, bo_ms now, struct bo_place_claim *ret) BO_CHECKED;
int bo_token_read_access(struct bo_keys *keys, const char *token, bo_ms now, struct bo_place_claim *ret) BO_CHECKED;
int bo_token_read_invitation(const struct bo_config *config, const char *token, bo_ms now, struct bo_invitation_claim *ret) BO_CHECKED;
int bo_token_read_ticket(struct bo_keys *keys, const char *token, struct bo_ticket_claim *ret) BO_CHECKED;
int bo_token_read_transfer(const struct bo_config *config, const char *token, bo_ms now, struct bo_ticket_claim *ret, char ret_from[BO_ID_MAX + 1]) BO_CHECKED;
/* Never _EXPIRED: how long it holds depends on the show, too (edge/links.h). */
int bo_token_read_link(const struct bo_config *config, const char *token, struct bo_link_claim *ret) BO_CHECKED;
int bo_token_read_account(const struct bo_config *config, const char *token, bo_ms now, char ret_person[BO_ID_MAX + 1]) BO_CHECKED;

/* Besides: BO_ERR_TOKEN_SUBJECT or _TIME when a claim of a token that is rightly signed is missing or of the wrong form. */
int bo_token_read_site(const struct bo_config *config, const char *token, bo_ms now, struct bo_site_claim *ret) BO_CHECKED;

#endif
