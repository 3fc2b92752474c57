/* SPDX-License-Identifier: Apache-2.0
 * The operator's, and a developer's, side of counted stock and lots: making and changing them, granting and taking back. What is answered is in
 * PostgreSQL. */
#include "edge/admin.h"

#include "base/date.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"
#include "edge/awaited.h"
#include "edge/room.h"
#include "edge/stock.h"
#include "edge/subjects.h"
#include "loop/loop.h"
#include "sale/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_MAX 100000000 /* of an item that has no places */
#define MS_MAX (30 * 86400000LL)

struct change {
    struct bo_awaited commit; /* first member */
    struct bo_http *http;
    struct bo_room *room;
    const char *action;
    json_t *body, *answer;
};

static void finish(struct change *c, int err) {
    if (err)
        bo_http_answer_error(c->http, err, NULL);
    else
        bo_http_answer_json(c->http, 200, json_incref(c->answer));
    json_decref(c->body);
    json_decref(c->answer);
    free(c);
}

static void audited(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    (void)rows;
    finish(arg, err ? BO_ERR_UNAVAILABLE : 0);
}

static void audit(struct change *c) {
    char *detail = json_dumps(c->body, JSON_COMPACT);
    const char *params[] = {c->http->actor, c->action, c->room->id, detail};
    bo_queue_run(c->http->gateway->postgres, "INSERT INTO audit (actor, action, sale, detail) VALUES ($1, $2, $3, $4::jsonb)", params, 4, audited, c);
    free(detail);
}

static void committed(struct bo_awaited *commit, int err) { finish((struct change *)commit, err); }

static void refuse(struct change *c, int err, const struct bo_value *v) {
    char detail[64] = "";
    int64_t number = v ? bo_value_number(v, 1) : 0;
    if (err == BO_ERR_STOCK_BELOW_GIVEN) snprintf(detail, sizeof(detail), "given: %" PRId64, number);
    if (err == BO_ERR_STOCK_GONE || err == BO_ERR_LIMIT_REACHED) snprintf(detail, sizeof(detail), "left: %" PRId64, number);
    if (err == BO_ERR_TRY_LATER) c->http->retry_ms = number;
    bo_http_answer_error(c->http, err, detail);
    json_decref(c->body);
    free(c);
}

static void set_committed(struct bo_awaited *commit, int err) {
    if (err)
        finish((struct change *)commit, err);
    else
        audit((struct change *)commit);
}

/* {code, index, left, log number} */
static void was_set(void *arg, int err, const struct bo_value *v) {
    struct change *c = arg;
    if (err) {
        refuse(c, err, v);
        return;
    }
    c->answer = json_pack("{s:O, s:I}", "item", json_object_get(c->body, "item"), "left", (json_int_t)bo_value_number(v, 2));
    bo_await_commit(c->room, &c->commit, bo_value_number(v, 3), set_committed);
}

/* {code, item, count, number, log number, taken back} */
static void was_granted(void *arg, int err, const struct bo_value *v) {
    struct change *c = arg;
    if (err) {
        refuse(c, err, v);
        return;
    }
    c->answer = json_pack("{s:s, s:I, s:I, s:b}", "item", bo_value_text(v, 1), "count", (json_int_t)bo_value_number(v, 2), "number", (json_int_t)bo_value_number(v, 3), "taken_back",
                          (int)bo_value_number(v, 5));
    bo_await_commit(c->room, &c->commit, bo_value_number(v, 4), committed);
}

/* ---- what is asked for ---- */

static bool is_item_name(const char *name) { return bo_utf8_is_text(name, 1, BO_ITEM_NAME_MAX, false) && strlen(name) <= BO_ITEM_NAME_MAX; }

/* Numbers of body in this order, each within its range, as texts; false: one is not. */
struct range {
    const char *name;
    int64_t def, min, max;
};

