/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/store.h"

#include "base/embed.h"
#include "base/log.h"
#include "base/memory.h"
#include "loop/loop.h"
#include "metrics/metrics.h"
#include "redis/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PENDING_MAX 100000

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
    bool closed, scripts_loaded;
};

static const char *const key_names[BO_REDIS_KEY_COUNT] = {"line",   "active", "state", "people", "seats", "map",
                                                          "absent", "gone",   "orders", "log",   "feed",  "news", "lanes", "stock", "grants"};

int bo_redis_key(const char *sale, int i, char *ret) { return snprintf(ret, 128, "bo:{%s}:%s", sale, key_names[i]); }

static size_t count_values(const redisReply *r) {
    size_t n = 1;
    for (size_t i = 0; r->type == REDIS_REPLY_ARRAY && i < r->elements; i++) n += count_values(r->element[i]);
    return n;
}

/* Lays a reply out in one block: *next is where the next list's items go. */
static void fill_value(struct bo_value *v, const redisReply *r, struct bo_value **next) {
    *v = (struct bo_value){.kind = BO_VALUE_NIL};
    if (r->type == REDIS_REPLY_INTEGER) {
        v->kind = BO_VALUE_NUMBER;
        v->number = r->integer;
    } else if (r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS) {
        v->kind = BO_VALUE_TEXT;
        v->text = r->str;
        v->length = (size_t)r->len;
    } else if (r->type == REDIS_REPLY_ARRAY) {
        struct bo_value *items = *next;
        *next += r->elements;
        v->kind = BO_VALUE_LIST;
        v->length = r->elements;
        v->items = items;
        for (size_t i = 0; i < r->elements; i++) fill_value(&items[i], r->element[i], next);
    }
}

static void finish(struct call *c, int err, const struct bo_value *value) {
    c->prev->next = c->next;
    c->next->prev = c->prev;
    c->store->pending_count--;
    bo_metric_add(BO_METRIC_redis_calls, 1);
    bo_metric_add(BO_METRIC_redis_us, bo_loop_steady_us() - c->sent_us);
    if (err == BO_ERR_UNAVAILABLE || err == BO_ERR_INTERNAL) bo_metric_add(BO_METRIC_redis_failures, 1);
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
        bo_log_error("redis script %s: %s", c->script->name, reply->str);
        bool passing = strncmp(reply->str, "LOADING", 7) == 0 || strncmp(reply->str, "OOM", 3) == 0 ||
                       strncmp(reply->str, "MISCONF", 7) == 0 || strncmp(reply->str, "READONLY", 8) == 0;
        finish(c, passing ? BO_ERR_UNAVAILABLE : BO_ERR_INTERNAL, NULL);
        return;
    }
    struct bo_value *values = bo_alloc(count_values(reply) * sizeof(*values)), *next = values + 1;
    fill_value(values, reply, &next);
    const char *code = bo_value_text(values, 0);
    finish(c, bo_error_from_name(code), values);
    free(values);
}

static const struct bo_embedded *find_script(const char *name) {
    const struct bo_embedded *s = bo_lua_scripts;
    while (s->name && strcmp(s->name, name) != 0) s++;
    return s->name ? s : NULL;
}

static long long format_command(char **ret, const struct bo_embedded *script, const char *sale, const struct bo_arg *args,
                                size_t count) {
    size_t argc = 3 + BO_REDIS_KEY_COUNT + count;
    const char **argv = bo_alloc(argc * sizeof(*argv));
    size_t *lengths = bo_alloc(argc * sizeof(*lengths));
    char keys[BO_REDIS_KEY_COUNT][128];
    argv[0] = "EVALSHA";
    argv[1] = script->sha1;
    argv[2] = BO_REDIS_KEY_COUNT_TEXT;
    for (int i = 0; i < BO_REDIS_KEY_COUNT; i++) {
        bo_redis_key(sale, i, keys[i]);
        argv[3 + i] = keys[i];
    }
    for (size_t i = 0; i < 3 + BO_REDIS_KEY_COUNT; i++) lengths[i] = strlen(argv[i]);
    for (size_t i = 0; i < count; i++) {
        argv[3 + BO_REDIS_KEY_COUNT + i] = args[i].text;
        lengths[3 + BO_REDIS_KEY_COUNT + i] = args[i].length;
    }
    long long length = redisFormatCommandArgv(ret, (int)argc, argv, lengths);
    free(argv);
    free(lengths);
    return length;
}

static void run(void *self, const char *name, const char *sale, const struct bo_arg *args, size_t count, bo_store_cb cb,
                void *arg) {
    struct bo_redis_store *store = self;
    const struct bo_embedded *script = store ? find_script(name) : NULL;
    if (!store) {
        cb(arg, BO_ERR_UNAVAILABLE, NULL);
        return;
    }
    if (!script || store->closed || !store->link.up || store->pending_count >= PENDING_MAX) {
        cb(arg, script ? (store->link.up ? BO_ERR_OVERLOADED : BO_ERR_UNAVAILABLE) : BO_ERR_INTERNAL, NULL);
        return;
    }
    struct call *c = bo_alloc(sizeof(*c));
    *c = (struct call){.store = store, .script = script, .sent_us = bo_loop_steady_us(), .cb = cb, .arg = arg};
    c->length = format_command(&c->command, script, sale, args, count);
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

/* Once: a Redis that was only out of reach still has them, and one that was restarted says NOSCRIPT. With many gateways coming back
 * together, loading everything again would be what keeps Redis from answering. */
static void on_up(void *arg) {
    struct bo_redis_store *store = arg;
    if (store->scripts_loaded) return;
    store->scripts_loaded = true;
    for (const struct bo_embedded *s = bo_lua_scripts; s->name; s++)
        redisAsyncCommand(store->link.context, NULL, NULL, "SCRIPT LOAD %b", s->data, s->length);
}

struct bo_redis_store *bo_redis_store_open(uv_loop_t *loop, const char *address, int64_t timeout_ms) {
    struct bo_redis_store *store = bo_alloc(sizeof(*store));
    store->pending.next = store->pending.prev = &store->pending;
    store->link = (struct bo_redis_link){.loop = loop,
                                         .address = bo_strdup(address),
                                         .timeout_ms = timeout_ms,
                                         .oldest_us = oldest_us,
                                         .on_up = on_up,
                                         .arg = store};
    bo_redis_link_start(&store->link);
    return store;
}

struct bo_store bo_redis_store_port(struct bo_redis_store *store) { return (struct bo_store){run, store}; }

void bo_redis_store_flush(struct bo_redis_store *store) {
    if (store && store->link.up) redisAsyncHandleWrite(store->link.context);
}

bool bo_redis_store_is_up(const struct bo_redis_store *store) { return store && store->link.up; }

void bo_redis_store_close(struct bo_redis_store *store) {
    if (!store) return;
    store->closed = true;
    bo_redis_link_stop(&store->link);
    free(store);
}
