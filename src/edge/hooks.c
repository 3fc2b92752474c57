/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/hooks.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "edge/room.h"
#include "loop/loop.h"
#include "metrics/metrics.h"
#include "outside/caller.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEASE 50 /* deliveries at a time */
#define LEASE_MAX "50"
#define GIVE_UP_AFTER "3 days"
#define GIVE_UP_EVERY_S 60
#define URL_MAX 1000
#define CLEAN_EVERY_S 3600

struct bo_hooks {
    struct bo_gateway *gateway;
    struct bo_caller *caller;
    bool leasing;
    int under_way;
    int64_t seconds;
    const char *health; /* as this gateway sees it (health.h) */
    char why[BO_REASON_MAX + 1], sale[BO_ID_MAX + 1];
    bool health_told;
};

/* ---- delivering ---- */

struct delivery {
    struct bo_hooks *hooks;
    char id[24];
};

static void noted(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)arg;
    (void)rows;
    if (err) bo_log_warn("how a webhook went could not be noted (%s); it is delivered again", state);
}

#define ATTEMPT " INSERT INTO hook_attempts (delivery, status, took_ms, problem) SELECT id, $2::int, $3::bigint, $4 FROM d"
#define WELL_AGAIN "UPDATE hooks SET failures = 0, paused_until = '-infinity' WHERE id = (SELECT hook FROM d) AND failures > 0"
#define LATER "next_at = now() + least(interval '5 s' * power(2, attempts - 1), interval '1 hour') * (0.8 + 0.4 * random())"

/* What becomes of a delivery, by verdict. A refusal is an answer (rule X6): the subscriber is there, so its other deliveries
 * go on, and after a few attempts, which a deployment may have been in the way of, this one is given up. */
static const char *const outcomes[] = {
    [BO_VERDICT_DONE] = "WITH d AS (UPDATE hook_deliveries SET status = 'done' WHERE id = $1 RETURNING id, hook), h AS (" WELL_AGAIN ")" ATTEMPT,
    [BO_VERDICT_REFUSED] = "WITH d AS (UPDATE hook_deliveries SET refusals = refusals + 1, status = CASE WHEN refusals + 1 >= 3 THEN"
                           " 'given_up' ELSE 'due' END, " LATER " WHERE id = $1 RETURNING id, hook), h AS (" WELL_AGAIN ")" ATTEMPT,
    [BO_VERDICT_FAILED] = "WITH d AS (UPDATE hook_deliveries SET status = CASE WHEN attempts >= 20 THEN 'given_up' ELSE 'due' END, " LATER
                          " WHERE id = $1 RETURNING id, hook), h AS (UPDATE hooks SET failures = failures + 1, paused_until = now() +"
                          " least(interval '1 s' * power(2, least(failures, 20)), interval '5 min') WHERE id = (SELECT hook FROM d))" ATTEMPT,
};

static void delivered(void *arg, const struct bo_reply *reply) {
    static const enum bo_metric counters[] = {[BO_VERDICT_DONE] = BO_METRIC_hooks_delivered,
                                              [BO_VERDICT_REFUSED] = BO_METRIC_hooks_refused,
                                              [BO_VERDICT_FAILED] = BO_METRIC_hooks_failed};
    struct delivery *d = arg;
    struct bo_hooks *hooks = d->hooks;
    char code[24], took[24];
    hooks->under_way--;
    bo_metric_add(counters[reply->verdict], 1);
    if (reply->verdict == BO_VERDICT_REFUSED) bo_log_warn("webhook %s: the subscriber refused it with status %ld", d->id, reply->status);
    *bo_text_put_number(code, reply->status) = *bo_text_put_number(took, reply->took_ms) = '\0';
    const char *params[] = {d->id, code, took, reply->problem};
    bo_queue_run(hooks->gateway->postgres, outcomes[reply->verdict], params, 4, noted, NULL);
    free(d);
}

