/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/writing.h"

#include "base/log.h"
#include "base/text.h"
#include "ledger/copy.h"
#include "ledger/projections.h"
#include "metrics/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool bo_ledger_has_kind(const struct bo_log_record *records, size_t count, const char *kind) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(records[i].kind, kind) == 0) return true;
    return false;
}

/* In a savepoint of their own: what subscribers are told must not keep a record out of the ledger. */
static int add_deliveries(struct bo_database *db, const char *const params[3]) {
    int err = bo_database_script(db, "SAVEPOINT hooks");
    if (!err) err = bo_database_run(db, bo_hooks_projection, params, 3, NULL);
    if (!err) return bo_database_script(db, "RELEASE SAVEPOINT hooks");
    if (err != BO_ERR_BAD_MESSAGE) return err;
    bo_log_warn("sale %s: webhooks of records behind %s could not be added: %s", params[0], params[1], bo_database_problem(db));
    return bo_database_script(db, "ROLLBACK TO SAVEPOINT hooks") == 0 ? BO_ERR_BAD_MESSAGE : BO_ERR_UNAVAILABLE;
}

/* Whoever has subscribed before this transaction hears of it. Tried twice: a hook that was deleted at the same moment is not there the second
 * time. What cannot be added then is left out; an operator can have it told again from the ledger. */
static int tell_hooks(struct bo_database *db, const char *const params[3]) {
    struct bo_rows *rows = NULL;
    int err = bo_database_run(db, "SELECT 1 FROM hooks WHERE active LIMIT 1", NULL, 0, &rows);
    bool any = !err && bo_rows_count(rows) > 0;
    bo_rows_free(rows);
    if (any) err = add_deliveries(db, params);
    if (any && err == BO_ERR_BAD_MESSAGE) err = add_deliveries(db, params);
    if (err != BO_ERR_BAD_MESSAGE) return err;
    bo_metric_add(BO_METRIC_hooks_left_out, 1);
    bo_log_error("sale %s: webhooks of records behind %s up to %s are left out", params[0], params[1], params[2]);
    return 0;
}

int bo_ledger_append(struct bo_database *db, const struct bo_log_record *records, size_t count, int64_t after) {
    char before[24], last[24];
    *bo_text_put_number(before, after) = *bo_text_put_number(last, records[count - 1].seq) = '\0';
    struct bo_buffer rows = {0};
    bo_ledger_copy(records, count, &rows);
    int err = bo_database_copy(db, BO_LEDGER_COPY_SQL, rows.data, rows.length);
    bo_buffer_free(&rows);
    return err ? err : tell_hooks(db, (const char *const[]){records->sale, before, last});
}

int bo_ledger_write(struct bo_database *db, const struct bo_log_record *records, size_t count, int64_t after) {
    char before[24], last[24];
    *bo_text_put_number(before, after) = *bo_text_put_number(last, records[count - 1].seq) = '\0';
    const char *params[] = {records->sale, before, last};
    int err = bo_ledger_append(db, records, count, after);
    for (const struct bo_projection *p = bo_projections; !err && p->kind; p++)
        if (bo_ledger_has_kind(records, count, p->kind)) err = bo_database_run(db, p->sql, params, 3, NULL);
    return err;
}

/* ---- put aside ---- */

int bo_ledger_put_aside(struct bo_database *db, const struct bo_log_record *record, const char *reason) {
    char seq[24], at[24], epoch[24];
    *bo_text_put_number(seq, record->seq) = *bo_text_put_number(at, record->at) = *bo_text_put_number(epoch, record->epoch) = '\0';
    bo_log_error("sale %s: log record %s (%s) cannot be written and is put aside: %s", record->sale, seq, record->kind, reason);
    bo_metric_add(BO_METRIC_dead_letters, 1);
    return bo_database_run(db, "INSERT INTO dead_letters (sale, seq, kind, body, reason, at_ms, epoch) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
                           (const char *const[]){record->sale, seq, record->kind, record->body, reason, at, epoch}, 7, NULL);
}

/* Neighbours are one range: their distance from their place among the others is the same. */
static const char aside_sql[] =
    "SELECT sale, min(seq), max(seq) FROM (SELECT sale, seq, seq - row_number() OVER (PARTITION BY sale ORDER BY seq) AS run FROM dead_letters WHERE sale = ANY($1::text[])) d"
    " GROUP BY sale, run ORDER BY sale, 2";

static void take_range(struct bo_log_cursor *cursor, int64_t first, int64_t last) {
    if (cursor->aside_count == BO_LOG_ASIDE_MAX * 2) { /* the two oldest become one, with what lies between */
        cursor->aside[1] = cursor->aside[3];
        memmove(cursor->aside + 2, cursor->aside + 4, (BO_LOG_ASIDE_MAX * 2 - 4) * sizeof(*cursor->aside));
        cursor->aside_count -= 2;
    }
    cursor->aside[cursor->aside_count++] = first;
    cursor->aside[cursor->aside_count++] = last;
}

int bo_ledger_read_aside(struct bo_database *db, struct bo_log_cursor *cursors, size_t count) {
    struct bo_buffer sales = {0};
    for (size_t i = 0; i < count; i++) {
        bo_buffer_printf(&sales, "%s\"%s\"", i ? "," : "{", cursors[i].sale);
        cursors[i].aside_count = 0;
    }
    bo_buffer_add_text(&sales, count ? "}" : "{}");
    struct bo_rows *rows = NULL;
    int err = bo_database_run(db, aside_sql, (const char *const[]){sales.data}, 1, &rows);
    for (size_t i = 0; !err && i < bo_rows_count(rows); i++)
        for (size_t c = 0; c < count; c++)
            if (strcmp(cursors[c].sale, bo_rows_text(rows, i, 0)) == 0) take_range(&cursors[c], bo_rows_number(rows, i, 1), bo_rows_number(rows, i, 2));
    bo_rows_free(rows);
    bo_buffer_free(&sales);
    return err;
}
