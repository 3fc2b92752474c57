/* SPDX-License-Identifier: Apache-2.0
 * What an operator looks at: how it went, the map, who holds a seat, where a person is, and whom a word may mean. Changes nothing. */
#include "edge/admin.h"

#include "base/memory.h"
#include "base/text.h"
#include "edge/bulk.h"
#include "edge/history.h"
#include "edge/roles.h"
#include "edge/room.h"
#include "edge/routes.h"
#include "edge/subjects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the map ---- */

struct map_answer {
    struct bo_http *http;
    struct bo_room *room;
};

static void map_read(void *arg, int err) {
    struct map_answer *a = arg;
    if (err)
        bo_http_answer_error(a->http, err, NULL);
    else
        bo_http_answer_json(a->http, 200, json_pack("{s:I, s:s}", "version", (json_int_t)a->room->map.version, "states", a->room->map.states));
    free(a);
}

/* Redis is asked once; from then on the feed keeps this gateway's copy up to date. */
static void answer_map(struct bo_http *http, struct bo_room *room) {
    struct map_answer *a = bo_alloc(sizeof(*a));
    *a = (struct map_answer){http, room};
    if (room->map.version >= 0)
        map_read(a, 0);
    else
        bo_room_read_map(room, map_read, a);
}

/* ---- a person, as Redis has him and as PostgreSQL has him ---- */

static const char person_sql[] =
    "SELECT json_build_object('email', (SELECT email FROM accounts WHERE id = $2), 'subject', (SELECT subject FROM subjects WHERE person = $2), 'orders', (SELECT coalesce(json_agg(json_build_object('order', id, 'sale', sale, 'status', status,"
    " 'amount', amount, 'refunded', refunded, 'currency', currency, 'digits', currency_digits(currency), 'payment', payment, 'channel', channel, 'at_ms', at_ms) ORDER BY at_ms DESC), '[]') FROM orders WHERE person = $2),"
    " 'tickets', (SELECT coalesce(json_agg(json_build_object('sale', t.sale, 'seat', s.guid, 'order', t.order_id, 'price', t.price, 'tariff', t.tariff, 'checked_in_at', t.checked_in_at)"
    " ORDER BY t.at_ms DESC), '[]') FROM tickets t JOIN seats s USING (sale, seat) WHERE t.person = $2), 'sale', $1::text)::text";

struct person {
    struct bo_http *http;
    struct bo_room *room;
    char id[BO_ID_MAX + 1];
    json_t *now; /* what is told; of a seat: how it is */
};

static void person_read(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct person *p = arg;
    json_t *stored = err ? NULL : json_loads(bo_rows_text(rows, 0, 0), 0, NULL);
    if (stored) json_object_update(p->now, stored);
    if (!err)
        bo_http_answer_json(p->http, 200, p->now);
    else
        bo_http_answer_error(p->http, BO_ERR_UNAVAILABLE, NULL);
    if (err) json_decref(p->now);
    json_decref(stored);
    free(p);
}

static void set_numbers_as_seats(const struct bo_room *room, json_t *record, json_t *ret_seats) {
    json_t *held = json_object_get(record, "h");
    for (size_t i = 0; i < json_array_size(held); i += 2) {
        json_t *item = json_array_get(held, i);
        size_t seat = json_is_integer(item) ? (size_t)json_integer_value(item) : (size_t)strtoull(json_string_value(item) ? json_string_value(item) : "0", NULL, 10);
        if (seat < room->plan->seat_count) json_array_append_new(ret_seats, json_string(bo_plan_text(room->plan, room->plan->seats[seat].guid)));
    }
}

/* {number in line, deadline, record} of lua/sale_look.lua. */
static void person_found(void *arg, int err, const struct bo_value *v) {
    struct person *p = arg;
    if (err) {
        bo_http_answer_error(p->http, err, NULL);
        json_decref(p->now);
        free(p);
        return;
    }
    const struct bo_value *found = bo_value_item(v, 2);
    const char *number = bo_value_text(found, 0), *record_text = bo_value_text(found, 2);
    json_t *record = *record_text ? json_loads(record_text, 0, NULL) : NULL, *seats = json_array();
    const char *stage = *number ? "wait" : json_string_value(json_object_get(record, "st"));
    set_numbers_as_seats(p->room, record, seats);
    json_object_set_new(p->now, "person", json_string(p->id));
    json_object_set_new(p->now, "stage", json_string(stage ? stage : "nowhere"));
    json_object_set_new(p->now, "number", *number ? json_integer(strtoll(number, NULL, 10)) : json_integer(json_integer_value(json_object_get(record, "n"))));
    json_object_set_new(p->now, "deadline_ms", json_integer(strtoll(bo_value_text(found, 1), NULL, 10)));
    json_object_set_new(p->now, "holds", seats);
    json_object_set(p->now, "order", json_object_get(record, "o") ? json_object_get(record, "o") : json_null());
    json_decref(record);
    const char *params[] = {p->room->id, p->id};
    bo_bulk_run(p->http->gateway->bulk, person_sql, params, 2, person_read, p);
}

static void look_up_person(struct person *p) { bo_room_run(p->room, "sale_look", (const char *[]){"people", p->id}, 2, person_found, p); }

static struct person *new_person(struct bo_http *http, struct bo_room *room, const char *id) {
    struct person *p = bo_alloc(sizeof(*p));
    *p = (struct person){.http = http, .room = room, .now = json_object()};
    snprintf(p->id, sizeof(p->id), "%s", id);
    return p;
}

/* ---- who has this seat? ---- */

