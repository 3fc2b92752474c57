/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres/queue.h"

#include "base/log.h"
#include "base/memory.h"
#include "loop/loop.h"
#include "metrics/metrics.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#define PENDING_MAX 10000
#define RETRY_MS 250
#define ANSWER_WITHIN_US 10000000

struct statement {
    struct statement *next;
    bo_queue_cb cb;
    void *arg;
    int64_t sent_us;
};

struct bo_queue {
    uv_loop_t *loop;
    char *conninfo;
    PGconn *connection;
    bool up;
    uv_poll_t *poll;
    uv_timer_t *timer;
    struct statement *first, **end;
    size_t pending;
};

static void free_handle(uv_handle_t *handle) { free(handle); }

static void watch(struct bo_queue *q);

static void ignore_notice(void *arg, const char *message) {
    (void)arg;
    (void)message;
}

static void finish_first(struct bo_queue *q, int err, const char *state, const struct bo_rows *rows) {
    struct statement *s = q->first;
    q->first = s->next;
    if (!q->first) q->end = &q->first;
    q->pending--;
    if (err) bo_metric_add(BO_METRIC_postgres_failures, 1);
    bo_metric_add(BO_METRIC_postgres_wait, bo_loop_steady_us() - s->sent_us);
    s->cb(s->arg, err, state, rows);
    free(s);
}

static void drop(struct bo_queue *q) {
    if (!q->connection) return;
    if (q->up) bo_log_warn("lost the connection to postgres: %s", PQerrorMessage(q->connection));
    if (q->poll) uv_close((uv_handle_t *)q->poll, free_handle);
    q->poll = NULL;
    PQfinish(q->connection);
    q->connection = NULL;
    q->up = false;
    while (q->first) finish_first(q, BO_ERR_UNAVAILABLE, "", NULL);
}

/* Hands out every complete answer. A statement's answer is one result (or an error), then an end mark (NULL), then a
 * sync; the last two may stay until the next answer is read. */
static void take_answers(struct bo_queue *q) {
    while (q->connection && q->first && !PQisBusy(q->connection)) {
        PGresult *r = PQgetResult(q->connection);
        if (!r) continue;
        ExecStatusType status = PQresultStatus(r);
        if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
            finish_first(q, 0, "", (struct bo_rows *)r);
        } else if (status == PGRES_FATAL_ERROR) {
            const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
            bo_log_warn("postgres: %s", PQresultErrorMessage(r));
            bool refused = state && strncmp(state, "57", 2) != 0 && strncmp(state, "53", 2) != 0 && strncmp(state, "40", 2) != 0;
            finish_first(q, refused ? BO_ERR_BAD_MESSAGE : BO_ERR_UNAVAILABLE, state ? state : "", NULL);
        }
        PQclear(r);
    }
}

static void on_socket(uv_poll_t *poll, int status, int events) {
    struct bo_queue *q = poll->data;
    if (status < 0) {
        drop(q);
        return;
    }
    if (!q->up) {
        PostgresPollingStatusType state = PQconnectPoll(q->connection);
        if (state == PGRES_POLLING_OK && PQsetnonblocking(q->connection, 1) == 0 && PQenterPipelineMode(q->connection) == 1) {
            q->up = true;
            PQsetNoticeProcessor(q->connection, ignore_notice, NULL);
        } else if (state == PGRES_POLLING_OK || state == PGRES_POLLING_FAILED) {
            bo_log_debug("postgres: %s", PQerrorMessage(q->connection));
            drop(q);
            return;
        }
        watch(q);
        return;
    }
    if (events & UV_READABLE) {
        if (!PQconsumeInput(q->connection)) {
            drop(q);
            return;
        }
        take_answers(q);
        if (q->connection && PQstatus(q->connection) == CONNECTION_BAD) {
            drop(q);
            return;
        }
    }
    if (q->connection) watch(q);
}

static void watch(struct bo_queue *q) {
    int events = UV_READABLE;
    if (q->up) {
        int left = PQflush(q->connection);
        if (left < 0) {
            drop(q);
            return;
        }
        if (left) events |= UV_WRITABLE;
    } else {
        events = UV_READABLE | UV_WRITABLE;
    }
    uv_poll_start(q->poll, events, on_socket);
}

static void try_connect(struct bo_queue *q) {
    q->connection = PQconnectStart(q->conninfo);
    if (!q->connection || PQstatus(q->connection) == CONNECTION_BAD) {
        if (q->connection) bo_log_debug("postgres: %s", PQerrorMessage(q->connection));
        drop(q);
        return;
    }
    q->poll = bo_alloc(sizeof(*q->poll));
    if (uv_poll_init(q->loop, q->poll, PQsocket(q->connection)) != 0) {
        free(q->poll);
        q->poll = NULL;
        drop(q);
        return;
    }
    q->poll->data = q;
    uv_poll_start(q->poll, UV_WRITABLE, on_socket);
}

static void on_check(uv_timer_t *timer) {
    struct bo_queue *q = timer->data;
    if (!q->connection) {
        try_connect(q);
    } else if (q->first && bo_loop_steady_us() - q->first->sent_us > ANSWER_WITHIN_US) {
        bo_log_warn("postgres does not answer within %d s", ANSWER_WITHIN_US / 1000000);
        drop(q);
    }
}

struct bo_queue *bo_queue_open(uv_loop_t *loop, const char *conninfo) {
    struct bo_queue *q = bo_alloc(sizeof(*q));
    q->loop = loop;
    q->conninfo = bo_strdup(conninfo);
    q->end = &q->first;
    q->timer = bo_loop_timer(loop, 0, RETRY_MS, on_check, q);
    return q;
}

void bo_queue_run(struct bo_queue *q, const char *sql, const char *const *params, int count, bo_queue_cb cb, void *arg) {
    if (!bo_queue_is_up(q) || q->pending >= PENDING_MAX) {
        cb(arg, bo_queue_is_up(q) ? BO_ERR_OVERLOADED : BO_ERR_UNAVAILABLE, "", NULL);
        return;
    }
    struct statement *s = bo_alloc(sizeof(*s));
    *s = (struct statement){.cb = cb, .arg = arg, .sent_us = bo_loop_steady_us()};
    bo_metric_add(BO_METRIC_postgres_calls, 1);
    bool sent = PQsendQueryParams(q->connection, sql, count, NULL, params, NULL, NULL, 0) == 1 &&
                PQpipelineSync(q->connection) == 1;
    *q->end = s;
    q->end = &s->next;
    q->pending++;
    if (sent)
        watch(q);
    else
        drop(q);
}

bool bo_queue_is_up(const struct bo_queue *q) { return q && q->up; }

void bo_queue_close(struct bo_queue *q) {
    if (!q) return;
    bo_loop_timer_free(q->timer);
    q->up = false;
    drop(q);
    free(q->conninfo);
    free(q);
}
