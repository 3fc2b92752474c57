/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/tickets.h"

#include "base/memory.h"
#include "base/text.h"
#include "edge/awaited.h"
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

static void print_ticket(struct bo_room *room, const struct bo_seat_words *seat, const struct bo_rows *rows, size_t i, struct bo_buffer *out) {
    char *code = code_of(room, seat->guid, rows, i);
    const char *const fields[][2] = {{"seat", seat->guid}, {"zone", seat->zone}, {"row", seat->row}, {"number", seat->number}, {"category", seat->category},
                                     {"tariff", bo_rows_text(rows, i, 5)}, {"order", bo_rows_text(rows, i, 1)}, {"code", code}};
    bo_buffer_add_text(out, "{");
    for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++) {
        bo_buffer_printf(out, "\"%s\":\"", fields[f][0]);
        bo_buffer_add_json(out, fields[f][1]);
        bo_buffer_add_text(out, "\",");
    }
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
    char lane[BO_ID_MAX + 1];
    const struct bo_config *config = &http->gateway->config;
    bo_ms now = bo_loop_wall_ms();
    if (!*http->bearer) return BO_ERR_TOKEN_MISSING;
    int err = bo_token_read_place(config, http->bearer, now, &claim);
    if (!err && strcmp(claim.sale, room->id) != 0) err = BO_ERR_TOKEN_FOREIGN;
    if (!err) memcpy(ret_person, claim.person, sizeof(claim.person));
    if (err == BO_ERR_TOKEN_FOREIGN && !*claim.sale) err = bo_token_read_account(config, http->bearer, now, ret_person);
    if (err == BO_ERR_TOKEN_FORGED) err = bo_token_read_site(config, http->bearer, now, ret_person, lane);
    return err;
}

struct request {
    struct bo_awaited commit; /* first member */
    struct bo_http *http;
    struct bo_room *room;
    char person[BO_ID_MAX + 1];
    char format[8];
    struct bo_ticket_claim ticket; /* that is accepted */
};

static struct request *start(struct bo_http *http, struct bo_room *room, const char *person) {
    struct request *r = bo_alloc(sizeof(*r));
    *r = (struct request){.http = http, .room = room};
    snprintf(r->person, sizeof(r->person), "%s", person);
    return r;
}

static void fail(struct request *r, int err) {
    bo_http_answer_error(r->http, err, NULL);
    free(r);
}

static void tickets_read(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct request *r = arg;
    if (err) {
        fail(r, BO_ERR_UNAVAILABLE);
        return;
    }
    struct bo_buffer b = {0};
    bo_buffer_add_text(&b, "{\"tickets\":");
    bo_tickets_print(r->room, rows, 0, bo_rows_count(rows), &b);
    bo_buffer_add_text(&b, "}");
    bo_http_answer(r->http, 200, "application/json", b.data, b.length);
    bo_buffer_free(&b);
    free(r);
}

static void list_tickets(struct bo_http *http, struct bo_room *room, const char *person) {
    const char *params[] = {room->id, person};
    bo_queue_run(http->gateway->postgres, "SELECT " BO_TICKET_COLUMNS " FROM tickets WHERE sale = $1 AND person = $2 ORDER BY order_id, seat", params, 2,
                 tickets_read, start(http, room, person));
}

/* His ticket of the seat that the body names. */
static void find_ticket(struct bo_http *http, struct bo_room *room, const char *person, const json_t *body, bo_queue_cb cb) {
    const char *guid = json_string_value(json_object_get(body, "seat")), *format = json_string_value(json_object_get(body, "format"));
    uint32_t seat;
    bool known = guid && bo_room_find_seat(room, guid, &seat);
    if (!known || (format && strcmp(format, "svg") != 0 && strcmp(format, "png") != 0)) {
        bo_http_answer_error(http, !guid || known ? BO_ERR_BAD_MESSAGE : BO_ERR_UNKNOWN_SEAT, "seat: a seat_guid of the plan; format: svg or png");
        return;
    }
    char index[16];
    *bo_text_put_number(index, seat) = '\0';
    struct request *r = start(http, room, person);
    snprintf(r->format, sizeof(r->format), "%s", format ? format : "svg");
    const char *params[] = {room->id, person, index};
    bo_queue_run(http->gateway->postgres, "SELECT " BO_TICKET_COLUMNS " FROM tickets WHERE sale = $1 AND person = $2 AND seat = $3", params, 3, cb, r);
}

/* ---- QR ---- */

