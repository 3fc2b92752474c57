/* SPDX-License-Identifier: Apache-2.0 */
#include "outside/payments.h"

#include "base/buffer.h"
#include "base/currency.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "loop/loop.h"
#include "outside/caller.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGNATURE_AGE_S 300
#define STAMP 16 /* hex digits */
#define AMOUNT_MAX ((json_int_t)1 << 53)
#define PROBLEM_MAX 400 /* bytes */
#define EXCERPT_MAX 300

struct bo_payment_client {
    struct bo_caller *caller, *quiet; /* quiet: what nobody waits for, and may be answered as it likes */
    const struct bo_config *config;
    struct bo_brake *brake;
};

struct request {
    struct bo_payment_client *client;
    bool quiet;
    bo_payment_cb cb;
    void *arg;
};

/* A call, whose answer goes to cb. */
struct ask {
    struct bo_payment_client *client;
    const char *path; /* behind the base address */
    bool quiet;
    bo_payment_cb cb;
    void *arg;
};

/* ---- what both languages share ---- */

static const char *text_of(const json_t *json, const char *name) {
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

/* One line of plain ASCII: what a service says may be of any encoding, and may be cut within a character. */
static void make_plain(char *text) {
    for (unsigned char *c = (unsigned char *)text; *c; c++)
        if (*c < ' ' || *c > '~') *c = *c < ' ' ? ' ' : '?';
}

/* {"error": "…"} or {"message": "…"}; Stripe's: {"error": {"code", "message"}}. */
static void explain(const json_t *json, const struct bo_reply *reply, char ret[PROBLEM_MAX + 1]) {
    const json_t *error = json_object_get(json, "error");
    const char *code = text_of(error, "code"), *words = text_of(error, "message");
    if (!*words) words = text_of(json, json_is_string(error) ? "error" : "message");
    int shown = reply->length < EXCERPT_MAX ? (int)reply->length : EXCERPT_MAX;
    if (*words)
        snprintf(ret, PROBLEM_MAX + 1, "status %ld: %s%s%s", reply->status, code, *code ? ": " : "", words);
    else
        snprintf(ret, PROBLEM_MAX + 1, "status %ld %s%.*s", reply->status, reply->problem, shown, reply->body);
    make_plain(ret);
}

/* Success without an id is no answer that can be used. */
static int judge(const struct bo_reply *reply, const char *id, const json_t *json) {
    const json_t *intent = json_object_get(json_object_get(json, "error"), "payment_intent");
    if (strcmp(text_of(intent, "status"), "processing") == 0) return BO_ERR_PAYMENT_UNAVAILABLE; /* not to be cancelled just now */
    if (reply->verdict == BO_VERDICT_REFUSED) return BO_ERR_PAYMENT_REFUSED;
    return reply->verdict == BO_VERDICT_DONE && *id ? 0 : BO_ERR_PAYMENT_UNAVAILABLE;
}

static void answered(void *arg, const struct bo_reply *reply) {
    struct request *r = arg;
    char problem[PROBLEM_MAX + 1] = "";
    json_t *json = json_loadb(reply->body, reply->length, 0, NULL);
    const char *id = text_of(json, "payment");
    if (!*id) id = text_of(json, "id"); /* Stripe's */
    int err = judge(reply, id, json);
    if (!r->quiet) bo_brake_note(r->client->brake, BO_BRAKE_PAYMENTS, bo_loop_steady_ms(), 1, err && reply->verdict != BO_VERDICT_REFUSED, reply->took_ms);
    if (err) explain(json, reply, problem);
    if (err) bo_log_warn("payment service: %s", problem);
    r->cb(r->arg, err, &(struct bo_payment){id, text_of(json, "url"), text_of(json, "client_secret"), problem});
    json_decref(json);
    free(r);
}

static void call(const struct ask *ask, struct bo_call *call) {
    struct request *r = bo_alloc(sizeof(*r));
    *r = (struct request){ask->client, ask->quiet, ask->cb, ask->arg};
    const char *base = ask->client->config->payment_url;
    if (!*base) {
        answered(r, &(struct bo_reply){.verdict = BO_VERDICT_FAILED, .body = "", .problem = "there is none"});
        return;
    }
    struct bo_buffer url = {0};
    bo_buffer_printf(&url, "%.*s%s", (int)(strlen(base) - (base[strlen(base) - 1] == '/')), base, ask->path);
    call->url = url.data;
    bo_caller_call(ask->quiet ? ask->client->quiet : ask->client->caller, call, answered, r);
    bo_buffer_free(&url);
}

/* ---- "service": JSON, signed both ways ---- */

static void service_call(const struct ask *ask, json_t *json) {
    char now[24], signature[65], time_header[48], signature_header[96], *body = json_dumps(json, JSON_COMPACT);
    if (!body) abort(); /* no memory */
    struct bo_buffer text = {0};
    snprintf(now, sizeof(now), "%" PRId64, bo_loop_wall_ms() / 1000);
    bo_buffer_printf(&text, "%s.%s", now, body);
    bo_text_hmac(ask->client->config->payment_secret, text.data, text.length, signature);
    bo_buffer_free(&text);
    snprintf(time_header, sizeof(time_header), "X-Boxoffice-Time: %s", now);
    snprintf(signature_header, sizeof(signature_header), "X-Boxoffice-Signature: %s", signature);
    call(ask, &(struct bo_call){.headers = {time_header, signature_header, "Content-Type: application/json"}, .body = body});
    json_decref(json);
    free(body);
}

static void service_create(struct bo_payment_client *client, const struct bo_payment_order *o, bo_payment_cb cb, void *arg) {
    struct bo_buffer webhook = {0};
    bo_buffer_printf(&webhook, "%s/webhook/payment", client->config->public_url);
    service_call(&(struct ask){client, "/payments", false, cb, arg},
                 json_pack("{s:s, s:s, s:I, s:s, s:s}", "order", o->order, "sale", o->sale, "amount", (json_int_t)o->amount, "currency", o->currency, "webhook", webhook.data));
    bo_buffer_free(&webhook);
}

static void service_refund(struct bo_payment_client *client, const struct bo_payment_refund *r, bo_payment_cb cb, void *arg) {
    char path[BO_ID_MAX + 32];
    snprintf(path, sizeof(path), "/payments/%s/refund", r->payment);
    service_call(&(struct ask){client, path, false, cb, arg}, json_pack("{s:s, s:I}", "refund", r->key, "amount", (json_int_t)r->amount));
}

/* What a payment can be of: more is no sum that a script can count with. */
static bool is_sum(json_int_t amount, bool paid) { return amount >= (paid ? 1 : 0) && amount <= AMOUNT_MAX; }

static int wrong_sum(struct bo_payment_event *ret) {
    ret->problem = "amount: what was paid, in the smallest unit; 1 or more";
    return BO_ERR_BAD_MESSAGE;
}

static void service_cancel(struct bo_payment_client *client, const char *payment, bo_payment_cb cb, void *arg) {
    char path[BO_ID_MAX + 32];
    snprintf(path, sizeof(path), "/payments/%s/cancel", payment);
    service_call(&(struct ask){client, path, true, cb, arg}, json_pack("{s:s}", "payment", payment));
}

static int service_read(json_t *json, struct bo_payment_event *ret) {
    const char *sale, *order, *payment, *status, *currency;
    json_int_t amount;
    if (json_unpack(json, "{s:s, s:s, s:s, s:s, s:I, s:s}", "sale", &sale, "order", &order, "payment", &payment, "status", &status, "amount", &amount,
                    "currency", &currency) != 0 ||
        (strcmp(status, "paid") != 0 && strcmp(status, "declined") != 0) || !bo_text_is_id(sale) || !bo_text_is_id(order) || !bo_text_is_id(payment) ||
        strlen(currency) != 3) {
        ret->problem = "payment, order, sale, status (paid or declined), amount and currency are needed";
        return BO_ERR_BAD_MESSAGE;
    }
    ret->paid = strcmp(status, "paid") == 0;
    ret->amount = amount;
    if (!is_sum(amount, ret->paid)) return wrong_sum(ret);
    strcpy(ret->sale, sale);
    strcpy(ret->order, order);
    strcpy(ret->payment, payment);
    strcpy(ret->currency, currency);
    return 0;
}

/* ---- "stripe": forms, a bearer key, idempotency keys ---- */

static void add_field(struct bo_buffer *form, const char *name, const char *value) {
    bo_buffer_printf(form, "%s%s=", form->length ? "&" : "", name);
    for (const char *c = value; *c; c++)
        if (isalnum((unsigned char)*c) || strchr("-._~", *c))
            bo_buffer_add(form, c, 1);
        else
            bo_buffer_printf(form, "%%%02X", (unsigned char)*c);
}

static void stripe_call(const struct ask *ask, const struct bo_buffer *form, const char *key) {
    char idempotency[BO_REFUND_KEY_MAX + 32], user[300];
    snprintf(idempotency, sizeof(idempotency), "Idempotency-Key: %s", key);
    snprintf(user, sizeof(user), "%s:", ask->client->config->stripe_key);
    call(ask, &(struct bo_call){.headers = {idempotency, "Content-Type: application/x-www-form-urlencoded"}, .body = form->data, .user = user});
}

/* Tells this installation's payments from those of others in the same account. */
static void make_stamp(const struct bo_config *config, char ret[STAMP + 1]) {
    static const char what[] = "payments of this boxoffice";
    char mac[65];
    bo_text_hmac(config->secret, what, sizeof(what) - 1, mac);
    snprintf(ret, STAMP + 1, "%.*s", STAMP, mac);
}

static void lower_case(const char *currency, char ret[4]) {
    for (int i = 0; i < 4; i++) ret[i] = (char)tolower((unsigned char)currency[i]);
}

/* Only what settles at once: seats are not kept for days. */
static void add_methods(struct bo_buffer *form, const char *methods) {
    char method[64];
    for (const char *p = methods + strspn(methods, ", "); *p; p += strspn(p, ", ")) {
        size_t n = strcspn(p, ", ");
        snprintf(method, sizeof(method), "%.*s", (int)n, p);
        add_field(form, "payment_method_types[]", method);
        p += n;
    }
}

/* Stripe counts some currencies in other digits or steps than ISO 4217. False: it cannot be said there, and cb has been told so. */
static bool stripe_amount(const char *currency, bo_money amount, char ret[24], bo_payment_cb cb, void *arg) {
    char problem[PROBLEM_MAX + 1];
    int64_t there;
    if (bo_currency_to_stripe(currency, amount, &there)) {
        snprintf(ret, 24, "%" PRId64, there);
        return true;
    }
    snprintf(problem, sizeof(problem), "Stripe cannot move %" PRId64 " %s (in its smallest unit): only multiples of %" PRId64, amount,
             currency, bo_currency_stripe_step(currency));
    bo_log_warn("payment service: not asked: %s", problem);
    cb(arg, BO_ERR_PAYMENT_REFUSED, &(struct bo_payment){"", "", "", problem});
    return false;
}

static void stripe_create(struct bo_payment_client *client, const struct bo_payment_order *o, bo_payment_cb cb, void *arg) {
    struct bo_buffer form = {0};
    char amount[24], currency[4], stamp[STAMP + 1], mac[65], key[BO_ID_MAX + 24];
    if (!stripe_amount(o->currency, o->amount, amount, cb, arg)) return;
    make_stamp(client->config, stamp);
    lower_case(o->currency, currency);
    add_field(&form, "amount", amount);
    add_field(&form, "currency", currency);
    add_methods(&form, client->config->stripe_methods);
    add_field(&form, "metadata[order]", o->order);
    add_field(&form, "metadata[sale]", o->sale);
    add_field(&form, "metadata[boxoffice]", stamp);
    bo_text_hmac("payment_intents", form.data, form.length, mac); /* with other fields the same key would be refused */
    snprintf(key, sizeof(key), "%s/%.16s", o->order, mac);
    stripe_call(&(struct ask){client, "/v1/payment_intents", false, cb, arg}, &form, key);
    bo_buffer_free(&form);
}

/* Without an amount all that came goes back. So must what cannot be said in whole units here; else the sum is named. */
static void stripe_refund(struct bo_payment_client *client, const struct bo_payment_refund *r, bo_payment_cb cb, void *arg) {
    struct bo_buffer form = {0};
    char amount[24] = "";
    if (!r->whole && !stripe_amount(r->currency, r->amount, amount, cb, arg)) return;
    add_field(&form, "payment_intent", r->payment);
    if (*amount) add_field(&form, "amount", amount);
    add_field(&form, "metadata[refund]", r->key);
    stripe_call(&(struct ask){client, "/v1/refunds", false, cb, arg}, &form, r->key);
    bo_buffer_free(&form);
}

static void stripe_cancel(struct bo_payment_client *client, const char *payment, bo_payment_cb cb, void *arg) {
    struct bo_buffer form = {0};
    char path[BO_ID_MAX + 48], key[BO_ID_MAX + 1];
    snprintf(path, sizeof(path), "/v1/payment_intents/%s/cancel", payment);
    bo_text_random_id("cancel:", key); /* with the same key Stripe would repeat a refusal for a day */
    add_field(&form, "cancellation_reason", "abandoned");
    stripe_call(&(struct ask){client, path, true, cb, arg}, &form, key);
    bo_buffer_free(&form);
}

/* What is no whole sum here is what no order asked for: it goes back (rule O5), with the next larger sum in the books. */
static void take_amount(int64_t there, struct bo_payment_event *ret) {
    int64_t amount;
    ret->uneven = !bo_currency_from_stripe(ret->currency, there, &amount);
    ret->amount = amount;
    if (ret->uneven)
        bo_log_error("sale %s: payment %s of order %s is of %" PRId64 " %s as Stripe counts them, which no order asks for", ret->sale, ret->payment,
                     ret->order, there, ret->currency);
}

/* payment_failed is one attempt: the person may try another card. Only a canceled intent is the end. */
static int stripe_read(const char *stamp, json_t *json, struct bo_payment_event *ret) {
    const char *type, *payment, *currency;
    json_int_t amount;
    ret->nothing = true;
    if (json_unpack(json, "{s:s}", "type", &type) != 0) return BO_ERR_BAD_MESSAGE;
    if (strcmp(type, "payment_intent.processing") == 0) bo_log_info("Stripe: a payment is processing; the order is paid if it settles in time, else refunded");
    bool paid = strcmp(type, "payment_intent.succeeded") == 0;
    if (!paid && strcmp(type, "payment_intent.canceled") != 0) return 0;
    const json_t *object = json_object_get(json_object_get(json, "data"), "object"), *metadata = json_object_get(object, "metadata");
    const char *made_by = text_of(metadata, "boxoffice"), *sale = text_of(metadata, "sale"), *order = text_of(metadata, "order");
    if (!bo_text_is_id(sale) || !bo_text_is_id(order)) return 0;         /* of another program that uses the account */
    if (*made_by && strcmp(made_by, stamp) != 0) return 0;              /* of another boxoffice; those made by 0.1.0 do not say */
    if (json_unpack((json_t *)object, "{s:s, s:I, s:s}", "id", &payment, paid ? "amount_received" : "amount", &amount, "currency", &currency) != 0 ||
        !bo_text_is_id(payment) || strlen(currency) != 3)
        return BO_ERR_BAD_MESSAGE;
    if (!is_sum(amount, paid)) return wrong_sum(ret);
    ret->nothing = false;
    ret->shared = true;
    ret->stamped = *made_by != '\0';
    ret->paid = paid;
    strcpy(ret->sale, sale);
    strcpy(ret->order, order);
    strcpy(ret->payment, payment);
    for (int i = 0; i < 3; i++) ret->currency[i] = (char)toupper((unsigned char)currency[i]);
    take_amount(amount, ret);
    return is_sum(ret->amount, paid) ? 0 : wrong_sum(ret);
}

/* ---- the port ---- */

static void create(void *self, const struct bo_payment_order *order, bo_payment_cb cb, void *arg) {
    struct bo_payment_client *client = self;
    (bo_config_is_stripe(client->config) ? stripe_create : service_create)(client, order, cb, arg);
}

static void refund(void *self, const struct bo_payment_refund *what, bo_payment_cb cb, void *arg) {
    struct bo_payment_client *client = self;
    (bo_config_is_stripe(client->config) ? stripe_refund : service_refund)(client, what, cb, arg);
}

static void cancel(void *self, const char *payment, bo_payment_cb cb, void *arg) {
    struct bo_payment_client *client = self;
    (bo_config_is_stripe(client->config) ? stripe_cancel : service_cancel)(client, payment, cb, arg);
}

struct bo_payment_client *bo_payment_client_open(uv_loop_t *loop, const struct bo_config *config, struct bo_brake *brake) {
    struct bo_payment_client *client = bo_alloc(sizeof(*client));
    enum bo_dialect dialect = bo_config_is_stripe(config) ? BO_DIALECT_STRIPE : BO_DIALECT_HTTP;
    *client = (struct bo_payment_client){
        .caller = bo_caller_open(loop, dialect, &config->payment_timeout_ms, true),
        .quiet = bo_caller_open(loop, dialect, &config->payment_timeout_ms, true),
        .config = config,
        .brake = brake,
    };
    return client;
}

struct bo_payments bo_payment_client_port(struct bo_payment_client *client) { return (struct bo_payments){.create = create, .cancel = cancel, .refund = refund, .self = client}; }

void bo_payment_client_close(struct bo_payment_client *client) {
    if (!client) return;
    bo_caller_close(client->caller);
    bo_caller_close(client->quiet);
    free(client);
}

/* ---- webhooks ---- */

static bool fresh(const char *time, int64_t now_s) {
    int64_t made;
    return bo_text_to_number(time, 0, INT64_MAX / 2, &made) && made >= now_s - SIGNATURE_AGE_S && made <= now_s + SIGNATURE_AGE_S;
}

static void expected_signature(const char *secret, const char *time, const char *body, size_t length, char ret[65]) {
    struct bo_buffer text = {0};
    bo_buffer_printf(&text, "%s.", time);
    bo_buffer_add(&text, body, length);
    bo_text_hmac(secret, text.data, text.length, ret);
    bo_buffer_free(&text);
}

bool bo_payment_signature_ok(const char *secret, const char *time, const char *signature, const char *body, size_t length, int64_t now_s) {
    char expected[65];
    if (!fresh(time, now_s)) return false;
    expected_signature(secret, time, body, length, expected);
    return bo_text_same_secret(expected, signature);
}

bool bo_stripe_signature_ok(const char *secret, const char *header, const char *body, size_t length, int64_t now_s) {
    char time[24] = "", expected[65], given[128];
    const char *t = strncmp(header, "t=", 2) == 0 ? header + 2 : strstr(header, ",t=") ? strstr(header, ",t=") + 3 : "";
    snprintf(time, sizeof(time), "%.*s", (int)strcspn(t, ","), t);
    if (!fresh(time, now_s)) return false;
    expected_signature(secret, time, body, length, expected);
    bool right = false;
    for (const char *at = header; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        if (strncmp(at, "v1=", 3) != 0) continue;
        snprintf(given, sizeof(given), "%.*s", (int)strcspn(at + 3, ","), at + 3);
        right |= bo_text_same_secret(expected, given);
    }
    return right;
}

int bo_payment_read_webhook(const struct bo_config *config, const char *time, const char *signature, const char *body, size_t length, int64_t now_s,
                            struct bo_payment_event *ret) {
    const char *secret = config->payment_secret;
    char stamp[STAMP + 1];
    *ret = (struct bo_payment_event){.problem = ""};
    bool right = *secret && (bo_config_is_stripe(config) ? bo_stripe_signature_ok(secret, signature, body, length, now_s)
                                               : bo_payment_signature_ok(secret, time, signature, body, length, now_s));
    if (!right) return BO_ERR_WEBHOOK_FORGED;
    json_t *json = json_loadb(body, length, 0, NULL);
    int err = BO_ERR_BAD_JSON;
    if (json && bo_config_is_stripe(config)) {
        make_stamp(config, stamp);
        err = stripe_read(stamp, json, ret);
    } else if (json) {
        err = service_read(json, ret);
    }
    json_decref(json);
    return err;
}
