/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/stock.h"

#include "base/currency.h"
#include "base/memory.h"
#include "base/text.h"
#include "edge/command_token.h"
#include "edge/tickets.h"
#include "loop/loop.h"
#include "sale/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what there is ---- */

/* NULL: there is none; indexes may have gaps. */
static struct bo_item *item_at(const struct bo_room *room, int64_t index) {
    bool known = index >= 1 && (size_t)index <= room->item_count && *room->items[index - 1].name;
    return known ? &room->items[index - 1] : NULL;
}

static struct bo_item *find_item(const struct bo_room *room, const char *name) {
    for (size_t i = 0; i < room->item_count; i++)
        if (*name && strcmp(room->items[i].name, name) == 0) return &room->items[i];
    return NULL;
}

static void take_item(struct bo_item *to, const struct bo_value *v) {
    *to = (struct bo_item){.total = bo_value_number(v, 3), .left = bo_value_number(v, 4), .limit = bo_value_number(v, 5), .price = bo_value_number(v, 6),
                           .step = bo_value_number(v, 7), .most = bo_value_number(v, 8), .opens = bo_value_number(v, 9), .closes = bo_value_number(v, 10),
                           .highest = bo_value_number(v, 11)};
    snprintf(to->name, sizeof(to->name), "%s", bo_value_text(v, 1));
    snprintf(to->kind, sizeof(to->kind), "%s", bo_value_text(v, 2));
    snprintf(to->state, sizeof(to->state), "%s", bo_value_text(v, 12));
}

static void stock_read(void *arg, int err, const struct bo_value *v) {
    struct bo_room *room = arg;
    room->stock_loading = false;
    if (err) return; /* the next change reads it again */
    room->item_count = v->length > 1 ? (size_t)bo_value_number(bo_value_item(v, v->length - 1), 0) : 0; /* the highest index */
    room->items = bo_realloc(room->items, (room->item_count + 1) * sizeof(*room->items));
    memset(room->items, 0, (room->item_count + 1) * sizeof(*room->items));
    for (size_t i = 1; i < v->length; i++) {
        const struct bo_value *item = bo_value_item(v, i);
        take_item(&room->items[bo_value_number(item, 0) - 1], item);
    }
}

void bo_room_load_stock(struct bo_room *room) {
    if (room->stock_loading) return;
    room->stock_loading = true;
    bo_room_run(room, "stock_read", NULL, 0, stock_read, room);
}

int bo_room_check_items(const struct bo_room *room, const char *currency, struct bo_buffer *problem) {
    for (size_t i = 0; i < room->item_count; i++) {
        char what[BO_ITEM_NAME_MAX + 24];
        snprintf(what, sizeof(what), "the price of item \"%s\"", room->items[i].name);
        if (bo_price_check(currency, what, room->items[i].price, bo_config_is_stripe(&room->gateway->config), problem)) return BO_ERR_BAD_SETTING;
    }
    return 0;
}

/* ---- seats and places by name ---- */

bool bo_room_seat_words(const struct bo_room *room, int64_t index, struct bo_seat_words *ret) {
    const struct bo_plan *plan = room->plan;
    if (index >= 0 && (size_t)index < plan->seat_count) {
        const struct bo_seat *seat = &plan->seats[index];
        const struct bo_row *row = &plan->rows[seat->row];
        snprintf(ret->guid, sizeof(ret->guid), "%s", bo_plan_text(plan, seat->guid));
        ret->zone = bo_plan_text(plan, row->zone);
        ret->row = bo_plan_text(plan, row->name);
        ret->number = bo_plan_text(plan, seat->number);
        ret->category = bo_plan_text(plan, plan->categories[seat->category].name);
        return true;
    }
    const struct bo_item *item = item_at(room, index / BO_PLACES);
    if (!item) return false;
    snprintf(ret->guid, sizeof(ret->guid), "%s-%" PRId64, item->name, index % BO_PLACES);
    ret->zone = ret->category = item->name;
    ret->row = "";
    ret->number = strrchr(ret->guid, '-') + 1;
    return true;
}

bool bo_room_find_seat(const struct bo_room *room, const char *guid, uint32_t *ret_index) {
    const struct bo_seat *seat = bo_plan_find(room->plan, guid);
    const char *dash = strrchr(guid, '-');
    int64_t number;
    if (seat) {
        *ret_index = bo_plan_index(room->plan, seat);
        return true;
    }
    if (!dash || dash - guid > BO_ITEM_NAME_MAX || !bo_text_to_number(dash + 1, 1, BO_PLACES - 1, &number)) return false;
    char name[BO_ITEM_NAME_MAX + 1];
    snprintf(name, sizeof(name), "%.*s", (int)(dash - guid), guid);
    const struct bo_item *item = find_item(room, name);
    if (!item) return false;
    *ret_index = (uint32_t)((item - room->items + 1) * BO_PLACES + number);
    return true;
}

