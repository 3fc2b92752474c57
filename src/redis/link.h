/* SPDX-License-Identifier: Apache-2.0
 * One connection to Redis on the libuv loop, made anew whenever it is lost. Inside src/redis only. hiredis brings no
 * timeouts and its own libuv adapter can swallow a refused connection, so this is ours: everything that waits on a
 * lost connection gets its callback with a NULL reply. */
#ifndef BO_REDIS_LINK_H
#define BO_REDIS_LINK_H

#include <hiredis/async.h>
#include <stdbool.h>
#include <uv.h>

struct bo_redis_link {
    uv_loop_t *loop;
    char *address; /* host:port or unix:/path */
    int64_t timeout_ms;
    redisAsyncContext *context; /* NULL while not connected or connecting */
    bool up;
    int64_t since_us;     /* start of the attempt to connect */
    int64_t up_us;        /* since when there is a connection */
    int64_t retry_ms;
    int64_t checked_us;    /* the last look at whether Redis answers */
    uv_timer_t *timer;
    int64_t (*oldest_us)(void *arg); /* when the oldest unanswered command was sent; 0: none */
    void (*on_up)(void *arg);
    void (*on_down)(void *arg);
    void *arg;
};

void bo_redis_link_start(struct bo_redis_link *link); /* fields from loop to timeout_ms and the callbacks are set */
void bo_redis_link_drop(struct bo_redis_link *link);  /* gives the connection up; a new one is tried */
void bo_redis_link_stop(struct bo_redis_link *link);  /* for good; pending commands fail before it returns */

#endif