static void seat_found(void *arg, int err, const struct bo_value *v) {
    static const char *const states[] = {"free", "held", "sold", "blocked"};
    struct person *p = arg;
    const char *owner = err ? "" : bo_value_text(v, 2), *state = err ? "" : bo_value_text(v, 3);
    if (!err) {
        json_object_set_new(p->now, "seat", json_string(p->id));
        json_object_set_new(p->now, "state", json_string(*state >= '0' && *state <= '3' ? states[*state - '0'] : "free"));
    }
    if (err || !*owner || strcmp(owner, "-") == 0) {
        if (err)
            bo_http_answer_error(p->http, err, NULL);
        else
            bo_http_answer_json(p->http, 200, p->now);
        if (err) json_decref(p->now);
        free(p);
        return;
    }
    snprintf(p->id, sizeof(p->id), "%s", owner);
    look_up_person(p);
}

static void answer_seat(struct bo_http *http, struct bo_room *room, const char *guid) {
    const struct bo_seat *seat = bo_plan_find(room->plan, guid);
    if (!seat) {
        bo_http_answer_error(http, BO_ERR_UNKNOWN_SEAT, NULL);
        return;
    }
    char number[24];
    *bo_text_put_number(number, bo_plan_index(room->plan, seat)) = '\0';
    bo_room_run(room, "sale_look", (const char *[]){"seats", number, "map", number}, 4, seat_found, new_person(http, room, guid));
}

/* ---- whom a word may mean: an order, a person, an address, a payment, a seat that was sold ---- */

static const char search_sql[] =
    "WITH a AS (SELECT id, email FROM accounts WHERE id = $1 UNION SELECT id, email FROM accounts WHERE lower(email) LIKE lower($2) LIMIT 50),"
    " o AS (SELECT * FROM orders WHERE id = $1 UNION SELECT * FROM orders WHERE person IN ($1, $4) UNION SELECT * FROM orders WHERE payment = $1 UNION SELECT o.* FROM a JOIN orders o ON o.person = a.id"
    " UNION SELECT o.* FROM seats s JOIN tickets t USING (sale, seat) JOIN orders o ON o.sale = t.sale AND o.id = t.order_id WHERE s.sale = $3 AND s.guid = $1)"
    " SELECT json_build_object('orders', (SELECT coalesce(json_agg(json_build_object('order', id, 'sale', sale, 'person', person, 'subject', (SELECT subject FROM subjects x WHERE x.person = o.person), 'status', status, 'amount', amount, 'currency', currency, 'digits', currency_digits(currency),"
    " 'at_ms', at_ms) ORDER BY at_ms DESC), '[]') FROM (SELECT * FROM o ORDER BY at_ms DESC LIMIT 50) o), 'people', (SELECT coalesce(json_agg(json_build_object('person', id, 'email', email, 'subject', subject)),"
    " '[]') FROM (SELECT id, email, NULL AS subject FROM a UNION ALL SELECT person, NULL, subject FROM subjects WHERE person = $4) p))::text";

static void search_read(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    if (err)
        bo_http_answer_error(arg, BO_ERR_UNAVAILABLE, NULL);
    else
        bo_http_answer(arg, 200, "application/json", bo_rows_text(rows, 0, 0), strlen(bo_rows_text(rows, 0, 0)));
}

static void search(struct bo_http *http) {
    const char *q = bo_http_argument(http, "q"), *sale = bo_http_argument(http, "sale");
    char like[BO_HTTP_ARGUMENT_MAX * 2 + 2];
    size_t n = 0;
    for (const char *p = q; *p; p++) {
        if (strchr("\\%_", *p)) like[n++] = '\\';
        like[n++] = *p;
    }
    memcpy(like + n, "%", 2);
    if (strlen(q) < 3) {
        bo_http_answer_error(http, BO_ERR_BAD_MESSAGE, "q: three characters or more of an order, a person, an address, a payment or a seat");
        return;
    }
    char person[BO_ID_MAX + 1];
    bo_subject_person(q, person);
    const char *params[] = {q, like, sale, person};
    bo_bulk_run(http->gateway->bulk, search_sql, params, 4, search_read, http);
}

/* ---- routes ---- */

static bool run_of_sale(struct bo_http *http) {
    char id[BO_ID_MAX + 1];
    const char *what = bo_http_path_below(http, "/api/sales/", id);
    struct bo_room *room = what ? bo_rooms_find(http->gateway, id) : NULL;
    bool seat = what && strncmp(what, "seats/", 6) == 0, person = what && strncmp(what, "people/", 7) == 0;
    if (!what || (!seat && !person && strcmp(what, "map") != 0 && strcmp(what, "history") != 0 && strcmp(what, "plan") != 0)) return false;
    if (strcmp(http->method, "GET") != 0)
        bo_http_answer_error(http, BO_ERR_BAD_METHOD, NULL);
    else if (!room)
        bo_http_answer_error(http, http->missing, NULL);
    else if (strcmp(what, "history") == 0)
        bo_http_answer_json(http, 200, bo_history_print(room));
    else if (strcmp(what, "plan") == 0)
        bo_routes_answer_plan(http, room);
    else if (strcmp(what, "map") == 0)
        answer_map(http, room);
    else if (seat)
        answer_seat(http, room, what + 6);
    else if (!bo_text_is_id(what + 7))
        bo_http_answer_error(http, BO_ERR_NOT_FOUND, NULL);
    else
        look_up_person(new_person(http, room, what + 7));
    return true;
}

bool bo_admin_watch_run(struct bo_http *http) {
    if (strcmp(http->path, "/api/me") == 0)
        bo_http_answer_json(http, 200, json_pack("{s:s, s:s, s:s}", "name", http->actor, "role", bo_role_name(http->role), "version", BO_VERSION));
    else if (strcmp(http->path, "/api/search") == 0)
        search(http);
    else
        return run_of_sale(http);
    return true;
}
