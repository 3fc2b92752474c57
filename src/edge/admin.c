/* SPDX-License-Identifier: Apache-2.0
 * The operator's port (docs/openapi.yaml): sales, settings, counts, audit, health, metrics. Every change is one
 * statement that changes the sale and writes the audit, and is answered once Redis has taken it over. */
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"
#include "edge/admin.h"
#include "edge/bulk.h"
#include "edge/hooks.h"
#include "edge/pages.h"
#include "edge/roles.h"
#include "edge/room.h"
#include "edge/stock.h"
#include "edge/token.h"
#include "loop/loop.h"
#include "metrics/metrics.h"
#include "sale/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAKEN_OVER_WITHIN_MS 3000
#define TAKEN_OVER_CHECK_MS 10

/* ---- changes ---- */

struct change {
    struct bo_http *http;
    char sale[BO_ID_MAX + 1];
    int created_status;   /* 201 or 200 */
    json_t *patch;        /* of the settings */
    json_t *settings;     /* with the patch */
    struct bo_settings *wanted; /* the same, where the patch may re-interpret what was decided; else NULL */
    char before[24];      /* version that was patched */
    int64_t version;      /* that Redis has to take over */
    bo_ms give_up;
};

static struct change *start_change(struct bo_http *http, const char *sale) {
    struct change *c = bo_alloc(sizeof(*c));
    c->http = http;
    c->created_status = 200;
    snprintf(c->sale, sizeof(c->sale), "%s", sale);
    return c;
}

static void free_change(struct change *c) {
    json_decref(c->patch);
    json_decref(c->settings);
    free(c->wanted);
    free(c);
}

static void fail_change(struct change *c, int err, const char *detail) {
    bo_http_answer_error(c->http, err, detail);
    free_change(c);
}

static void check_taken_over(uv_timer_t *timer) {
    struct change *c = timer->data;
    struct bo_gateway *gateway = c->http->gateway;
    struct bo_room *room = bo_rooms_find(gateway, c->sale);
    bool done = room && room->told_version >= c->version && room->state == BO_ROOM_READY && !room->loading;
    bool late = bo_loop_steady_ms() >= c->give_up;
    if (!done && !late) {
        if (!room || room->version < c->version) bo_rooms_load(gateway);
        return;
    }
    bo_loop_timer_free(timer);
    if (done && c->wanted && !bo_settings_mean_the_same(c->wanted, &room->settings)) { /* something was decided in the moment between */
        fail_change(c, BO_ERR_SETTING_FIXED, "It was brought back to what it was; the other settings of this change are in effect.");
        return;
    }
    json_t *json = json_pack("{s:s, s:I, s:s, s:b}", "sale", c->sale, "version", (json_int_t)c->version, "status",
                             room ? room->status : "draft", "in_effect", done);
    bo_http_answer_json(c->http, done ? c->created_status : 202, json);
    free_change(c);
}

static void changed(void *arg, int err, const char *state, const struct bo_rows *rows) {
    struct change *c = arg;
    if (err) {
        fail_change(c, strcmp(state, "23505") == 0 ? BO_ERR_SALE_EXISTS : err == BO_ERR_BAD_MESSAGE ? BO_ERR_INTERNAL : BO_ERR_UNAVAILABLE, NULL);
        return;
    }
    if (bo_rows_count(rows) == 0) {
        bool known = bo_rooms_find(c->http->gateway, c->sale) != NULL;
        fail_change(c, known ? BO_ERR_NOT_OPEN : BO_ERR_UNKNOWN_SALE,
                    known ? "The sale's present status does not allow this, or it was changed at the same moment." : NULL);
        return;
    }
    c->version = bo_rows_number(rows, 0, 0);
    c->give_up = bo_loop_steady_ms() + TAKEN_OVER_WITHIN_MS;
    bo_rooms_load(c->http->gateway);
    bo_loop_timer(&c->http->gateway->loop, TAKEN_OVER_CHECK_MS, TAKEN_OVER_CHECK_MS, check_taken_over, c);
}

/* ---- create ---- */

