/* SPDX-License-Identifier: Apache-2.0
 * The operator's side of orders and tickets: refunds, the list for the door, the report of what was sold. */
#include "edge/admin.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"
#include "edge/awaited.h"
#include "edge/bulk.h"
#include "edge/door.h"
#include "edge/room.h"
#include "edge/stock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHY_MAX 200

static json_t *body_of(const struct bo_http *http) { return json_loadb(http->body.data ? http->body.data : "", http->body.length, 0, NULL); }

/* ---- refunds ---- */

#define VAIN "vain:" /* begins ids of the server's own (lua/order_pay.lua) */
#define HEAD 7       /* arguments of order_refund before the seats */

struct refund {
    struct bo_awaited commit; /* first member */
    struct bo_http *http;
    struct bo_room *room;
    json_t *body;
    const char *args[HEAD + BO_HOLD_MAX]; /* of order_refund: texts of body, and */
    char numbers[BO_HOLD_MAX + 1][24];    /* these */
    size_t count;
    char state[20];
    int64_t amount;
};

static void end_refund(struct refund *r) {
    json_decref(r->body);
    free(r);
}

static void finish_refund(struct refund *r, int err) {
    if (err)
        bo_http_answer_error(r->http, err, NULL);
    else
        bo_http_answer_json(r->http, 200, json_pack("{s:s, s:I}", "order", r->state, "amount", (json_int_t)r->amount));
    end_refund(r);
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

static void refuse_used(struct refund *r, const char *seats) {
    struct bo_buffer detail = {0};
    bo_buffer_printf(&detail, "used: %s; with \"force\": true they are refunded all the same", seats);
    bo_http_answer_error(r->http, BO_ERR_ALREADY_CHECKED_IN, detail.data);
    bo_buffer_free(&detail);
    end_refund(r);
}

static void refuse_used_seats(struct refund *r, const struct bo_value *seats) {
    struct bo_buffer names = {0};
    for (size_t i = 0; i < seats->length; i++) {
        struct bo_seat_words words;
        if (!bo_room_seat_words(r->room, bo_value_number(seats, i), &words)) continue;
        bo_buffer_printf(&names, "%s%s", names.length ? ", " : "", words.guid);
    }
    refuse_used(r, names.data ? names.data : "");
    bo_buffer_free(&names);
}

static void refuse_refund(struct refund *r, int err, const struct bo_value *v) {
    char detail[96] = "";
    if (err == BO_ERR_REFUND_TOO_MUCH) snprintf(detail, sizeof(detail), "left: %" PRId64, bo_value_number(v, 1));
    if (err == BO_ERR_KEY_REUSED) snprintf(detail, sizeof(detail), "refund: this id is that of another refund of this order");
    if (err == BO_ERR_BAD_MESSAGE) snprintf(detail, sizeof(detail), "neither a seat nor an amount is given back");
    bo_http_answer_error(r->http, err, detail);
    end_refund(r);
}

static void refunded(void *arg, int err, const struct bo_value *v) {
    struct refund *r = arg;
    if (err == BO_ERR_ALREADY_CHECKED_IN) {
        refuse_used_seats(r, bo_value_item(v, 2));
    } else if (err) {
        refuse_refund(r, err, v);
    } else {
        snprintf(r->state, sizeof(r->state), "%s", bo_value_text(v, 1));
        r->amount = bo_value_number(v, 2);
        bo_await_commit(r->room, &r->commit, bo_value_number(v, 3), refund_committed);
    }
}

/* What version 0.1.0 let in is known to PostgreSQL only; of the rest Redis decides. */
static void used_read(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct refund *r = arg;
    if (err)
        finish_refund(r, BO_ERR_UNAVAILABLE);
    else if (*bo_rows_text(rows, 0, 0))
        refuse_used(r, bo_rows_text(rows, 0, 0));
    else
        bo_room_run(r->room, "order_refund", r->args, r->count, refunded, r);
}

static void ask_used(struct refund *r) {
    struct bo_buffer seats = {0};
    for (size_t i = HEAD; i < r->count; i++) bo_buffer_printf(&seats, "%s%s", i == HEAD ? "{" : ",", r->args[i]);
    bo_buffer_add_text(&seats, "}");
    const char *params[] = {r->room->id, r->args[0], seats.data};
    bo_queue_run(r->http->gateway->postgres,
                 "SELECT string_agg(s.guid, ', ' ORDER BY t.seat) FROM tickets t JOIN seats s USING (sale, seat) WHERE t.sale = $1 AND t.order_id = $2"
                 " AND t.seat = ANY($3::int[]) AND t.checked_in_at IS NOT NULL",
                 params, 3, used_read, r);
    bo_buffer_free(&seats);
}

static int read_seats(struct refund *r, const json_t *seats) {
    if (json_array_size(seats) > BO_HOLD_MAX) return BO_ERR_TOO_LARGE;
    for (size_t i = 0; i < json_array_size(seats); i++) {
        const char *guid = json_string_value(json_array_get(seats, i));
        uint32_t seat;
        if (!guid || !bo_room_find_seat(r->room, guid, &seat)) return guid ? BO_ERR_UNKNOWN_SEAT : BO_ERR_BAD_MESSAGE;
        *bo_text_put_number(r->numbers[i], seat) = '\0';
        r->args[r->count++] = r->numbers[i];
    }
    return 0;
}

static int read_refund(struct refund *r) {
    const char *order, *refund, *become = "free", *why = "";
    json_t *seats = NULL, *amount = NULL;
    int force = 0;
    if (!r->body) return BO_ERR_BAD_JSON;
    if (json_unpack(r->body, "{s:s, s:s, s?s, s?s, s?o, s?o, s?b}", "order", &order, "refund", &refund, "seats_become", &become, "why", &why, "seats", &seats, "amount",
                    &amount, "force", &force) != 0 ||
        !bo_text_is_id(order) || !bo_text_is_id(refund) || strncmp(refund, VAIN, strlen(VAIN)) == 0 || (strcmp(become, "free") != 0 && strcmp(become, "block") != 0) ||
        !bo_utf8_is_text(why, 0, WHY_MAX, false) || (seats && !json_is_array(seats)) || (amount && (!json_is_integer(amount) || json_integer_value(amount) < 0)) || (!seats && !amount))
        return BO_ERR_BAD_MESSAGE;
    if (amount) *bo_text_put_number(r->numbers[BO_HOLD_MAX], json_integer_value(amount)) = '\0';
    const char *const head[HEAD] = {order, refund, amount ? r->numbers[BO_HOLD_MAX] : "-", become, r->http->actor, why, force ? "force" : ""};
    memcpy(r->args, head, sizeof(head));
    r->count = HEAD;
    return read_seats(r, seats);
}

static void run_refund(struct bo_http *http, struct bo_room *room) {
    struct refund *r = bo_alloc(sizeof(*r));
    *r = (struct refund){.http = http, .room = room, .body = body_of(http)};
    int err = read_refund(r);
    if (err) {
        bo_http_answer_error(http, err, "order; refund: an id of your own, not beginning with \"" VAIN "\", the same again changes nothing; seats: seat_guids whose tickets "
                                        "become void, and seats_become free or block; amount: in the smallest unit, the prices of these seats where it is left out; why; "
                                        "force: also tickets that were used");
        end_refund(r);
    } else if (r->count > HEAD && !*r->args[HEAD - 1]) {
        ask_used(r);
    } else {
        bo_room_run(room, "order_refund", r->args, r->count, refunded, r);
    }
}

/* ---- lists ---- */

#define TIME(column) "coalesce(to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), '')"

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
    " 'paid', (SELECT coalesce(sum(amount), 0) FROM orders WHERE sale = $1 AND status IN ('paid', 'part_refunded', 'refunded')),"
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
        bo_http_answer_error(http, http->missing, NULL);
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
            bo_door_run(http, check_in);
        else
            bo_http_answer_error(http, BO_ERR_BAD_METHOD, NULL);
        return true;
    }
    if (bo_http_path_is(http, "/api/orders/*", id)) {
        answer_text(http, order_sql, id, bo_http_argument(http, "sale"), "application/json", BO_ERR_UNKNOWN_ORDER);
        return true;
    }
    return run_of_sale(http);
}
