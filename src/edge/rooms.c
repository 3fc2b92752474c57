/* SPDX-License-Identifier: Apache-2.0
 * Which sales there are: PostgreSQL says, Redis is told, a room is kept for each. */
#include "edge/lookup.h"
#include "edge/room.h"
#include "edge/stock.h"
#include "edge/unreadable.h"

#include "base/crash.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/squeeze.h"
#include "base/text.h"
#include "loop/loop.h"
#include "redis/server.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOADER_CHECK_MS 3
#define LOADER_CONNECTS_WITHIN_MS 5000

struct bo_room *bo_rooms_find(struct bo_gateway *gateway, const char *id) {
    return (struct bo_room *)bo_table_find(&gateway->rooms, id);
}

/* ---- settings into Redis ---- */

struct loading {
    struct bo_room *room;
    char server[BO_REDIS_SERVER_MAX]; /* that PostgreSQL is asked for */
    char *args[BO_SETTINGS_MAX * 2 + 8];
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

void bo_room_print_fixed(const struct bo_value *v, struct bo_buffer *out) {
    const char *setting = bo_value_text(v, 1), *what = bo_value_text(v, 2);
    if (strcmp(setting, "currency") == 0)
        bo_buffer_printf(out, "currency: people are inside, or something was held, bidden for, ordered or sold in %s", what);
    else if (strcmp(setting, "lanes") == 0)
        bo_buffer_printf(out, "lanes: people stand or stood in \"%s\", which has to stay where it is in the list; add others at the end", what);
    else
        bo_buffer_add_text(out, "lottery: people have gathered, and have their places or lots already");
}

static void brought_back(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)err; /* the sale stays as Redis has it; the next load tries again */
    (void)state;
    (void)rows;
    bo_rooms_load(arg);
}

/* Redis has not taken the last change over: something was decided before it came. PostgreSQL gets back what stays. */
static void bring_back(struct bo_room *room, int64_t refused, const struct bo_value *v) {
    char version[24];
    struct bo_buffer why = {0};
    bo_room_print_fixed(v, &why);
    bo_log_error("sale %s: settings version %" PRId64 " is not taken over (%s); PostgreSQL is brought back", room->id, refused, why.data);
    bo_buffer_free(&why);
    *bo_text_put_number(version, refused) = '\0';
    const char *lanes = bo_value_text(v, 4), *params[] = {room->id, version, bo_value_text(v, 3), *lanes ? lanes : NULL, bo_value_text(v, 5)};
    bo_queue_run(room->gateway->postgres,
                 "WITH made AS (UPDATE sales SET settings = settings || jsonb_strip_nulls(jsonb_build_object('currency', $3::text, 'lanes', $4::jsonb, 'lottery',"
                 " $5::int::boolean)), version = version + 1 WHERE id = $1 AND version = $2 RETURNING id),"
                 " noted AS (INSERT INTO audit (actor, action, sale, detail) SELECT 'boxoffice', 'settings_brought_back', id,"
                 " jsonb_build_object('version', $2::bigint, 'currency', $3::text, 'lanes', $4::jsonb, 'lottery', $5::int::boolean) FROM made) SELECT id FROM made",
                 params, 5, brought_back, room->gateway);
}

static void settings_loaded(void *arg, int err, const struct bo_value *v) {
    struct bo_room *room = arg;
    room->loading = false;
    if (err == BO_ERR_SETTING_FIXED) bring_back(room, room->told_version, v);
    if (err) room->told_version = -1;
    if (err == BO_ERR_LOST_SALE) {
        if (room->state != BO_ROOM_LOST) bo_log_error("sale %s: redis has lost it; nothing is decided until a scribe has restored it from the ledger", room->id);
        room->state = BO_ROOM_LOST;
        bo_room_refuse_joins(room, BO_ERR_LOST_SALE);
    } else if (err == BO_ERR_SUPERSEDED) { /* a later epoch has begun; PostgreSQL knows it, or has lost it and makes one above */
        room->lowest_epoch = bo_value_number(v, 1);
        bo_room_load_settings(room);
    } else if (!err) {
        room->state = BO_ROOM_READY;
        bo_room_set_epoch(room, bo_value_number(v, 2));
        bo_room_set_status(room, bo_value_text(v, 1));
        if (room->map.version < 0) bo_room_load_map(room);
        bo_room_load_stock(room);
        if (!room->view.segment_count) bo_room_load_front(room);
        if (room->told_version < room->version) bo_room_load_settings(room); /* they changed meanwhile */
    }
}

/* This Redis decided the sale before another one did: nothing of it counts. The address means another one by now, or will. */
static void leave_stale_server(struct bo_room *room) {
    bo_log_error("sale %s: this redis was replaced by another one; connecting again", room->id);
    room->state = BO_ROOM_LOADING;
    bo_redis_store_reconnect(room->gateway->redis);
}

