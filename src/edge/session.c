/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/session.h"

#include "base/log.h"
#include "base/memory.h"
#include "edge/entry.h"
#include "edge/limits.h"
#include "edge/messages.h"
#include "edge/room.h"
#include "edge/server.h"
#include "loop/loop.h"
#include "metrics/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define WINDOW_S 10 /* of messages_per_10s */
#define RETRY_MS 1000
#define QUEUE_MAX (256 * 1024)
#define TIME_NEWS_MS 10000
#define CLOSE_ANSWER_MS 3000
#define FRAME_HEAD_MAX 4
#define WRITE_NOW_MAX 4096
#define CLOSING_MAX 256
#define CLOSE_LATER_MS 100

struct bo_session *bo_session_open(struct bo_gateway *gateway, struct lws *wsi) {
    struct bo_session *s = bo_alloc(sizeof(*s));
    s->gateway = gateway;
    s->wsi = wsi;
    s->fd = lws_get_socket_fd(wsi);
    s->corked = true;
    s->references = 1;
    s->next = gateway->sessions;
    if (s->next) s->next->prev = s;
    gateway->sessions = s;
    bo_metric_add(BO_METRIC_accepted, 1);
    bo_metric_set(BO_METRIC_connections, ++gateway->connections);
    bo_session_set_stage(s, BO_STAGE_NEW, 0);
    return s;
}

static void unlink_from_gateway(struct bo_session *s) {
    if (s->prev)
        s->prev->next = s->next;
    else
        s->gateway->sessions = s->next;
    if (s->next) s->next->prev = s->prev;
    s->next = s->prev = NULL;
}

void bo_session_closed(struct bo_session *s) {
    s->wsi = NULL;
    if (s->close_sent) s->gateway->closing--;
    unlink_from_gateway(s);
    bo_metric_set(BO_METRIC_connections, --s->gateway->connections);
    bo_wheel_remove(&s->timer);
    if (s->room) bo_room_forget(s->room, s);
    bo_limits_disconnect(&s->gateway->limits, s->address);
    s->address = NULL;
    bo_session_release(s);
}

void bo_session_hold(struct bo_session *s) { s->references++; }

static void free_queue(struct bo_traffic *t) {
    while (t->queue) {
        struct bo_frame *next = t->queue->next;
        free(t->queue);
        t->queue = next;
    }
    t->queued = 0;
}

static void free_traffic(struct bo_session *s) {
    if (!s->traffic) return;
    free_queue(s->traffic);
    bo_buffer_free(&s->traffic->incoming);
    free(s->traffic);
    s->traffic = NULL;
}

static struct bo_traffic *traffic_of(struct bo_session *s) {
    if (!s->traffic) s->traffic = bo_alloc(sizeof(*s->traffic));
    return s->traffic;
}

struct bo_visit *bo_session_visit(struct bo_session *s) {
    if (!s->visit) {
        s->visit = bo_alloc(sizeof(*s->visit));
        s->visit->session = s;
    }
    return s->visit;
}

void bo_session_release(struct bo_session *s) {
    if (--s->references) return;
    free_traffic(s);
    if (s->visit) free(s->visit->order);
    free(s->visit);
    free(s->entry);
    free(s->person);
    free(s);
}

void bo_session_set_stage(struct bo_session *s, enum bo_stage stage, bo_ms deadline) {
    if (s->room) bo_room_stage_changes(s->room, s, stage);
    s->stage = (uint8_t)stage;
    if (deadline) bo_session_visit(s)->deadline = deadline;
    if (stage != BO_STAGE_PAY && s->visit) {
        free(s->visit->order);
        s->visit->order = NULL;
    }
    if (stage != BO_STAGE_CHOOSE && stage != BO_STAGE_PAY) s->entered = false;
    if (s->close_code && s->wsi) return; /* the timer stands for the closing now */
    bo_wheel_remove(&s->timer);
    if (!s->wsi) return;
    bo_ms now = bo_loop_steady_ms();
    if (stage == BO_STAGE_NEW)
        bo_wheel_set(&s->gateway->wheel, &s->timer, now + s->gateway->config.join_timeout_ms);
    else if (stage == BO_STAGE_OUT)
        bo_wheel_set(&s->gateway->wheel, &s->timer, now + s->gateway->config.out_timeout_ms);
    else if (stage == BO_STAGE_CLAIM || stage == BO_STAGE_CHOOSE || stage == BO_STAGE_PAY)
        bo_wheel_set(&s->gateway->wheel, &s->timer, now + TIME_NEWS_MS);
}

static void close_slow_reader(struct bo_session *s) {
    if (s->close_code == BO_CLOSE_SLOW) return;
    bo_metric_add(BO_METRIC_slow_readers, 1);
    s->close_code = BO_CLOSE_SLOW;
    if (s->traffic) free_queue(s->traffic);
    lws_callback_on_writable(s->wsi);
}

static bool has_queue(const struct bo_session *s) { return s->traffic && s->traffic->queue; }

