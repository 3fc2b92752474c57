/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/shares.h"

#include "base/log.h"
#include "base/memory.h"
#include "ledger/fence.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Advisory locks: (SCRIBES, 0) is shared by all scribes that there are; a sale's is the hash of its name. */
#define SCRIBES "20405"
#define LOCK_OF "hashtextextended($1, " SCRIBES ")"

int bo_shares_enter(struct bo_database *db) { return bo_database_script(db, "SELECT pg_advisory_lock_shared(" SCRIBES ", 0)"); }

int bo_shares_allow_silence(struct bo_database *db, int64_t ms) {
    char sql[128];
    snprintf(sql, sizeof(sql), "SET idle_session_timeout = %" PRId64 "; SET idle_in_transaction_session_timeout = %" PRId64, ms, ms);
    return bo_database_script(db, sql);
}

int bo_shares_scribes(struct bo_database *db, size_t *ret) {
    struct bo_rows *rows = NULL;
    int err = bo_database_run(db,
                              "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = " SCRIBES " AND objid = 0 AND objsubid = 2 AND database ="
                              " (SELECT oid FROM pg_database WHERE datname = current_database())",
                              NULL, 0, &rows);
    if (!err) *ret = (size_t)bo_rows_number(rows, 0, 0);
    bo_rows_free(rows);
    return err;
}

struct bo_log_cursor *bo_shares_find(const struct bo_shares *shares, const char *sale) {
    for (size_t i = 0; i < shares->count; i++)
        if (strcmp(shares->cursors[i].sale, sale) == 0) return &shares->cursors[i];
    return NULL;
}

int bo_shares_fence(struct bo_database *db, struct bo_log_cursor *cursor, const char *server, int64_t lowest) {
    struct bo_fence fence;
    int err = bo_fence_sale(db, cursor->sale, server, lowest, &fence);
    if (err) return err;
    cursor->after = fence.seq;
    cursor->epoch = fence.epoch;
    cursor->written = fence.written;
    cursor->settled = false;
    return 0;
}

/* The position is read after the lock is held: nobody else moves it any more. */
static int take(struct bo_database *db, struct bo_shares *shares, const char *sale, const char *server) {
    struct bo_rows *rows = NULL;
    int err = bo_database_run(db, "SELECT pg_try_advisory_lock(" LOCK_OF ")::int", &sale, 1, &rows);
    bool mine = !err && bo_rows_number(rows, 0, 0) == 1;
    bo_rows_free(rows);
    if (err || !mine) return err;
    shares->cursors = bo_realloc(shares->cursors, (shares->count + 1) * sizeof(*shares->cursors));
    shares->cursors[shares->count] = (struct bo_log_cursor){.sale = bo_strdup(sale)};
    return bo_shares_fence(db, &shares->cursors[shares->count++], server, 0);
}

/* Into the order of rows. */
static void sort(struct bo_shares *shares, const struct bo_rows *rows) {
    size_t at = 0;
    for (size_t i = 0; i < bo_rows_count(rows); i++) {
        struct bo_log_cursor *found = bo_shares_find(shares, bo_rows_text(rows, i, 0));
        if (!found) continue;
        struct bo_log_cursor moved = *found;
        *found = shares->cursors[at];
        shares->cursors[at++] = moved;
    }
}

static int give_up_last(struct bo_database *db, struct bo_shares *shares) {
    char *sale = (char *)shares->cursors[--shares->count].sale;
    int err = bo_database_run(db, "SELECT pg_advisory_unlock(" LOCK_OF ")", (const char *const[]){sale}, 1, NULL);
    bo_log_info("sale %s is carried by another scribe now", sale);
    free(sale);
    return err;
}

/* What people wait for first. */
static const char sales_sql[] =
    "SELECT id FROM sales ORDER BY CASE status WHEN 'closed' THEN 2 WHEN 'draft' THEN 1 ELSE 0 END,"
    " greatest(settings->>'opens_at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')), id"; /* as texts: a wrong one stops nobody */

int bo_shares_refresh(struct bo_database *db, struct bo_shares *shares, const char *server) {
    struct bo_rows *rows = NULL;
    size_t scribes = 1;
    int err = bo_shares_scribes(db, &scribes);
    if (!err) err = bo_database_run(db, sales_sql, NULL, 0, &rows);
    size_t sales = bo_rows_count(rows), share = scribes ? (sales + scribes - 1) / scribes : sales;
    for (size_t i = 0; !err && i < sales && shares->count < share; i++)
        if (!bo_shares_find(shares, bo_rows_text(rows, i, 0))) err = take(db, shares, bo_rows_text(rows, i, 0), server);
    if (!err) sort(shares, rows);
    while (!err && shares->count > share) err = give_up_last(db, shares);
    bo_rows_free(rows);
    shares->at = time(NULL);
    return err;
}

void bo_shares_forget(struct bo_shares *shares) {
    for (size_t i = 0; i < shares->count; i++) free((char *)shares->cursors[i].sale);
    shares->count = 0;
}

int bo_shares_leave(struct bo_database *db, struct bo_shares *shares, size_t *ret_others) {
    int err = bo_database_script(db, "SELECT pg_advisory_unlock_all()");
    bo_shares_forget(shares);
    shares->at = 0;
    return err ? err : bo_shares_scribes(db, ret_others);
}

void bo_shares_free(struct bo_shares *shares) {
    bo_shares_forget(shares);
    free(shares->cursors);
}
