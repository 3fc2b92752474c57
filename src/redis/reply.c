/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/reply.h"

#include "base/memory.h"
#include "redis/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const key_names[BO_REDIS_KEY_COUNT] = {"line",   "active", "state", "people", "seats", "map",
                                                          "absent", "gone",   "orders", "log",   "feed",  "news", "lanes", "stock", "grants"};

int bo_redis_key(const char *sale, int i, char *ret) { return snprintf(ret, 128, "bo:{%s}:%s", sale, key_names[i]); }

const struct bo_embedded *bo_redis_script(const char *name) {
    const struct bo_embedded *s = bo_lua_scripts;
    while (s->name && strcmp(s->name, name) != 0) s++;
    return s->name ? s : NULL;
}

long long bo_redis_command(char **ret, const char *sha1, const char *sale, const struct bo_arg *args, size_t count) {
    size_t argc = 3 + BO_REDIS_KEY_COUNT + count;
    const char **argv = bo_alloc(argc * sizeof(*argv));
    size_t *lengths = bo_alloc(argc * sizeof(*lengths));
    char keys[BO_REDIS_KEY_COUNT][128];
    argv[0] = "EVALSHA";
    argv[1] = sha1;
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

struct bo_value *bo_redis_values(const redisReply *reply) {
    struct bo_value *values = bo_alloc(count_values(reply) * sizeof(*values)), *next = values + 1;
    fill_value(values, reply, &next);
    return values;
}

int bo_redis_error(const redisReply *reply) {
    static const char *const passing[] = {"LOADING", "OOM", "MISCONF", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY"};
    for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
        if (strncmp(reply->str, passing[i], strlen(passing[i])) == 0) return BO_ERR_UNAVAILABLE;
    return BO_ERR_INTERNAL;
}
