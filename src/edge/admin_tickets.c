/* SPDX-License-Identifier: Apache-2.0
 * The operator's side of orders and tickets: check-in at the door, refunds, the list for the door, the report of what was sold. */
#include "edge/admin.h"

#include "base/date.h"
#include "base/memory.h"
#include "base/text.h"
#include "edge/awaited.h"
#include "edge/bulk.h"
#include "edge/room.h"
#include "edge/stock.h"
#include "edge/token.h"
#include "loop/loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHY_MAX 200

static json_t *body_of(const struct bo_http *http) { return json_loadb(http->body.data ? http->body.data : "", http->body.length, 0, NULL); }

/* ---- at the door ---- */

struct door {
    struct bo_http *http;
    struct bo_ticket_claim ticket;
    char gate[BO_ID_MAX + 1], at[40]; /* at: when it was let in without a network; "": now */
    bool lets_in, again;
};

/* What a ticket looks like to the door; columns as in DOOR_SQL. */
static json_t *describe_ticket(const struct door *d, const struct bo_rows *rows) {
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "sale", d->ticket.sale, "order", d->ticket.order, "seat", d->ticket.seat, "person",
                     bo_rows_text(rows, 0, 0), "zone", bo_rows_text(rows, 0, 5), "row", bo_rows_text(rows, 0, 6), "number", bo_rows_text(rows, 0, 7), "category",
                     bo_rows_text(rows, 0, 8), "tariff", bo_rows_text(rows, 0, 9));
}

static void refuse_again(struct door *d, const struct bo_rows *rows) {
    json_t *json = describe_ticket(d, rows);
    json_object_set_new(json, "error", json_pack("{s:s, s:s}", "code", bo_error_name(BO_ERR_ALREADY_CHECKED_IN), "message", bo_error_text(BO_ERR_ALREADY_CHECKED_IN)));
    json_object_set_new(json, "checked_in_at", json_string(bo_rows_text(rows, 0, 3)));
    json_object_set_new(json, "checked_in_by", json_string(bo_rows_text(rows, 0, 4)));
    bo_http_answer_json(d->http, bo_error_http_status(BO_ERR_ALREADY_CHECKED_IN), json);
}

static void ask_door(struct door *d);

static void door_answered(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct door *d = arg;
    bool found = !err && bo_rows_count(rows) > 0, now = found && *bo_rows_text(rows, 0, 2), before = found && *bo_rows_text(rows, 0, 3);
    if (found && d->lets_in && !now && !before && bo_rows_number(rows, 0, 1) == d->ticket.serial && !d->again) {
        d->again = true; /* another door was quicker by a moment: who was it? */
        ask_door(d);
        return;
    }
    if (err) {
        bo_http_answer_error(d->http, BO_ERR_UNAVAILABLE, NULL);
    } else if (!found || bo_rows_number(rows, 0, 1) != d->ticket.serial) {
        bo_http_answer_error(d->http, BO_ERR_TICKET_VOID, NULL);
    } else if (d->lets_in && !now) {
        refuse_again(d, rows);
    } else {
        json_t *json = describe_ticket(d, rows);
        const char *when = bo_rows_text(rows, 0, now ? 2 : 3);
        json_object_set_new(json, "valid", json_true());
        json_object_set_new(json, "checked_in_at", *when ? json_string(when) : json_null());
        bo_http_answer_json(d->http, 200, json);
    }
    free(d);
}

#define TIME(column) "coalesce(to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), '')"
#define DOOR_SQL(done)                                                                                                                               \
    "WITH t AS (SELECT t.*, s.zone, s.row_name, s.number, s.category FROM tickets t JOIN seats s USING (sale, seat) WHERE t.sale = $1 AND s.guid = $2"  \
    " AND t.order_id = $3 AND $4::bigint >= 0 AND $5::text IS NOT NULL AND $6::text IS NOT NULL), done AS (" done ")"                                 \
    " SELECT t.person, t.serial, " TIME("done.checked_in_at") ", " TIME("t.checked_in_at") ", coalesce(t.checked_in_by, ''), t.zone, t.row_name, t.number," \
    " t.category, coalesce(t.tariff, '') FROM t LEFT JOIN done ON true"

static void ask_door(struct door *d) {
    char serial[24];
    snprintf(serial, sizeof(serial), "%" PRId64, d->ticket.serial);
    const char *params[] = {d->ticket.sale, d->ticket.seat, d->ticket.order, serial, d->gate, d->at};
    bo_queue_run(d->http->gateway->postgres,
                 d->lets_in ? DOOR_SQL("UPDATE tickets u SET checked_in_at = coalesce(nullif($6, '')::timestamptz, now()), checked_in_by = $5 FROM t WHERE u.sale = t.sale"
                                       " AND u.seat = t.seat AND u.serial = $4::bigint AND u.checked_in_at IS NULL RETURNING u.checked_in_at")
                            : DOOR_SQL("SELECT NULL::timestamptz AS checked_in_at WHERE false"),
                 params, 6, door_answered, d);
}

