/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/feed.h"

#include "base/memory.h"
#include "redis/link.h"
#include "redis/server.h"
#include "redis/store.h"

#include <stdlib.h>
#include <string.h>

#define FEED_KEY 10

struct bo_redis_feed {
    struct bo_redis_link link;
    struct bo_redis_feed_events events;
    char **sales;
    size_t count;
    bool known; /* which server it is */
    struct bo_redis_server server;
};

/* "bo:{sale}:feed" */
static void on_push(redisAsyncContext *context, void *r, void *arg) {
    (void)context;
    struct bo_redis_feed *feed = arg;
    const redisReply *reply = r;
    if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 || !reply->element[0]->str) return;
    if (strcmp(reply->element[0]->str, "message") != 0 || !reply->element[2]->str) return;
    char sale[128];
    const char *from = strchr(reply->element[1]->str, '{');
    const char *to = from ? strrchr(from, '}') : NULL;
    if (!to || (size_t)(to - from) > sizeof(sale)) return;
    memcpy(sale, from + 1, (size_t)(to - from) - 1);
    sale[to - from - 1] = '\0';
    feed->events.on_message(feed->events.arg, sale, reply->element[2]->str);
}

static void subscribe(struct bo_redis_feed *feed, const char *sale) {
    char channel[128];
    bo_redis_key(sale, FEED_KEY, channel);
    if (feed->link.up && feed->known) redisAsyncCommand(feed->link.context, on_push, feed, "SUBSCRIBE %s", channel);
}

/* Nothing is heard before the server is known: what one says that is no primary any more must not be taken for the sale's. */
static void learn_server(redisAsyncContext *context, void *r, void *arg) {
    (void)context;
    const redisReply *reply = r;
    struct bo_redis_feed *feed = arg;
    if (!reply) return;
    feed->known = reply->type == REDIS_REPLY_STRING && bo_redis_server_read(reply->str, &feed->server) && feed->server.is_primary;
    if (!feed->known) {
        bo_redis_link_drop(&feed->link);
        return;
    }
    for (size_t i = 0; i < feed->count; i++) subscribe(feed, feed->sales[i]);
    feed->events.on_gap(feed->events.arg);
}

static void on_up(void *arg) {
    struct bo_redis_feed *feed = arg;
    redisAsyncCommand(feed->link.context, learn_server, feed, "INFO");
}

static void on_down(void *arg) { ((struct bo_redis_feed *)arg)->known = false; }

struct bo_redis_feed *bo_redis_feed_open(uv_loop_t *loop, const char *address, int64_t timeout_ms,
                                         struct bo_redis_feed_events events) {
    struct bo_redis_feed *feed = bo_alloc(sizeof(*feed));
    feed->events = events;
    feed->link = (struct bo_redis_link){
        .loop = loop, .address = bo_strdup(address), .timeout_ms = timeout_ms, .on_up = on_up, .on_down = on_down, .arg = feed};
    bo_redis_link_start(&feed->link);
    return feed;
}

void bo_redis_feed_add(struct bo_redis_feed *feed, const char *sale) {
    feed->sales = bo_realloc(feed->sales, (feed->count + 1) * sizeof(*feed->sales));
    feed->sales[feed->count++] = bo_strdup(sale);
    subscribe(feed, sale);
}

const char *bo_redis_feed_server(const struct bo_redis_feed *feed) { return feed->known ? feed->server.identity : ""; }

int64_t bo_redis_feed_since_us(const struct bo_redis_feed *feed) { return feed->link.up_us; }

void bo_redis_feed_reconnect(struct bo_redis_feed *feed) { bo_redis_link_drop(&feed->link); }

void bo_redis_feed_close(struct bo_redis_feed *feed) {
    if (!feed) return;
    bo_redis_link_stop(&feed->link);
    for (size_t i = 0; i < feed->count; i++) free(feed->sales[i]);
    free(feed->sales);
    free(feed);
}
