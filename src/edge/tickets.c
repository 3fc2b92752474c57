/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/tickets.h"

#include "base/memory.h"
#include "base/text.h"
#include "edge/awaited.h"
#include "edge/links.h"
#include "edge/qr.h"
#include "edge/stock.h"
#include "edge/token.h"
#include "loop/loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRANSFER_MS (7 * 24 * 3600000LL)

/* ---- as JSON ---- */

static char *code_of(struct bo_room *room, const char *guid, const struct bo_rows *rows, size_t row) {
    struct bo_ticket_claim claim = {.serial = bo_rows_number(rows, row, 4)};
    snprintf(claim.sale, sizeof(claim.sale), "%s", room->id);
    snprintf(claim.seat, sizeof(claim.seat), "%s", guid);
    snprintf(claim.order, sizeof(claim.order), "%s", bo_rows_text(rows, row, 1));
    return bo_token_ticket(room->gateway->keys, &claim);
}

struct field {
    const char *name, *text;
};

/* As members, each with a comma behind it. */
static void print_fields(const struct field *fields, size_t count, struct bo_buffer *out) {
    for (size_t f = 0; f < count; f++) {
        bo_buffer_printf(out, "\"%s\":\"", fields[f].name);
        bo_buffer_add_json(out, fields[f].text);
        bo_buffer_add_text(out, "\",");
    }
}

static void print_seat(const struct bo_seat_words *seat, struct bo_buffer *out) {
    const struct field fields[] = {{"seat", seat->guid}, {"zone", seat->zone}, {"row", seat->row}, {"number", seat->number}, {"category", seat->category}};
    bo_buffer_add_text(out, "{");
    print_fields(fields, sizeof(fields) / sizeof(fields[0]), out);
}

static void print_ticket(struct bo_room *room, const struct bo_seat_words *seat, const struct bo_rows *rows, size_t i, struct bo_buffer *out) {
    char *code = code_of(room, seat->guid, rows, i);
    const struct field fields[] = {{"tariff", bo_rows_text(rows, i, 5)}, {"order", bo_rows_text(rows, i, 1)}, {"code", code}};
    print_seat(seat, out);
    print_fields(fields, sizeof(fields) / sizeof(fields[0]), out);
    if (bo_rows_number(rows, i, 6)) bo_buffer_printf(out, "\"checked_in_ms\":%" PRId64 ",", bo_rows_number(rows, i, 6));
    bo_buffer_printf(out, "\"price\":%" PRId64 "}", bo_rows_number(rows, i, 3));
    free(code);
}

void bo_tickets_print(struct bo_room *room, const struct bo_rows *rows, size_t from, size_t to, struct bo_buffer *out) {
    bool first = true;
    bo_buffer_add_text(out, "[");
    for (size_t i = from; i < to; i++) {
        struct bo_seat_words words;
        if (!bo_room_seat_words(room, bo_rows_number(rows, i, 2), &words)) continue;
        if (!first) bo_buffer_add_text(out, ",");
        first = false;
        print_ticket(room, &words, rows, i, out);
    }
    bo_buffer_add_text(out, "]");
}

/* ---- who asks for what ---- */

int bo_http_who(const struct bo_http *http, const struct bo_room *room, char ret_person[BO_ID_MAX + 1]) {
    struct bo_place_claim claim = {0};
    struct bo_site_claim site = {0};
    const struct bo_config *config = &http->gateway->config;
    bo_ms now = bo_loop_wall_ms();
    if (!*http->bearer) return BO_ERR_TOKEN_MISSING;
    int err = bo_token_read_place(config, http->bearer, now, &claim);
    if (err == BO_ERR_TOKEN_EXPIRED && now < bo_right_end(room, claim.expires)) err = 0; /* to what was got by it (rule U2) */
    if (!err && strcmp(claim.sale, room->id) != 0) err = BO_ERR_TOKEN_FOREIGN;
    if (!err) memcpy(ret_person, claim.person, sizeof(claim.person));
    if (err == BO_ERR_TOKEN_FOREIGN && !*claim.sale) err = bo_token_read_account(config, http->bearer, now, ret_person);
    if (err != BO_ERR_TOKEN_FORGED) return err;
    err = bo_token_read_site(config, http->bearer, now, &site);
    if (!err) memcpy(ret_person, site.person, sizeof(site.person));
    return err;
}

/* Whose tickets are meant; a link restricts them to one order. */
struct owner {
    char person[BO_ID_MAX + 1], order[BO_ID_MAX + 1]; /* order "": all */
};

