/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/tables.h"

#include "base/buffer.h"
#include "base/text.h"
#include "ledger/compare.h"
#include "ledger/expected.h"
#include "ledger/image_inside.h"
#include "ledger/projections.h"
#include "ledger/rebuild.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SQL_MAX 1500
#define TRIES 5 /* when somebody else changed a row at the same moment */

/* keys: with the sale the primary key, and key the same as one text. columns are compared, and as they are read where that is another way; written are
 * set only, also those of a new row. */
static const struct table {
    const char *name, *keys, *key, *columns, *as_read, *written, *of_new, *new_values;
    bool kept; /* rows that no record is about stay */
} tables[BO_EXPECTED_TABLES] = {
    [BO_EXPECTED_ORDERS] = {"orders", "id", "id", "person, status, amount, refunded, currency, payment, channel", NULL, "seq, at_ms", "", "", false},
    [BO_EXPECTED_STOCK] = {"stock", "item", "item::text", "name, kind", "name, kind, body", "body", "", "", false},
    [BO_EXPECTED_TICKETS] = {"tickets", "seat", "seat::text", "order_id, person, price, serial, tariff, checked_in_at, checked_in_by, checked_in_seq",
                             "order_id, person, price, serial, tariff, to_char(checked_in_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') AS checked_in_at,"
                             " checked_in_by, checked_in_seq",
                             "seq, at_ms", "", "", false},
    [BO_EXPECTED_VOID_TICKETS] = {"void_tickets", "seq, seat", "seq || ' ' || seat", "order_id, person", "order_id, person, price", "price", "", "", false},
    [BO_EXPECTED_REFUNDS] = {"refunds", "order_id, id", "order_id || ' ' || id", "payment, amount, currency, vain", NULL, "reason, seq", ", key, status",
                             ", $1::text || '/' || order_id || '/' || id, CASE WHEN amount = 0 THEN 'done' ELSE 'due' END", true},
    [BO_EXPECTED_GRANTS] = {"grants", "id", "id", "person, item, kind, count, number, back", NULL, "seq", "", "", false},
};

struct found {
    json_t *rows[BO_EXPECTED_TABLES]; /* key -> row */
    json_t *told;                     /* [where, what, found, wanted] of each difference */
    bool tickets_changed;
};

static void note(struct bo_reconcile *r, struct found *f, const char *where, const char *what, const json_t *is, const json_t *wanted) {
    char *a = is ? json_dumps(is, JSON_COMPACT) : NULL, *b = wanted ? json_dumps(wanted, JSON_COMPACT) : NULL;
    json_array_append_new(f->told, json_pack("[s,s,s,s]", where, what, a ? a : "", b ? b : ""));
    r->differences++;
    free(a);
    free(b);
}

/* One row, in a savepoint: what PostgreSQL refuses stays a difference, and keeps nothing else from being repaired. */
static int repair(struct bo_reconcile *r, const char *sql, const char *const *params, int count) {
    if (!r->repair) return 0;
    int err = bo_database_script(r->db, "SAVEPOINT repair");
    if (!err) err = bo_database_run(r->db, sql, params, count, NULL);
    if (!err) r->repaired++;
    if (!err) return bo_database_script(r->db, "RELEASE SAVEPOINT repair");
    if (err != BO_ERR_BAD_MESSAGE) return err;
    r->failed++;
    snprintf(r->problem, sizeof(r->problem), "%s", bo_database_problem(r->db));
    r->problem[strcspn(r->problem, "\n")] = '\0';
    return bo_database_script(r->db, "ROLLBACK TO SAVEPOINT repair");
}

static int put_row(struct bo_reconcile *r, const struct table *t, const json_t *row) {
    char sql[SQL_MAX], *text = json_dumps(row, JSON_COMPACT);
    snprintf(sql, sizeof(sql),
             "INSERT INTO %s (sale, %s, %s, %s%s) SELECT $1::text, %s, %s, %s%s FROM jsonb_populate_record(NULL::%s, $2::jsonb) ON CONFLICT (sale, %s)"
             " DO UPDATE SET (%s, %s) = (SELECT %s, %s FROM jsonb_populate_record(NULL::%s, $2::jsonb))",
             t->name, t->keys, t->columns, t->written, t->of_new, t->keys, t->columns, t->written, t->new_values, t->name, t->keys, t->columns, t->written, t->columns,
             t->written, t->name);
    int err = repair(r, sql, (const char *const[]){r->sale, text}, 2);
    free(text);
    return err;
}

static int drop_row(struct bo_reconcile *r, const struct table *t, const char *key) {
    char sql[SQL_MAX];
    if (t->kept) return 0;
    snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE sale = $1 AND %s = $2", t->name, t->key);
    return repair(r, sql, (const char *const[]){r->sale, key}, 2);
}

static int read_rows(struct bo_reconcile *r, const struct table *t, json_t *ret) {
    char sql[SQL_MAX];
    struct bo_rows *rows = NULL;
    snprintf(sql, sizeof(sql), "SELECT %s, to_jsonb(x)::text FROM (SELECT %s, %s FROM %s WHERE sale = $1) x", t->key, t->keys, t->as_read ? t->as_read : t->columns,
             t->name);
    int err = bo_database_run(r->db, sql, &r->sale, 1, &rows);
    for (size_t i = 0; !err && i < bo_rows_count(rows); i++) json_object_set_new(ret, bo_rows_text(rows, i, 0), json_loads(bo_rows_text(rows, i, 1), 0, NULL));
    bo_rows_free(rows);
    return err;
}