static void enqueue(struct bo_session *s, const char *json, size_t length) {
    struct bo_traffic *t = traffic_of(s);
    if (t->queued + length > QUEUE_MAX) {
        close_slow_reader(s);
        return;
    }
    struct bo_frame *frame = bo_alloc(sizeof(*frame) + LWS_PRE + length), **end = &t->queue;
    frame->length = length;
    memcpy(frame->data + LWS_PRE, json, length);
    while (*end) end = &(*end)->next;
    *end = frame;
    t->queued += length;
    lws_callback_on_writable(s->wsi);
}

/* A text frame straight to the socket (RFC 6455, 5.2), for when lws has nothing left to send on it: lws' own way touches a dozen
 * cold lines of memory per frame, and while a million wait, frames are most of what a gateway does. Returns false when the
 * socket has no room; with must, lws keeps what it did not take, and false says that the connection is broken. */
static bool write_now(struct bo_session *s, const char *json, size_t length, bool must) {
    static unsigned char room[LWS_PRE + FRAME_HEAD_MAX + WRITE_NOW_MAX];
    unsigned char *frame = room + LWS_PRE;
    size_t head = length < 126 ? 2 : 4;
    frame[0] = 0x81;
    frame[1] = length < 126 ? (unsigned char)length : 126;
    frame[2] = (unsigned char)(length >> 8);
    frame[3] = (unsigned char)length;
    memcpy(frame + head, json, length);
    length += head;
    ssize_t sent = send(s->fd, frame, length, MSG_DONTWAIT | MSG_NOSIGNAL | (s->more ? MSG_MORE : 0));
    if (sent == (ssize_t)length) return true;
    if (sent < 0 && errno == EAGAIN && !must) return false;
    if (sent < 0 && errno == EAGAIN) sent = 0;
    if (sent >= 0 && lws_write(s->wsi, frame + sent, length - (size_t)sent, LWS_WRITE_HTTP) >= 0) return true;
    s->close_code = BO_CLOSE_SLOW;
    lws_callback_on_writable(s->wsi);
    return false;
}

void bo_session_uncork(struct bo_session *s) {
    if (!s->corked) return;
    s->corked = false;
    bo_server_uncork(s->fd);
}

/* Of what he is told only the type, and of an error its code: the rest may be what opens doors. */
static void log_told(const struct bo_session *s, const char *json) {
    const char *type = strstr(json, "\"type\":\""), *code = strstr(json, "\"code\":\"");
    if (!type) return;
    bo_log_traced(BO_LOG_DEBUG, s->trace, "sale %s: %s is told %.*s%s%.*s", s->room ? s->room->id : "-", s->person ? s->person : "somebody", (int)strcspn(type + 8, "\""), type + 8,
                  code ? " " : "", code ? (int)strcspn(code + 8, "\"") : 0, code ? code + 8 : "");
}

void bo_session_send(struct bo_session *s, const char *json, size_t length) {
    if (!s->wsi || s->close_code) return;
    if (s->trace && bo_log_is_on(BO_LOG_DEBUG)) log_told(s, json);
    if (!has_queue(s) && length <= WRITE_NOW_MAX && !lws_partial_buffered(s->wsi))
        write_now(s, json, length, true);
    else
        enqueue(s, json, length);
    bo_session_uncork(s);
}

void bo_session_printf(struct bo_session *s, const char *format, ...) {
    char text[4096];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    if (n > 0 && (size_t)n < sizeof(text)) bo_session_send(s, text, (size_t)n);
}

bool bo_session_send_news(struct bo_session *s, const char *json, size_t length) {
    if (!s->wsi || s->close_code || has_queue(s) || lws_partial_buffered(s->wsi)) {
        bo_metric_add(BO_METRIC_positions_skipped, 1);
        return false;
    }
    if (write_now(s, json, length, false)) return true;
    bo_metric_add(BO_METRIC_positions_skipped, 1);
    return false;
}

static void send_error(struct bo_session *s, int err, const char *key, bo_ms retry_ms) {
    struct bo_buffer b = {0};
    bo_buffer_printf(&b, "{\"type\":\"error\",\"code\":\"%s\",\"message\":\"", bo_error_name(err));
    bo_buffer_add_json(&b, bo_error_text(err));
    bo_buffer_add_text(&b, "\"");
    if (key && *key) {
        bo_buffer_add_text(&b, ",\"key\":\"");
        bo_buffer_add_json(&b, key);
        bo_buffer_add_text(&b, "\"");
    }
    if (retry_ms) bo_buffer_printf(&b, ",\"retry_ms\":%" PRId64, retry_ms);
    bo_buffer_add_text(&b, "}");
    bo_metric_add(BO_METRIC_errors, 1);
    bo_session_send(s, b.data, b.length);
    bo_buffer_free(&b);
}

void bo_session_error(struct bo_session *s, int err, const char *key) {
    bool away = bo_error_http_status(err) == 503 || err == BO_ERR_TOO_MANY; /* it is not known for how long; too many devices: until one is closed */
    send_error(s, err, key, away ? RETRY_MS + random() % RETRY_MS : 0); /* not all at the same moment */
}

