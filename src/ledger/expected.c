/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/expected.h"

#include "base/date.h"
#include "base/memory.h"
#include "ledger/image_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX (2 * BO_ID_MAX + 16)

struct bo_expected *bo_expected_new(bool written_only) {
    struct bo_expected *e = bo_alloc(sizeof(*e));
    *e = (struct bo_expected){.written_only = written_only};
    for (int i = 0; i < BO_EXPECTED_TABLES; i++) e->rows[i] = json_object();
    return e;
}

void bo_expected_free(struct bo_expected *e) {
    if (!e) return;
    for (int i = 0; i < BO_EXPECTED_TABLES; i++) json_decref(e->rows[i]);
    free(e);
}

/* ---- rows and values ---- */

static void copy(json_t *row, const char *column, const json_t *body, const char *field) {
    json_object_set(row, column, json_object_get(body, field));
}

static void set_text(json_t *row, const char *column, const char *text) { json_object_set_new(row, column, json_string(text)); }

/* NULL where it is "". */
static void copy_filled(json_t *row, const char *column, const json_t *body, const char *field) {
    const char *text = bo_image_text(body, field);
    json_object_set_new(row, column, *text ? json_string(text) : json_null());
}

static json_t *order_of(const struct bo_expected *e, const json_t *body) {
    return json_object_get(e->rows[BO_EXPECTED_ORDERS], bo_image_text(body, "order"));
}

/* The ticket of a record's seat; NULL: there is none, or it is of another order than the record names. */
static json_t *ticket_of(const struct bo_expected *e, const json_t *body, int64_t seat) {
    char key[BO_IMAGE_FIELD];
    json_t *ticket = json_object_get(e->rows[BO_EXPECTED_TICKETS], bo_image_field(key, "", seat));
    const char *order = bo_image_text(body, "order");
    return !*order || strcmp(order, bo_image_text(ticket, "order_id")) == 0 ? ticket : NULL;
}

/* ---- orders ---- */

static void checkout(struct bo_expected *e, const json_t *body, const struct bo_log_record *record) {
    json_t *row = json_pack("{s:s, s:i, s:I, s:I}", "status", "paying", "refunded", 0, "seq", (json_int_t)record->seq, "at_ms", (json_int_t)record->at);
    copy(row, "id", body, "order");
    copy(row, "person", body, "person");
    copy(row, "amount", body, "amount");
    copy(row, "currency", body, "currency");
    copy_filled(row, "channel", body, "channel");
    json_object_set_new(e->rows[BO_EXPECTED_ORDERS], bo_image_text(body, "order"), row);
}

static void add_ticket(struct bo_expected *e, const json_t *body, const struct bo_log_record *record, const json_t *seat, json_t *price) {
    char key[BO_IMAGE_FIELD];
    json_int_t seq = record->seq;
    json_t *row = json_pack("{s:O, s:O, s:I, s:I, s:I}", "seat", seat, "price", price, "serial", seq, "seq", seq, "at_ms", (json_int_t)record->at);
    bo_image_field(key, "", json_integer_value(seat));
    copy(row, "order_id", body, "order");
    copy(row, "person", body, "person");
    copy_filled(row, "tariff", json_object_get(body, "reduced"), key);
    json_object_set_new(e->rows[BO_EXPECTED_TICKETS], key, row);
}

static void paid(struct bo_expected *e, const json_t *body, const struct bo_log_record *record) {
    json_t *order = order_of(e, body), *seats = json_object_get(body, "seats");
    set_text(order, "status", "paid");
    copy_filled(order, "payment", body, "payment");
    bo_image_set(order, "seq", record->seq);
    for (size_t i = 0; i + 1 < json_array_size(seats); i += 2) add_ticket(e, body, record, json_array_get(seats, i), json_array_get(seats, i + 1));
}

static void end(struct bo_expected *e, const json_t *body, const struct bo_log_record *record) {
    json_t *order = order_of(e, body);
    if (strcmp(bo_image_text(order, "status"), "paying") != 0) return;
    copy(order, "status", body, "reason");
    bo_image_set(order, "seq", record->seq);
}

/* ---- money that goes back ---- */

static void add_refund(struct bo_expected *e, const json_t *body, const struct bo_log_record *record, const char *id, bool vain) {
    char key[KEY_MAX];
    json_t *row = json_pack("{s:s, s:b, s:I}", "id", id, "vain", vain, "seq", (json_int_t)record->seq);
    snprintf(key, sizeof(key), "%s %s", bo_image_text(body, "order"), id);
    copy(row, "order_id", body, "order");
    copy(row, "amount", body, "amount");
    copy(row, "currency", body, "currency");
    set_text(row, "payment", bo_image_text(body, "payment"));
    set_text(row, "reason", bo_image_text(body, vain ? "reason" : "why"));
    json_object_set_new(e->rows[BO_EXPECTED_REFUNDS], key, row);
}

