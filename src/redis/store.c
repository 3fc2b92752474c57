/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/store.h"

#include "base/crash.h"
#include "base/embed.h"
#include "base/log.h"
#include "base/memory.h"
#include "loop/loop.h"
#include "metrics/metrics.h"
#include "redis/link.h"
#include "redis/reply.h"
#include "redis/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PENDING_MAX 100000
#define NOT_YET_RETRY_MS 100 /* it loads its data, or is a replica */

struct call {
    struct call *next, *prev;
    struct bo_redis_store *store;
    const struct bo_embedded *script;
    char *command; /* as sent, to send it again after SCRIPT LOAD */
    long long length;
    bool reloaded;
    int64_t sent_us;
    bo_store_cb cb;
    void *arg;
};

struct bo_redis_store {
    struct bo_redis_link link;
    struct call pending; /* list head, oldest first */
    size_t pending_count;
    bool closed, scripts_loaded, known; /* which server it is */
    struct bo_redis_server server; /* the last one that was known */
    void (*on_other_server)(void *arg);
    void *arg;
};

static void finish(struct call *c, int err, const struct bo_value *value) {
    c->prev->next = c->next;
    c->next->prev = c->prev;
    c->store->pending_count--;
    bo_metric_add(BO_METRIC_redis_calls, 1);
    bo_metric_add(BO_METRIC_redis_wait, bo_loop_steady_us() - c->sent_us);
    if (err == BO_ERR_UNAVAILABLE || err == BO_ERR_INTERNAL) bo_metric_add(BO_METRIC_redis_failures, 1);
    if (!err) BO_CRASH_POINT_OF("answered", c->script->name);
    c->cb(c->arg, err, value);
    redisFreeCommand(c->command);
    free(c);
}

static void on_reply(redisAsyncContext *context, void *r, void *arg);

static int send_call(struct call *c) {
    redisAsyncContext *context = c->store->link.context;
    if (!c->store->link.up) return -1;
    return redisAsyncFormattedCommand(context, on_reply, c, c->command, (size_t)c->length) == REDIS_OK ? 0 : -1;
}

/* Redis was restarted or told to forget its scripts. */
static int load_and_send_again(struct call *c) {
    if (c->reloaded || !c->store->link.up) return -1;
    c->reloaded = true;
    redisAsyncContext *context = c->store->link.context;
    if (redisAsyncCommand(context, NULL, NULL, "SCRIPT LOAD %b", c->script->data, c->script->length) != REDIS_OK) return -1;
    return send_call(c);
}

static void on_reply(redisAsyncContext *context, void *r, void *arg) {
    (void)context;
    struct call *c = arg;
    const redisReply *reply = r;
    if (!reply) {
        finish(c, BO_ERR_UNAVAILABLE, NULL);
        return;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        if (strncmp(reply->str, "NOSCRIPT", 8) == 0 && load_and_send_again(c) == 0) return;
        struct bo_redis_store *store = c->store;
        bool demoted = bo_redis_is_readonly(reply->str);
        bo_log_error("redis script %s: %s", c->script->name, reply->str);
        finish(c, bo_redis_error(reply), NULL);
        if (demoted) bo_redis_link_drop(&store->link); /* what is a primary now is found by connecting again */
        return;
    }
    struct bo_value *values = bo_redis_values(reply);
    const char *code = bo_value_text(values, 0);
    finish(c, bo_error_from_name(code), values);
    free(values);
}

static void run(void *self, const char *name, const char *sale, const struct bo_arg *args, size_t count, bo_store_cb cb,
                void *arg) {
    struct bo_redis_store *store = self;
    const struct bo_embedded *script = store ? bo_redis_script(name) : NULL;
    if (!store) {
        cb(arg, BO_ERR_UNAVAILABLE, NULL);
        return;
    }
    if (!script || store->closed || !bo_redis_store_is_up(store) || store->pending_count >= PENDING_MAX) {
        cb(arg, script ? (bo_redis_store_is_up(store) ? BO_ERR_OVERLOADED : BO_ERR_UNAVAILABLE) : BO_ERR_INTERNAL, NULL);
        return;
    }
    struct call *c = bo_alloc(sizeof(*c));
    *c = (struct call){.store = store, .script = script, .sent_us = bo_loop_steady_us(), .cb = cb, .arg = arg};
    c->length = bo_redis_command(&c->command, script->sha1, sale, args, count);
    c->prev = store->pending.prev;
    c->next = &store->pending;
    c->prev->next = c->next->prev = c;
    store->pending_count++;
    if (c->length < 0 || send_call(c) != 0) finish(c, BO_ERR_UNAVAILABLE, NULL);
}

