/* SPDX-License-Identifier: Apache-2.0
 * The public port: pages, sales, plans, tickets and the payment webhook (docs/openapi.yaml). */
#include "base/crash.h"
#include "base/log.h"
#include "base/currency.h"
#include "base/memory.h"
#include "base/squeeze.h"
#include "base/text.h"
#include "edge/accounts.h"
#include "edge/awaited.h"
#include "edge/events.h"
#include "edge/http.h"
#include "edge/lookup.h"
#include "edge/pages.h"
#include "edge/room.h"
#include "edge/routes.h"
#include "edge/stock.h"
#include "edge/tickets.h"
#include "edge/token.h"
#include "loop/loop.h"
#include "metrics/metrics.h"
#include "outside/payments.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is(const struct bo_http *http, const char *method) {
    return strcmp(http->method, method) == 0 || (strcmp(method, "GET") == 0 && strcmp(http->method, "HEAD") == 0);
}

/* ---- sales ---- */

static json_t *describe_tariffs(const struct bo_settings *settings) {
    json_t *list = json_array();
    for (int i = 0; i < settings->tariff_count; i++) {
        const struct bo_tariff *t = &settings->tariffs[i];
        json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "name", t->name, t->percent < 0 ? "price" : "percent",
                                              (json_int_t)(t->percent < 0 ? t->price : t->percent), "limit", (json_int_t)t->limit));
    }
    return list;
}

/* The option sites, a list of origins. */
static json_t *describe_sites(const struct bo_config *config) {
    json_t *list = json_array();
    for (const char *p = config->sites + strspn(config->sites, ", "); *p; p += strspn(p, ", ")) {
        size_t n = strcspn(p, ", ");
        json_array_append_new(list, json_stringn(p, n));
        p += n;
    }
    return list;
}

/* What a page needs to say what this is, what will happen and when. */
static json_t *describe(const struct bo_room *room) {
    const struct bo_settings *s = &room->settings;
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:b, s:b, s:b, s:o}", "sale", room->id, "name", room->name, "status", room->status, "currency", s->currency, "limit",
                             (json_int_t)s->limit, "seats", (json_int_t)room->plan->seat_count, "guests", s->guests, "accounts", s->accounts, "site_tokens", s->site_tokens, "tariffs",
                             describe_tariffs(s));
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {{"now_ms", bo_loop_wall_ms()},   {"opens_at_ms", s->opens_at}, {"gathers_at_ms", s->gathers_at}, {"starts_at_ms", s->starts_at}, {"claim_ms", s->claim_ms},
                   {"choose_ms", s->choose_ms},     {"pay_ms", s->pay_ms},        {"grace_ms", s->grace_ms},       {"extend_ms", s->extend_ms}};
    const struct {
        const char *name, *value;
    } texts[] = {{"title", s->title}, {"venue", s->venue}, {"city", s->city}, {"time_zone", bo_settings_zone(s)}, {"about", s->about}, {"welcome", s->welcome}, {"color", s->color}, {"logo", s->logo}};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) json_object_set_new(json, numbers[i].name, json_integer((json_int_t)numbers[i].value));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) json_object_set_new(json, texts[i].name, json_string(texts[i].value));
    json_object_set_new(json, "digits", json_integer(bo_currency_digits(s->currency)));
    json_object_set_new(json, "sites", describe_sites(&room->gateway->config));
    return json;
}

/* Also to pages of other sites: there is nothing of a person in it. */
static void answer_to_anyone(struct bo_http *http, json_t *json) {
    http->any_origin = true;
    bo_http_answer_json(http, 200, json);
}

static void add_description(void *arg, struct bo_table_link *link) { json_array_append_new(arg, describe((struct bo_room *)link)); }

static void list_sales(struct bo_http *http) {
    json_t *list = json_array();
    bo_table_each(&http->gateway->rooms, add_description, list);
    answer_to_anyone(http, json_pack("{s:o}", "sales", list));
}

