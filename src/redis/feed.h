/* SPDX-License-Identifier: Apache-2.0
 * Hears what the scripts publish. A second connection, since one that subscribes can do nothing else. After a lost
 * connection everything is subscribed anew and on_gap says that messages may have been missed. */
#ifndef BO_REDIS_FEED_H
#define BO_REDIS_FEED_H

#include "boxoffice/error.h"

#include <uv.h>

struct bo_redis_feed;

struct bo_redis_feed_events {
    void (*on_message)(void *arg, const char *sale, char *text); /* lines of words, see lua/lib/sale.lua; may be cut up in place */
    void (*on_gap)(void *arg);
    void *arg;
};

struct bo_redis_feed *bo_redis_feed_open(uv_loop_t *loop, const char *address, int64_t timeout_ms,
                                         struct bo_redis_feed_events events);
void bo_redis_feed_add(struct bo_redis_feed *feed, const char *sale);
/* Identity of the server it hears (redis/server.h); "" while that is not known. */
const char *bo_redis_feed_server(const struct bo_redis_feed *feed);
int64_t bo_redis_feed_since_us(const struct bo_redis_feed *feed); /* when it connected */
void bo_redis_feed_reconnect(struct bo_redis_feed *feed);          /* the address may mean another server by now */
void bo_redis_feed_close(struct bo_redis_feed *feed);

#endif