static void draw(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct request *r = arg;
    struct bo_seat_words words;
    if (err || bo_rows_count(rows) == 0 || !bo_room_seat_words(r->room, bo_rows_number(rows, 0, 2), &words)) {
        fail(r, err ? BO_ERR_UNAVAILABLE : BO_ERR_UNKNOWN_TICKET);
        return;
    }
    bool png = strcmp(r->format, "png") == 0;
    struct bo_buffer picture = {0};
    char *code = code_of(r->room, words.guid, rows, 0);
    err = png ? bo_qr_png(code, &picture) : bo_qr_svg(code, &picture);
    if (err)
        bo_http_answer_error(r->http, err, NULL);
    else
        bo_http_answer(r->http, 200, png ? "image/png" : "image/svg+xml", picture.data, picture.length);
    bo_buffer_free(&picture);
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
    char *token = bo_token_transfer(&r->http->gateway->config, &claim, r->person, expires);
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
    const char *params[] = {r->room->id, r->person};
    bo_queue_run(r->http->gateway->postgres, "SELECT " BO_TICKET_COLUMNS " FROM tickets WHERE sale = $1 AND person = $2 ORDER BY order_id, seat", params, 2, tickets_read, r);
}

static void transferred(void *arg, int err, const struct bo_value *v) {
    struct request *r = arg;
    if (err)
        fail(r, err);
    else
        bo_await_commit(r->room, &r->commit, bo_value_number(v, 1), handed_on);
}

/* PostgreSQL knows the serial, Redis who has the seat; both have to be as they were when it was offered. */
static void offer_checked(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct request *r = arg;
    bool same = !err && bo_rows_count(rows) == 1 && bo_rows_number(rows, 0, 4) == r->ticket.serial;
    if (!same || bo_rows_number(rows, 0, 6)) {
        fail(r, err ? BO_ERR_UNAVAILABLE : !same ? BO_ERR_TICKET_VOID : BO_ERR_ALREADY_CHECKED_IN);
        return;
    }
    const char *args[] = {bo_rows_text(rows, 0, 2), bo_rows_text(rows, 0, 0), r->person};
    bo_room_run(r->room, "ticket_transfer", args, 3, transferred, r);
}

static void accept_ticket(struct bo_http *http, struct bo_room *room, const char *person, const json_t *body) {
    const char *token = json_string_value(json_object_get(body, "transfer"));
    struct bo_ticket_claim claim;
    char from[BO_ID_MAX + 1];
    int err = token ? bo_token_read_transfer(&http->gateway->config, token, bo_loop_wall_ms(), &claim, from) : BO_ERR_BAD_MESSAGE;
    if (!err && strcmp(claim.sale, room->id) != 0) err = BO_ERR_TOKEN_FOREIGN;
    uint32_t seat;
    if (err || !bo_room_find_seat(room, claim.seat, &seat)) {
        bo_http_answer_error(http, err ? err : BO_ERR_TICKET_VOID, err == BO_ERR_BAD_MESSAGE ? "transfer: what the owner of the ticket was given" : NULL);
        return;
    }
    struct request *r = start(http, room, person);
    char index[16];
    *bo_text_put_number(index, seat) = '\0';
    r->ticket = claim;
    const char *params[] = {room->id, index, claim.order, from};
    bo_queue_run(http->gateway->postgres, "SELECT " BO_TICKET_COLUMNS " FROM tickets WHERE sale = $1 AND seat = $2 AND order_id = $3 AND person = $4", params, 4,
                 offer_checked, r);
}

bool bo_tickets_run(struct bo_http *http, struct bo_room *room, const char *what) {
    bool list = strcmp(what, "tickets") == 0, qr = strcmp(what, "tickets/qr") == 0, transfer = strcmp(what, "tickets/transfer") == 0;
    if (!list && !qr && !transfer && strcmp(what, "tickets/accept") != 0) return false;
    char person[BO_ID_MAX + 1];
    json_t *body = list ? NULL : json_loadb(http->body.data ? http->body.data : "", http->body.length, 0, NULL);
    int err = strcmp(http->method, list ? "GET" : "POST") != 0 ? BO_ERR_BAD_METHOD : bo_http_who(http, room, person);
    if (!err && !list && !body) err = BO_ERR_BAD_JSON;
    if (err)
        bo_http_answer_error(http, err, NULL);
    else if (list)
        list_tickets(http, room, person);
    else if (qr || transfer)
        find_ticket(http, room, person, body, qr ? draw : offer);
    else
        accept_ticket(http, room, person, body);
    json_decref(body);
    return true;
}
