/* SPDX-License-Identifier: Apache-2.0
 * Which sales there are: PostgreSQL says, Redis is told, a room is kept for each. */
#include "edge/room.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS_MAX 32

struct bo_room *bo_rooms_find(struct bo_gateway *gateway, const char *id) {
    return (struct bo_room *)bo_table_find(&gateway->rooms, id);
}

/* ---- settings into Redis ---- */

struct loading {
    struct bo_room *room;
    char *args[SETTINGS_MAX * 2 + 5];
    size_t count;
};

static void add_arg(struct loading *l, const char *text) {
    if (l->count < sizeof(l->args) / sizeof(l->args[0])) l->args[l->count++] = bo_strdup(text);
}

static void add_setting(void *arg, const char *field, const char *value) {
    add_arg(arg, field);
    add_arg(arg, value);
}

static void add_number(struct loading *l, int64_t number) {
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, number);
    add_arg(l, text);
}

static void free_loading(struct loading *l) {
    for (size_t i = 0; i < l->count; i++) free(l->args[i]);
    free(l);
}

static void settings_loaded(void *arg, int err, const struct bo_value *v) {
    struct bo_room *room = arg;
    room->loading = false;
    if (err == BO_ERR_LOST_SALE) {
        if (room->state != BO_ROOM_LOST) bo_log_error("sale %s: redis has lost it; it stays closed until it is restored", room->id);
        room->state = BO_ROOM_LOST;
        bo_room_refuse_joins(room, BO_ERR_LOST_SALE);
    } else if (!err) {
        room->state = BO_ROOM_READY;
        bo_room_set_status(room, bo_value_text(v, 1));
        if (room->map.version < 0) bo_room_load_map(room);
        if (!room->view.segment_count) bo_room_load_front(room);
    }
}

static void position_read(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct loading *l = arg;
    struct bo_room *room = l->room;
    if (err || bo_rows_count(rows) == 0) {
        room->loading = false;
    } else {
        add_number(l, room->version);
        add_arg(l, bo_rows_text(rows, 0, 0));
        add_arg(l, bo_rows_text(rows, 0, 1));
        add_number(l, (int64_t)room->plan->seat_count);
        char seed[BO_ID_MAX + 1]; /* taken only by a sale that begins */
        bo_text_random_id("", seed);
        add_arg(l, seed);
        bo_settings_each(&room->settings, add_setting, l);
        bo_room_run(room, "sale_load", (const char *const *)l->args, l->count, settings_loaded, room);
    }
    free_loading(l);
}

/* The committed log position goes along, so that a Redis that has forgotten a sale is noticed. */
void bo_room_load_settings(struct bo_room *room) {
    if (room->loading || !room->plan) return;
    room->loading = true;
    struct loading *l = bo_alloc(sizeof(*l));
    l->room = room;
    const char *params[] = {room->id};
    bo_queue_run(room->gateway->postgres,
                 "SELECT coalesce((SELECT seq FROM log_position WHERE sale = $1), 0), status FROM sales WHERE id = $1", params, 1,
                 position_read, l);
}

/* ---- sales out of PostgreSQL ---- */

static void take_plan(struct bo_room *room, struct bo_plan *plan) {
    bo_plan_free(room->plan);
    room->plan = plan;
    bo_buffer_clear(&room->plan_json);
    bo_plan_print(plan, room->settings.currency, &room->plan_json);
    char mac[65];
    bo_text_hmac("etag", room->plan_json.data, room->plan_json.length, mac);
    snprintf(room->plan_etag, sizeof(room->plan_etag), "\"%.32s\"", mac);
}

static void take_sale(struct bo_gateway *gateway, const struct bo_rows *rows, size_t i) {
    const char *id = bo_rows_text(rows, i, 0);
    struct bo_settings settings;
    struct bo_plan *plan = NULL;
    struct bo_buffer problem = {0};
    json_t *json = json_loads(bo_rows_text(rows, i, 2), 0, NULL), *plan_json = json_loads(bo_rows_text(rows, i, 3), 0, NULL);
    int err = bo_settings_read(json, &settings, &problem);
    if (!err) err = bo_plan_read(plan_json, json_object_get(json, "prices"), &plan, &problem);
    if (err) {
        bo_log_error("sale %s cannot be taken over: %s", id, problem.data);
    } else {
        struct bo_room *room = bo_rooms_find(gateway, id);
        if (!room) {
            room = bo_room_new(gateway, id);
            bo_table_add(&gateway->rooms, &room->by_id);
            bo_redis_feed_add(gateway->feed, id);
        }
        free(room->name);
        room->name = bo_strdup(bo_rows_text(rows, i, 1));
        room->version = bo_rows_number(rows, i, 4);
        room->settings = settings;
        room->estimate.limit_per_ms = strcmp(settings.policy, "capacity") == 0 ? 0 : (double)settings.rate_count / (double)settings.rate_ms;
        take_plan(room, plan);
        bo_room_load_settings(room);
    }
    json_decref(json);
    json_decref(plan_json);
    bo_buffer_free(&problem);
}

static void sales_read(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct bo_gateway *gateway = arg;
    gateway->sales_loading = false;
    if (err) return;
    for (size_t i = 0; i < bo_rows_count(rows); i++) take_sale(gateway, rows, i);
    gateway->sales_loaded = true;
}

static void add_known(void *arg, struct bo_table_link *link) {
    struct bo_room *room = (struct bo_room *)link;
    struct bo_buffer *known = arg;
    bo_buffer_printf(known, "%s\"%s %" PRId64 "\"", known->length ? "," : "{", room->id, room->version);
}

/* Only what is new or has another version is read whole; plans are large. */
void bo_rooms_load(struct bo_gateway *gateway) {
    if (gateway->sales_loading || !bo_queue_is_up(gateway->postgres)) return;
    gateway->sales_loading = true;
    struct bo_buffer known = {0};
    bo_table_each(&gateway->rooms, add_known, &known);
    bo_buffer_add_text(&known, known.length ? "}" : "{}");
    const char *params[] = {known.data};
    bo_queue_run(gateway->postgres,
                 "SELECT id, name, settings, plan, version FROM sales WHERE NOT id || ' ' || version = ANY($1::text[])", params, 1,
                 sales_read, gateway);
    bo_buffer_free(&known);
}