static bool read_numbers(const json_t *body, const struct range *ranges, size_t count, char (*texts)[24]) {
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_object_get(body, ranges[i].name);
        int64_t number = value ? json_integer_value(value) : ranges[i].def;
        if ((value && !json_is_integer(value)) || number < ranges[i].min || number > ranges[i].max) return false;
        *bo_text_put_number(texts[i], number) = '\0';
    }
    return true;
}

static bool is_like_a_seat(struct bo_http *http, const struct bo_room *room, const char *name) {
    char detail[BO_ID_MAX + 32];
    const char *seat = bo_room_seat_like_item(room, name);
    if (!seat) return false;
    snprintf(detail, sizeof(detail), "a seat of the plan: %s", seat);
    bo_http_answer_error(http, BO_ERR_ITEM_LIKE_SEAT, detail);
    return true;
}

static void run(struct bo_http *http, struct bo_room *room, const char *action, json_t *body, const char *script, const char *const *args, size_t count, bo_store_cb cb) {
    struct change *c = bo_alloc(sizeof(*c));
    *c = (struct change){.http = http, .room = room, .action = action, .body = json_incref(body)};
    bo_room_run(room, script, args, count, cb, c);
}

/* Rule O6: answers, and returns true, when the item's price, or a lot's next bid, could never be charged. */
static bool refuse_price(struct bo_http *http, const struct bo_room *room, const json_t *body) {
    struct bo_buffer problem = {0};
    const char *currency = room->settings.currency;
    bo_money price = json_integer_value(json_object_get(body, "price")), step = json_integer_value(json_object_get(body, "step"));
    bool stripe = bo_config_is_stripe(&http->gateway->config);
    int err = bo_price_check(currency, "price", price, stripe, &problem);
    if (!err && stripe) err = bo_price_check_step(currency, "step", step, &problem);
    if (err) bo_http_answer_error(http, err, problem.data);
    bo_buffer_free(&problem);
    return err != 0;
}

static const char *set_item(struct bo_http *http, struct bo_room *room, json_t *body) {
    static const char *const kinds[] = {"area", "coupon", "voucher", "points"};
    const char *name = json_string_value(json_object_get(body, "item")), *kind = json_string_value(json_object_get(body, "kind"));
    bool known = false, area = kind && strcmp(kind, "area") == 0;
    for (size_t i = 0; kind && i < 4; i++) known |= strcmp(kinds[i], kind) == 0;
    const struct range ranges[] = {{"total", -1, 0, area ? BO_SEATS_MAX : COUNT_MAX}, {"limit", 0, 0, COUNT_MAX}, {"price", 0, 0, area ? BO_MONEY_MAX : 0}, {"rate_count", 0, 0, COUNT_MAX},
                                   {"rate_ms", 1000, 100, 3600000}};
    char numbers[5][24];
    if (!name || !is_item_name(name) || !known || !read_numbers(body, ranges, 5, numbers))
        return "item: a text of 1 to 48 bytes in UTF-8, as customers read it; kind: area, coupon, voucher or points; total: 0 to 100000 for an area, else to 100000000; limit: per person, 0 "
               "for any number; price: of a place of an area; rate_count: so many in rate_ms, 0 for any number; rate_ms: 100 to 3600000";
    if (area && is_like_a_seat(http, room, name)) return NULL;
    if (refuse_price(http, room, body)) return NULL;
    const char *args[] = {name, kind, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], http->actor};
    run(http, room, "stock", body, "stock_set", args, 8, was_set);
    return NULL;
}

/* A time of a lot in ms as text, or the answer says what is wrong with it. */
static bool read_time(struct bo_http *http, const json_t *body, const char *name, char ret[24]) {
    int64_t ms;
    const char *text = json_string_value(json_object_get(body, name)), *wrong = bo_date_read(text ? text : "", &ms);
    if (wrong) {
        struct bo_buffer problem = {0};
        bo_buffer_printf(&problem, "%s: %s", name, wrong);
        bo_http_answer_error(http, BO_ERR_BAD_MESSAGE, problem.data);
        bo_buffer_free(&problem);
        return false;
    }
    *bo_text_put_number(ret, ms) = '\0';
    return true;
}

