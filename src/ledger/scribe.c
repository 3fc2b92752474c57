/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/scribe.h"

#include "base/crash.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "ledger/fence.h"
#include "ledger/gaps.h"
#include "ledger/rebuild.h"
#include "ledger/shares.h"
#include "ledger/writing.h"
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
#define REFRESH_EVERY_S 1
#define SILENCE_MS 5000 /* of a scribe that is stopped; then another one takes its sales */
#define REBUILD_SILENCE_MS 120000
#define RETRY_MAX_MS 2000
#define ANSWER_MS 20000 /* of PostgreSQL */
#define STOP_TRIES 5
#define SETTLE_TRIES 4

struct bo_scribe {
    const struct bo_config *config;
    struct bo_database *db;
    struct bo_scripts *scripts;
    struct bo_log_reader *reader;
    struct bo_shares shares;
    bool put_aside;    /* since the last look at what is */
    char problem[512]; /* of the record that was refused last */
};

static int64_t silence_ms(const struct bo_scribe *s) {
    return s->config->redis_timeout_ms + 2000 > SILENCE_MS ? s->config->redis_timeout_ms + 2000 : SILENCE_MS;
}

/* One transaction for these records of one sale; reason not NULL: puts the only one aside instead. BO_ERR_BAD_MESSAGE: one of them is refused,
 * for s->problem. */
static int write_transaction(struct bo_scribe *s, const struct bo_log_record *records, size_t count, int64_t after, const char *reason) {
    const struct bo_log_record *last = &records[count - 1];
    const struct bo_log_cursor *cursor = bo_shares_find(&s->shares, records->sale);
    int err = bo_database_script(s->db, "BEGIN");
    if (!err) err = reason ? bo_ledger_put_aside(s->db, records, reason) : bo_ledger_write(s->db, records, count, after);
    if (!err) BO_CRASH_POINT(scribe_written);
    if (!err) err = bo_fence_move(s->db, records->sale, cursor->epoch, after, last->seq, last->epoch);
    if (!err) BO_CRASH_POINT(scribe_before_commit);
    if (!err) return bo_database_script(s->db, "COMMIT");
    char problem[512];
    snprintf(problem, sizeof(problem), "%s", bo_database_problem(s->db));
    if (bo_database_script(s->db, "ROLLBACK") != 0) return BO_ERR_UNAVAILABLE;
    if (err == BO_ERR_BAD_MESSAGE && !reason) snprintf(s->problem, sizeof(s->problem), "%s", problem);
    return err == BO_ERR_BAD_MESSAGE && reason ? BO_ERR_UNAVAILABLE : err;
}

/* Twice by itself, because what it was refused for may have been passing, as somebody else's change at the same moment; then it is put aside. */
static int write_alone(struct bo_scribe *s, const struct bo_log_record *record, int64_t after) {
    int err = write_transaction(s, record, 1, after, NULL);
    if (err == BO_ERR_BAD_MESSAGE) err = write_transaction(s, record, 1, after, NULL);
    if (err != BO_ERR_BAD_MESSAGE) return err;
    s->put_aside = true;
    return write_transaction(s, record, 1, after, s->problem);
}

/* Nothing of this sale is written any more before an operator has said so, or what is missing is there again (rule P8). */
static int stop_at_gap(struct bo_scribe *s, struct bo_log_cursor *cursor, int64_t first) {
    bool known = cursor->gap != 0;
    cursor->gap = first;
    if (known) return 0;
    bo_log_error("sale %s: decisions behind record %" PRId64 " are missing, the next there is %" PRId64 "; its log is written no further. Bring back the database that has"
                 " them, or go on without them: boxoffice accept-gap --sale %s", cursor->sale, cursor->after, first, cursor->sale);
    return bo_gaps_count_accepted(s->db, cursor->sale, &cursor->accepted);
}

/* How many of these follow on one another, and on what is written: numbers are dense, and epochs only rise. */
static size_t count_dense(const struct bo_log_record *records, size_t count, const struct bo_log_cursor *cursor) {
    int64_t epoch = cursor->written;
    for (size_t i = 0; i < count; i++) {
        if (records[i].seq != cursor->after + 1 + (int64_t)i || records[i].epoch < epoch || records[i].epoch > cursor->epoch) return i;
        epoch = records[i].epoch;
    }
    return count;
}

