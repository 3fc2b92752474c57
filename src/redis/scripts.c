/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/scripts.h"

#include "base/log.h"
#include "base/memory.h"
#include "redis/reply.h"
#include "redis/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define SENT_MAX 64

struct bo_scripts {
    redisContext *context;
    redisReply *reply; /* what values point into */
    struct bo_value *values;
    int sent;
    struct bo_redis_server server;
};

static struct timeval timeval_of(int64_t ms) { return (struct timeval){ms / 1000, (ms % 1000) * 1000}; }

static int learn_server(redisContext *context, const char *address, struct bo_redis_server *ret) {
    redisReply *reply = redisCommand(context, "INFO");
    bool told = reply && reply->type == REDIS_REPLY_STRING && bo_redis_server_read(reply->str, ret);
    if (reply) freeReplyObject(reply);
    if (told && ret->is_primary) return 0;
    bo_log_warn("redis at %s %s", address, told ? "is a replica" : "does not say which server it is; it may still load its data");
    return BO_ERR_UNAVAILABLE;
}

int bo_scripts_open(const char *address, int64_t timeout_ms, struct bo_scripts **ret) {
    struct timeval timeout = timeval_of(timeout_ms);
    redisContext *context;
    if (strncmp(address, "unix:", 5) == 0) {
        context = redisConnectUnixWithTimeout(address + 5, timeout);
    } else {
        char host[256];
        const char *colon = strrchr(address, ':');
        snprintf(host, sizeof(host), "%.*s", colon ? (int)(colon - address) : (int)strlen(address), address);
        context = redisConnectWithTimeout(host, colon ? atoi(colon + 1) : 6379, timeout);
    }
    if (!context || context->err || redisSetTimeout(context, timeout) != REDIS_OK) {
        bo_log_warn("redis at %s: %s", address, context ? context->errstr : "out of memory");
        redisFree(context);
        return BO_ERR_UNAVAILABLE;
    }
    struct bo_redis_server server;
    if (learn_server(context, address, &server) != 0) {
        redisFree(context);
        return BO_ERR_UNAVAILABLE;
    }
    struct bo_scripts *scripts = bo_alloc(sizeof(*scripts));
    scripts->context = context;
    scripts->server = server;
    *ret = scripts;
    return 0;
}

const char *bo_scripts_server(const struct bo_scripts *scripts) { return scripts->server.identity; }

static void forget(struct bo_scripts *scripts) {
    if (scripts->reply) freeReplyObject(scripts->reply);
    free(scripts->values);
    scripts->reply = NULL;
    scripts->values = NULL;
}

void bo_scripts_close(struct bo_scripts *scripts) {
    if (!scripts) return;
    forget(scripts);
    redisFree(scripts->context);
    free(scripts);
}

redisContext *bo_scripts_context(struct bo_scripts *scripts) { return scripts->context; }

static int append(struct bo_scripts *scripts, const struct bo_embedded *script, const char *sale, const struct bo_arg *args, size_t count) {
    char *command;
    long long length = bo_redis_command(&command, script->sha1, sale, args, count);
    if (length < 0) return BO_ERR_UNAVAILABLE;
    int status = redisAppendFormattedCommand(scripts->context, command, (size_t)length);
    redisFreeCommand(command);
    return status == REDIS_OK ? 0 : BO_ERR_UNAVAILABLE;
}

/* The next answer; NULL with a problem of the connection. */
static redisReply *receive(struct bo_scripts *scripts) {
    void *reply = NULL;
    if (redisGetReply(scripts->context, &reply) == REDIS_OK) return reply;
    bo_log_warn("redis: %s", scripts->context->errstr);
    return NULL;
}

static int judge(const struct bo_embedded *script, const redisReply *reply) {
    if (reply->type == REDIS_REPLY_ERROR) {
        bo_log_error("redis script %s: %s", script ? script->name : "", reply->str);
        return bo_redis_error(reply);
    }
    const redisReply *code = reply->type == REDIS_REPLY_ARRAY && reply->elements ? reply->element[0] : NULL;
    return code && code->type == REDIS_REPLY_STRING ? bo_error_from_name(code->str) : 0;
}

int bo_scripts_run(struct bo_scripts *scripts, const char *name, const char *sale, const struct bo_arg *args, size_t count, const struct bo_value **ret) {
    const struct bo_embedded *script = bo_redis_script(name);
    int err = script ? bo_scripts_wait(scripts) : BO_ERR_INTERNAL;
    forget(scripts);
    if (!err) err = append(scripts, script, sale, args, count);
    if (!err) scripts->reply = receive(scripts);
    if (!err && scripts->reply && scripts->reply->type == REDIS_REPLY_ERROR && strncmp(scripts->reply->str, "NOSCRIPT", 8) == 0) {
        freeReplyObject(scripts->reply);
        scripts->reply = redisCommand(scripts->context, "SCRIPT LOAD %b", script->data, script->length);
        if (scripts->reply) freeReplyObject(scripts->reply);
        scripts->reply = NULL;
        err = append(scripts, script, sale, args, count);
        if (!err) scripts->reply = receive(scripts);
    }
    if (!err && !scripts->reply) err = BO_ERR_UNAVAILABLE;
    if (err) return err;
    scripts->values = bo_redis_values(scripts->reply);
    if (ret) *ret = scripts->values;
    return judge(script, scripts->reply);
}

static int take_one(struct bo_scripts *scripts) {
    redisReply *reply = receive(scripts);
    scripts->sent--;
    int err = reply ? judge(NULL, reply) : BO_ERR_UNAVAILABLE;
    if (reply) freeReplyObject(reply);
    return err;
}

int bo_scripts_send(struct bo_scripts *scripts, const char *name, const char *sale, const struct bo_arg *args, size_t count) {
    const struct bo_embedded *script = bo_redis_script(name);
    int err = script ? append(scripts, script, sale, args, count) : BO_ERR_INTERNAL;
    if (err) return err;
    scripts->sent++;
    return scripts->sent < SENT_MAX ? 0 : take_one(scripts);
}

int bo_scripts_wait(struct bo_scripts *scripts) {
    int err = 0;
    while (scripts->sent > 0) {
        int one = take_one(scripts);
        if (!err) err = one;
    }
    return err;
}