void bo_session_refuse(struct bo_session *s, int err, bo_ms retry_ms) { send_error(s, err, NULL, retry_ms); }

void bo_session_close(struct bo_session *s, int code) {
    if (!s->wsi || s->close_code) return;
    s->close_code = (uint16_t)code;
    bo_session_close_next(s);
}

/* lws arms a timer per connection that closes, in a sorted list: with all at once that is O(n) for each. So only so many
 * are in the middle of it; the others have had their last word and look again a moment later. */
void bo_session_close_next(struct bo_session *s) {
    if (s->gateway->closing < CLOSING_MAX)
        lws_callback_on_writable(s->wsi);
    else
        bo_wheel_set(&s->gateway->wheel, &s->timer, bo_loop_steady_ms() + CLOSE_LATER_MS + random() % CLOSE_LATER_MS);
}

static const char *reason_of(int code) {
    switch (code) {
    case BO_CLOSE_SOLD_OUT: return "sold out";
    case BO_CLOSE_ENDED: return "ended";
    case BO_CLOSE_NOT_JOINED: return "not joined in time";
    case BO_CLOSE_TURNED_AWAY: return "nobody is let in now";
    case BO_CLOSE_SLOW: return "reading too slowly";
    default: return "server restarts, connect again";
    }
}

/* The closing handshake is ours: lws 4.1.6 closes connections it was handed without a close frame, and arms a sorted timer
 * for each. The frame (RFC 6455, 5.5.1) goes out as it is, which LWS_WRITE_HTTP means; the peer answers with his, or is
 * cut off when the session's timer is due. */
static bool send_close(struct bo_session *s) {
    unsigned char frame[LWS_PRE + 64], *at = frame + LWS_PRE;
    int n = snprintf((char *)at + 4, 60, "%s", reason_of(s->close_code));
    at[0] = 0x88;
    at[1] = (unsigned char)(n + 2);
    at[2] = (unsigned char)(s->close_code >> 8);
    at[3] = (unsigned char)s->close_code;
    s->close_sent = true;
    s->gateway->closing++;
    bo_wheel_set(&s->gateway->wheel, &s->timer, bo_loop_steady_ms() + CLOSE_ANSWER_MS);
    return lws_write(s->wsi, at, (size_t)n + 4, LWS_WRITE_HTTP) >= 0;
}

bool bo_session_writable(struct bo_session *s) {
    while (has_queue(s) && !lws_partial_buffered(s->wsi)) {
        struct bo_frame *frame = s->traffic->queue;
        s->traffic->queue = frame->next;
        s->traffic->queued -= frame->length;
        int sent = lws_write(s->wsi, (unsigned char *)frame->data + LWS_PRE, frame->length, LWS_WRITE_TEXT);
        bool failed = sent < (int)frame->length;
        free(frame);
        if (failed) return false;
    }
    if (has_queue(s) || (s->close_code && s->close_code != BO_CLOSE_SLOW && lws_partial_buffered(s->wsi))) {
        lws_callback_on_writable(s->wsi);
        return true;
    }
    if (!s->close_code) return true;
    if (!s->close_sent && s->gateway->closing >= CLOSING_MAX) { /* asked for before the others began to close */
        bo_session_close_next(s);
        return true;
    }
    return !s->close_sent && send_close(s);
}

/* 0, or after how many ms messages are heard again. */
static bo_ms too_fast(struct bo_session *s) {
    bo_ms now_ms = bo_loop_steady_ms();
    uint32_t now = (uint32_t)(now_ms / 1000);
    if (now - s->window_start_s >= WINDOW_S) {
        s->window_start_s = now;
        s->window_count = 0;
    }
    if (s->window_count < UINT16_MAX) s->window_count++;
    if (s->window_count <= s->gateway->config.messages_per_10s) return 0;
    return ((bo_ms)s->window_start_s + WINDOW_S) * 1000 - now_ms;
}

static void take_message(struct bo_session *s, const char *data, size_t length, bool binary) {
    bo_ms wait = binary ? 0 : too_fast(s);
    if (binary)
        bo_session_error(s, BO_ERR_BINARY_FRAME, NULL);
    else if (wait)
        bo_session_refuse(s, BO_ERR_TOO_FAST, wait);
    else
        bo_message_received(s, data, length);
}

void bo_session_received(struct bo_session *s, const char *data, size_t length, bool first, bool last, bool binary) {
    size_t max = (size_t)s->gateway->config.max_message;
    if (first && last && length <= max) {
        take_message(s, data, length, binary);
        return;
    }
    struct bo_traffic *t = traffic_of(s);
    if (first) t->oversized = false;
    if (t->incoming.length + length > max) t->oversized = true;
    if (!t->oversized) bo_buffer_add(&t->incoming, data, length);
    if (!last) return;
    struct bo_buffer whole = t->incoming;
    bool oversized = t->oversized;
    t->incoming = (struct bo_buffer){0};
    if (!t->queue) free_traffic(s);
    if (oversized)
        bo_session_error(s, BO_ERR_TOO_LARGE, NULL);
    else
        take_message(s, whole.data, whole.length, binary);
    bo_buffer_free(&whole);
}