void bo_routes_answer_plan(struct bo_http *http, const struct bo_room *room) {
    struct bo_buffer plain = {0};
    http->gzip = http->takes_gzip;
    http->any_origin = true;
    if (!http->gzip) bo_unsqueeze(&room->plan_gz, &plain);
    const struct bo_buffer *form = http->gzip ? &room->plan_gz : &plain;
    bo_http_answer_cached(http, room->plan_etag, "application/json", form->data, form->length);
    bo_buffer_free(&plain);
}

/* Of a sale: itself, its plan, its tickets. */
static bool run_sale(struct bo_http *http) {
    char id[BO_ID_MAX + 1];
    const char *what = bo_http_path_below(http, "/api/sales/", id);
    struct bo_room *room = what ? bo_rooms_find(http->gateway, id) : NULL;
    if (!what) return false;
    bool get = is(http, "GET");
    if (!room)
        bo_http_answer_error(http, http->missing, NULL);
    else if (room->state == BO_ROOM_LOADING && !room->epoch)
        bo_http_answer_error(http, BO_ERR_UNAVAILABLE, NULL);
    else if (!*what && get)
        answer_to_anyone(http, describe(room));
    else if (strcmp(what, "plan") == 0 && get)
        bo_routes_answer_plan(http, room);
    else if (!*what || strcmp(what, "plan") == 0)
        bo_http_answer_error(http, BO_ERR_BAD_METHOD, NULL);
    else
        return bo_tickets_run(http, room, what) || bo_stock_run(http, room, what);
    return true;
}

/* ---- admissions, for those who want to check them ---- */

static void answer_key_set(struct bo_http *http) {
    struct bo_buffer b = {0};
    bo_keys_print(http->gateway->keys, bo_loop_wall_ms(), &b);
    http->max_age_s = 300;
    bo_http_answer(http, 200, "application/json", b.data, b.length);
    bo_buffer_free(&b);
}

/* Is the bearer's token an admission that holds, in the sale of "?sale="? For a proxy's auth_request. */
static void check_access(struct bo_http *http) {
    struct bo_place_claim claim = {0};
    int err = *http->bearer ? bo_token_read_access(http->gateway->keys, http->bearer, bo_loop_wall_ms(), &claim) : BO_ERR_TOKEN_MISSING;
    const char *sale = bo_http_argument(http, "sale");
    if (!err && *sale && strcmp(sale, claim.sale) != 0) err = BO_ERR_TOKEN_FOREIGN;
    if (err) {
        bo_http_answer_error(http, err, NULL);
        return;
    }
    snprintf(http->person, sizeof(http->person), "%s", claim.person);
    bo_http_answer_json(http, 200, json_pack("{s:s, s:s, s:I}", "sale", claim.sale, "person", claim.person, "number", (json_int_t)claim.number));
}

/* ---- the payment webhook: answered with success only once what it says is committed in PostgreSQL ---- */

struct webhook {
    struct bo_awaited commit; /* first member */
    struct bo_http *http;
    struct bo_room *room;
    bool shared; /* the payment account may be others', too */
    char state[20];
};

/* Not ours: other programs take payments by the same account. */
static void ignore_webhook(struct bo_http *http) { bo_http_answer_json(http, 200, json_pack("{s:s}", "order", "none")); }

static void finish_webhook(struct webhook *w, int err) {
    if (err)
        bo_http_answer_error(w->http, err, NULL);
    else
        bo_http_answer_json(w->http, 200, json_pack("{s:s}", "order", w->state));
    free(w);
}

static void webhook_committed(struct bo_awaited *commit, int err) {
    if (!err) BO_CRASH_POINT(webhook_committed);
    finish_webhook((struct webhook *)commit, err);
}

