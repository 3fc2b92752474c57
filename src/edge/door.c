/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/door.h"

#include "base/buffer.h"
#include "base/date.h"
#include "base/memory.h"
#include "base/text.h"
#include "edge/awaited.h"
#include "edge/room.h"
#include "edge/token.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum way { LOOK, IN, OUT };

struct door {
    struct bo_awaited commit; /* first member */
    struct bo_http *http;
    struct bo_ticket_claim ticket;
    enum way way;
    bool by_hand; /* named by order and seat instead of its code */
    char gate[BO_ID_MAX + 1];
    bo_ms at;     /* when it was let in; 0: now */
    json_t *told; /* what the ticket is */
};

static void answer(struct door *d, int status) {
    bo_http_answer_json(d->http, status, d->told);
    free(d);
}

static void fail(struct door *d, int err, const char *detail) {
    bo_http_answer_error(d->http, err, detail);
    json_decref(d->told);
    free(d);
}

static json_t *print_time(bo_ms at) {
    char text[BO_DATE_MAX];
    bo_date_print(at, text);
    strcpy(strchr(text, '.'), "Z"); /* whole seconds */
    return json_string(text);
}

static void refuse_again(struct door *d, bo_ms at, const char *by) {
    const int err = BO_ERR_ALREADY_CHECKED_IN;
    json_object_set_new(d->told, "error", json_pack("{s:s, s:s}", "code", bo_error_name(err), "message", bo_error_text(err)));
    json_object_set_new(d->told, "checked_in_at", print_time(at));
    json_object_set_new(d->told, "checked_in_by", json_string(by));
    answer(d, bo_error_http_status(err));
}

static void admit_or_undo(struct door *d, bo_ms at) {
    json_object_set_new(d->told, "valid", json_true());
    json_object_set_new(d->told, "checked_in_at", at ? print_time(at) : json_null());
    answer(d, 200);
}

/* ---- Redis decides, as it does when a ticket is handed on or given back ---- */

static void committed(struct bo_awaited *commit, int err) {
    struct door *d = (struct door *)commit;
    if (err)
        fail(d, err, NULL);
    else
        admit_or_undo(d, d->way == IN ? d->at : 0);
}

static void decided(void *arg, int err, const struct bo_value *v) {
    struct door *d = arg;
    if (err == BO_ERR_ALREADY_CHECKED_IN) {
        refuse_again(d, bo_value_number(v, 1), bo_value_text(v, 2));
    } else if (err) {
        fail(d, err, NULL);
    } else {
        d->at = bo_value_number(v, 2);
        bo_await_commit(d->commit.room, &d->commit, bo_value_number(v, 1), committed);
    }
}

static void decide(struct door *d, const char *seat) {
    char serial[24], at[24];
    *bo_text_put_number(serial, d->ticket.serial) = *bo_text_put_number(at, d->at) = '\0';
    d->commit.room = bo_rooms_find(d->http->gateway, d->ticket.sale);
    if (!d->commit.room) { /* PostgreSQL has its ticket: only this gateway has yet to load the sale */
        fail(d, BO_ERR_UNAVAILABLE, NULL);
        return;
    }
    const char *args[] = {seat, d->ticket.order, serial, d->way == IN ? "in" : "out", at, d->gate};
    bo_room_run(d->commit.room, "ticket_check_in", args, 6, decided, d);
}

/* ---- PostgreSQL is asked first: what was let in by version 0.1.0 is known nowhere else ---- */

#define COLUMN_PERSON 0
#define COLUMN_SERIAL 1
#define COLUMN_SEAT 2
#define COLUMN_AT 3
#define COLUMN_BY 4
#define COLUMN_TARIFF 5 /* and the seat's words behind it */

static json_t *describe(const struct door *d, const struct bo_rows *rows) {
    static const char *const words[] = {"tariff", "zone", "row", "number", "category"};
    json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "sale", d->ticket.sale, "order", d->ticket.order, "seat", d->ticket.seat, "person",
                             bo_rows_text(rows, 0, COLUMN_PERSON));
    for (int i = 0; i < 5; i++) json_object_set_new(json, words[i], json_string(bo_rows_text(rows, 0, COLUMN_TARIFF + i)));
    return json;
}