const char *bo_room_seat_like_item(const struct bo_room *room, const char *name) {
    const struct bo_plan *plan = room->plan;
    size_t length = strlen(name);
    int64_t number;
    if (find_item(room, name)) return NULL;
    for (size_t i = 0; i < plan->seat_count; i++) {
        const char *guid = bo_plan_text(plan, plan->seats[i].guid);
        if (strncmp(guid, name, length) != 0 || guid[length] != '-') continue;
        if (bo_text_to_number(guid + length + 1, 1, BO_PLACES - 1, &number)) return guid;
    }
    return NULL;
}

/* ---- what the feed says ---- */

/* stock index left */
void bo_room_heard_stock(struct bo_room *room, char *words) {
    struct bo_item *item = item_at(room, bo_text_next_number(&words));
    if (item)
        item->left = bo_text_next_number(&words);
    else
        bo_room_load_stock(room);
}

/* An item's name inside a JSON text. */
struct escaped {
    char text[BO_ITEM_NAME_MAX * 6 + 1];
};

static const char *escape(const char *name, struct escaped *ret) {
    struct bo_buffer b = {0};
    bo_buffer_add_json(&b, name);
    snprintf(ret->text, sizeof(ret->text), "%s", b.length ? b.data : "");
    bo_buffer_free(&b);
    return ret->text;
}

static void tell_lot(struct bo_session *s, const struct bo_item *item, bool leading) {
    bo_session_printf(s, "{\"type\":\"lot\",\"lot\":\"%s\",\"state\":\"%s\",\"highest\":%" PRId64 ",\"least\":%" PRId64 ",\"closes_ms\":%" PRId64 ",\"leading\":%s}", escape(item->name, &(struct escaped){0}),
                      item->state, item->highest, item->highest ? item->highest + item->step : item->price, item->closes, leading ? "true" : "false");
}

/* lot index price bidden closes leader state; heard by everyone who looks at the map or the lots */
void bo_room_heard_lot(struct bo_room *room, char *words) {
    struct bo_item *item = item_at(room, bo_text_next_number(&words));
    if (!item) {
        bo_room_load_stock(room);
        return;
    }
    bo_money price = bo_text_next_number(&words);
    item->highest = bo_text_next_number(&words) ? price : 0;
    item->closes = bo_text_next_number(&words);
    const char *leader = bo_text_next_word(&words);
    snprintf(item->state, sizeof(item->state), "%s", bo_text_next_word(&words));
    for (struct bo_visit *v = room->viewers; v; v = v->next_viewer) tell_lot(v->session, item, strcmp(v->session->person, leader) == 0);
}

struct won {
    const char *order;
    const struct bo_item *item;
    bo_money amount;
    bo_ms till;
};

static void tell_won(struct bo_session *s, void *arg) {
    const struct won *won = arg;
    bo_ms left = won->till - bo_loop_wall_ms();
    bo_session_printf(s, "{\"type\":\"won\",\"lot\":\"%s\",\"order\":\"%s\",\"amount\":%" PRId64 ",\"currency\":\"%s\",\"digits\":%d,\"left_ms\":%" PRId64 "}",
                      escape(won->item ? won->item->name : "", &(struct escaped){0}), won->order, won->amount, s->room->settings.currency, bo_currency_digits(s->room->settings.currency), left > 0 ? left : 0);
}

/* won person order index amount till */
void bo_room_heard_won(struct bo_room *room, char *words) {
    const char *person = bo_text_next_word(&words);
    struct won won = {.order = bo_text_next_word(&words)};
    won.item = item_at(room, bo_text_next_number(&words));
    won.amount = bo_text_next_number(&words);
    won.till = bo_text_next_number(&words);
    bo_room_each_of(room, person, tell_won, &won);
}

static void tell_lapsed(struct bo_session *s, void *order) {
    bo_session_printf(s, "{\"type\":\"order_failed\",\"order\":\"%s\",\"reason\":\"expired\",\"message\":\"The time to pay for it is over.\"}", (const char *)order);
}

/* lapsed person order */
void bo_room_heard_lapsed(struct bo_room *room, char *words) {
    const char *person = bo_text_next_word(&words);
    bo_room_each_of(room, person, tell_lapsed, (void *)bo_text_next_word(&words));
}

/* ---- what people do ---- */