static int find_owner(const struct bo_http *http, const struct bo_room *room, struct owner *ret) {
    struct bo_link_claim link;
    *ret = (struct owner){0};
    int err = *http->bearer ? bo_link_read(http, room, &link) : BO_ERR_TOKEN_MISSING;
    if (err == BO_ERR_TOKEN_FORGED || err == BO_ERR_TOKEN_FOREIGN) return bo_http_who(http, room, ret->person);
    if (err) return err;
    memcpy(ret->person, link.person, sizeof(link.person));
    memcpy(ret->order, link.order, sizeof(link.order));
    return 0;
}

struct request {
    struct bo_awaited commit; /* first member */
    struct bo_http *http;
    struct bo_room *room;
    struct owner owner;
    char format[8];
    struct bo_ticket_claim ticket; /* that is accepted */
};

static struct request *start(struct bo_http *http, struct bo_room *room, const struct owner *owner) {
    struct request *r = bo_alloc(sizeof(*r));
    *r = (struct request){.http = http, .room = room, .owner = *owner};
    return r;
}

static void fail(struct request *r, int err) {
    bo_http_answer_error(r->http, err, NULL);
    free(r);
}

/* ---- the list, with tickets that were transferred or refunded ---- */

/* Valid tickets first, order by order. The buyer also sees what became of each other ticket of the order. */
static const char list_sql[] =
    "WITH bought AS (SELECT id FROM orders WHERE sale = $1 AND person = $2 AND ($3 = '' OR id = $3)), void AS (SELECT * FROM void_tickets"
    " WHERE sale = $1 AND person = $2 AND ($3 = '' OR order_id = $3) UNION SELECT v.* FROM bought JOIN void_tickets v ON v.sale = $1 AND"
    " v.order_id = bought.id) SELECT * FROM (SELECT " BO_TICKET_COLUMNS ", '' AS gone FROM tickets WHERE sale = $1 AND person = $2 AND"
    " ($3 = '' OR order_id = $3) UNION ALL SELECT '', t.order_id, t.seat, t.price, 0, '', 0, 'handed_on' FROM bought JOIN tickets t ON"
    " t.order_id = bought.id AND t.sale = $1 AND t.person <> $2 UNION ALL SELECT '', order_id, seat, price, 0, '', 0, 'void' FROM void) l"
    " ORDER BY gone <> '', order_id, seat";
#define GONE 7 /* its column */

static size_t count_valid(const struct bo_rows *rows) {
    size_t n = 0;
    while (n < bo_rows_count(rows) && !*bo_rows_text(rows, n, GONE)) n++;
    return n;
}

static void print_gone(struct bo_room *room, const struct bo_rows *rows, size_t from, struct bo_buffer *out) {
    bool first = true;
    bo_buffer_add_text(out, "[");
    for (size_t i = from; i < bo_rows_count(rows); i++) {
        struct bo_seat_words words;
        if (!bo_room_seat_words(room, bo_rows_number(rows, i, 2), &words)) continue;
        if (!first) bo_buffer_add_text(out, ",");
        first = false;
        print_seat(&words, out);
        bo_buffer_printf(out, "\"order\":\"%s\",\"state\":\"%s\"}", bo_rows_text(rows, i, 1), bo_rows_text(rows, i, GONE));
    }
    bo_buffer_add_text(out, "]");
}

/* One link per order with valid tickets. */
static void print_links(const struct request *r, const struct bo_rows *rows, size_t valid, struct bo_buffer *out) {
    bo_buffer_add_text(out, "[");
    for (size_t i = 0; i < valid; i++) {
        const char *order = bo_rows_text(rows, i, 1);
        if (i && strcmp(order, bo_rows_text(rows, i - 1, 1)) == 0) continue;
        bo_buffer_printf(out, "%s{\"order\":\"%s\"", i ? "," : "", order);
        bo_link_print(r->room, order, r->owner.person, out);
        bo_buffer_add_text(out, "}");
    }
    bo_buffer_add_text(out, "]");
}