static void row_read(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct door *d = arg;
    bool found = !err && bo_rows_count(rows) > 0;
    if (found && d->by_hand) d->ticket.serial = bo_rows_number(rows, 0, COLUMN_SERIAL);
    if (!found || bo_rows_number(rows, 0, COLUMN_SERIAL) != d->ticket.serial) {
        int none = d->by_hand ? BO_ERR_UNKNOWN_TICKET : BO_ERR_TICKET_VOID;
        fail(d, err ? BO_ERR_UNAVAILABLE : none, NULL);
        return;
    }
    bo_ms before = bo_rows_number(rows, 0, COLUMN_AT);
    d->told = describe(d, rows);
    if (d->way == LOOK)
        admit_or_undo(d, before);
    else if (d->way == IN && before)
        refuse_again(d, before, bo_rows_text(rows, 0, COLUMN_BY));
    else
        decide(d, bo_rows_text(rows, 0, COLUMN_SEAT));
}

static void ask_row(struct door *d) {
    const char *params[] = {d->ticket.sale, d->ticket.seat, d->ticket.order};
    bo_queue_run(d->http->gateway->postgres,
                 "SELECT t.person, t.serial, t.seat, coalesce((extract(epoch FROM t.checked_in_at) * 1000)::bigint, 0), coalesce(t.checked_in_by, ''),"
                 " coalesce(t.tariff, ''), s.zone, s.row_name, s.number, s.category FROM tickets t JOIN seats s USING (sale, seat)"
                 " WHERE t.sale = $1 AND s.guid = $2 AND t.order_id = $3",
                 params, 3, row_read, d);
}

/* ---- the request ---- */

#define REQUEST "code: of a ticket, or sale, order and seat if it is lost; gate: who lets in, at most 64 bytes; at: a time like 2026-05-01T19:30:00Z, when it is told later; undo: true, when it was a mistake"

/* The ticket is named by its code, or by sale, order and seat if the code is lost (rule U2). */
static int read_ticket(struct door *d, const json_t *body) {
    static const char *const names[] = {"sale", "order", "seat"};
    char *const texts[] = {d->ticket.sale, d->ticket.order, d->ticket.seat};
    const char *code = json_string_value(json_object_get(body, "code"));
    if (json_object_get(body, "code")) return code ? bo_token_read_ticket(d->http->gateway->keys, code, &d->ticket) : BO_ERR_BAD_MESSAGE;
    for (int i = 0; i < 3; i++) {
        const char *text = json_string_value(json_object_get(body, names[i]));
        if (!text || !*text || strlen(text) > BO_ID_MAX) return BO_ERR_BAD_MESSAGE;
        strcpy(texts[i], text);
    }
    d->by_hand = true;
    return 0;
}

/* On BO_ERR_BAD_MESSAGE problem says what is wrong. */
static int read_request(struct door *d, const json_t *body, bool lets_in, struct bo_buffer *problem) {
    const char *gate = json_string_value(json_object_get(body, "gate"));
    const json_t *at = json_object_get(body, "at"), *undo = json_object_get(body, "undo");
    const char *wrong = json_is_string(at) ? bo_date_read(json_string_value(at), &d->at) : NULL;
    if (!body) return BO_ERR_BAD_JSON;
    if (wrong) {
        bo_buffer_printf(problem, "at: %s", wrong);
        return BO_ERR_BAD_MESSAGE;
    }
    bool right = (!gate || strlen(gate) <= BO_ID_MAX) && (!undo || json_is_boolean(undo)) && (!at || json_is_string(at));
    int err = right ? read_ticket(d, body) : BO_ERR_BAD_MESSAGE;
    if (err == BO_ERR_BAD_MESSAGE) bo_buffer_add_text(problem, REQUEST);
    if (lets_in) d->way = json_is_true(undo) ? OUT : IN;
    snprintf(d->gate, sizeof(d->gate), "%s", gate ? gate : d->http->actor);
    return err;
}

void bo_door_run(struct bo_http *http, bool lets_in) {
    json_t *body = json_loadb(http->body.data ? http->body.data : "", http->body.length, 0, NULL);
    struct door *d = bo_alloc(sizeof(*d));
    struct bo_buffer problem = {0};
    *d = (struct door){.http = http};
    int err = read_request(d, body, lets_in, &problem);
    if (err)
        fail(d, err, problem.data);
    else
        ask_row(d);
    bo_buffer_free(&problem);
    json_decref(body);
}
