/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres/queue.h"

#include "base/log.h"
#include "base/memory.h"
#include "loop/loop.h"
#include "metrics/metrics.h"
#include "postgres/connect.h"

#include <stdlib.h>
#include <string.h>

#define PENDING_MAX 10000
#define RETRY_MS 250
#define ANSWER_WITHIN_US 8000000

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
    bool up, failing; /* the latter: since the last connection that was up, which was said */
    size_t turn;               /* of connecting: another host comes first */
    int64_t connect_within_us; /* 0: without a limit */
    int64_t connect_since_us;  /* to the present host */
    uv_poll_t *poll;
    int socket; /* that poll watches */
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
    bool read_only = false;
    while (q->connection && q->first && !PQisBusy(q->connection)) {
        PGresult *r = PQgetResult(q->connection);
        if (!r) continue;
        ExecStatusType status = PQresultStatus(r);
        if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
            finish_first(q, 0, "", (struct bo_rows *)r);
        } else if (status == PGRES_FATAL_ERROR) {
            const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
            bo_log_warn("postgres: %s", PQresultErrorMessage(r));
            read_only = state && strcmp(state, BO_SQLSTATE_READ_ONLY) == 0;
            bool refused = state && !bo_sqlstate_is_passing(state);
            finish_first(q, refused ? BO_ERR_BAD_MESSAGE : BO_ERR_UNAVAILABLE, state ? state : "", NULL);
        }
        PQclear(r);
        if (read_only) drop(q);
    }
}

static void on_socket(uv_poll_t *poll, int status, int events);

/* While it connects, libpq may go on to another host or address, and that is another socket. */
static bool follow_socket(struct bo_queue *q) {
    int socket = PQsocket(q->connection);
    if (q->poll && socket == q->socket) return true;
    if (q->poll) uv_close((uv_handle_t *)q->poll, free_handle);
    q->poll = bo_alloc(sizeof(*q->poll));
    if (socket < 0 || uv_poll_init(q->loop, q->poll, socket) != 0) {
        free(q->poll);
        q->poll = NULL;
        return false;
    }
    q->poll->data = q;
    q->socket = socket;
    q->connect_since_us = bo_loop_steady_us();
    return true;
}

/* The next attempt begins with the next host. */
static void give_up(struct bo_queue *q, const char *why) {
    bo_log(q->failing ? BO_LOG_DEBUG : BO_LOG_WARN, "postgres: %s", why); /* it is tried several times a second */
    q->failing = true;
    q->turn++;
    drop(q);
}

static void connected(struct bo_queue *q) {
    if (PQsetnonblocking(q->connection, 1) != 0 || PQenterPipelineMode(q->connection) != 1) {
        give_up(q, PQerrorMessage(q->connection));
        return;
    }
    q->up = true;
    q->failing = false;
    PQsetNoticeProcessor(q->connection, ignore_notice, NULL);
    watch(q);
}

/* The loop lets go of the socket before libpq may close it: the next one may well have the same number. */
static void connect_on(struct bo_queue *q) {
    uv_poll_stop(q->poll);
    PostgresPollingStatusType state = PQconnectPoll(q->connection);
    if (state == PGRES_POLLING_FAILED || !follow_socket(q))
        give_up(q, PQerrorMessage(q->connection));
    else if (state == PGRES_POLLING_OK)
        connected(q);
    else
        uv_poll_start(q->poll, state == PGRES_POLLING_READING ? UV_READABLE : UV_WRITABLE, on_socket);
}

static void on_socket(uv_poll_t *poll, int status, int events) {
    struct bo_queue *q = poll->data;
    if (!q->up) {
        connect_on(q); /* libpq sees by itself what is wrong with the socket */
        return;
    }
    if (status < 0) {
        drop(q);
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
    int left = PQflush(q->connection);
    if (left < 0)
        drop(q);
    else
        uv_poll_start(q->poll, left ? UV_READABLE | UV_WRITABLE : UV_READABLE, on_socket);
}

static void try_connect(struct bo_queue *q) {
    q->connection = bo_connect_start(q->conninfo, q->turn);
    if (!q->connection || PQstatus(q->connection) == CONNECTION_BAD || !follow_socket(q))
        give_up(q, q->connection ? PQerrorMessage(q->connection) : "no memory");
    else
        uv_poll_start(q->poll, UV_WRITABLE, on_socket);
}

static void on_check(uv_timer_t *timer) {
    struct bo_queue *q = timer->data;
    if (!q->connection) {
        try_connect(q);
    } else if (!q->up && q->connect_within_us && bo_loop_steady_us() - q->connect_since_us > q->connect_within_us) {
        give_up(q, "the server accepts connections, but says nothing");
    } else if (q->first && bo_loop_steady_us() - q->first->sent_us > ANSWER_WITHIN_US) {
        bo_log_warn("postgres does not answer within %d s", ANSWER_WITHIN_US / 1000000);
        drop(q);
    }
}

struct bo_queue *bo_queue_open(uv_loop_t *loop, const char *conninfo) {
    struct bo_queue *q = bo_alloc(sizeof(*q));
    q->loop = loop;
    q->conninfo = bo_strdup(conninfo);
    q->connect_within_us = bo_connect_within_ms(conninfo) * 1000;
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
