/* SPDX-License-Identifier: Apache-2.0
 * Before somebody stands in line: the entry cap, limits, who he is, his invitation, the puzzle. Everything here is decided in
 * this gateway's memory; only who passes costs a call to Redis. */
#ifndef BO_EDGE_ENTRY_H
#define BO_EDGE_ENTRY_H

#include "edge/session.h"
#include "sale/settings.h"

#include <jansson.h>

#define BO_CHALLENGE_MAX 24

/* What is kept of somebody only until he has joined. */
struct bo_entry {
    char lane[BO_NAME_MAX + 1]; /* "": everybody's */
    char invitation[BO_ID_MAX + 1]; /* "-": the site's token says the lane */
    char challenge[BO_CHALLENGE_MAX];
    int bits; /* of the challenge's puzzle */
};

/* How many people came in lately, and how many were sent back; per room. */
struct bo_entry_rate {
    double next_ms;  /* when the next one fits into the cap */
    double back_ms;  /* when the last one sent back was told to come */
    bo_ms second;
    int64_t joins, joins_before; /* in this second and the one before */
};

/* "/ws?sale=…": joins as a new guest, without a message and its way here and back. */
void bo_entry_join_sale(struct bo_session *session, const char *sale);

/* The message "join". Answers everything by itself but plain errors, which it returns. */
int bo_entry_join(struct bo_session *session, const json_t *message);

/* Is SHA-256(challenge ":" nonce) less than 2^(256 - bits)? */
bool bo_entry_puzzle_solved(const char *challenge, const char *nonce, int bits);

#endif