static void refund_due(struct bo_expected *e, const json_t *body, const struct bo_log_record *record) {
    const char *id = bo_image_text(body, "refund");
    add_refund(e, body, record, *id ? id : bo_image_text(body, "payment"), true);
}

static void void_ticket(struct bo_expected *e, const json_t *body, const struct bo_log_record *record, int64_t seat) {
    char key[KEY_MAX];
    json_t *ticket = ticket_of(e, body, seat), *row = json_pack("{s:I, s:I}", "seq", (json_int_t)record->seq, "seat", (json_int_t)seat);
    static const char *const kept[] = {"order_id", "person", "price"};
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) copy(row, kept[i], ticket, kept[i]);
    snprintf(key, sizeof(key), "%" PRId64 " %" PRId64, record->seq, seat);
    if (ticket) json_object_set(e->rows[BO_EXPECTED_VOID_TICKETS], key, row);
    json_decref(row);
    if (ticket) json_object_del(e->rows[BO_EXPECTED_TICKETS], bo_image_field(key, "", seat));
}

static void refund(struct bo_expected *e, const json_t *body, const struct bo_log_record *record) {
    json_t *order = order_of(e, body), *seats = json_object_get(body, "seats");
    add_refund(e, body, record, bo_image_text(body, "refund"), false);
    bo_image_count(order, "refunded", bo_image_number(body, "amount"));
    copy(order, "status", body, "status");
    bo_image_set(order, "seq", record->seq);
    for (size_t i = 0; i + 1 < json_array_size(seats); i += 2) void_ticket(e, body, record, json_integer_value(json_array_get(seats, i)));
}

/* ---- tickets ---- */

static void transfer(struct bo_expected *e, const json_t *body, const struct bo_log_record *record) {
    json_t *ticket = ticket_of(e, body, bo_image_number(body, "seat"));
    copy(ticket, "person", body, "to");
    bo_image_set(ticket, "serial", record->seq);
}

static void check_in(struct bo_expected *e, const json_t *body, const struct bo_log_record *record) {
    char at[BO_DATE_MAX];
    json_t *ticket = ticket_of(e, body, bo_image_number(body, "seat"));
    bo_date_print(bo_image_number(body, "at"), at);
    set_text(ticket, "checked_in_at", at);
    copy(ticket, "checked_in_by", body, "by");
    bo_image_set(ticket, "checked_in_seq", record->seq);
}

static void check_out(struct bo_expected *e, const json_t *body, const struct bo_log_record *record) {
    static const char *const columns[] = {"checked_in_at", "checked_in_by", "checked_in_seq"};
    (void)record;
    json_t *ticket = ticket_of(e, body, bo_image_number(body, "seat"));
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) json_object_del(ticket, columns[i]);
}

/* ---- stock ---- */

static void stock(struct bo_expected *e, const json_t *body, const struct bo_log_record *record) {
    char key[BO_IMAGE_FIELD];
    json_t *item = json_object_get(body, "item"), *rows = e->rows[BO_EXPECTED_STOCK];
    (void)record;
    bo_image_field(key, "", bo_image_number(body, "index"));
    json_t *row = json_object_get(rows, key);
    if (!row) {
        json_object_set_new(rows, key, row = json_object());
        copy(row, "item", body, "index");
        copy(row, "name", item, "name");
        copy(row, "kind", item, "kind");
    }
    json_object_set(row, "body", item);
}

static void grant(struct bo_expected *e, const json_t *body, const struct bo_log_record *record) {
    static const char *const columns[] = {"person", "item", "kind", "count", "number"};
    json_t *row = json_pack("{s:b, s:I}", "back", 0, "seq", (json_int_t)record->seq);
    copy(row, "id", body, "grant");
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) copy(row, columns[i], body, columns[i]);
    json_object_set_new(e->rows[BO_EXPECTED_GRANTS], bo_image_text(body, "grant"), row);
}

static void take_back(struct bo_expected *e, const json_t *body, const struct bo_log_record *record) {
    (void)record;
    json_object_set_new(json_object_get(e->rows[BO_EXPECTED_GRANTS], bo_image_text(body, "grant")), "back", json_true());
}

void bo_expected_apply(struct bo_expected *e, const json_t *body, const struct bo_log_record *record) {
    static const struct {
        const char *kind;
        void (*apply)(struct bo_expected *e, const json_t *body, const struct bo_log_record *record);
    } kinds[] = {{"checkout", checkout}, {"paid", paid}, {"end", end}, {"refund_due", refund_due}, {"refund", refund}, {"transfer", transfer},
                 {"check_in", check_in}, {"check_out", check_out}, {"stock", stock}, {"grant", grant}, {"take_back", take_back}};
    if (e->written_only && record->aside) return;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].kind, record->kind) == 0) kinds[i].apply(e, body, record);
}
