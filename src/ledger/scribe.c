/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/scribe.h"

#include "base/log.h"
#include "base/memory.h"
#include "ledger/copy.h"
#include "ledger/projections.h"
#include "metrics/metrics.h"
#include "postgres/database.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAIT_MS 200
#define RETRY_MS 200
#define COMPANY 200     /* fewer records than these in a batch: */
#define COMPANY_MS 15    /* wait so long for more before the next one */
#define PATIENCE_MS 100 /* or so long when nobody waits for a commit */
#define SALES_EVERY_S 1
#define RETRY_MAX_MS 2000
#define STOP_TRIES 5

struct scribe {
    const struct bo_config *config;
    struct bo_database *db;
    struct bo_log_reader *reader;
    struct bo_log_cursor *cursors;
    size_t count;
    time_t sales_at;
};

static bool has_kind(const struct bo_log_record *records, size_t count, const char *kind) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(records[i].kind, kind) == 0) return true;
    return false;
}

/* The position moves only from where this scribe believes it to be: a second scribe would be turned back here. */
static int move_position(struct bo_database *db, const char *const params[3]) {
    struct bo_rows *rows = NULL;
    int err = bo_database_run(db,
                              "INSERT INTO log_position AS p (sale, seq) SELECT $1, $3 WHERE $2 = 0 OR EXISTS (SELECT 1 FROM log_position"
                              " WHERE sale = $1) ON CONFLICT (sale) DO UPDATE SET seq = excluded.seq WHERE p.seq = $2 RETURNING seq",
                              params, 3, &rows);
    if (!err && bo_rows_count(rows) != 1) {
        bo_log_error("sale %s: the log position is not where this scribe left it; starting over", params[0]);
        err = BO_ERR_UNAVAILABLE;
    }
    bo_rows_free(rows);
    return err;
}

/* Whoever has subscribed before this transaction hears of it. */
static int tell_hooks(struct bo_database *db, const char *const params[3]) {
    struct bo_rows *rows = NULL;
    int err = bo_database_run(db, "SELECT 1 FROM hooks WHERE active LIMIT 1", NULL, 0, &rows);
    if (!err && bo_rows_count(rows) > 0) err = bo_database_run(db, bo_hooks_projection, params, 3, NULL);
    bo_rows_free(rows);
    return err;
}

static int write_rows(struct bo_database *db, const struct bo_log_record *records, size_t count, const char *const params[3]) {
    struct bo_buffer rows = {0};
    bo_ledger_copy(records, count, &rows);
    int err = bo_database_copy(db, BO_LEDGER_COPY_SQL, rows.data, rows.length);
    bo_buffer_free(&rows);
    if (!err) err = tell_hooks(db, params);
    for (const struct bo_projection *p = bo_projections; !err && p->kind; p++)
        if (has_kind(records, count, p->kind)) err = bo_database_run(db, p->sql, params, 3, NULL);
    return err;
}

static int put_aside(struct bo_database *db, const struct bo_log_record *record, const char *reason) {
    char seq[24];
    snprintf(seq, sizeof(seq), "%" PRId64, record->seq);
    const char *params[] = {record->sale, seq, record->kind, record->body, reason};
    bo_log_error("sale %s: log record %s (%s) cannot be written and is put aside: %s", record->sale, seq, record->kind, reason);
    bo_metric_add(BO_METRIC_dead_letters, 1);
    return bo_database_run(db,
                           "INSERT INTO dead_letters (sale, seq, kind, body, reason) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                           params, 5, NULL);
}

/* One transaction for these records of one sale; reason not NULL: puts the only one aside instead. */
static int write_transaction(struct scribe *s, const struct bo_log_record *records, size_t count, int64_t after, const char *reason) {
    char before[24], last[24];
    snprintf(before, sizeof(before), "%" PRId64, after);
    snprintf(last, sizeof(last), "%" PRId64, records[count - 1].seq);
    const char *params[] = {records->sale, before, last};
    int err = bo_database_script(s->db, "BEGIN");
    if (!err) err = reason ? put_aside(s->db, records, reason) : write_rows(s->db, records, count, params);
    if (!err) err = move_position(s->db, params);
    if (!err) return bo_database_script(s->db, "COMMIT");
    char problem[512];
    snprintf(problem, sizeof(problem), "%s", bo_database_problem(s->db));
    if (bo_database_script(s->db, "ROLLBACK") != 0) return BO_ERR_UNAVAILABLE;
    if (err != BO_ERR_BAD_MESSAGE || reason) return err == BO_ERR_BAD_MESSAGE ? BO_ERR_UNAVAILABLE : err;
    if (count == 1) return write_transaction(s, records, 1, after, problem);
    return BO_ERR_BAD_MESSAGE; /* one of them; the caller tries one by one */
}

static int write_sale(struct scribe *s, const struct bo_log_record *records, size_t count, struct bo_log_cursor *cursor) {
    for (size_t i = 0; i < count; i++)
        if (records[i].seq != cursor->after + 1 + (int64_t)i)
            bo_log_error("sale %s: the log jumps to %" PRId64 ": a decision is missing", records[i].sale, records[i].seq);
    int err = write_transaction(s, records, count, cursor->after, NULL);
    int64_t done = records[count - 1].seq;
    if (err == BO_ERR_BAD_MESSAGE) {
        err = 0;
        done = cursor->after;
        for (size_t i = 0; !err && i < count; i++) {
            err = write_transaction(s, &records[i], 1, done, NULL);
            if (!err) done = records[i].seq;
        }
    }
    if (err) return err;
    cursor->after = done;
    bo_metric_add(BO_METRIC_log_records, (int64_t)count);
    bo_metric_add(BO_METRIC_log_batches, 1);
    return bo_log_reader_committed(s->reader, cursor->sale, done);
}

static int write_batch(struct scribe *s, const struct bo_log_record *records, size_t count) {
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from; to < count && records[to].sale == records[from].sale;) to++;
        size_t c = 0;
        while (s->cursors[c].sale != records[from].sale) c++;
        int err = write_sale(s, records + from, to - from, &s->cursors[c]);
        if (err) return err;
    }
    return 0;
}