struct bo_asked_of_stock {
    struct bo_commit_waiter waiter;         /* first member; of a grant or a bid */
    struct bo_asked_of_stock *next, **link; /* in room->grants while its commit is awaited; link NULL: it is not */
    struct bo_session *session;     /* holds a reference */
    char key[BO_ID_MAX + 1];
    char item[BO_ITEM_NAME_MAX + 1];
    int64_t count, number; /* number: the first that was granted, or the amount of a bid */
    bo_ms closes;          /* of a bid: when its lot does; else 0 */
};

static struct bo_asked_of_stock *start(struct bo_session *s, const char *key, const char *item, int64_t count) {
    struct bo_asked_of_stock *a = bo_alloc(sizeof(*a));
    *a = (struct bo_asked_of_stock){.session = s, .count = count};
    bo_session_hold(s);
    bo_session_visit(s)->awaited++;
    snprintf(a->key, sizeof(a->key), "%s", key);
    snprintf(a->item, sizeof(a->item), "%s", item);
    return a;
}

static void finish(struct bo_asked_of_stock *a) {
    if (a->link) *a->link = a->next;
    if (a->link && a->next) a->next->link = a->link;
    a->session->visit->awaited--;
    if (a->session->wsi) bo_room_has_told(a->session->room, a->session);
    bo_session_release(a->session);
    free(a);
}

static void taken(void *arg, int err, const struct bo_value *v) {
    struct bo_asked_of_stock *a = arg;
    bo_session_tell_choice(a->session, err, v ? v : &(struct bo_value){0}, a->key, "held");
    finish(a);
}

static void committed(struct bo_commit_waiter *waiter, int err) {
    struct bo_asked_of_stock *a = (struct bo_asked_of_stock *)waiter;
    if (err) /* unavailable: with the same key he may ask again */
        bo_session_error(a->session, err, a->key);
    else if (a->closes)
        bo_session_printf(a->session, "{\"type\":\"bid\",\"key\":\"%s\",\"lot\":\"%s\",\"amount\":%" PRId64 ",\"closes_ms\":%" PRId64 "}", a->key, escape(a->item, &(struct escaped){0}), a->number, a->closes);
    else
        bo_session_printf(a->session, "{\"type\":\"granted\",\"key\":\"%s\",\"item\":\"%s\",\"count\":%" PRId64 ",\"number\":%" PRId64 "}", a->key, escape(a->item, &(struct escaped){0}), a->count, a->number);
    finish(a);
}

/* What was granted or bidden is told when PostgreSQL has it, like what was bought (O3). */
static void await(struct bo_asked_of_stock *a, int64_t seq) {
    struct bo_room *room = a->session->room;
    a->next = room->grants;
    a->link = &room->grants;
    if (a->next) a->next->link = &a->next;
    room->grants = a;
    bo_commits_await(&room->commits, &a->waiter, seq, committed);
}

static void granted(void *arg, int err, const struct bo_value *v) {
    struct bo_asked_of_stock *a = arg;
    if (err) {
        bo_session_tell_choice(a->session, err, v ? v : &(struct bo_value){0}, a->key, "");
        finish(a);
        return;
    }
    a->number = bo_value_number(v, 3);
    await(a, bo_value_number(v, 4));
}

void bo_room_free_stock(struct bo_room *room) {
    while (room->grants) finish(room->grants);
    free(room->items);
}

int bo_session_take(struct bo_session *s, const char *key, const char *name, int64_t count) {
    const struct bo_item *item = find_item(s->room, name);
    char number[24], wanted[24], grant[2 * BO_ID_MAX + 8];
    if (!item || strcmp(item->kind, "lot") == 0) return BO_ERR_UNKNOWN_ITEM;
    *bo_text_put_number(number, s->number) = *bo_text_put_number(wanted, count) = '\0';
    if (strcmp(item->kind, "area") == 0) {
        char token[BO_COMMAND_TOKEN_BYTES], request[BO_ITEM_NAME_MAX + 40];
        snprintf(request, sizeof(request), "take %s %s", item->name, wanted);
        bo_digest_command(key, request, token);
        const char *args[] = {s->person, number, token, name, wanted};
        bo_room_run(s->room, "stock_take", args, 5, taken, start(s, key, name, count));
        return 0;
    }
    snprintf(grant, sizeof(grant), "p:%s:%s", s->person, key);
    const char *args[] = {"give", grant, s->person, name, wanted, number};
    bo_room_run(s->room, "stock_grant", args, 6, granted, start(s, key, name, count));
    return 0;
}