/* id, url, secret, event, body */
static void deliver(struct bo_hooks *hooks, const struct bo_rows *rows, size_t i) {
    struct delivery *d = bo_alloc(sizeof(*d));
    *d = (struct delivery){.hooks = hooks};
    snprintf(d->id, sizeof(d->id), "%s", bo_rows_text(rows, i, 0));
    const char *body = bo_rows_text(rows, i, 4);
    char event[64], id[64], time[64], signature[96], now[24], mac[65];
    struct bo_buffer text = {0};
    *bo_text_put_number(now, bo_loop_wall_ms() / 1000) = '\0';
    bo_buffer_printf(&text, "%s.%s", now, body);
    bo_text_hmac(bo_rows_text(rows, i, 2), text.data, text.length, mac);
    bo_buffer_free(&text);
    snprintf(event, sizeof(event), "X-Boxoffice-Event: %s", bo_rows_text(rows, i, 3));
    snprintf(id, sizeof(id), "X-Boxoffice-Delivery: %s", d->id);
    snprintf(time, sizeof(time), "X-Boxoffice-Time: %s", now);
    snprintf(signature, sizeof(signature), "X-Boxoffice-Signature: %s", mac);
    hooks->under_way++;
    bo_caller_call(hooks->caller, &(struct bo_call){.url = bo_rows_text(rows, i, 1), .headers = {event, id, time, signature, "Content-Type: application/json"}, .body = body}, delivered, d);
}

static void leased(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct bo_hooks *hooks = arg;
    hooks->leasing = false;
    for (size_t i = 0; !err && hooks->caller && i < bo_rows_count(rows); i++) deliver(hooks, rows, i);
}

/* Sums are told with their currency and its digits. */
#define LEASE_SQL                                                                                                                  \
    "SELECT l.id, l.url, l.secret, l.event, CASE WHEN l.event IN ('held', 'bought', 'refunded') THEN jsonb_set(l.body::jsonb,"   \
    " '{data}', l.body::jsonb->'data' || jsonb_build_object('currency', c.code, 'digits', currency_digits(c.code)))::text"         \
    " ELSE l.body END FROM hook_lease(" LEASE_MAX ") l LEFT JOIN sales s ON s.id = l.body::jsonb->>'sale',"                        \
    " LATERAL (SELECT coalesce(s.settings->>'currency', 'EUR') AS code) c"

static void lease(struct bo_hooks *hooks) {
    if (hooks->leasing || hooks->under_way >= LEASE) return;
    hooks->leasing = true;
    bo_queue_run(hooks->gateway->postgres, LEASE_SQL, NULL, 0, leased, hooks);
}

static void gave_up(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)arg;
    (void)state;
    if (err || bo_rows_number(rows, 0, 0) == 0) return;
    bo_metric_add(BO_METRIC_hooks_given_up, bo_rows_number(rows, 0, 0));
    bo_log_error("%s webhooks were given up: their subscribers have not taken them within " GIVE_UP_AFTER, bo_rows_text(rows, 0, 0));
}

/* ---- health ---- */

static void health_noted(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    (void)rows;
    struct bo_hooks *hooks = arg;
    if (!err) hooks->health_told = true;
}

/* Of the gateways that see it, one tells it. */
static void tell_health(struct bo_hooks *hooks) {
    if (hooks->health_told) return;
    const char *params[] = {hooks->health, hooks->why, hooks->sale};
    bo_queue_run(hooks->gateway->postgres,
                 "WITH changed AS (UPDATE health SET state = $1, why = $2, changes = changes + 1, since = now() WHERE state <> $1 AND since < now() - interval '5 s' RETURNING changes)"
                 " INSERT INTO hook_deliveries (hook, event, sale, seq, at_ms, data) SELECT h.id, 'health', '', c.changes, (extract(epoch FROM now()) * 1000)::bigint,"
                 " jsonb_build_object('health', $1::text, 'why', $2::text, 'sale', nullif($3::text, '')) FROM changed c, hooks h WHERE h.active AND 'health' = ANY(h.events)",
                 params, 3, health_noted, hooks);
}

void bo_hooks_health(struct bo_hooks *hooks, const char *state, const char *why, const char *sale) {
    hooks->health = state;
    hooks->health_told = false;
    snprintf(hooks->why, sizeof(hooks->why), "%s", why);
    snprintf(hooks->sale, sizeof(hooks->sale), "%s", sale);
}

void bo_hooks_second(struct bo_hooks *hooks) {
    if (!bo_queue_is_up(hooks->gateway->postgres)) return;
    tell_health(hooks);
    lease(hooks);
    if (hooks->seconds % GIVE_UP_EVERY_S == 0)
        bo_queue_run(hooks->gateway->postgres, "SELECT hook_give_up('" GIVE_UP_AFTER "', 10000)", NULL, 0, gave_up, NULL);
    if (++hooks->seconds % CLEAN_EVERY_S == 0)
        bo_queue_run(hooks->gateway->postgres,
                     "DELETE FROM hook_deliveries WHERE id IN (SELECT id FROM hook_deliveries WHERE status <> 'due' AND next_at < now() - interval '30 days' LIMIT 10000)", NULL, 0, noted, NULL);
}

