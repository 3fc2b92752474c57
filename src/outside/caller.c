/* SPDX-License-Identifier: Apache-2.0 */
#include "outside/caller.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "loop/loop.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_CONNECTION_S 4L /* many servers close idle ones after 5 s, and a request may meet the closing */
#define CONNECTIONS_PER_HOST 32L
#define PENDING_MAX 2000
#define ANSWER_MAX 65536

struct bo_caller {
    uv_loop_t *loop;
    enum bo_dialect dialect;
    const int64_t *timeout_ms;
    bool breaks;
    struct bo_breaker breaker;
    CURLM *multi;
    uv_timer_t *timer;
    int pending;
    struct request *requests;
};

struct request {
    struct request *next, *prev;
    struct bo_caller *caller;
    CURL *easy;
    struct curl_slist *headers, *recipients;
    char *body;
    size_t body_sent; /* of a mail */
    bo_ms sent_ms;
    struct bo_buffer answer;
    bo_caller_cb cb;
    void *arg;
};

/* A socket of curl on our loop. */
struct watched {
    uv_poll_t poll;
    curl_socket_t socket;
    struct bo_caller *caller;
};

static void collect(struct bo_caller *caller);

static void on_socket(uv_poll_t *poll, int status, int events) {
    struct watched *w = poll->data;
    struct bo_caller *caller = w->caller;
    int flags = (events & UV_READABLE ? CURL_CSELECT_IN : 0) | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0) |
                (status < 0 ? CURL_CSELECT_ERR : 0);
    int running;
    curl_multi_socket_action(caller->multi, w->socket, flags, &running);
    collect(caller);
}

static void free_watched(uv_handle_t *handle) { free(handle->data); }

static int watch_socket(CURL *easy, curl_socket_t socket, int what, void *arg, void *socket_arg) {
    (void)easy;
    struct bo_caller *caller = arg;
    struct watched *w = socket_arg;
    if (what == CURL_POLL_REMOVE) {
        if (w) uv_close((uv_handle_t *)&w->poll, free_watched);
        curl_multi_assign(caller->multi, socket, NULL);
        return 0;
    }
    if (!w) {
        w = bo_alloc(sizeof(*w));
        if (uv_poll_init_socket(caller->loop, &w->poll, socket) != 0) {
            free(w);
            return -1;
        }
        w->poll.data = w;
        w->socket = socket;
        w->caller = caller;
        curl_multi_assign(caller->multi, socket, w);
    }
    uv_poll_start(&w->poll, (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0), on_socket);
    return 0;
}

static void on_timeout(uv_timer_t *timer) {
    struct bo_caller *caller = timer->data;
    int running;
    curl_multi_socket_action(caller->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(caller);
}

static int set_timeout(CURLM *multi, long in_ms, void *arg) {
    (void)multi;
    struct bo_caller *caller = arg;
    if (in_ms < 0)
        uv_timer_stop(caller->timer);
    else
        uv_timer_start(caller->timer, on_timeout, in_ms ? (uint64_t)in_ms : 1, 0);
    return 0;
}

static size_t take_answer(char *data, size_t size, size_t count, void *arg) {
    struct request *r = arg;
    if (r->answer.length + size * count > ANSWER_MAX) return 0;
    bo_buffer_add(&r->answer, data, size * count);
    return size * count;
}

static size_t give_mail(char *room, size_t size, size_t count, void *arg) {
    struct request *r = arg;
    size_t left = strlen(r->body) - r->body_sent, now = left < size * count ? left : size * count;
    memcpy(room, r->body + r->body_sent, now);
    r->body_sent += now;
    return now;
}

static void free_request(struct request *r) {
    if (r->prev)
        r->prev->next = r->next;
    else
        r->caller->requests = r->next;
    if (r->next) r->next->prev = r->prev;
    r->caller->pending--;
    curl_multi_remove_handle(r->caller->multi, r->easy);
    curl_easy_cleanup(r->easy);
    curl_slist_free_all(r->headers);
    curl_slist_free_all(r->recipients);
    bo_buffer_free(&r->answer);
    free(r->body);
    free(r);
}

/* A mail server's no ends the transfer with an error of libcurl's; what was answered last is still known. */
static bool has_answer(const struct request *r, CURLcode result, long status) {
    bool refused_mail = r->caller->dialect == BO_DIALECT_SMTP && status / 100 == 5 && result != CURLE_OPERATION_TIMEDOUT;
    return result == CURLE_OK || refused_mail;
}

static void answer_request(struct request *r, CURLcode result) {
    struct bo_caller *caller = r->caller;
    long status = 0;
    curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
    if (!has_answer(r, result, status)) status = 0;
    bo_ms now = bo_loop_steady_ms();
    const struct bo_reply reply = {
        .verdict = bo_verdict_of(caller->dialect, status),
        .status = status,
        .body = status && r->answer.data ? r->answer.data : "",
        .length = status ? r->answer.length : 0,
        .problem = result == CURLE_OK ? "" : curl_easy_strerror(result),
        .took_ms = now - r->sent_ms,
    };
    if (caller->breaks) bo_breaker_note(&caller->breaker, now, reply.verdict == BO_VERDICT_FAILED);
    r->cb(r->arg, &reply);
    free_request(r);
}

/* Called back without having been sent. */
static void not_sent(bo_caller_cb cb, void *arg, const char *problem) {
    cb(arg, &(struct bo_reply){.verdict = BO_VERDICT_FAILED, .body = "", .problem = problem});
}

static void collect(struct bo_caller *caller) {
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(caller->multi, &left))) {
        if (message->msg != CURLMSG_DONE) continue;
        struct request *r = NULL;
        CURLcode result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &r);
        answer_request(r, result);
    }
}