static const char *set_lot(struct bo_http *http, struct bo_room *room, json_t *body) {
    const char *name = json_string_value(json_object_get(body, "item"));
    const struct range ranges[] = {{"price", -1, 0, BO_MONEY_MAX}, {"step", -1, 1, BO_MONEY_MAX}, {"most", BO_MONEY_MAX, 0, BO_MONEY_MAX}, {"extend_ms", 0, 0, 3600000},
                                   {"pay_ms", 600000, 1000, MS_MAX}};
    char numbers[5][24], opens[24], closes[24];
    if (!read_time(http, body, "opens_at", opens) || !read_time(http, body, "closes_at", closes)) return NULL;
    if (!name || !is_item_name(name) || !read_numbers(body, ranges, 5, numbers) || strtoll(opens, NULL, 10) >= strtoll(closes, NULL, 10))
        return "item: a text of 1 to 48 bytes in UTF-8, as customers read it; price: the first bid that counts; step: 1 or more; most: the highest bid allowed; opens_at before closes_at; "
               "extend_ms: 0 to 3600000; pay_ms: 1000 to 30 days";
    if (is_like_a_seat(http, room, name)) return NULL;
    if (refuse_price(http, room, body)) return NULL;
    const char *args[] = {name, numbers[0], numbers[1], numbers[2], opens, closes, numbers[3], numbers[4], http->actor};
    run(http, room, "lot", body, "auction_set", args, 9, was_set);
    return NULL;
}

static const char *grant(struct bo_http *http, struct bo_room *room, json_t *body) {
    const char *id = json_string_value(json_object_get(body, "grant")), *person = json_string_value(json_object_get(body, "person"));
    const char *item = json_string_value(json_object_get(body, "item"));
    const struct range ranges[] = {{"count", 1, 1, COUNT_MAX}};
    char count[1][24], key[BO_ID_MAX + 4], owner[BO_ID_MAX + 1];
    if (!id || !bo_text_is_id(id) || !person || !bo_subject_named(person, owner) || !item || !is_item_name(item) || !read_numbers(body, ranges, 1, count))
        return "grant: an id of your own, the same again changes nothing; person; item; count: 1 or more";
    snprintf(key, sizeof(key), "a:%s", id);
    const char *args[] = {"give", key, owner, item, count[0]};
    run(http, room, "grant", body, "stock_grant", args, 5, was_granted);
    return NULL;
}

static const char *take_back(struct bo_http *http, struct bo_room *room, json_t *body) {
    const char *id = json_string_value(json_object_get(body, "grant"));
    char key[BO_ID_MAX + 4];
    if (!id || !bo_text_is_id(id)) return "grant: the id it was granted by";
    snprintf(key, sizeof(key), "a:%s", id);
    const char *args[] = {"take_back", key, http->actor};
    run(http, room, "take_back", body, "stock_grant", args, 3, was_granted);
    return NULL;
}

bool bo_admin_stock_run(struct bo_http *http) {
    static const struct {
        const char *path;
        const char *(*run)(struct bo_http *http, struct bo_room *room, json_t *body); /* what would be right, or NULL: it is under way, or answered */
    } routes[] = {{"/api/sales/*/stock", set_item}, {"/api/sales/*/lots", set_lot}, {"/api/sales/*/grants", grant}, {"/api/sales/*/grants/back", take_back}};
    char id[BO_ID_MAX + 1];
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (!bo_http_path_is(http, routes[i].path, id)) continue;
        struct bo_room *room = bo_rooms_find(http->gateway, id);
        json_t *body = json_loadb(http->body.data ? http->body.data : "", http->body.length, 0, NULL);
        int err = strcmp(http->method, "POST") != 0 ? BO_ERR_BAD_METHOD : !room ? http->missing : !body ? BO_ERR_BAD_JSON : 0;
        const char *allowed = err ? NULL : routes[i].run(http, room, body);
        if (err || allowed) bo_http_answer_error(http, err ? err : BO_ERR_BAD_MESSAGE, allowed);
        json_decref(body);
        return true;
    }
    return false;
}