struct bo_hooks *bo_hooks_open(struct bo_gateway *gateway) {
    struct bo_hooks *hooks = bo_alloc(sizeof(*hooks));
    *hooks = (struct bo_hooks){.gateway = gateway, .health = "healthy", .health_told = true};
    hooks->caller = bo_caller_open(&gateway->loop, BO_DIALECT_HTTP, &gateway->config.hook_timeout_ms, false);
    return hooks;
}

void bo_hooks_close(struct bo_hooks *hooks) {
    bo_caller_close(hooks->caller);
    hooks->caller = NULL;
}

void bo_hooks_free(struct bo_hooks *hooks) { free(hooks); }

/* ---- the operator's side ---- */

static void answer_rows(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct bo_http *http = arg;
    if (err || bo_rows_count(rows) == 0)
        bo_http_answer_error(http, err == BO_ERR_BAD_MESSAGE ? BO_ERR_BAD_MESSAGE : err ? BO_ERR_UNAVAILABLE : BO_ERR_UNKNOWN_HOOK, NULL);
    else
        bo_http_answer(http, strcmp(http->method, "GET") == 0 ? 200 : 201, "application/json", bo_rows_text(rows, 0, 0), strlen(bo_rows_text(rows, 0, 0)));
}

static bool are_events(const json_t *list) {
    static const char *const events[] = {"admitted", "held", "bought", "refunded", "sold_out", "health"};
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)list, i, one) {
        bool known = false;
        for (size_t k = 0; k < sizeof(events) / sizeof(events[0]); k++) known |= json_is_string(one) && strcmp(json_string_value(one), events[k]) == 0;
        if (!known) return false;
    }
    return json_array_size(list) > 0;
}

static void make_hook(struct bo_http *http) {
    json_t *body = json_loadb(http->body.data ? http->body.data : "", http->body.length, 0, NULL), *events = json_object_get(body, "events");
    const char *url = json_string_value(json_object_get(body, "url")), *sale = json_string_value(json_object_get(body, "sale"));
    bool good = url && (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0) && strlen(url) <= URL_MAX && are_events(events) && (!sale || bo_text_is_id(sale));
    if (!good) {
        bo_http_answer_error(http, body ? BO_ERR_BAD_MESSAGE : BO_ERR_BAD_JSON,
                             "url: http:// or https://; events: a list of admitted, held, bought, refunded, sold_out, health; sale: one, or none for all");
    } else {
        char secret[BO_ID_MAX + 1], *list = json_dumps(events, JSON_COMPACT);
        bo_text_random_id("hook_", secret);
        const char *params[] = {url, secret, list, sale, http->actor};
        bo_queue_run(http->gateway->postgres,
                     "WITH made AS (INSERT INTO hooks (url, secret, events, sale) SELECT $1, $2, ARRAY(SELECT jsonb_array_elements_text($3::jsonb)), $4 RETURNING *), noted AS (INSERT INTO"
                     " audit (actor, action, sale, detail) SELECT $5, 'hook', sale, jsonb_build_object('hook', id, 'url', url, 'events', events) FROM made) SELECT"
                     " jsonb_build_object('hook', id, 'url', url, 'events', events, 'sale', sale, 'secret', secret)::text FROM made",
                     params, 5, answer_rows, http);
        free(list);
    }
    json_decref(body);
}

