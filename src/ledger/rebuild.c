/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/rebuild.h"

#include "base/crash.h"
#include "base/log.h"
#include "base/text.h"
#include "ledger/fence.h"
#include "ledger/gaps.h"
#include "ledger/restore.h"
#include "loop/loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RECORDS 5000 /* read at a time */

/* A dead letter was decided and told like every other record, so it counts; where it has none of the time, that of the one before. */
#define RECORDS_SQL                                                                                                                                \
    "SELECT seq, at_ms, kind, body, aside FROM (SELECT seq, at_ms, kind, body::text, 0 AS aside FROM ledger WHERE sale = $1 AND seq > $2 AND seq <= $3 UNION ALL"       \
    " SELECT seq, at_ms, kind, body, 1 FROM dead_letters WHERE sale = $1 AND seq > $2 AND seq <= $3) r ORDER BY seq LIMIT $4"

/* What is missing before the record `before` may be left out only where an operator has said so (rule P8). */
static int cross_gap(struct bo_database *db, struct bo_image *image, int64_t before) {
    bool accepted = true;
    if (before == image->seq + 1) return 0;
    int err = bo_gaps_is_accepted(db, image->sale, image->seq, before, &accepted);
    if (err) return err;
    bo_log(accepted ? BO_LOG_WARN : BO_LOG_ERROR, "sale %s: the ledger has no records from %" PRId64 " to %" PRId64 "%s", image->sale, image->seq + 1, before - 1,
           accepted ? "; an operator has said to go on without them" : "");
    return accepted ? 0 : BO_ERR_LEDGER_GAP;
}

static void apply(struct bo_image *image, const struct bo_rows *rows, size_t i) {
    const char *body = bo_rows_text(rows, i, 3);
    struct bo_log_record record = {.sale = image->sale, .seq = bo_rows_number(rows, i, 0), .at = bo_rows_number(rows, i, 1), .kind = bo_rows_text(rows, i, 2),
                                   .body = body, .body_length = strlen(body), .aside = bo_rows_number(rows, i, 4) != 0};
    if (record.at == 0) record.at = image->at;
    if (bo_image_apply(image, &record) != 0)
        bo_log_error("sale %s: record %" PRId64 " (%s) cannot be read and is left out", image->sale, record.seq, record.kind);
    image->seq = record.seq;
}

int bo_ledger_replay(struct bo_database *db, struct bo_image *image, int64_t up_to) {
    char last[24], limit[24];
    *bo_text_put_number(last, up_to) = *bo_text_put_number(limit, RECORDS) = '\0';
    for (size_t count = RECORDS; count == RECORDS && image->seq < up_to;) {
        char after[24];
        *bo_text_put_number(after, image->seq) = '\0';
        struct bo_rows *rows = NULL;
        int err = bo_database_run(db, RECORDS_SQL, (const char *const[]){image->sale, after, last, limit}, 4, &rows);
        if (err) return err;
        count = bo_rows_count(rows);
        for (size_t i = 0; !err && i < count; i++) {
            err = cross_gap(db, image, bo_rows_number(rows, i, 0));
            if (!err) apply(image, rows, i);
        }
        bo_rows_free(rows);
        if (err) return err;
    }
    int err = image->seq < up_to ? cross_gap(db, image, up_to + 1) : 0;
    if (!err && image->seq < up_to) image->seq = up_to;
    return err;
}

struct now { /* what PostgreSQL has besides the ledger */
    struct bo_fence fence;
    int64_t version;
    char status[16];
    struct bo_settings settings;
};

static int read_now(struct bo_database *db, const char *sale, struct now *ret) {
    struct bo_rows *rows = NULL;
    int err = bo_database_run(db, "SELECT version, status, settings FROM sales WHERE id = $1", &sale, 1, &rows);
    if (!err && bo_rows_count(rows) == 0) err = BO_ERR_UNKNOWN_SALE;
    if (!err) {
        struct bo_buffer problem = {0};
        ret->version = bo_rows_number(rows, 0, 0);
        snprintf(ret->status, sizeof(ret->status), "%s", bo_rows_text(rows, 0, 1));
        json_t *json = json_loads(bo_rows_text(rows, 0, 2), 0, NULL);
        err = bo_settings_read_stored(json, &ret->settings, &problem);
        if (err) bo_log_error("sale %s: its settings in PostgreSQL cannot be read: %s", sale, problem.data);
        json_decref(json);
        bo_buffer_free(&problem);
    }
    bo_rows_free(rows);
    return err;
}

static int note(struct bo_database *db, const char *sale, const char *actor, const struct bo_image *image, int64_t took_ms) {
    char seq[24], waiting[24], took[24];
    *bo_text_put_number(seq, image->seq) = *bo_text_put_number(waiting, (int64_t)json_object_size(image->of[BO_IMAGE_LINE])) = *bo_text_put_number(took, took_ms) = '\0';
    return bo_database_run(db,
                           "INSERT INTO audit (actor, action, sale, detail) VALUES ($1, 'rebuild', $2, jsonb_build_object('seq', $3::bigint, 'waiting', $4::bigint, 'ms', $5::bigint))",
                           (const char *const[]){actor, sale, seq, waiting, took}, 5, NULL);
}

/* In another epoch even for the same server: what was told of what is not in the ledger does not hold any more. */
static int fence(struct bo_database *db, struct bo_scripts *scripts, const char *sale, struct bo_fence *ret) {
    const char *server = bo_scripts_server(scripts);
    int err = bo_fence_sale(db, sale, server, 0, ret);
    if (!err) err = bo_gaps_look(scripts, sale, ret->seq, NULL);
    return err ? err : bo_fence_sale(db, sale, server, ret->epoch + 1, ret);
}

int bo_rebuild(struct bo_database *db, struct bo_scripts *scripts, const char *sale, const char *actor) {
    struct now now;
    int64_t began = bo_loop_steady_ms();
    int err = fence(db, scripts, sale, &now.fence);
    if (!err) err = read_now(db, sale, &now);
    if (err) return err;
    bo_log_warn("sale %s: redis has lost it; restoring it from the ledger up to %" PRId64, sale, now.fence.seq);
    struct bo_image *image = bo_image_new(sale);
    err = bo_ledger_replay(db, image, now.fence.seq);
    if (!err) BO_CRASH_POINT(restore_read);
    if (!err) err = bo_restore(scripts, image, &now.settings, now.version, now.status, now.fence.epoch);
    if (!err) {
        BO_CRASH_POINT(restore_ended);
        int64_t took = bo_loop_steady_ms() - began;
        bo_log_warn("sale %s: restored up to %" PRId64 " in %" PRId64 " ms: %zu in line, %zu people inside or gone, %zu seats taken", sale, image->seq, took,
                    json_object_size(image->of[BO_IMAGE_LINE]), json_object_size(image->of[BO_IMAGE_PEOPLE]), json_object_size(image->of[BO_IMAGE_SEATS]));
        if (note(db, sale, actor, image, took) != 0) bo_log_warn("sale %s: its restoring could not be noted in the audit", sale);
    }
    bo_image_free(image);
    return err;
}
