/* SPDX-License-Identifier: Apache-2.0
 * Seats an operator keeps back from the sale, and puts back into it. */
#include "edge/admin.h"

#include "base/text.h"
#include "base/utf8.h"
#include "edge/awaited.h"
#include "edge/room.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SEATS_MAX 1000 /* in one request */
#define NAMED_MAX 20   /* of those that are in the way */
#define WHY_MAX 200

struct change {
    struct bo_awaited commit; /* first member */
    struct bo_http *http;
    struct bo_room *room;
    const char *action; /* "block" or "unblock" */
    json_t *body;       /* its "seats" and "why" */
    int64_t free, blocked;
};

static void finish(struct change *c) {
    json_decref(c->body);
    free(c);
}

static void audited(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    (void)rows;
    struct change *c = arg;
    if (err)
        bo_http_answer_error(c->http, BO_ERR_UNAVAILABLE, "the seats are changed, but the audit could not be written");
    else
        bo_http_answer_json(c->http, 200, json_pack("{s:I, s:I}", "free", (json_int_t)c->free, "blocked", (json_int_t)c->blocked));
    finish(c);
}

static void print_in_the_way(const struct bo_room *room, const struct bo_value *seats, struct bo_buffer *out) {
    bo_buffer_add_text(out, "seats: ");
    for (size_t i = 0; i < seats->length && i < NAMED_MAX; i++)
        bo_buffer_printf(out, "%s%s", i ? ", " : "", bo_plan_text(room->plan, room->plan->seats[bo_value_number(seats, i)].guid));
    if (seats->length > NAMED_MAX) bo_buffer_printf(out, " and %zu more", seats->length - NAMED_MAX);
}

/* A restore would put them back as they were before: they are changed once PostgreSQL has it. */
static void committed(struct bo_awaited *commit, int err) {
    struct change *c = (struct change *)commit;
    if (err) {
        bo_http_answer_error(c->http, err, NULL);
        finish(c);
        return;
    }
    char *detail = json_dumps(c->body, JSON_COMPACT);
    const char *params[] = {c->http->actor, c->action, c->room->id, detail};
    bo_queue_run(c->http->gateway->postgres, "INSERT INTO audit (actor, action, sale, detail) VALUES ($1, $2, $3, $4::jsonb)",
                 params, 4, audited, c);
    free(detail);
}

static void changed(void *arg, int err, const struct bo_value *v) {
    struct change *c = arg;
    if (err) {
        struct bo_buffer detail = {0};
        if (v && bo_value_item(v, 1)->length) print_in_the_way(c->room, bo_value_item(v, 1), &detail);
        bo_http_answer_error(c->http, err, detail.data);
        bo_buffer_free(&detail);
        finish(c);
        return;
    }
    c->free = bo_value_number(v, 1);
    c->blocked = bo_value_number(v, 2);
    bo_await_commit(c->room, &c->commit, bo_value_number(v, 3), committed);
}

/* The seats of the request as arguments; an error when one of them is none, or stands there twice. */
static int read_seats(const struct bo_room *room, const json_t *list, const char **args, char (*numbers)[24]) {
    char *named = calloc(room->plan->seat_count, 1);
    int err = named ? 0 : BO_ERR_INTERNAL;
    for (size_t i = 0; !err && i < json_array_size(list); i++) {
        const char *guid = json_string_value(json_array_get(list, i));
        const struct bo_seat *seat = guid ? bo_plan_find(room->plan, guid) : NULL;
        if (!seat || named[bo_plan_index(room->plan, seat)]++) {
            err = !guid ? BO_ERR_BAD_MESSAGE : !seat ? BO_ERR_UNKNOWN_SEAT : BO_ERR_SEAT_TWICE;
        } else {
            *bo_text_put_number(numbers[i], bo_plan_index(room->plan, seat)) = '\0';
            args[i] = numbers[i];
        }
    }
    free(named);
    return err;
}

static void change_seats(struct bo_http *http, struct bo_room *room, const char *action) {
    json_t *body = json_loadb(http->body.data ? http->body.data : "", http->body.length, 0, NULL), *seats = json_object_get(body, "seats");
    const json_t *why = json_object_get(body, "why");
    const char *args[SEATS_MAX + 3] = {action, http->actor, why ? json_string_value(why) : ""};
    char numbers[SEATS_MAX][24];
    size_t count = json_array_size(seats);
    int err = !body ? BO_ERR_BAD_JSON : !count || !args[2] || !bo_utf8_is_text(args[2], 0, WHY_MAX, false) ? BO_ERR_BAD_MESSAGE : count > SEATS_MAX ? BO_ERR_TOO_LARGE : 0;
    if (!err) err = read_seats(room, seats, args + 3, numbers);
    if (err) {
        bo_http_answer_error(http, err, "seats: a list of 1 to 1000 different seat_guids of the plan; why: a text of at most 200 bytes");
        json_decref(body);
        return;
    }
    struct change *c = calloc(1, sizeof(*c));
    if (!c) abort(); /* no memory */
    *c = (struct change){.http = http, .room = room, .action = action, .body = body};
    bo_room_run(room, "seats_block", args, count + 3, changed, c);
}

bool bo_admin_seats_run(struct bo_http *http) {
    char id[BO_ID_MAX + 1];
    bool block = bo_http_path_is(http, "/api/sales/*/block", id);
    if (!block && !bo_http_path_is(http, "/api/sales/*/unblock", id)) return false;
    struct bo_room *room = bo_rooms_find(http->gateway, id);
    if (strcmp(http->method, "POST") != 0)
        bo_http_answer_error(http, BO_ERR_BAD_METHOD, NULL);
    else if (!room)
        bo_http_answer_error(http, http->missing, NULL);
    else
        change_seats(http, room, block ? "block" : "unblock");
    return true;
}
