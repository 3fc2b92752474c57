/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres/database.h"

#include "base/log.h"
#include "base/memory.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

struct bo_database {
    PGconn *connection;
    char problem[512];
    char state[6];
};

static void ignore_notice(void *arg, const char *message) {
    (void)arg;
    (void)message;
}

int bo_database_open(const char *conninfo, struct bo_database **ret) {
    PGconn *connection = PQconnectdb(conninfo);
    if (PQstatus(connection) != CONNECTION_OK) {
        bo_log_warn("postgres: %s", PQerrorMessage(connection));
        PQfinish(connection);
        return BO_ERR_UNAVAILABLE;
    }
    PQsetNoticeProcessor(connection, ignore_notice, NULL);
    struct bo_database *db = bo_alloc(sizeof(*db));
    db->connection = connection;
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
    /* Classes 08 connection, 40 rollback, 53 resources, 55 not in the right state, 57 intervention, 58 system. */
    bool passing = PQstatus(db->connection) != CONNECTION_OK || !state || strncmp(state, "08", 2) == 0 ||
                   strncmp(state, "40", 2) == 0 || strncmp(state, "53", 2) == 0 || strncmp(state, "55", 2) == 0 ||
                   strncmp(state, "57", 2) == 0 || strncmp(state, "58", 2) == 0;
    return passing ? BO_ERR_UNAVAILABLE : BO_ERR_BAD_MESSAGE;
}

int bo_database_run(struct bo_database *db, const char *sql, const char *const *params, int count, struct bo_rows **ret_rows) {
    PGresult *r = PQexecParams(db->connection, sql, count, NULL, params, NULL, NULL, 0);
    int err = judge(db, r);
    if (!err && ret_rows)
        *ret_rows = (struct bo_rows *)r;
    else
        PQclear(r);
    return err;
}

int bo_database_script(struct bo_database *db, const char *sql) {
    PGresult *r = PQexec(db->connection, sql);
    int err = judge(db, r);
    PQclear(r);
    return err;
}

int bo_database_copy(struct bo_database *db, const char *sql, const void *data, size_t length) {
    PGresult *r = PQexec(db->connection, sql);
    int err = judge(db, r);
    bool copying = PQresultStatus(r) == PGRES_COPY_IN;
    PQclear(r);
    if (err) return err;
    if (!copying) return BO_ERR_INTERNAL;
    if (PQputCopyData(db->connection, data, (int)length) != 1) return BO_ERR_UNAVAILABLE;
    if (PQputCopyEnd(db->connection, NULL) != 1) return BO_ERR_UNAVAILABLE;
    while ((r = PQgetResult(db->connection))) {
        int one = judge(db, r);
        if (!err) err = one;
        PQclear(r);
    }
    return err;
}

const char *bo_database_problem(const struct bo_database *db) { return db->problem; }

const char *bo_database_state(const struct bo_database *db) { return db->state; }