static void create_sale(struct bo_http *http) {
    json_t *json = json_loadb(http->body.data ? http->body.data : "", http->body.length, 0, NULL), *plan, *settings;
    const char *id, *name;
    struct bo_buffer problem = {0};
    int err = json ? 0 : BO_ERR_BAD_JSON;
    if (!err && json_unpack(json, "{s:s, s:s, s:o, s:o}", "sale", &id, "name", &name, "plan", &plan, "settings", &settings) != 0) {
        bo_buffer_add_text(&problem, "sale, name, plan and settings are needed");
        err = BO_ERR_BAD_MESSAGE;
    }
    if (!err && (!bo_text_is_id(id) || !bo_utf8_is_text(name, 1, 200, false))) {
        bo_buffer_add_text(&problem, "sale: 1 to 64 characters of A-Z a-z 0-9 . _ : @ -; name: 1 to 200 characters, no control characters");
        err = BO_ERR_BAD_MESSAGE;
    }
    if (!err) err = bo_sale_check(settings, NULL, plan, bo_config_is_stripe(&http->gateway->config), &problem);
    if (err) {
        bo_http_answer_error(http, err, problem.data);
    } else {
        struct change *c = start_change(http, id);
        c->created_status = 201;
        char *settings_text = json_dumps(settings, JSON_COMPACT), *plan_text = json_dumps(plan, JSON_COMPACT);
        const char *params[] = {id, name, settings_text, plan_text, http->actor};
        bo_queue_run(http->gateway->postgres,
                     "WITH made AS (INSERT INTO sales (id, name, status, settings, plan) VALUES ($1, $2, 'draft', $3, $4) RETURNING id,"
                     " version), noted AS (INSERT INTO audit (actor, action, sale, detail) SELECT $5, 'create', id, $3::jsonb FROM made)"
                     " SELECT version FROM made",
                     params, 5, changed, c);
        free(settings_text);
        free(plan_text);
    }
    json_decref(json);
    bo_buffer_free(&problem);
}

/* ---- settings ---- */

/* The prices of areas and lots stand in Redis, not among the settings. */
static int check_items(const struct change *c, const json_t *settings, struct bo_buffer *problem) {
    const struct bo_room *room = bo_rooms_find(c->http->gateway, c->sale);
    const char *currency = json_string_value(json_object_get(settings, "currency"));
    return room ? bo_room_check_items(room, currency, problem) : 0;
}

static void write_settings(struct change *c) {
    char *text = json_dumps(c->settings, JSON_COMPACT), *patch = json_dumps(c->patch, JSON_COMPACT);
    const char *params[] = {c->sale, text, c->before, c->http->actor, patch};
    bo_queue_run(c->http->gateway->postgres,
                 "WITH made AS (UPDATE sales SET settings = $2, version = version + 1 WHERE id = $1 AND version = $3 RETURNING id,"
                 " version), noted AS (INSERT INTO audit (actor, action, sale, detail) SELECT $4, 'settings', id, $5::jsonb FROM made)"
                 " SELECT version FROM made",
                 params, 5, changed, c);
    free(text);
    free(patch);
}

/* ---- what cannot be changed once something was decided under it (rule O7) ---- */

static bool may_re_interpret(const json_t *patch) {
    return json_object_get(patch, "currency") || json_object_get(patch, "lanes") || json_object_get(patch, "lottery");
}

static void fixed_checked(void *arg, int err, const struct bo_value *v) {
    struct change *c = arg;
    struct bo_buffer detail = {0};
    if (err == BO_ERR_SETTING_FIXED) bo_room_print_fixed(v, &detail);
    if (err)
        fail_change(c, err, detail.data);
    else
        write_settings(c);
    bo_buffer_free(&detail);
}

struct fields {
    char *args[BO_SETTINGS_MAX * 2];
    size_t count;
};

static void add_field(void *arg, const char *field, const char *value) {
    struct fields *fields = arg;
    if (fields->count + 2 > BO_SETTINGS_MAX * 2) return;
    fields->args[fields->count++] = bo_strdup(field);
    fields->args[fields->count++] = bo_strdup(value);
}

/* Redis is asked before PostgreSQL is changed, and once more when it takes the change over (sale_load). */
static void check_fixed(struct change *c) {
    struct bo_room *room = bo_rooms_find(c->http->gateway, c->sale);
    struct bo_buffer problem = {0};
    struct fields fields = {.count = 0};
    c->wanted = bo_alloc(sizeof(*c->wanted));
    int err = room ? bo_settings_read_stored(c->settings, c->wanted, &problem) : BO_ERR_UNAVAILABLE; /* this gateway has yet to load the sale */
    if (err) {
        fail_change(c, err, problem.data);
        bo_buffer_free(&problem);
        return;
    }
    bo_settings_each(c->wanted, add_field, &fields);
    bo_room_run(room, "sale_check", (const char *const *)fields.args, fields.count, fixed_checked, c);
    for (size_t i = 0; i < fields.count; i++) free(fields.args[i]);
}