static void tickets_read(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct request *r = arg;
    if (err) {
        fail(r, BO_ERR_UNAVAILABLE);
        return;
    }
    size_t valid = count_valid(rows);
    struct bo_buffer b = {0};
    bo_buffer_add_text(&b, "{\"tickets\":");
    bo_tickets_print(r->room, rows, 0, valid, &b);
    bo_buffer_add_text(&b, ",\"gone\":");
    print_gone(r->room, rows, valid, &b);
    bo_buffer_add_text(&b, ",\"links\":");
    print_links(r, rows, valid, &b);
    bo_buffer_add_text(&b, "}");
    bo_http_answer(r->http, 200, "application/json", b.data, b.length);
    bo_buffer_free(&b);
    free(r);
}

static void list_tickets(struct request *r) {
    const char *params[] = {r->room->id, r->owner.person, r->owner.order};
    bo_queue_run(r->http->gateway->postgres, list_sql, params, 3, tickets_read, r);
}

/* ---- one ticket ---- */

/* Of what is drawn; NULL: it is none. */
static const char *format_in(const json_t *body) {
    const json_t *format = json_object_get(body, "format");
    const char *text = format ? json_string_value(format) : "svg";
    return text && (strcmp(text, "svg") == 0 || strcmp(text, "png") == 0) ? text : NULL;
}

/* The owner's ticket of the seat that the body names. */
static void find_ticket(struct bo_http *http, struct bo_room *room, const struct owner *owner, const json_t *body, bo_queue_cb cb) {
    const char *guid = json_string_value(json_object_get(body, "seat")), *format = format_in(body);
    uint32_t seat;
    bool known = guid && bo_room_find_seat(room, guid, &seat);
    if (!known || !format) {
        bo_http_answer_error(http, !guid || known ? BO_ERR_BAD_MESSAGE : BO_ERR_UNKNOWN_SEAT, "seat: a seat_guid of the plan; format: svg or png");
        return;
    }
    char index[16];
    *bo_text_put_number(index, seat) = '\0';
    struct request *r = start(http, room, owner);
    snprintf(r->format, sizeof(r->format), "%s", format);
    const char *params[] = {room->id, owner->person, index, owner->order};
    bo_queue_run(http->gateway->postgres,
                 "SELECT " BO_TICKET_COLUMNS " FROM tickets WHERE sale = $1 AND person = $2 AND seat = $3 AND ($4 = '' OR order_id = $4)", params, 4, cb, r);
}

/* ---- QR ---- */

static void answer_picture(struct bo_http *http, const char *text, const char *format) {
    bool png = strcmp(format, "png") == 0;
    struct bo_buffer picture = {0};
    int err = png ? bo_qr_png(text, &picture) : bo_qr_svg(text, &picture);
    if (err)
        bo_http_answer_error(http, err, NULL);
    else
        bo_http_answer(http, 200, png ? "image/png" : "image/svg+xml", picture.data, picture.length);
    bo_buffer_free(&picture);
}

/* Draws the bearer's link, to open it on another device. */
static void draw_link(struct bo_http *http, const struct bo_room *room, const struct owner *owner, const json_t *body) {
    const char *format = format_in(body);
    if (!*owner->order || !format) {
        bo_http_answer_error(http, format ? BO_ERR_TOKEN_FOREIGN : BO_ERR_BAD_MESSAGE, "Authorization: the token of a ticket link; format: svg or png");
        return;
    }
    bo_ms expires;
    char *link = bo_link_make(room, owner->order, owner->person, &expires);
    answer_picture(http, link, format);
    free(link);
}

static void draw(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct request *r = arg;
    struct bo_seat_words words;
    if (err || bo_rows_count(rows) == 0 || !bo_room_seat_words(r->room, bo_rows_number(rows, 0, 2), &words)) {
        fail(r, err ? BO_ERR_UNAVAILABLE : BO_ERR_UNKNOWN_TICKET);
        return;
    }
    char *code = code_of(r->room, words.guid, rows, 0);
    answer_picture(r->http, code, r->format);
    free(code);
    free(r);
}

/* ---- handing on: the owner is given a token, and whoever brings it has the ticket ---- */

static void offer(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct request *r = arg;
    struct bo_seat_words words;
    if (err || bo_rows_count(rows) == 0 || bo_rows_number(rows, 0, 6) || !bo_room_seat_words(r->room, bo_rows_number(rows, 0, 2), &words)) {
        fail(r, err ? BO_ERR_UNAVAILABLE : bo_rows_count(rows) == 0 ? BO_ERR_UNKNOWN_TICKET : BO_ERR_ALREADY_CHECKED_IN);
        return;
    }
    struct bo_ticket_claim claim = {.serial = bo_rows_number(rows, 0, 4)};
    snprintf(claim.sale, sizeof(claim.sale), "%s", r->room->id);
    snprintf(claim.seat, sizeof(claim.seat), "%s", words.guid);
    snprintf(claim.order, sizeof(claim.order), "%s", bo_rows_text(rows, 0, 1));
    bo_ms expires = bo_loop_wall_ms() + TRANSFER_MS;
    char *token = bo_token_transfer(&r->http->gateway->config, &claim, r->owner.person, expires);
    bo_http_answer_json(r->http, 200, json_pack("{s:s, s:I}", "transfer", token, "expires_ms", (json_int_t)expires));
    free(token);
    free(r);
}

