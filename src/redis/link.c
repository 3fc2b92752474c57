/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/link.h"

#include "base/log.h"
#include "base/memory.h"
#include "loop/loop.h"

#include <stdlib.h>
#include <string.h>

#define CHECK_MS 50
#define STOOD_STILL_MS 1000
#define RETRY_FIRST_MS 50
#define RETRY_LAST_MS 1000

/* What hiredis wants to hear of its socket. */
struct watcher {
    uv_poll_t poll;
    redisAsyncContext *context;
    int events;
};

static void on_socket(uv_poll_t *poll, int status, int events) {
    struct watcher *w = poll->data;
    redisAsyncContext *context = w->context;
    if (status < 0) events = w->events; /* hiredis finds the error when it reads or writes */
    if (events & UV_WRITABLE) redisAsyncHandleWrite(context);
    if (w->context && (events & UV_READABLE)) redisAsyncHandleRead(context);
}

static void watch(struct watcher *w, int events) {
    if (events == w->events) return;
    w->events = events;
    if (events)
        uv_poll_start(&w->poll, events, on_socket);
    else
        uv_poll_stop(&w->poll);
}

static void add_read(void *p) { watch(p, ((struct watcher *)p)->events | UV_READABLE); }
static void del_read(void *p) { watch(p, ((struct watcher *)p)->events & ~UV_READABLE); }
static void add_write(void *p) { watch(p, ((struct watcher *)p)->events | UV_WRITABLE); }
static void del_write(void *p) { watch(p, ((struct watcher *)p)->events & ~UV_WRITABLE); }

static void free_watcher(uv_handle_t *handle) { free(handle->data); }

static void cleanup(void *p) {
    struct watcher *w = p;
    w->context = NULL;
    uv_close((uv_handle_t *)&w->poll, free_watcher);
}

static int attach(uv_loop_t *loop, redisAsyncContext *context) {
    struct watcher *w = bo_alloc(sizeof(*w));
    if (uv_poll_init(loop, &w->poll, context->c.fd) != 0) {
        free(w);
        return -1;
    }
    w->poll.data = w;
    w->context = context;
    context->ev = (typeof(context->ev)){w, add_read, del_read, add_write, del_write, cleanup};
    return 0;
}

static void went_down(struct bo_redis_link *link) {
    bool was_up = link->up;
    link->context = NULL;
    link->up = false;
    link->since_us = bo_loop_steady_us();
    if (was_up) {
        bo_log_warn("lost the connection to redis at %s", link->address);
        if (link->on_down) link->on_down(link->arg);
    }
}

static void on_connect(const redisAsyncContext *context, int status) {
    struct bo_redis_link *link = context->data;
    if (status != REDIS_OK) {
        went_down(link);
        return;
    }
    link->up = true;
    link->up_us = bo_loop_steady_us();
    link->retry_ms = RETRY_FIRST_MS;
    if (link->on_up) link->on_up(link->arg);
}

static void on_disconnect(const redisAsyncContext *context, int status) {
    (void)status;
    struct bo_redis_link *link = context->data;
    if (link->context == context) went_down(link);
}

static redisAsyncContext *connect_to(const char *address) {
    if (strncmp(address, "unix:", 5) == 0) return redisAsyncConnectUnix(address + 5);
    char host[256] = "127.0.0.1";
    const char *colon = strrchr(address, ':');
    size_t n = colon ? (size_t)(colon - address) : strlen(address);
    if (n && n < sizeof(host)) {
        memcpy(host, address, n);
        host[n] = '\0';
    }
    return redisAsyncConnect(host, colon ? atoi(colon + 1) : 6379);
}

static void try_connect(struct bo_redis_link *link) {
    link->since_us = bo_loop_steady_us();
    link->retry_ms = link->retry_ms * 2 < RETRY_LAST_MS ? link->retry_ms * 2 : RETRY_LAST_MS;
    redisAsyncContext *context = connect_to(link->address);
    if (!context || context->err || attach(link->loop, context) != 0) {
        bo_log_debug("redis at %s: %s", link->address, context ? context->errstr : "out of memory");
        if (context) redisAsyncFree(context);
        return;
    }
    context->data = link;
    link->context = context;
    redisAsyncSetConnectCallback(context, on_connect);
    redisAsyncSetDisconnectCallback(context, on_disconnect);
}

void bo_redis_link_drop(struct bo_redis_link *link) {
    redisAsyncContext *context = link->context;
    if (!context) return;
    went_down(link);
    redisAsyncFree(context);
}

static void on_check(uv_timer_t *timer) {
    struct bo_redis_link *link = timer->data;
    int64_t now = bo_loop_steady_us(), limit = link->timeout_ms * 1000, apart = now - link->checked_us;
    link->checked_us = now;
    if (!link->context) {
        if (now - link->since_us >= link->retry_ms * 1000) try_connect(link);
        return;
    }
    int64_t oldest = link->up ? (link->oldest_us ? link->oldest_us(link->arg) : 0) : link->since_us;
    if (apart > STOOD_STILL_MS * 1000) return; /* it was us who stood still: the answers may lie here unread */
    if (oldest && now - oldest > limit) {
        bo_log_warn("redis at %s does not answer within %lld ms", link->address, (long long)link->timeout_ms);
        bo_redis_link_drop(link);
    }
}

void bo_redis_link_start(struct bo_redis_link *link) {
    link->retry_ms = RETRY_FIRST_MS;
    link->timer = bo_loop_timer(link->loop, CHECK_MS, CHECK_MS, on_check, link);
    try_connect(link);
}

void bo_redis_link_stop(struct bo_redis_link *link) {
    bo_loop_timer_free(link->timer);
    link->timer = NULL;
    link->on_down = NULL;
    link->up = false;
    bo_redis_link_drop(link);
    free(link->address);
    link->address = NULL;
}