/* Redis is told how far the sale is written. */
static int tell_position(struct bo_scribe *s, struct bo_log_cursor *cursor) {
    int64_t first;
    int err = bo_log_reader_committed(s->reader, cursor, &first);
    if (err == BO_ERR_LEDGER_GAP) return stop_at_gap(s, cursor, first);
    if (!err) cursor->gap = 0;
    return err;
}

static int write_sale(struct bo_scribe *s, const struct bo_log_record *records, size_t count, struct bo_log_cursor *cursor) {
    size_t dense = count_dense(records, count, cursor);
    if (records->epoch > cursor->epoch) return BO_ERR_SUPERSEDED; /* fenced again with the next round */
    if (dense == 0) return stop_at_gap(s, cursor, records->seq);
    count = dense; /* the next round sees what is behind */
    int err = write_transaction(s, records, count, cursor->after, NULL);
    int64_t done = records[count - 1].seq;
    if (err == BO_ERR_BAD_MESSAGE) {
        err = 0;
        done = cursor->after;
        for (size_t i = 0; !err && i < count; i++) {
            err = write_alone(s, &records[i], done);
            if (!err) done = records[i].seq;
        }
    }
    if (err) return err;
    BO_CRASH_POINT(scribe_committed);
    cursor->after = done;
    cursor->written = records[count - 1].epoch;
    bo_metric_add(BO_METRIC_log_records, (int64_t)count);
    bo_metric_add(BO_METRIC_log_batches, 1);
    if (s->put_aside) err = bo_ledger_read_aside(s->db, cursor, 1);
    s->put_aside = false;
    return err ? err : tell_position(s, cursor);
}

static int write_batch(struct bo_scribe *s, const struct bo_log_record *records, size_t count) {
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from; to < count && records[to].sale == records[from].sale;) to++;
        int err = write_sale(s, records + from, to - from, bo_shares_find(&s->shares, records[from].sale));
        if (err) return err;
    }
    return 0;
}

/* ---- what Redis has lost ---- */

/* Redis is told the epoch in which PostgreSQL has fenced the sale. Where Redis knows of a later one, or of commits that PostgreSQL does not have any more, it is
 * fenced once more: what was told in the epoch before does not hold. */
static int settle(struct bo_scribe *s, struct bo_log_cursor *cursor) {
    const char *server = bo_scripts_server(s->scripts);
    for (int tries = 0; tries < SETTLE_TRIES; tries++) {
        char texts[3][24];
        const int64_t numbers[] = {cursor->after, cursor->epoch, cursor->written};
        struct bo_arg args[4] = {[3] = {server, strlen(server)}};
        for (int i = 0; i < 3; i++) {
            *bo_text_put_number(texts[i], numbers[i]) = '\0';
            args[i] = (struct bo_arg){texts[i], strlen(texts[i])};
        }
        const struct bo_value *v = NULL;
        int err = bo_scripts_run(s->scripts, "sale_epoch", cursor->sale, args, 4, &v);
        if (err && err != BO_ERR_SUPERSEDED && err != BO_ERR_LOST_SALE) return err;
        bool commits_lost = !err && bo_value_number(v, 2) > cursor->after;
        cursor->lost = err == BO_ERR_LOST_SALE;
        cursor->settled = err != BO_ERR_SUPERSEDED && !commits_lost;
        if (cursor->settled) return 0;
        if (commits_lost) bo_log_error("sale %s: PostgreSQL has lost records behind %" PRId64, cursor->sale, cursor->after);
        err = bo_shares_fence(s->db, cursor, server, commits_lost ? cursor->epoch + 1 : bo_value_number(v, 1));
        if (err) return err;
    }
    return BO_ERR_UNAVAILABLE;
}

/* An operator may have said to go on without what is missing. */
static int look_at_gap(struct bo_scribe *s, struct bo_log_cursor *cursor) {
    int64_t accepted = 0;
    int err = bo_gaps_count_accepted(s->db, cursor->sale, &accepted);
    if (err || accepted == cursor->accepted) return err;
    cursor->accepted = accepted;
    cursor->gap = 0;
    return bo_shares_fence(s->db, cursor, bo_scripts_server(s->scripts), 0);
}

/* Tells Redis again how far each sale is committed: a crash after the last commit may have kept it from being told, and whether it still has the sale
 * is in the answer. */
