/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/messages.h"

#include "base/memory.h"
#include "base/log.h"
#include "base/text.h"
#include "base/utf8.h"
#include "edge/entry.h"
#include "edge/room.h"
#include "edge/stock.h"
#include "edge/token.h"
#include "loop/loop.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *message, const char *name) { return json_string_value(json_object_get(message, name)); }

static int on_leave(struct bo_session *s, const json_t *message) {
    (void)message;
    if (!s->room || s->stage == BO_STAGE_OUT || s->stage == BO_STAGE_JOINING) return BO_ERR_NOT_IN_LINE;
    bo_session_leave(s);
    return 0;
}

static int on_enter(struct bo_session *s, const json_t *message) {
    const char *access = text_of(message, "access");
    if (!access) return BO_ERR_TOKEN_MISSING;
    if (!s->room) return BO_ERR_NOT_JOINED;
    /* What was given to him on this connection need not be checked again: that costs as much as all the rest. */
    if (!s->visit || !s->visit->access_hash || s->visit->access_hash != bo_text_hash(access)) {
        struct bo_place_claim claim;
        int err = bo_token_read_access(s->gateway->keys, access, bo_loop_wall_ms(), &claim);
        if (err) return err;
        if (strcmp(claim.sale, s->room->id) != 0 || strcmp(claim.person, s->person) != 0) return BO_ERR_TOKEN_FOREIGN;
        s->number = claim.number;
    }
    bo_session_enter(s);
    return 0;
}

/* "P-1-1", or {"seat":"P-1-1","tariff":"child"}. */
static int read_pick(const struct bo_room *room, const json_t *json, struct bo_pick *ret) {
    const char *guid = json_is_object(json) ? text_of(json, "seat") : json_string_value(json), *tariff = text_of(json, "tariff");
    if (!guid || (json_is_object(json) && !tariff)) return BO_ERR_BAD_MESSAGE;
    *ret = (struct bo_pick){.tariff = tariff ? bo_settings_tariff(&room->settings, tariff) : NULL};
    bool known = bo_room_find_seat(room, guid, &ret->index);
    if (known && ret->index < room->plan->seat_count) ret->seat = &room->plan->seats[ret->index];
    return !known ? BO_ERR_UNKNOWN_SEAT : tariff && !ret->tariff ? BO_ERR_UNKNOWN_TARIFF : 0;
}

/* The seats of a command; each must exist and stand there once. */
static int read_picks(const struct bo_room *room, const json_t *message, struct bo_pick ret[BO_HOLD_MAX], size_t *ret_count) {
    const json_t *list = json_object_get(message, "seats");
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count == 0) return BO_ERR_BAD_MESSAGE;
    if (count > BO_HOLD_MAX) return BO_ERR_TOO_LARGE;
    for (size_t i = 0; i < count; i++) {
        int err = read_pick(room, json_array_get(list, i), &ret[i]);
        if (err) return err;
        for (size_t j = 0; j < i; j++)
            if (ret[j].index == ret[i].index) return BO_ERR_SEAT_TWICE;
    }
    *ret_count = count;
    return 0;
}

/* Places of an area are not chosen, only taken and given back. */
static bool all_on_the_map(const struct bo_pick *picks, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!picks[i].seat) return false;
    return true;
}

/* A companion's seat goes with an accessible one. */
static bool companion_alone(const struct bo_pick *picks, size_t count) {
    bool accessible = false, companion = false;
    for (size_t i = 0; i < count; i++) {
        accessible |= picks[i].seat->kind == BO_SEAT_ACCESSIBLE;
        companion |= picks[i].seat->kind == BO_SEAT_COMPANION;
    }
    return companion && !accessible;
}

static int on_seats(struct bo_session *s, const json_t *message, bool hold) {
    const char *key = text_of(message, "key");
    if (!key || !bo_text_is_id(key)) return BO_ERR_BAD_MESSAGE;
    if (!s->room) return BO_ERR_NOT_JOINED;
    struct bo_pick picks[BO_HOLD_MAX];
    size_t count;
    int err = read_picks(s->room, message, picks, &count);
    if (err) return err;
    if (hold && !all_on_the_map(picks, count)) return BO_ERR_UNKNOWN_SEAT;
    if (!s->entered) return BO_ERR_NOT_ADMITTED;
    if (hold && companion_alone(picks, count)) return BO_ERR_COMPANION_ALONE;
    bo_session_choose(s, hold, key, picks, count);
    return 0;
}