static void sale_read_for_patch(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct change *c = arg;
    if (err || bo_rows_count(rows) == 0) {
        fail_change(c, err ? BO_ERR_UNAVAILABLE : BO_ERR_UNKNOWN_SALE, NULL);
        return;
    }
    json_t *plan = json_loads(bo_rows_text(rows, 0, 1), 0, NULL);
    struct bo_buffer problem = {0};
    snprintf(c->before, sizeof(c->before), "%s", bo_rows_text(rows, 0, 2));
    c->settings = json_loads(bo_rows_text(rows, 0, 0), 0, NULL);
    json_object_update(c->settings, c->patch);
    err = bo_sale_check(c->settings, c->patch, plan, bo_config_is_stripe(&c->http->gateway->config), &problem);
    if (!err && json_object_get(c->patch, "currency")) err = check_items(c, c->settings, &problem);
    if (err)
        fail_change(c, err, problem.data);
    else if (may_re_interpret(c->patch))
        check_fixed(c);
    else
        write_settings(c);
    json_decref(plan);
    bo_buffer_free(&problem);
}

void bo_admin_change_settings(struct bo_http *http, const char *id, json_t *patch) {
    struct change *c = start_change(http, id);
    c->patch = patch;
    const char *params[] = {c->sale};
    bo_queue_run(http->gateway->postgres, "SELECT settings, plan, version FROM sales WHERE id = $1", params, 1, sale_read_for_patch, c);
}

void bo_admin_change_status(struct bo_http *http, const char *id, const char *status, const char *from, const char *action) {
    const char *params[] = {id, status, from, http->actor, action};
    bo_queue_run(http->gateway->postgres,
                 "WITH made AS (UPDATE sales SET status = $2, version = version + 1 WHERE id = $1 AND status = ANY($3::text[]) RETURNING"
                 " id, version), noted AS (INSERT INTO audit (actor, action, sale, detail) SELECT $4, $5, id, '{}' FROM made)"
                 " SELECT version FROM made",
                 params, 5, changed, start_change(http, id));
}

static void patch_settings(struct bo_http *http, const char *id) {
    json_t *json = json_loadb(http->body.data ? http->body.data : "", http->body.length, 0, NULL);
    if (json_is_object(json)) {
        bo_admin_change_settings(http, id, json);
    } else {
        json_decref(json);
        bo_http_answer_error(http, BO_ERR_BAD_JSON, "Send an object with the settings to change.");
    }
}

/* ---- reading ---- */

static int64_t log_lag(const struct bo_room *room) { return room->seq > room->commits.committed ? room->seq - room->commits.committed : 0; }

static json_t *counts_of(const struct bo_room *room) {
    return json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:i, s:s}", "sale", room->id, "status", room->status, "ready",
                     room->state == BO_ROOM_READY, "waiting", (json_int_t)room->total_waiting, "active", (json_int_t)room->active,
                     "admitted", (json_int_t)room->admitted, "free", (json_int_t)room->free, "sold", (json_int_t)room->sold, "blocked", (json_int_t)room->blocked, "joined", (json_int_t)room->handed_out, "head",
                     (json_int_t)room->head, "log_lag", (json_int_t)log_lag(room),
                     "settings_version", (json_int_t)room->version, "opened", room->opened, "speed_percent", room->brake, "slowed_by", room->brake_why);
}

/* With the present time: the panel's graphs go by it. */
static void answer_counts(struct bo_http *http, const struct bo_room *room) {
    json_t *json = counts_of(room);
    json_object_set_new(json, "now_ms", json_integer((json_int_t)bo_loop_wall_ms()));
    bo_http_answer_json(http, 200, json);
}

static void rows_as_json(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct bo_http *http = arg;
    if (err)
        bo_http_answer_error(http, BO_ERR_UNAVAILABLE, NULL);
    else if (bo_rows_count(rows) == 0)
        bo_http_answer_error(http, BO_ERR_UNKNOWN_SALE, NULL);
    else
        bo_http_answer(http, 200, "application/json", bo_rows_text(rows, 0, 0), strlen(bo_rows_text(rows, 0, 0)));
}

struct sale_list {
    const char **names;
    struct bo_sale_metrics *values;
    size_t count, room;
};