static int look_after(struct bo_scribe *s) {
    int problem = bo_ledger_read_aside(s->db, s->shares.cursors, s->shares.count);
    if (problem) return problem;
    for (size_t i = 0; i < s->shares.count; i++) {
        struct bo_log_cursor *cursor = &s->shares.cursors[i];
        int err = cursor->gap ? look_at_gap(s, cursor) : 0;
        if (!err && !cursor->settled) err = settle(s, cursor);
        if (!err && cursor->after == 0) continue; /* it may not have begun */
        if (!err) err = tell_position(s, cursor);
        if (err && err != BO_ERR_LOST_SALE) return err;
        cursor->lost = err == BO_ERR_LOST_SALE;
    }
    return 0;
}

static bool has_sale(const struct bo_log_record *records, size_t count, const char *sale) {
    for (size_t i = 0; i < count; i++)
        if (records[i].sale == sale) return true;
    return false;
}

/* PostgreSQL hears nothing meanwhile. */
static int restore(struct bo_scribe *s, struct bo_log_cursor *cursor) {
    int err = bo_shares_allow_silence(s->db, REBUILD_SILENCE_MS);
    if (!err) err = bo_rebuild(s->db, s->scripts, cursor->sale, "scribe");
    if (err == BO_ERR_LEDGER_GAP) err = stop_at_gap(s, cursor, cursor->after + 1);
    if (!err) err = bo_shares_allow_silence(s->db, silence_ms(s));
    if (err || cursor->gap) return err;
    cursor->lost = false;
    bo_metric_add(BO_METRIC_rebuilds, 1);
    return bo_shares_fence(s->db, cursor, bo_scripts_server(s->scripts), 0);
}

/* One a round, so that the others' logs are written meanwhile, and the one that people wait for first: the order is that of the shares. Once what is left of its
 * log is written. */
static int restore_lost(struct bo_scribe *s, const struct bo_log_record *records, size_t count) {
    for (size_t i = 0; i < s->shares.count; i++) {
        struct bo_log_cursor *cursor = &s->shares.cursors[i];
        if (cursor->lost && !cursor->gap && !has_sale(records, count, cursor->sale)) return restore(s, cursor);
    }
    return 0;
}

/* ---- life ---- */

static void disconnect(struct bo_scribe *s) {
    bo_database_close(s->db);
    bo_log_reader_free(s->reader);
    bo_scripts_close(s->scripts);
    s->db = NULL;
    s->reader = NULL;
    s->scripts = NULL;
    bo_shares_forget(&s->shares);
    s->shares.at = 0;
}

static int connect_both(struct bo_scribe *s) {
    if (s->reader) return 0;
    int err = bo_database_open(s->config->postgres, &s->db);
    if (!err) bo_database_answer_within(s->db, ANSWER_MS);
    if (!err) err = bo_shares_enter(s->db);
    if (!err) err = bo_shares_allow_silence(s->db, silence_ms(s));
    if (!err) err = bo_scripts_open(s->config->redis, s->config->redis_timeout_ms, &s->scripts);
    if (!err) s->reader = bo_log_reader_new(s->scripts);
    return err;
}

/* Of the sales that are carried here, so that all scribes together count each once. */
static int count_troubles(struct bo_scribe *s) {
    struct bo_buffer mine = {0};
    int64_t gaps = 0;
    for (size_t i = 0; i < s->shares.count; i++) gaps += s->shares.cursors[i].gap != 0;
    for (size_t i = 0; i < s->shares.count; i++) bo_buffer_printf(&mine, "%s\"%s\"", i ? "," : "{", s->shares.cursors[i].sale);
    bo_buffer_add_text(&mine, s->shares.count ? "}" : "{}");
    struct bo_rows *rows = NULL;
    int err = bo_database_run(s->db,
                              "SELECT (SELECT count(*) FROM dead_letters WHERE sale = ANY($1::text[])), (SELECT coalesce(sum(differences), 0) FROM reconciled WHERE sale = ANY($1::text[])),"
                              " (SELECT count(*) FROM refunds WHERE status = 'refused' AND sale = ANY($1::text[]))",
                              (const char *const[]){mine.data}, 1, &rows);
    bo_metric_set(BO_METRIC_sales_carried, (int64_t)s->shares.count);
    bo_metric_set(BO_METRIC_ledger_gaps, gaps);
    if (!err) bo_metric_set(BO_METRIC_dead_letters_waiting, bo_rows_number(rows, 0, 0));
    if (!err) bo_metric_set(BO_METRIC_differences, bo_rows_number(rows, 0, 1));
    if (!err) bo_metric_set(BO_METRIC_refunds_refused_waiting, bo_rows_number(rows, 0, 2));
    bo_rows_free(rows);
    bo_buffer_free(&mine);
    return err;
}