/* When it was let in, "" for now, as PostgreSQL reads it; what is wrong with it, or NULL. */
static const char *read_at(const char *text, char ret[BO_DATE_MAX]) {
    int64_t ms;
    const char *wrong = text ? bo_date_read(text, &ms) : NULL;
    *ret = '\0';
    if (text && !wrong) bo_date_print(ms, ret);
    return wrong;
}

/* lets_in: marks it as used; else only says what it is. */
static void run_door(struct bo_http *http, bool lets_in) {
    json_t *json = body_of(http);
    const char *code = json_string_value(json_object_get(json, "code")), *gate = json_string_value(json_object_get(json, "gate"));
    const char *at = json_string_value(json_object_get(json, "at"));
    struct door *d = bo_alloc(sizeof(*d));
    *d = (struct door){.http = http, .lets_in = lets_in};
    snprintf(d->gate, sizeof(d->gate), "%s", gate ? gate : http->actor);
    const char *wrong = read_at(at, d->at);
    bool message = code && !wrong && (!gate || strlen(gate) <= BO_ID_MAX);
    int err = json ? BO_ERR_BAD_MESSAGE : BO_ERR_BAD_JSON;
    if (json && message) err = bo_token_read_ticket(http->gateway->keys, code, &d->ticket);
    if (err) {
        struct bo_buffer detail = {0};
        if (wrong) bo_buffer_printf(&detail, "at: %s", wrong);
        if (err == BO_ERR_BAD_MESSAGE && !wrong)
            bo_buffer_add_text(&detail, "code: of a ticket; gate: who lets in, at most 64 bytes; at: a time like 2026-05-01T19:30:00Z, when it is told later");
        bo_http_answer_error(http, err, detail.data);
        bo_buffer_free(&detail);
        free(d);
    } else {
        ask_door(d);
    }
    json_decref(json);
}

/* ---- refunds ---- */

struct refund {
    struct bo_awaited commit; /* first member */
    struct bo_http *http;
    struct bo_room *room;
    json_t *body;
    char state[20];
    int64_t amount;
};

static void finish_refund(struct refund *r, int err) {
    if (err)
        bo_http_answer_error(r->http, err, NULL);
    else
        bo_http_answer_json(r->http, 200, json_pack("{s:s, s:I}", "order", r->state, "amount", (json_int_t)r->amount));
    json_decref(r->body);
    free(r);
}

static void refund_audited(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    (void)rows;
    finish_refund(arg, err ? BO_ERR_UNAVAILABLE : 0);
}

static void refund_committed(struct bo_awaited *commit, int err) {
    struct refund *r = (struct refund *)commit;
    if (err) {
        finish_refund(r, err);
        return;
    }
    char *detail = json_dumps(r->body, JSON_COMPACT);
    const char *params[] = {r->http->actor, r->room->id, detail};
    bo_queue_run(r->http->gateway->postgres, "INSERT INTO audit (actor, action, sale, detail) VALUES ($1, 'refund', $2, $3::jsonb)", params, 3, refund_audited, r);
    free(detail);
}

static void refunded(void *arg, int err, const struct bo_value *v) {
    struct refund *r = arg;
    if (err) {
        char detail[64] = "";
        if (err == BO_ERR_REFUND_TOO_MUCH) snprintf(detail, sizeof(detail), "left: %" PRId64, bo_value_number(v, 1));
        bo_http_answer_error(r->http, err, detail);
        json_decref(r->body);
        free(r);
        return;
    }
    snprintf(r->state, sizeof(r->state), "%s", bo_value_text(v, 1));
    r->amount = bo_value_number(v, 2);
    bo_await_commit(r->room, &r->commit, bo_value_number(v, 3), refund_committed);
}