static int64_t oldest_us(void *arg) {
    struct bo_redis_store *store = arg;
    return store->pending.next == &store->pending ? 0 : store->pending.next->sent_us;
}

/* Nothing is run before the server is known. */
/* Once for each server, before anything is run on it: a call that is sent again because its script was missing would come behind those that were sent after
 * it. Not after every reconnect: a Redis that was only out of reach still has them, and with many gateways coming back together that would keep it from answering. */
static void load_scripts(struct bo_redis_store *store) {
    store->scripts_loaded = true;
    for (const struct bo_embedded *s = bo_lua_scripts; s->name; s++)
        redisAsyncCommand(store->link.context, NULL, NULL, "SCRIPT LOAD %b", s->data, s->length);
}

static void learn_server(redisAsyncContext *context, void *r, void *arg) {
    (void)context;
    const redisReply *reply = r;
    struct bo_redis_store *store = arg;
    struct bo_redis_server server;
    if (!reply) return;
    bool told = reply->type == REDIS_REPLY_STRING && bo_redis_server_read(reply->str, &server);
    if (!told || !server.is_primary) {
        if (told) bo_log_warn("redis at %s is a replica; connecting again until a primary answers", store->link.address);
        store->link.retry_ms = NOT_YET_RETRY_MS;
        bo_redis_link_drop(&store->link);
        return;
    }
    bool other = store->server.identity[0] && strcmp(store->server.identity, server.identity) != 0;
    store->server = server;
    if (other || !store->scripts_loaded) load_scripts(store);
    store->known = true;
    if (other && store->on_other_server) store->on_other_server(store->arg);
}

static void on_down(void *arg) { ((struct bo_redis_store *)arg)->known = false; }

static void on_up(void *arg) {
    struct bo_redis_store *store = arg;
    redisAsyncCommand(store->link.context, learn_server, store, "INFO");
}

struct bo_redis_store *bo_redis_store_open(uv_loop_t *loop, const char *address, int64_t timeout_ms, void (*on_other_server)(void *arg), void *arg) {
    struct bo_redis_store *store = bo_alloc(sizeof(*store));
    store->pending.next = store->pending.prev = &store->pending;
    store->link = (struct bo_redis_link){.loop = loop,
                                         .address = bo_strdup(address),
                                         .timeout_ms = timeout_ms,
                                         .oldest_us = oldest_us,
                                         .on_up = on_up,
                                         .on_down = on_down,
                                         .arg = store};
    store->on_other_server = on_other_server;
    store->arg = arg;
    bo_redis_link_start(&store->link);
    return store;
}

struct bo_store bo_redis_store_port(struct bo_redis_store *store) { return (struct bo_store){run, store}; }

void bo_redis_store_flush(struct bo_redis_store *store) {
    if (store && store->link.up) redisAsyncHandleWrite(store->link.context);
}

bool bo_redis_store_is_up(const struct bo_redis_store *store) { return store && store->link.up && store->known; }

const char *bo_redis_store_server(const struct bo_redis_store *store) { return store ? store->server.identity : ""; }

int64_t bo_redis_store_since_us(const struct bo_redis_store *store) { return bo_redis_store_is_up(store) ? store->link.up_us : 0; }

void bo_redis_store_reconnect(struct bo_redis_store *store) {
    if (store) bo_redis_link_drop(&store->link);
}

void bo_redis_store_close(struct bo_redis_store *store) {
    if (!store) return;
    store->closed = true;
    bo_redis_link_stop(&store->link);
    free(store);
}
