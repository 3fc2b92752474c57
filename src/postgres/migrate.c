/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"
#include "base/currency.h"
#include "base/embed.h"
#include "base/log.h"
#include "postgres/database.h"

/* One number for everybody, so that two servers starting together migrate one after the other. */
#define LOCK "8020261"

static int apply(struct bo_database *db, const struct bo_embedded *migration) {
    struct bo_buffer sql = {0};
    bo_buffer_printf(&sql, "BEGIN; %s; INSERT INTO migrations(name) VALUES ('%s'); COMMIT;", migration->data, migration->name);
    int err = bo_database_script(db, sql.data);
    bo_buffer_free(&sql);
    if (err)
        bo_log_error("migration %s: %s", migration->name, bo_database_problem(db));
    else
        bo_log_info("migration %s applied", migration->name);
    return err;
}

/* currency_digits(code): the table of base/currency.def for queries, in which only a row knows the currency. Made anew at each start,
 * since it belongs to the program and not to the data. */
static int tell_currencies(struct bo_database *db) {
    struct bo_buffer sql = {0};
    bo_buffer_printf(&sql,
                     "CREATE OR REPLACE FUNCTION currency_digits(code text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$"
                     " SELECT coalesce(('%s'::jsonb->>code)::integer, %d) $$",
                     bo_currency_digits_json(), bo_currency_digits(""));
    int err = bo_database_script(db, sql.data);
    bo_buffer_free(&sql);
    return err;
}

int bo_database_migrate(struct bo_database *db) {
    int err = bo_database_script(db, "SELECT pg_advisory_lock(" LOCK ");"
                                     "CREATE TABLE IF NOT EXISTS migrations(name text PRIMARY KEY,"
                                     " at timestamptz NOT NULL DEFAULT now())");
    for (const struct bo_embedded *m = bo_migrations; !err && m->name; m++) {
        struct bo_rows *rows = NULL;
        err = bo_database_run(db, "SELECT 1 FROM migrations WHERE name = $1", &m->name, 1, &rows);
        if (!err && bo_rows_count(rows) == 0) err = apply(db, m);
        bo_rows_free(rows);
    }
    if (!err) err = tell_currencies(db);
    if (err) return err;
    return bo_database_script(db, "SELECT pg_advisory_unlock(" LOCK ")");
}
