/* SPDX-License-Identifier: Apache-2.0
 * Blocking PostgreSQL for processes without an event loop: the scribe, migrations and the tools. */
#ifndef BO_POSTGRES_DATABASE_H
#define BO_POSTGRES_DATABASE_H

#include "boxoffice/error.h"
#include "postgres/rows.h"

#include <stdbool.h>
#include <stdint.h>

struct bo_database;

/* BO_ERR_UNAVAILABLE, logged with the reason, when it cannot be reached. */
int bo_database_open(const char *conninfo, struct bo_database **ret) BO_CHECKED;
void bo_database_close(struct bo_database *db);
/* A server that says nothing for so long in the middle of a statement is given up, as if the connection were lost; at first there is no
 * limit, because some statements of the tools take long. */
void bo_database_answer_within(struct bo_database *db, int64_t ms);

/* Runs one statement with text parameters ($1 …). ret_rows may be NULL. Returns 0; BO_ERR_UNAVAILABLE when the
 * connection is lost or the server is not ready (worth repeating); BO_ERR_BAD_MESSAGE when the statement itself was refused.
 * bo_database_problem then has the server's words, until the next call. */
int bo_database_run(struct bo_database *db, const char *sql, const char *const *params, int count,
                    struct bo_rows **ret_rows) BO_CHECKED;
/* Several statements without parameters, one after another. */
int bo_database_script(struct bo_database *db, const char *sql) BO_CHECKED;
/* COPY … FROM STDIN with these bytes. */
int bo_database_copy(struct bo_database *db, const char *sql, const void *data, size_t length) BO_CHECKED;
const char *bo_database_problem(const struct bo_database *db);
/* The SQLSTATE of the last problem, "" when there is none. */
const char *bo_database_state(const struct bo_database *db);

/* Applies the migrations that this database has not had yet, each in a transaction, one server at a time. */
int bo_database_migrate(struct bo_database *db) BO_CHECKED;

#endif