static int on_hold(struct bo_session *s, const json_t *message) { return on_seats(s, message, true); }

static int on_release(struct bo_session *s, const json_t *message) { return on_seats(s, message, false); }

static int read_wish(const json_t *message, struct bo_best_wish *ret) {
    const json_t *count = json_object_get(message, "count"), *category = json_object_get(message, "category"), *zone = json_object_get(message, "zone"),
                 *price = json_object_get(message, "price_max"), *accessible = json_object_get(message, "accessible");
    if (!json_is_integer(count) || json_integer_value(count) < 1 || (category && !json_is_string(category)) || (zone && !json_is_string(zone)) ||
        (price && !json_is_integer(price)) || (accessible && !json_is_boolean(accessible)))
        return BO_ERR_BAD_MESSAGE;
    *ret = (struct bo_best_wish){.count = (size_t)json_integer_value(count), .category = json_string_value(category), .zone = json_string_value(zone),
                                 .price_max = price ? json_integer_value(price) : BO_MONEY_MAX, .accessible = json_is_true(accessible)};
    return ret->count > BO_HOLD_MAX ? BO_ERR_TOO_LARGE : 0;
}

static int on_best(struct bo_session *s, const json_t *message) {
    const char *key = text_of(message, "key");
    struct bo_best_wish wish;
    if (!key || !bo_text_is_id(key)) return BO_ERR_BAD_MESSAGE;
    int err = read_wish(message, &wish);
    if (err) return err;
    if (!s->room) return BO_ERR_NOT_JOINED;
    if (!s->entered) return BO_ERR_NOT_ADMITTED;
    if (!bo_best_makes_sense(s->room->plan, &wish)) return BO_ERR_UNKNOWN_SEAT;
    bo_session_best(s, key, &wish);
    return 0;
}

/* A command that is its key and nothing else. */
static int on_plain(struct bo_session *s, const json_t *message, void (*run)(struct bo_session *, const char *key)) {
    const char *key = text_of(message, "key");
    if (!key || !bo_text_is_id(key)) return BO_ERR_BAD_MESSAGE;
    if (!s->room) return BO_ERR_NOT_JOINED;
    if (!s->entered) return BO_ERR_NOT_ADMITTED;
    run(s, key);
    return 0;
}

static void check_out(struct bo_session *s, const char *key) { bo_session_checkout(s, key, NULL); }

/* Of what he holds; or of a lot that he has won, from wherever he stands in the line. */
static int on_checkout(struct bo_session *s, const json_t *message) {
    const char *key = text_of(message, "key"), *order = text_of(message, "order");
    if (!order) return on_plain(s, message, check_out);
    if (!key || !bo_text_is_id(key) || !bo_text_is_id(order)) return BO_ERR_BAD_MESSAGE;
    if (!s->room) return BO_ERR_NOT_JOINED;
    bo_session_checkout(s, key, order);
    return 0;
}

static int on_extend(struct bo_session *s, const json_t *message) { return on_plain(s, message, bo_session_extend); }

/* An invitation to a channel is one to buy from its quota. */
static int on_channel(struct bo_session *s, const json_t *message) {
    const char *key = text_of(message, "key"), *token = text_of(message, "invitation");
    struct bo_invitation_claim claim;
    if (!key || !bo_text_is_id(key) || !token) return BO_ERR_BAD_MESSAGE;
    if (!s->room) return BO_ERR_NOT_JOINED;
    int err = bo_token_read_invitation(&s->gateway->config, token, bo_loop_wall_ms(), &claim);
    if (err) return err;
    if (strcmp(claim.sale, s->room->id) != 0 || (*claim.person && strcmp(claim.person, s->person) != 0) || !bo_settings_channel(&s->room->settings, claim.channel))
        return BO_ERR_TOKEN_FOREIGN;
    if (!s->entered) return BO_ERR_NOT_ADMITTED;
    bo_session_take_channel(s, key, claim.channel, claim.id);
    return 0;
}

