/* SPDX-License-Identifier: Apache-2.0
 * What people do once they are inside: enter, take the best seats, ask for more time, check out, leave (for hold and release: choosing.c).
 * Each runs one script and tells the
 * answer with the key of the command. */
#include "edge/command_token.h"
#include "edge/room.h"
#include "edge/stock.h"

#include "base/currency.h"
#include "base/crash.h"
#include "edge/attempts.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "loop/loop.h"
#include "metrics/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What somebody asked for by "best", kept while the map is read and proposals are tried. */
struct bo_wish {
    struct bo_best_wish wish;
    struct bo_buffer words; /* the same as text: category, zone and all of it, each with its NUL */
    size_t zone_at, said_at;
    int tries;
    struct bo_wish *next, **link; /* in room->wishes while it is tried; link NULL: it is not */
    uint32_t first;            /* seat of what was proposed first */
};

struct command {
    struct bo_session *session; /* holds a reference */
    struct bo_wish *wish;
    char key[BO_ID_MAX + 1];
    const char *done; /* the type of the answer when it went well */
    char order[BO_ID_MAX + 1];
    bool won; /* the order is of a lot, and his admission goes on beside it */
    bo_money amount;
    bo_ms deadline;
};

static struct command *start(struct bo_session *s, const char *key, const char *done) {
    struct command *c = bo_alloc(sizeof(*c));
    c->session = s;
    bo_session_hold(s);
    snprintf(c->key, sizeof(c->key), "%s", key);
    c->done = done;
    return c;
}

/* Nobody else is proposed the same first: with many who want the best seats at once, most would come too late. */
static void keep_in_mind(struct bo_room *room, struct bo_wish *w, uint32_t first) {
    w->first = first;
    w->next = room->wishes;
    if (w->next) w->next->link = &w->next;
    w->link = &room->wishes;
    room->wishes = w;
}

static void put_out_of_mind(struct bo_wish *w) {
    if (!w->link) return;
    *w->link = w->next;
    if (w->next) w->next->link = w->link;
    w->link = NULL;
}

static void finish(struct command *c) {
    if (c->wish) put_out_of_mind(c->wish);
    if (c->wish) bo_buffer_free(&c->wish->words);
    free(c->wish);
    bo_session_release(c->session);
    free(c);
}

static int64_t left_ms(const struct bo_session *s, bo_ms deadline) {
    const struct bo_settings *settings = &s->room->settings;
    return bo_room_left_ms(s->room, deadline, s->stage == BO_STAGE_PAY ? settings->pay_ms : settings->choose_ms + settings->extend_ms * settings->extend_max);
}

static void print_guid(const struct bo_room *room, int64_t index, bool first, struct bo_buffer *out) {
    bool seat = index >= 0 && (size_t)index < room->plan->seat_count;
    struct bo_seat_words words;
    if (!seat && !bo_room_seat_words(room, index, &words)) return;
    bo_buffer_add_text(out, first ? "\"" : ",\"");
    bo_buffer_add_json(out, seat ? bo_plan_text(room->plan, room->plan->seats[index].guid) : words.guid);
    bo_buffer_add_text(out, "\"");
}

/* A list of {index, price, …} as guids, and their sum. */
static bo_money print_held(const struct bo_room *room, const struct bo_value *held, struct bo_buffer *out) {
    bo_money sum = 0;
    bo_buffer_add_text(out, "[");
    for (size_t i = 0; i + 1 < held->length; i += 2) {
        print_guid(room, bo_value_number(held, i), i == 0, out);
        sum += bo_value_number(held, i + 1);
    }
    bo_buffer_add_text(out, "]");
    return sum;
}

/* ---- map ---- */

/* Not by printf, which takes a hundred µs for 50,000 seats. */
static void add_map(struct bo_buffer *b, const struct bo_map *map) {
    bo_buffer_printf(b, "\"version\":%" PRId64 ",\"states\":\"", map->version);
    bo_buffer_add_text(b, map->states);
    bo_buffer_add_text(b, "\"");
}

void bo_room_print_map(const struct bo_room *room, struct bo_buffer *out) {
    bo_buffer_add_text(out, "{\"type\":\"map\",");
    add_map(out, &room->map);
    bo_buffer_add_text(out, "}");
}