/* Version 0.1.0 let tickets in without a record. */
static void keep_old_check_in(const json_t *is, json_t *wanted) {
    static const char *const columns[] = {"checked_in_at", "checked_in_by"};
    const json_t *seq = json_object_get(is, "checked_in_seq");
    if ((seq && !json_is_null(seq)) || json_object_get(wanted, "checked_in_at")) return;
    for (size_t i = 0; i < 2; i++) json_object_set(wanted, columns[i], json_object_get(is, columns[i]));
}

static bool is_same_row(const json_t *is, const json_t *wanted) {
    const char *column;
    json_t *value;
    if (!is) return false;
    json_object_foreach((json_t *)is, column, value)
        if (!bo_compare_same(value, json_object_get(wanted, column))) return false;
    return true;
}

static void label(const struct table *t, bool missing, char ret[32]) {
    snprintf(ret, 32, "%s table", t->name);
    if (t->kept && missing) strcpy(ret, "refund_missing");
}

static int put_rows(struct bo_reconcile *r, struct found *f, const struct bo_expected *e, int which) {
    const struct table *t = &tables[which];
    const char *key;
    json_t *wanted;
    int err = read_rows(r, t, f->rows[which]);
    json_object_foreach(e->rows[which], key, wanted) {
        char where[32];
        const json_t *is = json_object_get(f->rows[which], key);
        if (err) break;
        if (which == BO_EXPECTED_TICKETS) keep_old_check_in(is, wanted);
        if (is_same_row(is, wanted)) continue;
        label(t, !is, where);
        note(r, f, where, key, is, wanted);
        err = put_row(r, t, wanted);
        f->tickets_changed |= which == BO_EXPECTED_TICKETS;
    }
    return err;
}

static int drop_rows(struct bo_reconcile *r, struct found *f, const struct bo_expected *e, int which) {
    const struct table *t = &tables[which];
    const char *key;
    json_t *is;
    int err = 0;
    json_object_foreach(f->rows[which], key, is) {
        char where[32];
        if (err) break;
        if (json_object_get(e->rows[which], key)) continue;
        label(t, false, where);
        note(r, f, where, key, is, NULL);
        err = drop_row(r, t, key);
    }
    return err;
}

/* Rows that others refer to are put first and dropped last. */
static int compare_all(struct bo_reconcile *r, struct found *f, const struct bo_expected *e) {
    char last[24];
    int err = 0;
    *bo_text_put_number(last, INT64_MAX) = '\0';
    for (int i = 0; !err && i < BO_EXPECTED_TABLES; i++) err = put_rows(r, f, e, i);
    for (int i = BO_EXPECTED_TABLES - 1; !err && i >= 0; i--) err = drop_rows(r, f, e, i);
    if (err || !r->repair || !f->tickets_changed) return err;
    return bo_database_run(r->db, bo_places_projection, (const char *const[]){r->sale, "0", last}, 3, NULL);
}

static void found_init(struct found *f) {
    *f = (struct found){.told = json_array()};
    for (int i = 0; i < BO_EXPECTED_TABLES; i++) f->rows[i] = json_object();
}

static void found_free(struct found *f) {
    for (int i = 0; i < BO_EXPECTED_TABLES; i++) json_decref(f->rows[i]);
    json_decref(f->told);
}

static int read_ledger(struct bo_database *db, struct bo_image *image) {
    struct bo_rows *rows = NULL;
    const char *sale = image->sale;
    int err = bo_database_run(db, "SELECT coalesce((SELECT seq FROM log_position WHERE sale = $1), 0)", &sale, 1, &rows);
    if (!err) err = bo_ledger_replay(db, image, bo_rows_number(rows, 0, 0));
    bo_rows_free(rows);
    return err;
}

/* ---- all of a sale, at one moment ---- */

static int compare_once(struct bo_reconcile *r, struct bo_image *image, struct found *f, bool *ret_again) {
    *ret_again = false;
    int err = bo_database_script(r->db, "BEGIN ISOLATION LEVEL REPEATABLE READ");
    if (!err) err = read_ledger(r->db, image);
    if (!err) err = compare_all(r, f, image->expected);
    if (!err) err = bo_database_script(r->db, "COMMIT");
    if (!err) return 0;
    *ret_again = strncmp(bo_database_state(r->db), "40", 2) == 0;
    return bo_database_script(r->db, "ROLLBACK") == 0 ? err : BO_ERR_UNAVAILABLE;
}

static void tell_all(struct bo_reconcile *r, const json_t *told) {
    for (size_t i = 0; i < json_array_size(told); i++) {
        const json_t *d = json_array_get(told, i);
        r->tell(r->arg, &(struct bo_difference){bo_image_text_at(d, 0), bo_image_text_at(d, 1), bo_image_text_at(d, 2), bo_image_text_at(d, 3)});
    }
}

int bo_tables_compare(struct bo_reconcile *r, struct bo_image *image) {
    bool again = true;
    int err = 0;
    image->expected = bo_expected_new(false);
    for (int try = 0; again && try < TRIES; try++) {
        struct found f;
        found_init(&f);
        r->differences = r->repaired = r->failed = 0;
        err = compare_once(r, image, &f, &again);
        if (!err) tell_all(r, f.told);
        found_free(&f);
    }
    bo_expected_free(image->expected);
    image->expected = NULL;
    return err;
}

int bo_tables_settle(struct bo_database *db, const char *sale, char problem[512]) {
    struct bo_reconcile r = {.db = db, .sale = sale, .repair = true};
    struct bo_image *image = bo_image_new(sale);
    struct found f;
    found_init(&f);
    image->expected = bo_expected_new(true);
    int err = read_ledger(db, image);
    if (!err) err = compare_all(&r, &f, image->expected);
    if (!err && r.failed) err = BO_ERR_BAD_MESSAGE;
    snprintf(problem, 512, "%s", r.problem);
    found_free(&f);
    bo_expected_free(image->expected);
    bo_image_free(image);
    return err;
}