static void order_paid(void *arg, int err, const struct bo_value *v) {
    struct webhook *w = arg;
    if (err == BO_ERR_UNKNOWN_ORDER && w->shared) {
        bo_log_error("sale %s: a payment for an order that nobody knows does not say which boxoffice made it; it is not given back by itself", w->room->id);
        ignore_webhook(w->http);
        free(w);
        return;
    }
    if (err) {
        finish_webhook(w, err);
        return;
    }
    snprintf(w->state, sizeof(w->state), "%s", bo_value_text(v, 1));
    bo_await_commit(w->room, &w->commit, bo_value_number(v, 2), webhook_committed);
}

static void run_order_pay(struct bo_http *http, struct bo_room *room, const struct bo_payment_event *event) {
    char amount[24];
    snprintf(amount, sizeof(amount), "%" PRId64, event->amount);
    const char *args[] = {event->order, event->payment, event->paid ? "paid" : "declined", amount, event->currency,
                          event->shared && !event->stamped ? "known" : "",
                          event->uneven ? "uneven" : ""};
    struct webhook *w = bo_alloc(sizeof(*w));
    w->http = http;
    w->room = room;
    w->shared = event->shared;
    bo_metric_add(BO_METRIC_webhooks, 1);
    bo_room_run(room, "order_pay", args, 7, order_paid, w);
}

struct notice {
    struct bo_http *http;
    struct bo_payment_event event;
};

static void webhook_sale_found(void *arg, int err, struct bo_room *room) {
    struct notice *n = arg;
    struct bo_http *http = n->http;
    if (!err && room->state != BO_ROOM_READY) err = BO_ERR_UNAVAILABLE;
    if (err == BO_ERR_UNKNOWN_SALE && n->event.shared) {
        bo_log_warn("payment webhook: %s is for sale %s, which does not exist; ignored", n->event.payment, n->event.sale);
        ignore_webhook(http);
    } else if (err) {
        bo_metric_add(BO_METRIC_webhooks_refused, 1);
        bo_http_answer_error(http, err, NULL);
    } else {
        run_order_pay(http, room, &n->event);
    }
    free(n);
}

static void run_webhook(struct bo_http *http) {
    struct bo_payment_event event;
    int err = bo_payment_read_webhook(&http->gateway->config, http->webhook_time, http->webhook_signature, http->body.data ? http->body.data : "",
                                      http->body.length, bo_loop_wall_ms() / 1000, &event);
    if (err) {
        bo_metric_add(BO_METRIC_webhooks_refused, 1);
        bo_http_answer_error(http, err, *event.problem ? event.problem : NULL);
    } else if (event.nothing) {
        ignore_webhook(http);
    } else {
        struct notice *n = bo_alloc(sizeof(*n));
        *n = (struct notice){http, event};
        bo_lookup_sale(http->gateway, event.sale, webhook_sale_found, n);
    }
}

void bo_routes_run(struct bo_http *http) {
    if (http->body_too_large) {
        bo_http_answer_error(http, BO_ERR_TOO_LARGE, NULL);
    } else if (http->query_wrong) {
        bo_http_answer_error(http, BO_ERR_BAD_MESSAGE, "The query is not UTF-8, or an argument of it is too long.");
    } else if (strcmp(http->path, "/webhook/payment") == 0) {
        if (is(http, "POST"))
            run_webhook(http);
        else
            bo_http_answer_error(http, BO_ERR_BAD_METHOD, NULL);
    } else if (bo_accounts_run(http) || run_sale(http)) {
        return;
    } else if (!is(http, "GET")) {
        bo_http_answer_error(http, BO_ERR_BAD_METHOD, NULL);
    } else if (strcmp(http->path, "/.well-known/jwks.json") == 0) {
        answer_key_set(http);
    } else if (strcmp(http->path, "/api/access") == 0) {
        check_access(http);
    } else if (strcmp(http->path, "/api/sales") == 0) {
        list_sales(http);
    } else if (strcmp(http->path, "/api/events") == 0) {
        bo_events_list(http);
    } else if (!bo_pages_run(http)) {
        bo_http_answer_error(http, BO_ERR_NOT_FOUND, NULL);
    }
}