void bo_session_send_map(struct bo_session *s) {
    const struct bo_map *map = &s->room->map;
    if (map->version < 0) {
        bo_room_load_map(s->room); /* sent when it is here */
        return;
    }
    struct bo_buffer b = {0};
    bo_room_print_map(s->room, &b);
    bo_session_send(s, b.data, b.length);
    bo_buffer_free(&b);
}

static void start_paying(struct bo_session *s, const char *order, bo_ms deadline) {
    bo_session_set_stage(s, BO_STAGE_PAY, deadline);
    free(bo_session_visit(s)->order);
    s->visit->order = bo_strdup(order);
}

/* ---- enter ---- */

static void entered(void *arg, int err, const struct bo_value *v) {
    struct command *c = arg;
    struct bo_session *s = c->session;
    if (err) {
        bo_session_error(s, err, NULL);
    } else if (s->wsi) {
        bool paying = strcmp(bo_value_text(v, 2), "pay") == 0;
        if (paying)
            start_paying(s, bo_value_text(v, 4), bo_value_number(v, 3));
        else
            bo_session_set_stage(s, BO_STAGE_CHOOSE, bo_value_number(v, 3));
        s->entered = true;
        struct bo_buffer b = {0};
        bo_buffer_printf(&b, "{\"type\":\"entered\",\"stage\":\"%s\",\"deadline_ms\":%" PRId64 ",\"left_ms\":%" PRId64 ",\"limit\":%" PRId64 ",\"seats\":",
                         paying ? "pay" : "choose", s->visit->deadline, left_ms(s, s->visit->deadline), s->room->settings.limit);
        print_held(s->room, bo_value_item(v, 5), &b);
        s->visit->held = (uint16_t)(bo_value_item(v, 5)->length / 2);
        bo_buffer_add_text(&b, "}");
        bo_session_send(s, b.data, b.length);
        bo_buffer_free(&b);
    }
    finish(c);
}

void bo_session_enter(struct bo_session *s) {
    char number[24];
    snprintf(number, sizeof(number), "%" PRId64, s->number);
    const char *args[] = {s->person, number};
    bo_room_run(s->room, "line_enter", args, 2, entered, start(s, "", "entered"));
}

/* ---- what became of a hold or release ---- */

#define ARGS_MAX 700 /* BO_BEST_MAX proposals of BO_HOLD_MAX seats are a few less */

/* The arguments of a call; numbers as texts of their own. */
struct args {
    const char *texts[ARGS_MAX];
    size_t count;
    char numbers[ARGS_MAX][24];
};

static void add_text(struct args *args, const char *text) { args->texts[args->count++] = text; }

static void add_number(struct args *args, int64_t value) {
    char *text = args->numbers[args->count];
    *bo_text_put_number(text, value) = '\0';
    add_text(args, text);
}

static void print_refusal(const struct bo_session *s, int err, const struct bo_value *v, const char *key, struct bo_buffer *b) {
    const struct bo_room *room = s->room;
    const struct bo_value *refused = bo_value_item(v, 2);
    bo_buffer_printf(b, "{\"type\":\"refused\",\"key\":\"%s\",\"code\":\"%s\",\"message\":\"", key, bo_error_name(err));
    bo_buffer_add_json(b, bo_error_text(err));
    bo_buffer_add_text(b, "\",\"seats\":[");
    for (size_t i = 0; i < refused->length; i++) print_guid(room, bo_value_number(refused, i), i == 0, b);
    bo_buffer_add_text(b, "]");
    if (err == BO_ERR_LIMIT_REACHED || err == BO_ERR_QUOTA_REACHED || err == BO_ERR_TARIFF_LIMIT || err == BO_ERR_STOCK_GONE)
        bo_buffer_printf(b, ",\"left\":%" PRId64, bo_value_number(v, 1));
    if (err == BO_ERR_TRY_LATER) bo_buffer_printf(b, ",\"retry_ms\":%" PRId64, bo_value_number(v, 1));
    bool sees_map = s->visit && s->visit->viewer_link; /* and hears every change */
    if (err == BO_ERR_SEAT_TAKEN && room->map.version >= 0 && !sees_map) {
        bo_buffer_add_text(b, ",\"map\":{");
        add_map(b, &room->map);
        bo_buffer_add_text(b, "}");
    }
    bo_buffer_add_text(b, "}");
}