static int refresh(struct bo_scribe *s) {
    int err = bo_shares_refresh(s->db, &s->shares, bo_scripts_server(s->scripts));
    if (!err) err = look_after(s);
    if (!err) err = count_troubles(s);
    return err;
}

/* A transaction for a handful of records costs as much as one for hundreds, each commit wakes every gateway, and all of that competes
 * with what people wait for. What they wait for is "bought" (O3), and the payment service for the same and for refunds. */
static int rest_ms(const struct bo_scribe *s, const struct bo_log_record *records, size_t count) {
    static const char *const awaited[] = {"paid", "grant", "take_back", "refund_due", "refund", "transfer", "check_in", "check_out"};
    for (size_t i = 0; i < sizeof(awaited) / sizeof(awaited[0]); i++)
        if (bo_ledger_has_kind(records, count, awaited[i])) return count < COMPANY ? COMPANY_MS : 0;
    return count < (size_t)s->config->scribe_batch ? PATIENCE_MS : 0;
}

struct bo_scribe *bo_scribe_open(const struct bo_config *config) {
    struct bo_scribe *s = bo_alloc(sizeof(*s));
    s->config = config;
    return s;
}

void bo_scribe_close(struct bo_scribe *s) {
    if (!s) return;
    disconnect(s);
    bo_shares_free(&s->shares);
    free(s);
}

void bo_scribe_look_again(struct bo_scribe *s) { s->shares.at = 0; }

static int step(struct bo_scribe *s, int wait_ms, size_t *ret_count, int *ret_rest_ms) {
    int err = connect_both(s);
    if (!err && time(NULL) - s->shares.at >= REFRESH_EVERY_S) err = refresh(s);
    if (!err && s->shares.count == 0) poll(NULL, 0, wait_ms);
    const struct bo_log_record *records = NULL;
    if (!err)
        err = bo_log_reader_next(s->reader, s->shares.cursors, s->shares.count, (size_t)s->config->scribe_batch, wait_ms, &records, ret_count);
    if (!err && *ret_count) BO_CRASH_POINT(scribe_read);
    if (!err && *ret_count) err = write_batch(s, records, *ret_count);
    if (!err && *ret_count) BO_CRASH_POINT(scribe_told);
    if (!err) err = restore_lost(s, records, *ret_count);
    if (!err && *ret_count) *ret_rest_ms = rest_ms(s, records, *ret_count);
    return err;
}

int bo_scribe_step(struct bo_scribe *s, int wait_ms, size_t *ret_count, int *ret_rest_ms) {
    *ret_count = 0;
    *ret_rest_ms = 0;
    int err = step(s, wait_ms, ret_count, ret_rest_ms);
    if (err) disconnect(s);
    return err;
}

/* Gives its sales up. True when other scribes go on with them at once; the last of all scribes writes what there is. */
static bool hand_over(struct bo_scribe *s, bool *ret_left) {
    size_t others;
    if (*ret_left || !s->reader) return false;
    *ret_left = bo_shares_leave(s->db, &s->shares, &others) == 0;
    return *ret_left && others > 0;
}

int bo_scribe_run(const struct bo_config *config, int index, volatile sig_atomic_t *stop) {
    struct bo_scribe *s = bo_scribe_open(config);
    bo_metrics_attach(BO_METRICS_SCRIBE_ROW + index);
    int failed = 0;
    bool left = false;
    for (;;) {
        size_t count;
        int rest;
        bool last_look = *stop;
        if (last_look && hand_over(s, &left)) break;
        if (last_look) bo_scribe_look_again(s); /* a sale made a moment ago may have a log already */
        int err = bo_scribe_step(s, WAIT_MS, &count, &rest);
        failed = err ? failed + 1 : 0;
        if (err) poll(NULL, 0, *stop || failed < RETRY_MAX_MS / RETRY_MS ? RETRY_MS : RETRY_MAX_MS);
        if (!*stop) poll(NULL, 0, rest);
        if (last_look && ((!err && count == 0) || failed > STOP_TRIES)) break;
    }
    bo_scribe_close(s);
    bo_metrics_detach();
    return failed ? 1 : 0;
}