static void tell_bid_refused(struct bo_session *s, int err, const char *key, int64_t limit) {
    bo_session_printf(s, "{\"type\":\"error\",\"code\":\"%s\",\"key\":\"%s\",\"message\":\"%s\",\"%s\":%" PRId64 "}",
                      bo_error_name(err), key, bo_error_text(err), err == BO_ERR_BID_TOO_LOW ? "least" : "most", limit);
}

static void bidden(void *arg, int err, const struct bo_value *v) {
    struct bo_asked_of_stock *a = arg;
    if (!err) {
        const struct bo_value *said = bo_value_item(v, 2);
        a->number = bo_value_number(said, 0);
        a->closes = bo_value_number(said, 1);
        await(a, bo_value_number(said, 2));
        return;
    }
    if (err == BO_ERR_BID_TOO_LOW || err == BO_ERR_BID_TOO_HIGH)
        tell_bid_refused(a->session, err, a->key, v ? bo_value_number(v, 1) : 0);
    else
        bo_session_error(a->session, err, a->key);
    finish(a);
}

/* The least bid from amount on that can be charged: what is won must be payable (rule O6). */
static bo_money payable(const struct bo_room *room, bo_money amount) {
    const char *currency = room->settings.currency;
    bo_money minimum = bo_currency_minimum(currency), least = amount < minimum ? minimum : amount;
    bo_money step = bo_config_is_stripe(&room->gateway->config) ? bo_currency_stripe_step(currency) : 1;
    return (least + step - 1) / step * step;
}

void bo_session_bid(struct bo_session *s, const char *key, const char *lot, bo_money amount, const char *currency) {
    char number[24], text[24];
    if (amount > 0 && amount < payable(s->room, amount)) {
        tell_bid_refused(s, BO_ERR_BID_TOO_LOW, key, payable(s->room, amount));
        return;
    }
    *bo_text_put_number(number, s->number) = *bo_text_put_number(text, amount) = '\0';
    char token[BO_COMMAND_TOKEN_BYTES], request[BO_ITEM_NAME_MAX + 48];
    snprintf(request, sizeof(request), "bid %.*s %s %.3s", BO_ITEM_NAME_MAX, lot, text, currency);
    bo_digest_command(key, request, token);
    const char *args[] = {s->person, number, token, lot, text, currency};
    bo_room_run(s->room, "auction_bid", args, 6, bidden, start(s, key, lot, 0));
}

/* ---- over HTTP ---- */

static json_t *describe(const struct bo_item *item) {
    json_t *json = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I}", "item", item->name, "kind", item->kind, "total", (json_int_t)item->total, "left", (json_int_t)item->left,
                             "limit", (json_int_t)item->limit, "price", (json_int_t)item->price);
    if (strcmp(item->kind, "lot") != 0) return json;
    json_t *more = json_pack("{s:I, s:I, s:I, s:I, s:I, s:s}", "step", (json_int_t)item->step, "most", (json_int_t)item->most, "highest", (json_int_t)item->highest,
                             "opens_ms", (json_int_t)item->opens, "closes_ms", (json_int_t)item->closes, "state", item->state);
    json_object_update(json, more);
    json_decref(more);
    return json;
}

static void grants_read(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct bo_http *http = arg;
    if (err)
        bo_http_answer_error(http, BO_ERR_UNAVAILABLE, NULL);
    else
        bo_http_answer(http, 200, "application/json", bo_rows_text(rows, 0, 0), strlen(bo_rows_text(rows, 0, 0)));
}

bool bo_stock_run(struct bo_http *http, struct bo_room *room, const char *what) {
    bool grants = strcmp(what, "grants") == 0;
    if (!grants && strcmp(what, "stock") != 0) return false;
    char person[BO_ID_MAX + 1];
    int err = strcmp(http->method, "GET") != 0 ? BO_ERR_BAD_METHOD : grants ? bo_http_who(http, room, person) : 0;
    if (err) {
        bo_http_answer_error(http, err, NULL);
    } else if (grants) {
        const char *params[] = {room->id, person};
        bo_queue_run(http->gateway->postgres,
                     "SELECT json_build_object('grants', coalesce(json_agg(json_build_object('item', item, 'kind', kind, 'count', count, 'number', number, 'taken_back', back)"
                     " ORDER BY seq), '[]'))::text FROM grants WHERE sale = $1 AND person = $2",
                     params, 2, grants_read, http);
    } else {
        json_t *list = json_array();
        for (size_t i = 0; i < room->item_count; i++)
            if (*room->items[i].name) json_array_append_new(list, describe(&room->items[i]));
        bo_http_answer_json(http, 200, json_pack("{s:o}", "stock", list));
    }
    return true;
}