void bo_session_tell_choice(struct bo_session *s, int err, const struct bo_value *v, const char *key, const char *done) {
    if (err == BO_ERR_SEAT_TAKEN) bo_metric_add(BO_METRIC_conflicts, 1);
    if (!err && strcmp(done, "held") == 0) bo_metric_add(BO_METRIC_holds, 1);
    struct bo_buffer b = {0};
    if (err) {
        print_refusal(s, err, v, key, &b);
    } else {
        bo_buffer_printf(&b, "{\"type\":\"%s\",\"key\":\"%s\",\"left_ms\":%" PRId64 ",\"seats\":", done, key, left_ms(s, bo_value_number(v, 1)));
        bo_money sum = print_held(s->room, bo_value_item(v, 2), &b);
        bo_session_visit(s)->held = (uint16_t)(bo_value_item(v, 2)->length / 2);
        bo_buffer_printf(&b, ",\"amount\":%" PRId64 ",\"currency\":\"%s\",\"digits\":%d}", sum, s->room->settings.currency,
                         bo_currency_digits(s->room->settings.currency));
    }
    bo_session_send(s, b.data, b.length);
    bo_buffer_free(&b);
}

/* ---- the best seats together ---- */

#define BEST_TRIES 3 /* each on a map read anew: others may be quicker */

static const struct bo_value no_value = {0};

static void try_best_again(void *arg, int err);

static void best_told(struct command *c, int err, const struct bo_value *v) {
    bo_session_tell_choice(c->session, err, v, c->key, c->done);
    finish(c);
}

static void best_answered(void *arg, int err, const struct bo_value *v) {
    struct command *c = arg;
    put_out_of_mind(c->wish);
    if (err != BO_ERR_NONE_TOGETHER || ++c->wish->tries >= BEST_TRIES)
        best_told(c, err, v ? v : &no_value);
    else
        bo_room_read_map(c->session->room, try_best_again, c);
}

/* What is free by the map and not proposed first to somebody else just now; when that leaves nothing, what is free by the map. */
static size_t find_proposals(struct bo_room *room, const struct bo_best_wish *wish, uint32_t ret[BO_BEST_MAX]) {
    char *states = room->map.states;
    for (struct bo_wish *w = room->wishes; w; w = w->next)
        for (size_t i = 0; i < w->wish.count; i++)
            if (states[w->first + i] == '0') states[w->first + i] = 'p';
    size_t found = bo_best_find(room->plan, states, wish, ret);
    for (struct bo_wish *w = room->wishes; w; w = w->next)
        for (size_t i = 0; i < w->wish.count; i++)
            if (states[w->first + i] == 'p') states[w->first + i] = '0';
    return found || !room->wishes ? found : bo_best_find(room->plan, states, wish, ret);
}

/* Without a proposal none_together is the answer at once. */
static void try_best(struct command *c) {
    struct bo_session *s = c->session;
    const struct bo_plan *plan = s->room->plan;
    uint32_t first[BO_BEST_MAX];
    bool whole = s->room->map.count == plan->seat_count; /* it is not where Redis has lost the map */
    size_t found = whole ? find_proposals(s->room, &c->wish->wish, first) : 0, count = c->wish->wish.count;
    struct args args = {.count = 0};
    char token[BO_COMMAND_TOKEN_BYTES];
    add_text(&args, s->person);
    add_number(&args, s->number);
    bo_digest_command(c->key, c->wish->words.data + c->wish->said_at, token);
    add_text(&args, token);
    add_text(&args, c->wish->words.data + c->wish->said_at);
    add_number(&args, (int64_t)count);
    for (size_t i = 0; i < found && args.count + 2 + 2 * count <= ARGS_MAX; i++) {
        const struct bo_row *row = &plan->rows[plan->seats[first[i]].row];
        add_number(&args, row->first);
        add_number(&args, (int64_t)bo_plan_row_end(plan, row) - 1);
        for (uint32_t k = first[i]; k < first[i] + count; k++) {
            add_number(&args, k);
            add_number(&args, plan->categories[plan->seats[k].category].price);
        }
    }
    if (found) keep_in_mind(s->room, c->wish, first[0]);
    bo_room_run(s->room, "seats_best", args.texts, args.count, best_answered, c);
}

