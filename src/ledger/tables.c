/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/tables.h"

#include "base/text.h"
#include "ledger/image_inside.h"
#include "ledger/rebuild.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 512

static void tell(struct bo_reconcile *r, const char *table, const char *what, const char *found, const char *wanted) {
    r->differences++;
    r->tell(r->arg, &(struct bo_difference){table, what, found, wanted});
}

/* A statement for every difference; none where nothing is repaired. */
static int repair(struct bo_reconcile *r, const char *sql, const char *const *params, int count) {
    if (!r->repair) return 0;
    int err = bo_database_run(r->db, sql, params, count, NULL);
    if (!err) r->repaired++;
    return err;
}

/* ---- orders: id -> "state person amount refunded" ---- */

static void print_order(const json_t *o, char ret[LINE_MAX_BYTES]) {
    snprintf(ret, LINE_MAX_BYTES, "%s %s %" PRId64 " %" PRId64, bo_image_text(o, "st"), bo_image_text(o, "person"), bo_image_number(o, "amount"), bo_image_number(o, "refunded"));
}

static int repair_order(struct bo_reconcile *r, const char *id, const json_t *o) {
    char amount[24], refunded[24], seq[24];
    *bo_text_put_number(amount, bo_image_number(o, "amount")) = *bo_text_put_number(refunded, bo_image_number(o, "refunded")) = *bo_text_put_number(seq, bo_image_number(o, "seq")) = '\0';
    const char *params[] = {id, r->sale, bo_image_text(o, "person"), bo_image_text(o, "st"), amount, refunded, bo_image_text(o, "payment"), seq};
    return repair(r,
                  "INSERT INTO orders (id, sale, person, status, amount, refunded, payment, seq, currency) SELECT $1, $2, $3, $4, $5::bigint, $6::bigint, nullif($7, ''), $8::bigint,"
                  " settings->>'currency' FROM (SELECT coalesce(settings, '{}') || jsonb_build_object('currency', coalesce(settings->>'currency', 'EUR')) AS settings FROM sales WHERE id ="
                  " $2) s ON CONFLICT (id) DO UPDATE SET status = excluded.status, amount = excluded.amount, refunded = excluded.refunded, payment = excluded.payment",
                  params, 8);
}

static int compare_orders(struct bo_reconcile *r, const struct bo_image *image) {
    struct bo_rows *rows = NULL;
    int err = bo_database_run(r->db, "SELECT id, status || ' ' || person || ' ' || amount || ' ' || refunded FROM orders WHERE sale = $1", &r->sale, 1, &rows);
    json_t *found = json_object();
    for (size_t i = 0; !err && i < bo_rows_count(rows); i++) json_object_set_new(found, bo_rows_text(rows, i, 0), json_string(bo_rows_text(rows, i, 1)));
    bo_rows_free(rows);
    const char *id;
    json_t *o, *text;
    json_object_foreach(image->of[BO_IMAGE_ORDERS], id, o) {
        char wanted[LINE_MAX_BYTES];
        const char *is = bo_image_text(found, id);
        print_order(o, wanted);
        bool known = json_object_get(found, id) || *bo_image_text(o, "person"); /* one that was lost with Redis has no row */
        if (!err && known && strcmp(is, wanted) != 0) {
            tell(r, "orders table", id, is, wanted);
            err = repair_order(r, id, o);
        }
    }
    json_object_foreach(found, id, text)
        if (!json_object_get(image->of[BO_IMAGE_ORDERS], id)) tell(r, "orders table", id, json_string_value(text), "");
    json_decref(found);
    return err;
}

/* ---- tickets: seat -> "order person" ---- */

static json_t *wanted_tickets(const struct bo_image *image) {
    json_t *wanted = json_object(), *o;
    const char *id;
    json_object_foreach(image->of[BO_IMAGE_ORDERS], id, o) {
        const char *st = bo_image_text(o, "st");
        const json_t *seats = json_object_get(o, "seats");
        if (strcmp(st, "paid") != 0 && strcmp(st, "part_refunded") != 0 && strcmp(st, "refunded") != 0) continue;
        for (size_t i = 0; i + 1 < json_array_size(seats); i += 2) {
            char seat[BO_IMAGE_FIELD], price[24];
            bo_image_field(seat, "", json_integer_value(json_array_get(seats, i)));
            *bo_text_put_number(price, json_integer_value(json_array_get(seats, i + 1))) = '\0';
            json_object_set_new(wanted, seat, json_pack("[s,s,s]", id, bo_image_text(image->of[BO_IMAGE_SEATS], seat), price));
        }
    }
    return wanted;
}

static int judge_ticket(struct bo_reconcile *r, const char *seat, const json_t *wanted, const char *is) {
    char text[LINE_MAX_BYTES] = "";
    const char *order = bo_image_text_at(wanted, 0), *person = bo_image_text_at(wanted, 1);
    if (wanted) snprintf(text, sizeof(text), "%s %s", order, person);
    if (strcmp(text, is) == 0) return 0;
    tell(r, "tickets table", seat, is, text);
    const char *gone[] = {r->sale, seat}, *there[] = {r->sale, seat, order, person, bo_image_text_at(wanted, 2)};
    if (!wanted) return repair(r, "DELETE FROM tickets WHERE sale = $1 AND seat = $2::int", gone, 2);
    return repair(r,
                  "INSERT INTO tickets (sale, seat, order_id, person, price, seq, serial, at_ms) SELECT $1, $2::int, $3, $4, $5::bigint, l.seq, l.seq, l.at_ms FROM ledger l WHERE l.sale = $1"
                  " AND l.kind = 'paid' AND l.body->>'order' = $3 ON CONFLICT (sale, seat) DO UPDATE SET order_id = excluded.order_id, person = excluded.person, price = excluded.price",
                  there, 5);
}

static int compare_tickets(struct bo_reconcile *r, const struct bo_image *image) {
    struct bo_rows *rows = NULL;
    json_t *wanted = wanted_tickets(image), *one;
    int err = bo_database_run(r->db, "SELECT seat, order_id || ' ' || person FROM tickets WHERE sale = $1", &r->sale, 1, &rows);
    json_t *found = json_object();
    for (size_t i = 0; !err && i < bo_rows_count(rows); i++) {
        const char *seat = bo_rows_text(rows, i, 0);
        json_object_set_new(found, seat, json_true());
        err = judge_ticket(r, seat, json_object_get(wanted, seat), bo_rows_text(rows, i, 1));
    }
    bo_rows_free(rows);
    const char *seat;
    json_object_foreach(wanted, seat, one)
        if (!err && !json_object_get(found, seat)) err = judge_ticket(r, seat, one, "");
    json_decref(found);
    json_decref(wanted);
    return err;
}

int bo_tables_compare(struct bo_reconcile *r, struct bo_image *image) {
    struct bo_rows *rows = NULL;
    int err = bo_database_script(r->db, "BEGIN ISOLATION LEVEL REPEATABLE READ");
    if (!err) err = bo_database_run(r->db, "SELECT coalesce((SELECT seq FROM log_position WHERE sale = $1), 0)", &r->sale, 1, &rows);
    if (!err) err = bo_ledger_replay(r->db, image, bo_rows_number(rows, 0, 0));
    bo_rows_free(rows);
    if (!err) err = compare_orders(r, image);
    if (!err) err = compare_tickets(r, image);
    if (!err) return bo_database_script(r->db, "COMMIT");
    return bo_database_script(r->db, "ROLLBACK") == 0 ? err : BO_ERR_UNAVAILABLE;
}
