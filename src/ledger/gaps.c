/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/gaps.h"

#include "base/log.h"
#include "base/text.h"

#include <inttypes.h>

int bo_gaps_is_accepted(struct bo_database *db, const char *sale, int64_t after, int64_t before, bool *ret) {
    char first[24], last[24];
    *bo_text_put_number(first, after) = *bo_text_put_number(last, before) = '\0';
    struct bo_rows *rows = NULL;
    int err = bo_database_run(db, "SELECT 1 FROM ledger_gaps WHERE sale = $1 AND after_seq <= $2 AND before_seq >= $3", (const char *const[]){sale, first, last}, 3, &rows);
    *ret = !err && bo_rows_count(rows) > 0;
    bo_rows_free(rows);
    return err;
}

int bo_gaps_count_accepted(struct bo_database *db, const char *sale, int64_t *ret) {
    struct bo_rows *rows = NULL;
    int err = bo_database_run(db, "SELECT count(*) FROM ledger_gaps WHERE sale = $1", &sale, 1, &rows);
    if (!err) *ret = bo_rows_number(rows, 0, 0);
    bo_rows_free(rows);
    return err;
}

int bo_gaps_look(struct bo_scripts *scripts, const char *sale, int64_t after, int64_t *ret_first) {
    const struct bo_value *v = NULL;
    int err = bo_scripts_run(scripts, "log_first", sale, NULL, 0, &v);
    if (err) return err;
    int64_t last = bo_value_number(v, 1), first = bo_value_number(v, 2);
    if (ret_first) *ret_first = first;
    return last > after && first > after + 1 ? BO_ERR_LEDGER_GAP : 0;
}

/* Of the ledger and of what is put aside; the last one may lie before the position. */
static const char holes_sql[] =
    "WITH r AS (SELECT seq FROM ledger WHERE sale = $1 UNION SELECT seq FROM dead_letters WHERE sale = $1 UNION SELECT seq + 1 FROM log_position WHERE sale = $1),"
    " h AS (SELECT lag(seq, 1, 0::bigint) OVER (ORDER BY seq) AS after, seq AS before FROM r) SELECT after, before FROM h WHERE before > after + 1 AND NOT EXISTS"
    " (SELECT 1 FROM ledger_gaps g WHERE g.sale = $1 AND g.after_seq <= after AND g.before_seq >= before) ORDER BY 1";

int bo_gaps_check(struct bo_database *db, struct bo_scripts *scripts, const char *sale) {
    struct bo_rows *rows = NULL;
    int err = bo_database_run(db, holes_sql, &sale, 1, &rows);
    if (!err && bo_rows_count(rows)) err = BO_ERR_LEDGER_GAP;
    bo_rows_free(rows);
    rows = NULL;
    if (!err) err = bo_database_run(db, "SELECT coalesce((SELECT seq FROM log_position WHERE sale = $1), 0)", &sale, 1, &rows);
    if (!err) err = bo_gaps_look(scripts, sale, bo_rows_number(rows, 0, 0), NULL);
    bo_rows_free(rows);
    return err;
}

static int note(struct bo_database *db, const char *sale, const char *actor, int64_t after, int64_t before) {
    char first[24], last[24];
    *bo_text_put_number(first, after) = *bo_text_put_number(last, before) = '\0';
    const char *params[] = {sale, first, last, actor};
    int err = bo_database_run(db, "INSERT INTO ledger_gaps (sale, after_seq, before_seq, actor) VALUES ($1, $2, $3, $4) ON CONFLICT (sale, after_seq) DO UPDATE"
                                  " SET before_seq = greatest(ledger_gaps.before_seq, excluded.before_seq), actor = excluded.actor, at = now()", params, 4, NULL);
    if (err) return err;
    return bo_database_run(db, "INSERT INTO audit (actor, action, sale, detail) VALUES ($4, 'accept_gap', $1, jsonb_build_object('first', $2::bigint + 1, 'last', $3::bigint - 1))",
                           params, 4, NULL);
}

/* The scribe of the sale reads the position again before it goes on. */
static int cross(struct bo_database *db, struct bo_scripts *scripts, const char *sale, const char *actor, void (*tell)(void *, int64_t, int64_t), void *arg) {
    struct bo_rows *rows = NULL;
    int64_t first = 0, after = 0;
    int err = bo_database_run(db, "SELECT seq FROM log_position WHERE sale = $1 FOR UPDATE", &sale, 1, &rows);
    if (!err && bo_rows_count(rows)) after = bo_rows_number(rows, 0, 0);
    bo_rows_free(rows);
    if (!err) err = bo_gaps_look(scripts, sale, after, &first);
    if (err != BO_ERR_LEDGER_GAP) return err;
    char last[24];
    *bo_text_put_number(last, first - 1) = '\0';
    err = note(db, sale, actor, after, first);
    if (!err) err = bo_database_run(db, "UPDATE log_position SET seq = $2 WHERE sale = $1", (const char *const[]){sale, last}, 2, NULL);
    if (!err) tell(arg, after + 1, first - 1);
    return err;
}

int bo_gaps_accept(struct bo_database *db, struct bo_scripts *scripts, const char *sale, const char *actor, void (*tell)(void *, int64_t, int64_t), void *arg) {
    struct bo_rows *rows = NULL;
    int err = bo_database_script(db, "BEGIN");
    if (!err) err = bo_database_run(db, holes_sql, &sale, 1, &rows);
    for (size_t i = 0; !err && i < bo_rows_count(rows); i++) {
        err = note(db, sale, actor, bo_rows_number(rows, i, 0), bo_rows_number(rows, i, 1));
        if (!err) tell(arg, bo_rows_number(rows, i, 0) + 1, bo_rows_number(rows, i, 1) - 1);
    }
    bo_rows_free(rows);
    if (!err) err = cross(db, scripts, sale, actor, tell, arg);
    if (!err) return bo_database_script(db, "COMMIT");
    return bo_database_script(db, "ROLLBACK") == 0 ? err : BO_ERR_UNAVAILABLE;
}