static void add_sale(void *arg, struct bo_table_link *link) {
    const struct bo_room *room = (struct bo_room *)link;
    struct sale_list *list = arg;
    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 16;
        list->names = bo_realloc(list->names, list->room * sizeof(*list->names));
        list->values = bo_realloc(list->values, list->room * sizeof(*list->values));
    }
    list->names[list->count] = room->id;
    list->values[list->count++] = (struct bo_sale_metrics){.waiting = room->total_waiting, .active = room->active, .admitted = room->admitted, .joined = room->handed_out, .free = room->free,
                                                           .blocked = room->blocked, .sold = room->sold, .log_lag = log_lag(room), .speed_percent = room->brake};
}

static void answer_metrics(struct bo_http *http) {
    struct bo_buffer b = {0};
    struct sale_list list = {0};
    bo_metrics_print(&b);
    bo_table_each(&http->gateway->rooms, add_sale, &list);
    bo_metrics_print_sales(list.names, list.values, list.count, &b);
    bo_http_answer(http, 200, "text/plain; version=0.0.4", b.data, b.length);
    free(list.names);
    free(list.values);
    bo_buffer_free(&b);
}

static void answer_health(struct bo_http *http) {
    bool redis = bo_redis_store_is_up(http->gateway->redis), postgres = bo_queue_is_up(http->gateway->postgres);
    bool loaded = http->gateway->sales_loaded, well = redis && postgres && loaded && http->gateway->health.state != BO_CRITICAL;
    json_t *json = json_pack("{s:s, s:b, s:b, s:b, s:s}", "health", redis && postgres && loaded ? bo_health_name(http->gateway->health.state) : "critical", "redis", redis,
                             "postgres", postgres, "sales_loaded", loaded, "version", BO_VERSION);
    bo_http_answer_json(http, well ? 200 : 503, json);
}

static void add_counts(void *arg, struct bo_table_link *link) { json_array_append_new(arg, counts_of((struct bo_room *)link)); }

static void run_sales(struct bo_http *http) {
    if (strcmp(http->method, "POST") == 0) {
        create_sale(http);
    } else {
        json_t *list = json_array();
        bo_table_each(&http->gateway->rooms, add_counts, list);
        bo_http_answer_json(http, 200, json_pack("{s:o}", "sales", list));
    }
}

static void run_sale(struct bo_http *http, const char *id) {
    const char *params[] = {id};
    if (strcmp(http->method, "PATCH") == 0)
        patch_settings(http, id);
    else
        bo_queue_run(http->gateway->postgres,
                     "SELECT json_build_object('sale', id, 'name', name, 'status', status, 'settings', settings, 'version', version,"
                     " 'created_at', created_at)::text FROM sales WHERE id = $1",
                     params, 1, rows_as_json, http);
}

void bo_admin_run(struct bo_http *http) {
    char id[BO_ID_MAX + 1];
    int err;
    if (http->body_too_large) {
        bo_http_answer_error(http, BO_ERR_TOO_LARGE, NULL);
    } else if (http->query_wrong) {
        bo_http_answer_error(http, BO_ERR_BAD_MESSAGE, "The query is not UTF-8, or an argument of it is too long.");
    } else if (strcmp(http->path, "/health") == 0) {
        answer_health(http);
    } else if (bo_pages_run(http)) {
        return;
    } else if ((err = bo_roles_check(http))) {
        bo_http_answer_error(http, err, NULL);
    } else if (strcmp(http->path, "/metrics") == 0) {
        answer_metrics(http);
    } else if (strcmp(http->path, "/api/sales") == 0) {
        run_sales(http);
    } else if (strcmp(http->path, "/api/audit") == 0) {
        bo_bulk_run(http->gateway->bulk,
                     "SELECT json_build_object('audit', coalesce(json_agg(a ORDER BY id DESC), '[]'))::text FROM (SELECT * FROM audit"
                     " ORDER BY id DESC LIMIT 500) a",
                     NULL, 0, rows_as_json, http);
    } else if (bo_http_path_is(http, "/api/sales/*", id)) {
        run_sale(http, id);
    } else if (bo_http_path_is(http, "/api/sales/*/counts", id)) {
        struct bo_room *room = bo_rooms_find(http->gateway, id);
        if (room)
            answer_counts(http, room);
        else
            bo_http_answer_error(http, http->missing, NULL);
    } else if (!bo_admin_line_run(http) && !bo_admin_seats_run(http) && !bo_admin_tickets_run(http) && !bo_admin_orders_run(http) && !bo_admin_refunds_run(http) && !bo_admin_stock_run(http) && !bo_hooks_run(http) && !bo_admin_watch_run(http)) {
        bo_http_answer_error(http, BO_ERR_NOT_FOUND, NULL);
    }
}