/* {"delivery": 7}, or {"sale", "from_seq", "to_seq"}: what the ledger has there, told before or not. */
static void replay(struct bo_http *http, const char *id) {
    json_t *body = json_loadb(http->body.data ? http->body.data : "", http->body.length, 0, NULL);
    json_int_t delivery = -1, from = 0, to = INT64_MAX / 2;
    const char *sale = "";
    if (json_unpack(body, "{s?I, s?s, s?I, s?I}", "delivery", &delivery, "sale", &sale, "from_seq", &from, "to_seq", &to) != 0 || (delivery < 0 && !*sale)) {
        bo_http_answer_error(http, body ? BO_ERR_BAD_MESSAGE : BO_ERR_BAD_JSON, "delivery: one of them; or sale and, if not all of it, from_seq and to_seq");
    } else {
        char texts[3][24];
        const json_int_t numbers[] = {delivery, from, to};
        for (int i = 0; i < 3; i++) snprintf(texts[i], sizeof(texts[i]), "%" PRId64, (int64_t)numbers[i]);
        const char *params[] = {id, texts[0], sale, texts[1], texts[2]};
        bo_queue_run(http->gateway->postgres,
                     "WITH h AS (SELECT * FROM hooks WHERE id = $1::bigint), again AS (UPDATE hook_deliveries d SET status = 'due', attempts = 0, refusals = 0, due_since = now(), next_at = now() FROM h WHERE d.hook = h.id AND"
                     " (d.id = $2::bigint OR d.sale = $3 AND d.seq BETWEEN $4::bigint AND $5::bigint) RETURNING 1), made AS (INSERT INTO hook_deliveries (hook, event, sale, seq, at_ms, data)"
                     " SELECT h.id, e.event, l.sale, l.seq, l.at_ms, e.data FROM h, ledger l, hook_event(l) e WHERE l.sale = $3 AND l.seq BETWEEN $4::bigint AND $5::bigint AND"
                     " e.event = ANY(h.events) ON CONFLICT (hook, sale, seq) DO NOTHING RETURNING 1) SELECT jsonb_build_object('hook', h.id, 'due', (SELECT count(*) FROM again) +"
                     " (SELECT count(*) FROM made))::text FROM h",
                     params, 5, answer_rows, http);
    }
    json_decref(body);
}

static void run_one(struct bo_http *http, const char *id, const char *what) {
    const char *params[] = {id};
    int64_t number;
    bool get = strcmp(http->method, "GET") == 0;
    if (!bo_text_to_number(id, 1, INT64_MAX / 2, &number))
        bo_http_answer_error(http, BO_ERR_UNKNOWN_HOOK, NULL);
    else if (strcmp(what, "deliveries") == 0 && get)
        bo_queue_run(http->gateway->postgres,
                     "SELECT jsonb_build_object('deliveries', (SELECT coalesce(jsonb_agg(x), '[]') FROM (SELECT jsonb_build_object('delivery', d.id, 'event', d.event, 'sale', d.sale, 'seq',"
                     " d.seq, 'status', d.status, 'attempts', (SELECT coalesce(jsonb_agg(jsonb_build_object('at', a.at, 'status', a.status, 'took_ms', a.took_ms, 'problem', a.problem)"
                     " ORDER BY a.at), '[]') FROM hook_attempts a WHERE a.delivery = d.id)) AS x FROM hook_deliveries d WHERE d.hook = h.id ORDER BY d.id DESC LIMIT 200) y))::text FROM"
                     " hooks h WHERE id = $1::bigint",
                     params, 1, answer_rows, http);
    else if (strcmp(what, "replay") == 0 && strcmp(http->method, "POST") == 0)
        replay(http, id);
    else if (!*what && strcmp(http->method, "DELETE") == 0)
        bo_queue_run(http->gateway->postgres, "DELETE FROM hooks WHERE id = $1::bigint RETURNING jsonb_build_object('hook', id)::text", params, 1, answer_rows, http);
    else
        bo_http_answer_error(http, *what && strcmp(what, "deliveries") != 0 && strcmp(what, "replay") != 0 ? BO_ERR_NOT_FOUND : BO_ERR_BAD_METHOD, NULL);
}

bool bo_hooks_run(struct bo_http *http) {
    char id[BO_ID_MAX + 1];
    const char *what = bo_http_path_below(http, "/api/hooks/", id);
    if (what) {
        run_one(http, id, what);
    } else if (strcmp(http->path, "/api/hooks") != 0) {
        return false;
    } else if (strcmp(http->method, "POST") == 0) {
        make_hook(http);
    } else {
        bo_queue_run(http->gateway->postgres,
                     "SELECT jsonb_build_object('hooks', coalesce(jsonb_agg(jsonb_build_object('hook', id, 'url', url, 'events', events, 'sale', sale, 'active', active, 'failures', failures,"
                     " 'due', (SELECT count(*) FROM hook_deliveries d WHERE d.hook = h.id AND d.status = 'due')) ORDER BY id), '[]'))::text FROM hooks h",
                     NULL, 0, answer_rows, http);
    }
    return true;
}
