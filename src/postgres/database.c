/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres/database.h"

#include "base/log.h"
#include "base/memory.h"
#include "loop/loop.h"
#include "postgres/connect.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct bo_database {
    PGconn *connection;
    int64_t within_ms; /* of silence; 0: without a limit */
    char problem[512];
    char state[6];
};

static void ignore_notice(void *arg, const char *message) {
    (void)arg;
    (void)message;
}

int bo_database_open(const char *conninfo, struct bo_database **ret) {
    PGconn *connection = bo_connect(conninfo);
    if (PQstatus(connection) != CONNECTION_OK) {
        bo_log_warn("postgres: %s", PQerrorMessage(connection));
        PQfinish(connection);
        return BO_ERR_UNAVAILABLE;
    }
    PQsetNoticeProcessor(connection, ignore_notice, NULL);
    struct bo_database *db = bo_alloc(sizeof(*db));
    db->connection = connection;
    PQsetnonblocking(connection, 1);
    *ret = db;
    return 0;
}

void bo_database_close(struct bo_database *db) {
    if (!db) return;
    PQfinish(db->connection);
    free(db);
}

static int judge(struct bo_database *db, PGresult *r) {
    ExecStatusType status = PQresultStatus(r);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_COPY_IN) {
        db->problem[0] = db->state[0] = '\0';
        return 0;
    }
    const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
    snprintf(db->problem, sizeof(db->problem), "%s", PQerrorMessage(db->connection));
    snprintf(db->state, sizeof(db->state), "%s", state ? state : "");
    bool passing = PQstatus(db->connection) != CONNECTION_OK || !state || bo_sqlstate_is_passing(state);
    return passing ? BO_ERR_UNAVAILABLE : BO_ERR_BAD_MESSAGE;
}

void bo_database_answer_within(struct bo_database *db, int64_t ms) { db->within_ms = ms; }

/* Waits until the socket can be read, or written if that is wanted. A server that says nothing for too long is given up: libpq then
 * finds the connection closed. */
static void wait_for_socket(struct bo_database *db, bool write) {
    struct pollfd fd = {PQsocket(db->connection), (short)(POLLIN | (write ? POLLOUT : 0)), 0};
    int64_t until = bo_loop_steady_ms() + db->within_ms;
    for (;;) {
        int64_t left = until - bo_loop_steady_ms();
        int ready = poll(&fd, 1, db->within_ms ? (int)(left > 0 ? left : 0) : -1);
        if (ready > 0 || (ready < 0 && errno != EINTR)) return;
        if (ready < 0) continue;
        bo_log_warn("postgres says nothing for %lld s; the connection is made anew", (long long)(db->within_ms / 1000));
        shutdown(fd.fd, SHUT_RDWR);
        return;
    }
}

/* What is to be sent; what comes meanwhile is read, so that the server does not wait for us. */
static void flush(struct bo_database *db) {
    while (PQflush(db->connection) > 0) {
        wait_for_socket(db, true);
        if (!PQconsumeInput(db->connection)) return;
    }
}

/* The next result, as PQgetResult, but not waiting for ever. */
static PGresult *next_result(struct bo_database *db) {
    flush(db);
    while (PQisBusy(db->connection)) {
        wait_for_socket(db, false);
        if (!PQconsumeInput(db->connection)) break;
    }
    return PQgetResult(db->connection);
}

/* The last result of what was sent, as PQexec has it: an error ends the rest, and COPY goes on with data. */
static PGresult *last_result(struct bo_database *db, bool sent) {
    PGresult *last = NULL, *r;
    while (sent && (r = next_result(db))) {
        PQclear(last);
        last = r;
        if (PQresultStatus(r) == PGRES_COPY_IN || PQstatus(db->connection) != CONNECTION_OK) break;
    }
    return last;
}

int bo_database_run(struct bo_database *db, const char *sql, const char *const *params, int count, struct bo_rows **ret_rows) {
    PGresult *r = last_result(db, PQsendQueryParams(db->connection, sql, count, NULL, params, NULL, NULL, 0) == 1);
    int err = judge(db, r);
    if (!err && ret_rows)
        *ret_rows = (struct bo_rows *)r;
    else
        PQclear(r);
    return err;
}

int bo_database_script(struct bo_database *db, const char *sql) {
    PGresult *r = last_result(db, PQsendQuery(db->connection, sql) == 1);
    int err = judge(db, r);
    PQclear(r);
    return err;
}

int bo_database_copy(struct bo_database *db, const char *sql, const void *data, size_t length) {
    PGresult *r = last_result(db, PQsendQuery(db->connection, sql) == 1);
    int err = judge(db, r);
    bool copying = PQresultStatus(r) == PGRES_COPY_IN;
    PQclear(r);
    if (err) return err;
    if (!copying) return BO_ERR_INTERNAL;
    if (PQputCopyData(db->connection, data, (int)length) != 1) return BO_ERR_UNAVAILABLE;
    if (PQputCopyEnd(db->connection, NULL) != 1) return BO_ERR_UNAVAILABLE;
    while ((r = next_result(db))) {
        int one = judge(db, r);
        if (!err) err = one;
        PQclear(r);
        if (PQstatus(db->connection) != CONNECTION_OK) break;
    }
    return err;
}

const char *bo_database_problem(const struct bo_database *db) { return db->problem; }

const char *bo_database_state(const struct bo_database *db) { return db->state; }