static void try_best_again(void *arg, int err) {
    struct command *c = arg;
    if (err)
        best_told(c, err, &no_value);
    else
        try_best(c);
}

void bo_session_best(struct bo_session *s, const char *key, const struct bo_best_wish *wish) {
    struct command *c = start(s, key, "held");
    c->wish = bo_alloc(sizeof(*c->wish));
    const struct bo_settings *settings = &s->room->settings;
    struct bo_buffer *words = &c->wish->words;
    const char *category = wish->category ? wish->category : "", *zone = wish->zone ? wish->zone : "";
    bo_buffer_add(words, category, strlen(category) + 1);
    c->wish->zone_at = words->length;
    bo_buffer_add(words, zone, strlen(zone) + 1);
    c->wish->said_at = words->length;
    bo_buffer_printf(words, "best %zu %" PRId64 " %d %s %s", wish->count, wish->price_max, wish->accessible, category, zone);
    c->wish->wish = *wish;
    if (wish->category) c->wish->wish.category = words->data;
    if (wish->zone) c->wish->wish.zone = words->data + c->wish->zone_at;
    c->wish->wish.no_single = settings->no_single_seat;
    c->wish->wish.stage_x = settings->has_stage ? settings->stage_x : s->room->plan->width / 2;
    c->wish->wish.stage_y = settings->has_stage ? settings->stage_y : 0;
    if (s->room->map.version < 0)
        bo_room_read_map(s->room, try_best_again, c);
    else
        try_best(c);
}

/* ---- more time ---- */

static void extended(void *arg, int err, const struct bo_value *v) {
    struct command *c = arg;
    struct bo_session *s = c->session;
    if (err) {
        bo_session_error(s, err, c->key);
    } else {
        bo_session_printf(s, "{\"type\":\"extended\",\"key\":\"%s\",\"left_ms\":%" PRId64 ",\"again\":%" PRId64 "}", c->key, left_ms(s, bo_value_number(v, 1)),
                          bo_value_number(bo_value_item(v, 2), 0));
    }
    finish(c);
}

void bo_session_extend(struct bo_session *s, const char *key) {
    char number[24], token[BO_COMMAND_TOKEN_BYTES];
    *bo_text_put_number(number, s->number) = '\0';
    bo_digest_command(key, "extend", token);
    const char *args[] = {s->person, number, token};
    bo_room_run(s->room, "line_extend", args, 3, extended, start(s, key, "extended"));
}

/* ---- the channel by which he buys ---- */

static void channel_taken(void *arg, int err, const struct bo_value *v) {
    (void)v;
    struct command *c = arg;
    if (err)
        bo_session_error(c->session, err, c->key);
    else
        bo_session_printf(c->session, "{\"type\":\"channel\",\"key\":\"%s\"}", c->key);
    finish(c);
}

void bo_session_take_channel(struct bo_session *s, const char *key, const char *channel, const char *invitation) {
    char number[24], token[BO_COMMAND_TOKEN_BYTES], request[BO_ID_MAX + 16];
    *bo_text_put_number(number, s->number) = '\0';
    snprintf(request, sizeof(request), "channel %.*s", BO_ID_MAX, invitation);
    bo_digest_command(key, request, token);
    const char *args[] = {s->person, number, token, channel, invitation};
    bo_room_run(s->room, "line_channel", args, 5, channel_taken, start(s, key, "channel"));
}

/* ---- checkout ---- */

static void add_text_field(struct bo_buffer *b, const char *name, const char *value) {
    if (!*value) return;
    bo_buffer_printf(b, ",\"%s\":\"", name);
    bo_buffer_add_json(b, value);
    bo_buffer_add_text(b, "\"");
}