static void handed_on(struct bo_awaited *commit, int err) {
    struct request *r = (struct request *)commit;
    if (err) {
        fail(r, err);
        return;
    }
    list_tickets(r);
}

static void transferred(void *arg, int err, const struct bo_value *v) {
    struct request *r = arg;
    if (err)
        fail(r, err);
    else
        bo_await_commit(r->room, &r->commit, bo_value_number(v, 1), handed_on);
}

/* PostgreSQL is asked first, because it alone knows what version 0.1.0 handed on and let in; Redis decides. */
static void offer_checked(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct request *r = arg;
    bool same = !err && bo_rows_count(rows) == 1 && bo_rows_number(rows, 0, 4) == r->ticket.serial;
    if (!same || bo_rows_number(rows, 0, 6)) {
        fail(r, err ? BO_ERR_UNAVAILABLE : !same ? BO_ERR_TICKET_VOID : BO_ERR_ALREADY_CHECKED_IN);
        return;
    }
    const char *args[] = {bo_rows_text(rows, 0, 2), r->ticket.order, bo_rows_text(rows, 0, 4), bo_rows_text(rows, 0, 0), r->owner.person};
    bo_room_run(r->room, "ticket_transfer", args, 5, transferred, r);
}

/* Not by a link: it gives access to tickets, and does not identify a person. */
static void accept_ticket(struct bo_http *http, struct bo_room *room, const struct owner *owner, const json_t *body) {
    const char *token = json_string_value(json_object_get(body, "transfer"));
    struct bo_ticket_claim claim;
    char from[BO_ID_MAX + 1];
    int err = token ? bo_token_read_transfer(&http->gateway->config, token, bo_loop_wall_ms(), &claim, from) : BO_ERR_BAD_MESSAGE;
    if (!err && (strcmp(claim.sale, room->id) != 0 || *owner->order)) err = BO_ERR_TOKEN_FOREIGN;
    uint32_t seat;
    if (err || !bo_room_find_seat(room, claim.seat, &seat)) {
        bo_http_answer_error(http, err ? err : BO_ERR_TICKET_VOID, err == BO_ERR_BAD_MESSAGE ? "transfer: what the owner of the ticket was given" : NULL);
        return;
    }
    struct request *r = start(http, room, owner);
    char index[16];
    *bo_text_put_number(index, seat) = '\0';
    r->ticket = claim;
    const char *params[] = {room->id, index, claim.order, from};
    bo_queue_run(http->gateway->postgres, "SELECT " BO_TICKET_COLUMNS " FROM tickets WHERE sale = $1 AND seat = $2 AND order_id = $3 AND person = $4", params, 4,
                 offer_checked, r);
}

bool bo_tickets_run(struct bo_http *http, struct bo_room *room, const char *what) {
    bool list = strcmp(what, "tickets") == 0, qr = strcmp(what, "tickets/qr") == 0, transfer = strcmp(what, "tickets/transfer") == 0;
    bool link = strcmp(what, "tickets/link") == 0;
    if (!list && !qr && !transfer && !link && strcmp(what, "tickets/accept") != 0) return false;
    struct owner owner;
    json_t *body = list ? NULL : json_loadb(http->body.data ? http->body.data : "", http->body.length, 0, NULL);
    int err = strcmp(http->method, list ? "GET" : "POST") != 0 ? BO_ERR_BAD_METHOD : find_owner(http, room, &owner);
    if (!err && !list && !body) err = BO_ERR_BAD_JSON;
    if (err)
        bo_http_answer_error(http, err, NULL);
    else if (list)
        list_tickets(start(http, room, &owner));
    else if (link)
        draw_link(http, room, &owner, body);
    else if (qr || transfer)
        find_ticket(http, room, &owner, body, qr ? draw : offer);
    else
        accept_ticket(http, room, &owner, body);
    json_decref(body);
    return true;
}
