/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/payments.h"

#include "base/buffer.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "loop/loop.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGNATURE_AGE_S 300
#define BREAK_AFTER 5
#define BREAK_US 2000000
#define IDLE_CONNECTION_S 4L /* many servers close idle ones after 5 s, and a request may meet the closing */
#define PENDING_MAX 2000
#define ANSWER_MAX 65536

struct bo_payment_client {
    uv_loop_t *loop;
    const struct bo_config *config;
    struct bo_brake *brake;
    CURLM *multi;
    uv_timer_t *timer;
    int pending;
    int failures; /* in a row */
    int64_t broken_until_us;
    struct request *requests;
};

struct request {
    struct request *next, *prev;
    struct bo_payment_client *client;
    CURL *easy;
    struct curl_slist *headers;
    char *body;
    int64_t sent_ms;
    struct bo_buffer answer;
    bo_payment_cb cb;
    void *arg;
};

/* A socket of curl on our loop. */
struct watched {
    uv_poll_t poll;
    curl_socket_t socket;
    struct bo_payment_client *client;
};

static void collect(struct bo_payment_client *client);

static void on_socket(uv_poll_t *poll, int status, int events) {
    struct watched *w = poll->data;
    struct bo_payment_client *client = w->client;
    int flags = (events & UV_READABLE ? CURL_CSELECT_IN : 0) | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0) |
                (status < 0 ? CURL_CSELECT_ERR : 0);
    int running;
    curl_multi_socket_action(client->multi, w->socket, flags, &running);
    collect(client);
}

static void free_watched(uv_handle_t *handle) { free(handle->data); }

static int watch_socket(CURL *easy, curl_socket_t socket, int what, void *arg, void *socket_arg) {
    (void)easy;
    struct bo_payment_client *client = arg;
    struct watched *w = socket_arg;
    if (what == CURL_POLL_REMOVE) {
        if (w) uv_close((uv_handle_t *)&w->poll, free_watched);
        curl_multi_assign(client->multi, socket, NULL);
        return 0;
    }
    if (!w) {
        w = bo_alloc(sizeof(*w));
        if (uv_poll_init_socket(client->loop, &w->poll, socket) != 0) {
            free(w);
            return -1;
        }
        w->poll.data = w;
        w->socket = socket;
        w->client = client;
        curl_multi_assign(client->multi, socket, w);
    }
    uv_poll_start(&w->poll, (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0), on_socket);
    return 0;
}

static void on_timeout(uv_timer_t *timer) {
    struct bo_payment_client *client = timer->data;
    int running;
    curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(client);
}

static int set_timeout(CURLM *multi, long in_ms, void *arg) {
    (void)multi;
    struct bo_payment_client *client = arg;
    if (in_ms < 0)
        uv_timer_stop(client->timer);
    else
        uv_timer_start(client->timer, on_timeout, in_ms ? (uint64_t)in_ms : 1, 0);
    return 0;
}

static size_t take_answer(char *data, size_t size, size_t count, void *arg) {
    struct request *r = arg;
    if (r->answer.length + size * count > ANSWER_MAX) return 0;
    bo_buffer_add(&r->answer, data, size * count);
    return size * count;
}

static void free_request(struct request *r) {
    if (r->prev)
        r->prev->next = r->next;
    else
        r->client->requests = r->next;
    if (r->next) r->next->prev = r->prev;
    r->client->pending--;
    curl_multi_remove_handle(r->client->multi, r->easy);
    curl_easy_cleanup(r->easy);
    curl_slist_free_all(r->headers);
    bo_buffer_free(&r->answer);
    free(r->body);
    free(r);
}

static void answer_request(struct request *r, CURLcode result) {
    struct bo_payment_client *client = r->client;
    long status = 0;
    curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
    json_t *json = result == CURLE_OK && status / 100 == 2 ? json_loadb(r->answer.data ? r->answer.data : "", r->answer.length, 0, NULL) : NULL;
    const char *payment = json_string_value(json_object_get(json, "payment")), *url = json_string_value(json_object_get(json, "url"));
    bo_brake_note(client->brake, BO_BRAKE_PAYMENTS, bo_loop_steady_ms(), 1, !payment, bo_loop_steady_ms() - r->sent_ms);
    if (payment) {
        client->failures = 0;
    } else {
        bo_log_warn("payment service: %s, status %ld", curl_easy_strerror(result), status);
        if (++client->failures >= BREAK_AFTER) client->broken_until_us = bo_loop_steady_us() + BREAK_US;
    }
    r->cb(r->arg, payment ? 0 : BO_ERR_PAYMENT_UNAVAILABLE, payment ? payment : "", url ? url : "");
    json_decref(json);
    free_request(r);
}

static void collect(struct bo_payment_client *client) {
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(client->multi, &left))) {
        if (message->msg != CURLMSG_DONE) continue;
        struct request *r = NULL;
        CURLcode result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &r);
        answer_request(r, result);
    }
}