static void position_read(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct loading *l = arg;
    struct bo_room *room = l->room;
    bool same = strcmp(l->server, bo_redis_store_server(room->gateway->redis)) == 0; /* else it was asked for the one before */
    if (err || bo_rows_count(rows) == 0 || !same) {
        room->loading = false;
    } else if (bo_rows_number(rows, 0, 3)) {
        room->loading = false;
        leave_stale_server(room);
    } else {
        room->told_version = room->version;
        add_number(l, room->version);
        for (int i = 0; i < 3; i++) add_arg(l, bo_rows_text(rows, 0, i));
        add_arg(l, l->server);
        add_arg(l, bo_rows_text(rows, 0, 4));
        add_number(l, (int64_t)room->plan->seat_count);
        char seed[BO_ID_MAX + 1]; /* taken only by a sale that begins */
        bo_text_random_id("", seed);
        add_arg(l, seed);
        bo_settings_each(&room->settings, add_setting, l);
        bo_room_run(room, "sale_load", (const char *const *)l->args, l->count, settings_loaded, room);
    }
    free_loading(l);
}

/* What PostgreSQL has fenced goes along, so that a Redis that has forgotten a sale, or is another one, is noticed before anything is decided with it. */
void bo_room_load_settings(struct bo_room *room) {
    if (room->loading || !room->plan || !bo_redis_store_is_up(room->gateway->redis)) return;
    room->loading = true;
    if (room->epoch) BO_CRASH_POINT(settings_written);
    struct loading *l = bo_alloc(sizeof(*l));
    l->room = room;
    snprintf(l->server, sizeof(l->server), "%s", bo_redis_store_server(room->gateway->redis));
    char lowest[24];
    *bo_text_put_number(lowest, room->lowest_epoch) = '\0';
    const char *params[] = {room->id, l->server, lowest};
    bo_queue_run(room->gateway->postgres,
                 "SELECT f.seq, f.epoch, f.written, f.stale::int, s.status FROM sales s, sale_fence(s.id, $2, $3) f WHERE s.id = $1", params, 3, position_read, l);
}

/* ---- sales out of PostgreSQL ---- */

static void print_plan(struct bo_room *room) {
    struct bo_buffer json = {0};
    char mac[65];
    bo_plan_print(room->plan, room->settings.currency, &json);
    bo_buffer_free(&room->plan_gz);
    bo_squeeze(json.data, json.length, &room->plan_gz);
    bo_text_hmac("etag", json.data, json.length, mac);
    snprintf(room->plan_etag, sizeof(room->plan_etag), "\"%.32s\"", mac);
    bo_buffer_free(&json);
}

static struct bo_room *make_room(struct bo_gateway *gateway, const char *id, struct bo_plan *plan) {
    struct bo_room *room = bo_room_new(gateway, id);
    room->plan = plan;
    bo_table_add(&gateway->rooms, &room->by_id);
    bo_redis_feed_add(gateway->feed, id);
    return room;
}

static void take_settings(struct bo_room *room, const char *name, const struct bo_settings *settings, int64_t version, bool prices_changed) {
    bool news = strcmp(room->settings.notice, settings->notice) != 0;
    bool print = prices_changed || !room->plan_gz.length || strcmp(room->settings.currency, settings->currency) != 0;
    free(room->name);
    room->name = bo_strdup(name);
    room->version = version;
    room->settings = *settings;
    bo_ms opens_in_ms = settings->opens_at - bo_loop_wall_ms(); /* the next tick says it by Redis' clock */
    room->opens_in_ms = opens_in_ms > 0 ? opens_in_ms : 0;
    room->estimate.limit_per_ms = strcmp(settings->policy, "capacity") == 0 ? 0 : (double)settings->rate_count / (double)settings->rate_ms;
    bo_estimate_forget(&room->estimate);
    if (news) bo_room_tell_notice(room);
    if (print) print_plan(room);
    bo_room_load_settings(room);
}

/* A row of id, name, settings, version, and for a sale that is not known here the plan. A plan never changes, only its prices do. */
static void take_sale(struct bo_gateway *gateway, const struct bo_rows *rows, size_t i, bool with_plan) {
    const char *id = bo_rows_text(rows, i, 0);
    struct bo_room *room = bo_rooms_find(gateway, id);
    struct bo_settings settings;
    struct bo_plan *plan = NULL;
    struct bo_buffer problem = {0};
    bool prices_changed = true;
    json_t *json = json_loads(bo_rows_text(rows, i, 2), 0, NULL), *plan_json = room || !with_plan ? NULL : json_loads(bo_rows_text(rows, i, 4), 0, NULL);
    int err = bo_settings_read_stored(json, &settings, &problem);
    if (!err && room) err = bo_plan_set_prices(room->plan, json_object_get(json, "prices"), &prices_changed, &problem);
    if (!err && !room) err = bo_plan_read(plan_json, json_object_get(json, "prices"), &plan, &problem);
    if (err)
        bo_unreadable_note(gateway, id, bo_rows_number(rows, i, 3));
    else
        bo_unreadable_forget(gateway, id);
    if (err)
        bo_log_error("sale %s cannot be taken over: %s", id, problem.data);
    else
        take_settings(room ? room : make_room(gateway, id, plan), bo_rows_text(rows, i, 1), &settings, bo_rows_number(rows, i, 3), prices_changed);
    json_decref(json);
    json_decref(plan_json);
    bo_buffer_free(&problem);
}