/* The arguments of order_refund; the texts are those of body. */
static int read_refund(const struct bo_http *http, const struct bo_room *room, json_t *body, const char *args[BO_HOLD_MAX + 6], char (*numbers)[24], size_t *ret_count) {
    const char *order, *refund, *become = "free", *why = "";
    json_t *seats = NULL, *amount = NULL;
    if (!body) return BO_ERR_BAD_JSON;
    if (json_unpack(body, "{s:s, s:s, s?s, s?s, s?o, s?o}", "order", &order, "refund", &refund, "seats_become", &become, "why", &why, "seats", &seats, "amount",
                    &amount) != 0 ||
        !bo_text_is_id(order) || !bo_text_is_id(refund) || (strcmp(become, "free") != 0 && strcmp(become, "block") != 0) || strlen(why) > WHY_MAX ||
        (seats && !json_is_array(seats)) || (amount && (!json_is_integer(amount) || json_integer_value(amount) < 0)) || (!seats && !amount))
        return BO_ERR_BAD_MESSAGE;
    if (json_array_size(seats) > BO_HOLD_MAX) return BO_ERR_TOO_LARGE;
    if (amount) *bo_text_put_number(numbers[BO_HOLD_MAX], json_integer_value(amount)) = '\0';
    const char *const head[] = {order, refund, amount ? numbers[BO_HOLD_MAX] : "-", become, http->actor, why};
    memcpy(args, head, sizeof(head));
    *ret_count = 6;
    for (size_t i = 0; i < json_array_size(seats); i++) {
        const char *guid = json_string_value(json_array_get(seats, i));
        uint32_t seat;
        if (!guid || !bo_room_find_seat(room, guid, &seat)) return guid ? BO_ERR_UNKNOWN_SEAT : BO_ERR_BAD_MESSAGE;
        *bo_text_put_number(numbers[i], seat) = '\0';
        args[(*ret_count)++] = numbers[i];
    }
    return 0;
}

static void run_refund(struct bo_http *http, struct bo_room *room) {
    json_t *body = body_of(http);
    const char *args[BO_HOLD_MAX + 6];
    char numbers[BO_HOLD_MAX + 1][24];
    size_t count;
    int err = read_refund(http, room, body, args, numbers, &count);
    if (err) {
        bo_http_answer_error(http, err, "order; refund: an id of your own, the same again changes nothing; seats: seat_guids whose tickets become void, and seats_become free or "
                                        "block; amount: in the smallest unit, the prices of these seats where it is left out; why");
        json_decref(body);
        return;
    }
    struct refund *r = bo_alloc(sizeof(*r));
    *r = (struct refund){.http = http, .room = room, .body = body};
    bo_room_run(room, "order_refund", args, count, refunded, r);
}

/* ---- lists ---- */

struct text_answer {
    struct bo_http *http;
    const char *type;
    int not_found;
};

static void text_read(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct text_answer *a = arg;
    if (err || bo_rows_count(rows) == 0)
        bo_http_answer_error(a->http, err ? BO_ERR_UNAVAILABLE : a->not_found, NULL);
    else
        bo_http_answer(a->http, 200, a->type, bo_rows_text(rows, 0, 0), strlen(bo_rows_text(rows, 0, 0)));
    free(a);
}

/* sql gives one text; sale: its second parameter, NULL where it takes but one. */
static void answer_text(struct bo_http *http, const char *sql, const char *id, const char *sale, const char *type, int not_found) {
    struct text_answer *a = bo_alloc(sizeof(*a));
    *a = (struct text_answer){http, type, not_found};
    const char *params[] = {id, sale};
    bo_bulk_run(http->gateway->bulk, sql, params, sale ? 2 : 1, text_read, a);
}

/* A field of CSV (RFC 4180); what a spreadsheet would take for a formula is kept from it. */
#define CSV(field) "'\"' || CASE WHEN " field " ~ '^[=+@-]' THEN '''' ELSE '' END || replace(" field ", '\"', '\"\"') || '\"'"

static const char door_sql[] =
    "SELECT 'seat,zone,row,number,category,tariff,person,order,price,bought_at,checked_in_at,checked_in_by,currency,digits' || E'\\r\\n' || coalesce(string_agg("
    CSV("s.guid") " || ',' || " CSV("s.zone") " || ',' || " CSV("s.row_name") " || ',' || " CSV("s.number") " || ',' || " CSV("s.category") " || ',' || "
    CSV("coalesce(t.tariff, '')") " || ',' || t.person || ',' || t.order_id || ',' || t.price || ',' || " TIME("to_timestamp(t.at_ms / 1000.0)") " || ',' || "
    TIME("t.checked_in_at") " || ',' || " CSV("coalesce(t.checked_in_by, '')") " || ',' || c.code || ',' || currency_digits(c.code) || E'\\r\\n', '' ORDER BY t.seat), '') FROM tickets t JOIN seats s"
    " USING (sale, seat), (SELECT coalesce(settings->>'currency', 'EUR') AS code FROM sales WHERE id = $1) c WHERE t.sale = $1";