static void add_header(struct request *r, const char *format, const char *value) {
    char line[160];
    snprintf(line, sizeof(line), format, value);
    r->headers = curl_slist_append(r->headers, line);
}

static void sign(struct request *r) {
    char now[24], signature[65];
    struct bo_buffer text = {0};
    snprintf(now, sizeof(now), "%" PRId64, bo_loop_wall_ms() / 1000);
    bo_buffer_printf(&text, "%s.%s", now, r->body);
    bo_text_hmac(r->client->config->payment_secret, text.data, text.length, signature);
    bo_buffer_free(&text);
    add_header(r, "X-Boxoffice-Time: %s", now);
    add_header(r, "X-Boxoffice-Signature: %s", signature);
    add_header(r, "%s", "Content-Type: application/json");
    add_header(r, "%s", "Expect:");
}

/* body is taken over. */
static void post(struct bo_payment_client *client, const char *path, char *body, bo_payment_cb cb, void *arg) {
    const struct bo_config *config = client->config;
    CURL *easy = NULL;
    if (*config->payment_url && client->pending < PENDING_MAX && bo_loop_steady_us() >= client->broken_until_us)
        easy = curl_easy_init();
    if (!easy) {
        bo_brake_note(client->brake, BO_BRAKE_PAYMENTS, bo_loop_steady_ms(), 1, 1, 0);
        free(body);
        cb(arg, BO_ERR_PAYMENT_UNAVAILABLE, "", "");
        return;
    }
    struct request *r = bo_alloc(sizeof(*r));
    *r = (struct request){.client = client, .easy = easy, .body = body, .sent_ms = bo_loop_steady_ms(), .cb = cb, .arg = arg, .next = client->requests};
    if (r->next) r->next->prev = r;
    client->requests = r;
    client->pending++;
    sign(r);
    struct bo_buffer url = {0};
    bo_buffer_printf(&url, "%s%s", config->payment_url, path);
    curl_easy_setopt(easy, CURLOPT_URL, url.data);
    bo_buffer_free(&url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, r->headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, r->body);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, r);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, r);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)config->payment_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_CONNECTION_S);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    if (curl_multi_add_handle(client->multi, easy) != CURLM_OK) answer_request(r, CURLE_FAILED_INIT);
}

static void create(void *self, const char *order, const char *sale, bo_money amount, const char *currency, bo_payment_cb cb, void *arg) {
    struct bo_payment_client *client = self;
    struct bo_buffer webhook = {0};
    bo_buffer_printf(&webhook, "%s/webhook/payment", client->config->public_url);
    json_t *json = json_pack("{s:s, s:s, s:I, s:s, s:s}", "order", order, "sale", sale, "amount", (json_int_t)amount, "currency",
                             currency, "webhook", webhook.data);
    bo_buffer_free(&webhook);
    char *body = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (!body) abort(); /* no memory */
    post(client, "/payments", body, cb, arg);
}

static void refund(void *self, const char *payment, bo_payment_cb cb, void *arg) {
    char path[BO_ID_MAX + 32];
    snprintf(path, sizeof(path), "/payments/%s/refund", payment);
    post(self, path, bo_strdup("{}"), cb, arg);
}

struct bo_payment_client *bo_payment_client_open(uv_loop_t *loop, const struct bo_config *config, struct bo_brake *brake) {
    struct bo_payment_client *client = bo_alloc(sizeof(*client));
    client->loop = loop;
    client->config = config;
    client->brake = brake;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    client->multi = curl_multi_init();
    if (!client->multi) abort(); /* no memory */
    client->timer = bo_loop_timer(loop, 1, 0, on_timeout, client);
    uv_timer_stop(client->timer);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_timeout);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS, 32L);
    return client;
}

struct bo_payments bo_payment_client_port(struct bo_payment_client *client) {
    return (struct bo_payments){create, refund, client};
}

void bo_payment_client_close(struct bo_payment_client *client) {
    if (!client) return;
    while (client->requests) {
        struct request *r = client->requests;
        r->cb(r->arg, BO_ERR_PAYMENT_UNAVAILABLE, "", "");
        free_request(r);
    }
    curl_multi_cleanup(client->multi);
    bo_loop_timer_free(client->timer);
    curl_global_cleanup();
    free(client);
}

bool bo_payment_signature_ok(const char *secret, const char *time, const char *signature, const char *body, size_t length,
                             int64_t now_s) {
    int64_t made;
    if (!bo_text_to_number(time, 0, INT64_MAX / 2, &made) || made < now_s - SIGNATURE_AGE_S || made > now_s + SIGNATURE_AGE_S)
        return false;
    struct bo_buffer text = {0};
    char expected[65];
    bo_buffer_printf(&text, "%s.", time);
    bo_buffer_add(&text, body, length);
    bo_text_hmac(secret, text.data, text.length, expected);
    bo_buffer_free(&text);
    return bo_text_same_secret(expected, signature);
}
