/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/fence.h"

#include "base/log.h"
#include "base/text.h"

int bo_fence_sale(struct bo_database *db, const char *sale, const char *server, int64_t lowest, struct bo_fence *ret) {
    char least[24];
    *bo_text_put_number(least, lowest) = '\0';
    struct bo_rows *rows = NULL;
    int err = bo_database_run(db, "SELECT seq, epoch, written, stale::int FROM sale_fence($1, $2, $3)", (const char *const[]){sale, server, least}, 3, &rows);
    if (!err) *ret = (struct bo_fence){bo_rows_number(rows, 0, 0), bo_rows_number(rows, 0, 1), bo_rows_number(rows, 0, 2)};
    if (!err && bo_rows_number(rows, 0, 3)) {
        bo_log_error("sale %s: redis %.12s… decided it before another one did; it counts no more until it is started or promoted anew", sale, server);
        err = BO_ERR_SUPERSEDED;
    }
    bo_rows_free(rows);
    return err;
}

int bo_fence_check(struct bo_database *db, const char *sale, const char *server) {
    struct bo_rows *rows = NULL;
    int err = bo_database_run(db, "SELECT 1 FROM log_position WHERE sale = $1 AND server <> $2 AND server <> ''", (const char *const[]){sale, server}, 2, &rows);
    if (!err && bo_rows_count(rows)) {
        bo_log_warn("sale %s: it is not this redis that decides it", sale);
        err = BO_ERR_SUPERSEDED;
    }
    bo_rows_free(rows);
    return err;
}

int bo_fence_move(struct bo_database *db, const char *sale, int64_t epoch, int64_t after, int64_t seq, int64_t written) {
    char texts[4][24];
    const int64_t numbers[] = {epoch, after, seq, written};
    for (size_t i = 0; i < 4; i++) *bo_text_put_number(texts[i], numbers[i]) = '\0';
    struct bo_rows *rows = NULL;
    int err = bo_database_run(db, "UPDATE log_position SET seq = $4, written = $5 WHERE sale = $1 AND epoch = $2 AND seq = $3 RETURNING seq",
                              (const char *const[]){sale, texts[0], texts[1], texts[2], texts[3]}, 5, &rows);
    if (!err && bo_rows_count(rows) != 1) {
        bo_log_error("sale %s: another epoch has begun, or the log position is not where this scribe left it; starting over", sale);
        err = BO_ERR_SUPERSEDED;
    }
    bo_rows_free(rows);
    return err;
}