/* The time of a lot runs by the wall's clock, and is not that of an admission. */
static int64_t left_to_pay_ms(const struct command *c) {
    int64_t left = c->won ? c->deadline - bo_loop_wall_ms() : left_ms(c->session, c->deadline);
    return left > 0 ? left : 0;
}

static void payment_created(void *arg, int err, const struct bo_payment *payment) {
    struct command *c = arg;
    struct bo_session *s = c->session;
    struct bo_buffer b = {0};
    if (err) {
        if (err == BO_ERR_PAYMENT_REFUSED) bo_metric_add(BO_METRIC_payments_refused, 1);
        bo_log_traced(BO_LOG_WARN, s->trace, "sale %s: no payment could be made for order %s: %s", s->room->id, c->order, payment->problem);
        bo_session_error(s, err, c->key);
    } else {
        bo_attempt_begun(s->gateway, s->room->id, c->order, payment->id);
        BO_CRASH_POINT(payment_created);
        bo_buffer_printf(&b, "{\"type\":\"pay\",\"key\":\"%s\",\"order\":\"%s\",\"amount\":%" PRId64 ",\"currency\":\"%s\",\"digits\":%d,\"left_ms\":%" PRId64, c->key, c->order,
                         c->amount, s->room->settings.currency, bo_currency_digits(s->room->settings.currency), left_to_pay_ms(c));
        add_text_field(&b, "url", payment->url);
        add_text_field(&b, "client_secret", payment->client_secret);
        if (*payment->client_secret) add_text_field(&b, "publishable_key", s->gateway->config.stripe_publishable_key);
        bo_buffer_add_text(&b, "}");
        bo_session_send(s, b.data, b.length);
        bo_buffer_free(&b);
    }
    finish(c);
}

/* There is nothing to pay (rule O6). "bought" comes once it is committed; the feed does not say again what was paid before. */
static void tell_free(struct command *c) {
    struct bo_session *s = c->session;
    bo_session_printf(s, "{\"type\":\"free\",\"key\":\"%s\",\"order\":\"%s\"}", c->key, c->order);
    if (c->deadline == 0) bo_order_look_up(s, c->order);
    finish(c);
}

static void checked_out(void *arg, int err, const struct bo_value *v) {
    struct command *c = arg;
    struct bo_session *s = c->session;
    if (err) {
        bo_session_error(s, err, c->key);
        finish(c);
        return;
    }
    bo_metric_add(BO_METRIC_checkouts, 1);
    snprintf(c->order, sizeof(c->order), "%s", bo_value_text(v, 2));
    c->amount = bo_value_number(v, 3);
    c->deadline = bo_value_number(v, 4);
    if (v->length > 6) {
        tell_free(c);
        return;
    }
    if (s->wsi && !c->won) start_paying(s, c->order, c->deadline);
    const struct bo_payments *payments = &s->gateway->payments;
    payments->create(payments->self, &(struct bo_payment_order){c->order, s->room->id, s->room->settings.currency, c->amount}, payment_created, c);
}

void bo_session_checkout(struct bo_session *s, const char *key, const char *won) {
    char number[24], order[BO_ID_MAX + 1];
    snprintf(number, sizeof(number), "%" PRId64, s->number);
    bo_text_random_id("o:", order);
    struct command *c = start(s, key, "pay");
    c->won = won != NULL;
    const char *args[] = {s->person, number, order, won ? won : ""};
    bo_room_run(s->room, "order_checkout", args, 4, checked_out, c);
}

/* ---- leave ---- */

static void left(void *arg, int err, const struct bo_value *v) {
    (void)v;
    struct command *c = arg;
    struct bo_session *s = c->session;
    if (err && err != BO_ERR_NOT_IN_LINE) {
        bo_session_error(s, err, NULL);
    } else if (s->wsi && s->stage != BO_STAGE_OUT) { /* not told by the feed already */
        bo_session_set_stage(s, BO_STAGE_OUT, 0);
        bo_session_printf(s, "{\"type\":\"left\"}");
    }
    finish(c);
}

void bo_session_leave(struct bo_session *s) {
    const char *args[] = {s->person};
    bo_room_run(s->room, "line_leave", args, 1, left, start(s, "", "left"));
}