static void set_mail(struct request *r, const struct bo_call *call) {
    r->recipients = curl_slist_append(NULL, call->mail_to);
    curl_easy_setopt(r->easy, CURLOPT_MAIL_FROM, call->mail_from);
    curl_easy_setopt(r->easy, CURLOPT_MAIL_RCPT, r->recipients);
    curl_easy_setopt(r->easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(r->easy, CURLOPT_READFUNCTION, give_mail);
    curl_easy_setopt(r->easy, CURLOPT_READDATA, r);
    curl_easy_setopt(r->easy, CURLOPT_USE_SSL, (long)CURLUSESSL_TRY);
}

static void set_post(struct request *r, const struct bo_call *call) {
    for (size_t i = 0; i < BO_CALL_HEADERS_MAX && call->headers[i]; i++) r->headers = curl_slist_append(r->headers, call->headers[i]);
    r->headers = curl_slist_append(r->headers, "Expect:");
    curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, r->headers);
    curl_easy_setopt(r->easy, CURLOPT_POSTFIELDS, r->body);
}

void bo_caller_call(struct bo_caller *caller, const struct bo_call *call, bo_caller_cb cb, void *arg) {
    bool full = caller->pending >= PENDING_MAX;
    CURL *easy = full || (caller->breaks && !bo_breaker_allows(&caller->breaker, bo_loop_steady_ms())) ? NULL : curl_easy_init();
    if (!easy) {
        not_sent(cb, arg, full ? "too many calls wait" : "not asked for a moment, because it failed several times in a row");
        return;
    }
    struct request *r = bo_alloc(sizeof(*r));
    *r = (struct request){.caller = caller, .easy = easy, .body = bo_strdup(call->body), .sent_ms = bo_loop_steady_ms(), .cb = cb, .arg = arg, .next = caller->requests};
    if (r->next) r->next->prev = r;
    caller->requests = r;
    caller->pending++;
    curl_easy_setopt(easy, CURLOPT_URL, call->url);
    if (call->mail_to)
        set_mail(r, call);
    else
        set_post(r, call);
    if (call->user) curl_easy_setopt(easy, CURLOPT_USERPWD, call->user);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, r);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, r);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)*caller->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_CONNECTION_S);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, call->mail_to ? "smtp,smtps" : "http,https");
    if (curl_multi_add_handle(caller->multi, easy) != CURLM_OK) answer_request(r, CURLE_FAILED_INIT);
}

struct bo_caller *bo_caller_open(uv_loop_t *loop, enum bo_dialect dialect, const int64_t *timeout_ms, bool breaks) {
    struct bo_caller *caller = bo_alloc(sizeof(*caller));
    *caller = (struct bo_caller){.loop = loop, .dialect = dialect, .timeout_ms = timeout_ms, .breaks = breaks};
    curl_global_init(CURL_GLOBAL_DEFAULT);
    caller->multi = curl_multi_init();
    if (!caller->multi) abort(); /* no memory */
    caller->timer = bo_loop_timer(loop, 1, 0, on_timeout, caller);
    uv_timer_stop(caller->timer);
    curl_multi_setopt(caller->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(caller->multi, CURLMOPT_SOCKETDATA, caller);
    curl_multi_setopt(caller->multi, CURLMOPT_TIMERFUNCTION, set_timeout);
    curl_multi_setopt(caller->multi, CURLMOPT_TIMERDATA, caller);
    curl_multi_setopt(caller->multi, CURLMOPT_MAX_HOST_CONNECTIONS, CONNECTIONS_PER_HOST);
    return caller;
}

void bo_caller_close(struct bo_caller *caller) {
    if (!caller) return;
    while (caller->requests) {
        struct request *r = caller->requests;
        not_sent(r->cb, r->arg, "shutting down");
        free_request(r);
    }
    curl_multi_cleanup(caller->multi);
    bo_loop_timer_free(caller->timer);
    curl_global_cleanup();
    free(caller);
}