static void sales_read(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct bo_gateway *gateway = arg;
    gateway->sales_loading = BO_SALES_READ;
    for (size_t i = 0; !err && i < bo_rows_count(rows); i++) take_sale(gateway, rows, i, true);
    if (!err) gateway->sales_loaded = true;
    if (!err) gateway->trim = bo_rows_count(rows) > 0;
    bo_lookup_answered(gateway, err);
}

static void add_known(void *arg, struct bo_table_link *link) {
    struct bo_room *room = (struct bo_room *)link;
    struct bo_buffer *known = arg;
    bo_buffer_printf(known, "%s\"%s %" PRId64 "\"", known->length ? "," : "{", room->id, room->version);
}

static void ask_for_changed(struct bo_gateway *gateway, struct bo_queue *postgres, const char *sql, bo_queue_cb cb) {
    struct bo_buffer known = {0};
    bo_table_each(&gateway->rooms, add_known, &known);
    bo_unreadable_print(gateway, &known);
    bo_buffer_add_text(&known, known.length ? "}" : "{}");
    const char *params[] = {known.data};
    bo_queue_run(postgres, sql, params, 1, cb, gateway);
    bo_buffer_free(&known);
}

/* Plans are large, and libpq never gives back the room an answer took: they are read on a connection of their own. */
static void read_sales(uv_timer_t *timer) {
    struct bo_gateway *gateway = timer->data;
    if (gateway->sales_loading == BO_SALES_CONNECTING && bo_queue_is_up(gateway->loader)) {
        gateway->sales_loading = BO_SALES_READING;
        ask_for_changed(gateway, gateway->loader, "SELECT id, name, settings, version, plan FROM sales WHERE NOT id || ' ' || version = ANY($1::text[])",
                        sales_read);
    } else if (gateway->sales_loading == BO_SALES_READ) {
        bo_rooms_stop_loading(gateway);
    } else if (gateway->sales_loading == BO_SALES_CONNECTING && bo_loop_steady_ms() >= gateway->loader_gives_up) {
        bo_log_warn("sales cannot be read: postgresql gives no further connection");
        bo_rooms_stop_loading(gateway); /* so that what changes in known sales is asked for; the next one tries again */
        bo_lookup_answered(gateway, BO_ERR_UNAVAILABLE);
    }
}

void bo_rooms_stop_loading(struct bo_gateway *gateway) {
    bo_loop_timer_free(gateway->loader_timer);
    gateway->loader_timer = NULL;
    bo_queue_close(gateway->loader);
    gateway->loader = NULL;
    gateway->sales_loading = BO_SALES_IDLE;
}

static void changes_read(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct bo_gateway *gateway = arg;
    gateway->sales_loading = BO_SALES_IDLE;
    if (err) bo_lookup_answered(gateway, err);
    if (err) return;
    bool unknown = false;
    for (size_t i = 0; i < bo_rows_count(rows); i++) {
        if (bo_rooms_find(gateway, bo_rows_text(rows, i, 0)))
            take_sale(gateway, rows, i, false);
        else
            unknown = true;
    }
    if (!unknown) {
        gateway->sales_loaded = true;
        bo_lookup_answered(gateway, 0);
        return;
    }
    gateway->sales_loading = BO_SALES_CONNECTING;
    gateway->loader_gives_up = bo_loop_steady_ms() + LOADER_CONNECTS_WITHIN_MS;
    gateway->loader = bo_queue_open(&gateway->loop, gateway->config.postgres);
    gateway->loader_timer = bo_loop_timer(&gateway->loop, LOADER_CHECK_MS, LOADER_CHECK_MS, read_sales, gateway);
}

/* ---- which Redis decides ---- */

static void others_read(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct bo_gateway *gateway = arg;
    gateway->asking_fences = false;
    for (size_t i = 0; !err && i < bo_rows_count(rows); i++) {
        struct bo_room *room = bo_rooms_find(gateway, bo_rows_text(rows, i, 0));
        if (room && bo_rows_number(rows, i, 1) > room->epoch) bo_room_doubt(room);
    }
}

void bo_rooms_check_fences(struct bo_gateway *gateway) {
    if (gateway->asking_fences || !gateway->sales_loaded || !bo_queue_is_up(gateway->postgres) || !bo_redis_store_is_up(gateway->redis)) return;
    gateway->asking_fences = true;
    const char *params[] = {bo_redis_store_server(gateway->redis)};
    bo_queue_run(gateway->postgres, "SELECT sale, epoch FROM log_position WHERE server <> $1 AND server <> ''", params, 1, others_read, gateway);
}

/* Only what is new or has another version is read. */
void bo_rooms_load(struct bo_gateway *gateway) {
    if (gateway->sales_loading || !bo_queue_is_up(gateway->postgres)) return;
    gateway->sales_loading = BO_SALES_ASKING;
    gateway->sales_asked++;
    ask_for_changed(gateway, gateway->postgres, "SELECT id, name, settings, version FROM sales WHERE NOT id || ' ' || version = ANY($1::text[])", changes_read);
}