/* ---- which sales there are ---- */

static void forget_sales(struct scribe *s) {
    for (size_t i = 0; i < s->count; i++) free((char *)s->cursors[i].sale);
    s->count = 0;
}

static bool knows(const struct scribe *s, const char *sale) {
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->cursors[i].sale, sale) == 0) return true;
    return false;
}

static int load_sales(struct scribe *s) {
    struct bo_rows *rows = NULL;
    int err = bo_database_run(s->db, "SELECT s.id, coalesce(p.seq, 0) FROM sales s LEFT JOIN log_position p ON p.sale = s.id", NULL, 0, &rows);
    for (size_t i = 0; !err && i < bo_rows_count(rows); i++) {
        if (knows(s, bo_rows_text(rows, i, 0))) continue;
        s->cursors = bo_realloc(s->cursors, (s->count + 1) * sizeof(*s->cursors));
        s->cursors[s->count] = (struct bo_log_cursor){bo_strdup(bo_rows_text(rows, i, 0)), bo_rows_number(rows, i, 1)};
        s->count++;
        /* A crash after the last commit may have kept it from being told. */
        if (bo_rows_number(rows, i, 1) > 0)
            err = bo_log_reader_committed(s->reader, bo_rows_text(rows, i, 0), bo_rows_number(rows, i, 1));
    }
    bo_rows_free(rows);
    s->sales_at = time(NULL);
    return err;
}

static void disconnect(struct scribe *s) {
    bo_database_close(s->db);
    bo_log_reader_close(s->reader);
    s->db = NULL;
    s->reader = NULL;
    forget_sales(s);
}

static int connect_both(struct scribe *s) {
    if (s->db) return 0;
    int err = bo_database_open(s->config->postgres, &s->db);
    if (!err) err = bo_log_reader_open(s->config->redis, s->config->redis_timeout_ms, &s->reader);
    if (!err) err = load_sales(s);
    return err;
}

/* A transaction for a handful of records costs as much as one for hundreds, each commit wakes every gateway, and all of that competes
 * with what people wait for. What they wait for is "bought" (O3), and the payment service for the same and for refunds. */
static int rest_ms(const struct scribe *s, const struct bo_log_record *records, size_t count) {
    if (has_kind(records, count, "paid") || has_kind(records, count, "grant") || has_kind(records, count, "take_back") || has_kind(records, count, "refund_due") || has_kind(records, count, "refund") || has_kind(records, count, "transfer")) return count < COMPANY ? COMPANY_MS : 0;
    return count < (size_t)s->config->scribe_batch ? PATIENCE_MS : 0;
}

/* One round; *ret_count: how many records there were. */
static int step(struct scribe *s, size_t *ret_count, int *ret_rest_ms) {
    *ret_count = 0;
    *ret_rest_ms = 0;
    int err = connect_both(s);
    if (!err && (s->count == 0 || time(NULL) - s->sales_at >= SALES_EVERY_S)) err = load_sales(s);
    if (!err && s->count == 0) poll(NULL, 0, WAIT_MS);
    const struct bo_log_record *records = NULL;
    if (!err)
        err = bo_log_reader_next(s->reader, s->cursors, s->count, (size_t)s->config->scribe_batch, WAIT_MS, &records, ret_count);
    if (!err && *ret_count) err = write_batch(s, records, *ret_count);
    if (!err && *ret_count) *ret_rest_ms = rest_ms(s, records, *ret_count);
    return err;
}

int bo_scribe_run(const struct bo_config *config, volatile sig_atomic_t *stop) {
    struct scribe s = {.config = config};
    bo_metrics_attach(0);
    int failed = 0;
    for (;;) {
        size_t count;
        int rest;
        bool last_look = *stop;
        if (last_look) s.sales_at = 0; /* a sale made a moment ago may have a log already */
        int err = step(&s, &count, &rest);
        failed = err ? failed + 1 : 0;
        if (err) {
            disconnect(&s);
            poll(NULL, 0, *stop || failed < RETRY_MAX_MS / RETRY_MS ? RETRY_MS : RETRY_MAX_MS);
        }
        if (!*stop) poll(NULL, 0, rest);
        if (last_look && ((!err && count == 0) || failed > STOP_TRIES)) break;
    }
    disconnect(&s);
    free(s.cursors);
    bo_metrics_detach();
    return failed ? 1 : 0;
}