static int on_take(struct bo_session *s, const json_t *message) {
    const char *key = text_of(message, "key"), *item = text_of(message, "item");
    const json_t *count = json_object_get(message, "count");
    if (!key || !bo_text_is_id(key) || !item || !json_is_integer(count) || json_integer_value(count) < 1) return BO_ERR_BAD_MESSAGE;
    if (json_integer_value(count) > BO_TAKE_MAX) return BO_ERR_TOO_LARGE;
    if (!s->room) return BO_ERR_NOT_JOINED;
    if (!s->entered) return BO_ERR_NOT_ADMITTED;
    return bo_session_take(s, key, item, json_integer_value(count));
}

static int on_bid(struct bo_session *s, const json_t *message) {
    const char *key = text_of(message, "key"), *lot = text_of(message, "lot"), *currency = text_of(message, "currency");
    const json_t *amount = json_object_get(message, "amount");
    if (!key || !bo_text_is_id(key) || !lot || !bo_utf8_is_text(lot, 1, BO_ITEM_NAME_MAX, false) || strlen(lot) > BO_ITEM_NAME_MAX || !currency || !bo_text_is_id(currency) || !json_is_integer(amount) || json_integer_value(amount) < 0 ||
        json_integer_value(amount) > BO_MONEY_MAX)
        return BO_ERR_BAD_MESSAGE;
    if (!s->room) return BO_ERR_NOT_JOINED;
    if (!s->entered) return BO_ERR_NOT_ADMITTED;
    bo_session_bid(s, key, lot, json_integer_value(amount), currency);
    return 0;
}

static int on_map(struct bo_session *s, const json_t *message) {
    (void)message;
    if (!s->room) return BO_ERR_NOT_JOINED;
    bo_room_watch_map(s->room, s);
    bo_session_send_map(s);
    return 0;
}

static int on_ping(struct bo_session *s, const json_t *message) {
    (void)message;
    bo_session_printf(s, "{\"type\":\"pong\"}");
    return 0;
}

static const struct {
    const char *type;
    int (*run)(struct bo_session *session, const json_t *message);
} handlers[] = {{"join", bo_entry_join}, {"leave", on_leave}, {"enter", on_enter},       {"hold", on_hold}, {"release", on_release},
                {"best", on_best},       {"extend", on_extend}, {"channel", on_channel}, {"take", on_take}, {"bid", on_bid}, {"checkout", on_checkout}, {"map", on_map},   {"ping", on_ping}};

/* Commands of one person take effect in the order in which they come, though holds and releases gather. */
static int run(struct bo_session *s, size_t handler, const json_t *message) {
    bool gathers = handlers[handler].run == on_hold || handlers[handler].run == on_release;
    if (s->choosing && !gathers) bo_room_send_choices(s->room, true);
    return handlers[handler].run(s, message);
}

void bo_message_received(struct bo_session *s, const char *data, size_t length) {
    json_t *message = json_loadb(data, length, JSON_REJECT_DUPLICATES, NULL);
    int err = json_is_object(message) ? BO_ERR_UNKNOWN_TYPE : message ? BO_ERR_BAD_MESSAGE : BO_ERR_BAD_JSON;
    const char *type = text_of(message, "type"), *key = text_of(message, "key");
    if (s->trace) bo_log_traced(BO_LOG_DEBUG, s->trace, "sale %s: %s says %.20s %.64s", s->room ? s->room->id : "-", s->person ? s->person : "somebody", type ? type : "nothing", key ? key : "");
    if (err == BO_ERR_UNKNOWN_TYPE && !type) err = BO_ERR_BAD_MESSAGE;
    for (size_t i = 0; type && i < sizeof(handlers) / sizeof(handlers[0]); i++)
        if (strcmp(handlers[i].type, type) == 0) err = run(s, i, message);
    if (err) bo_session_error(s, err, key && bo_text_is_id(key) ? key : NULL);
    json_decref(message);
}
