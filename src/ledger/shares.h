/* SPDX-License-Identifier: Apache-2.0
 * Which sales this scribe carries. Every sale has a lock in PostgreSQL; the scribes of all servers divide them evenly, and what one of them had is free when
 * its connection is gone: the others take it within a second or two. A scribe that does not speak for some seconds loses its connection, too. */
#ifndef BO_LEDGER_SHARES_H
#define BO_LEDGER_SHARES_H

#include "postgres/database.h"
#include "redis/log_reader.h"

#include <time.h>

struct bo_shares { /* zero-initialised */
    struct bo_log_cursor *cursors;
    size_t count;
    time_t at; /* of the last refresh */
};

/* On a fresh connection: this is a scribe now. */
int bo_shares_enter(struct bo_database *db) BO_CHECKED;

int bo_shares_scribes(struct bo_database *db, size_t *ret) BO_CHECKED; /* how many there are, on all servers */

/* Without a word for so long PostgreSQL ends the connection. */
int bo_shares_allow_silence(struct bo_database *db, int64_t ms) BO_CHECKED;

/* Takes and gives up sales, and puts them in order: those that are open or open soonest first, closed ones last. Those taken are fenced for this server
 * (ledger/fence.h), and their log position is the committed one. */
int bo_shares_refresh(struct bo_database *db, struct bo_shares *shares, const char *server) BO_CHECKED;

/* Fences a sale that is carried here again, in an epoch of at least lowest; Redis has to be told. */
int bo_shares_fence(struct bo_database *db, struct bo_log_cursor *cursor, const char *server, int64_t lowest) BO_CHECKED;

/* Gives everything up, and is no scribe any more. Returns how many others there are; where there is none, a refresh takes all sales again. */
int bo_shares_leave(struct bo_database *db, struct bo_shares *shares, size_t *ret_others) BO_CHECKED;

struct bo_log_cursor *bo_shares_find(const struct bo_shares *shares, const char *sale); /* NULL: not carried here */
void bo_shares_forget(struct bo_shares *shares); /* the connection is gone */
void bo_shares_free(struct bo_shares *shares);

#endif