#define GROUP(name, what, key) \
    "'" name "', (SELECT coalesce(json_agg(json_build_object('" key "', k, 'tickets', n, 'amount', a) ORDER BY k), '[]') FROM (SELECT " what \
    " AS k, count(*) AS n, sum(t.price) AS a FROM tickets t JOIN seats s USING (sale, seat) JOIN orders o ON o.sale = t.sale AND o.id = t.order_id WHERE t.sale = $1 GROUP BY 1) x)"

static const char report_sql[] =
    "SELECT json_build_object('sale', $1::text, 'currency', (SELECT coalesce(settings->>'currency', 'EUR') FROM sales WHERE id = $1),"
    " 'digits', (SELECT currency_digits(coalesce(settings->>'currency', 'EUR')) FROM sales WHERE id = $1),"
    " 'tickets', (SELECT count(*) FROM tickets WHERE sale = $1), 'amount', (SELECT coalesce(sum(price), 0) FROM tickets WHERE sale = $1),"
    " 'checked_in', (SELECT count(checked_in_at) FROM tickets WHERE sale = $1),"
    " 'refunded', (SELECT coalesce(sum(amount), 0) FROM refunds WHERE sale = $1 AND NOT vain),"
    " 'seats', (SELECT json_agg(json_build_object('category', category, 'seats', n) ORDER BY category) FROM (SELECT category, count(*) AS n FROM seats WHERE sale = $1"
    " GROUP BY 1) c), " GROUP("categories", "s.category", "category") ", " GROUP("hours", "to_char(to_timestamp(t.at_ms / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:00\"Z\"')", "hour")
    ", " GROUP("tariffs", "coalesce(t.tariff, '')", "tariff") ", " GROUP("channels", "coalesce(o.channel, '')", "channel") ")::text WHERE EXISTS (SELECT 1 FROM sales WHERE id = $1)";

static const char order_sql[] =
    "SELECT json_build_object('order', o.id, 'sale', o.sale, 'person', o.person, 'status', o.status, 'amount', o.amount, 'refunded', o.refunded, 'currency', o.currency,"
    " 'digits', currency_digits(o.currency),"
    " 'payment', o.payment, 'channel', o.channel, 'at_ms', o.at_ms, 'tickets', (SELECT coalesce(json_agg(json_build_object('seat', s.guid, 'price', t.price, 'tariff', t.tariff,"
    " 'person', t.person, 'checked_in_at', t.checked_in_at) ORDER BY t.seat), '[]') FROM tickets t JOIN seats s USING (sale, seat) WHERE t.sale = o.sale AND t.order_id = o.id),"
    " 'refunds', (SELECT coalesce(json_agg(json_build_object('refund', r.id, 'amount', r.amount, 'reason', r.reason, 'status', r.status, 'problem', r.problem)"
    " ORDER BY r.seq), '[]') FROM refunds r WHERE r.sale = o.sale AND r.order_id = o.id))::text FROM orders o WHERE o.id = $1 AND ($2 = '' OR o.sale = $2)"
    " ORDER BY o.at_ms DESC LIMIT 1";

static bool run_of_sale(struct bo_http *http) {
    char id[BO_ID_MAX + 1];
    bool door = bo_http_path_is(http, "/api/sales/*/door.csv", id), report = !door && bo_http_path_is(http, "/api/sales/*/report", id);
    if (!door && !report && !bo_http_path_is(http, "/api/sales/*/refund", id)) return false;
    struct bo_room *room = bo_rooms_find(http->gateway, id);
    if (strcmp(http->method, door || report ? "GET" : "POST") != 0)
        bo_http_answer_error(http, BO_ERR_BAD_METHOD, NULL);
    else if (!room)
        bo_http_answer_error(http, BO_ERR_UNKNOWN_SALE, NULL);
    else if (door || report)
        answer_text(http, door ? door_sql : report_sql, room->id, NULL, door ? "text/csv; charset=utf-8" : "application/json", BO_ERR_UNKNOWN_SALE);
    else
        run_refund(http, room);
    return true;
}

bool bo_admin_tickets_run(struct bo_http *http) {
    char id[BO_ID_MAX + 1];
    bool check_in = strcmp(http->path, "/api/check-in") == 0;
    if (check_in || strcmp(http->path, "/api/tickets/check") == 0) {
        if (strcmp(http->method, "POST") == 0)
            run_door(http, check_in);
        else
            bo_http_answer_error(http, BO_ERR_BAD_METHOD, NULL);
        return true;
    }
    if (bo_http_path_is(http, "/api/orders/*", id)) {
        char sale[BO_HTTP_ARGUMENT_MAX + 1];
        bo_http_argument(http, "sale", sale);
        answer_text(http, order_sql, id, sale, "application/json", BO_ERR_UNKNOWN_ORDER);
        return true;
    }
    return run_of_sale(http);
}
