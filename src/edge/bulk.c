/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/bulk.h"

#include "base/memory.h"
#include "loop/loop.h"

#include <stdlib.h>

#define PARAMS_MAX 4
#define LOOK_MS 10
#define CONNECT_WITHIN_MS 3000
#define IDLE_MS 30000

struct question { /* that waits for the connection */
    struct question *next;
    const char *sql;
    char *params[PARAMS_MAX];
    int count;
    bo_queue_cb cb;
    void *arg;
};

struct bo_bulk {
    struct bo_gateway *gateway;
    struct bo_queue *queue;
    uv_timer_t *timer;
    struct question *first, **end;
    bo_ms asked; /* last; steady clock */
    size_t under_way;
};

struct bo_bulk *bo_bulk_new(struct bo_gateway *gateway) {
    struct bo_bulk *b = bo_alloc(sizeof(*b));
    b->gateway = gateway;
    b->end = &b->first;
    return b;
}

struct answer {
    struct bo_bulk *bulk;
    bo_queue_cb cb;
    void *arg;
};

static void answered(void *arg, int err, const char *state, const struct bo_rows *rows) {
    struct answer *a = arg;
    a->bulk->under_way--;
    a->cb(a->arg, err, state, rows);
    free(a);
}

static void ask(struct bo_bulk *b, struct question *q) {
    struct answer *a = bo_alloc(sizeof(*a));
    *a = (struct answer){b, q->cb, q->arg};
    b->under_way++;
    bo_queue_run(b->queue, q->sql, (const char *const *)q->params, q->count, answered, a);
    for (int i = 0; i < q->count; i++) free(q->params[i]);
    free(q);
}

static void ask_all(struct bo_bulk *b) {
    struct question *q;
    while ((q = b->first)) {
        b->first = q->next;
        if (!b->first) b->end = &b->first;
        ask(b, q);
    }
}

static void close_connection(struct bo_bulk *b) {
    bo_loop_timer_free(b->timer);
    bo_queue_close(b->queue);
    b->timer = NULL;
    b->queue = NULL;
}

/* Without a connection in time they are answered as unavailable. */
static void look(uv_timer_t *timer) {
    struct bo_bulk *b = timer->data;
    bo_ms quiet = bo_loop_steady_ms() - b->asked;
    if (b->first && (bo_queue_is_up(b->queue) || quiet > CONNECT_WITHIN_MS)) ask_all(b);
    if (!b->first && !b->under_way && quiet > IDLE_MS) close_connection(b);
    else if (!b->first) uv_timer_set_repeat(timer, 1000);
}

void bo_bulk_run(struct bo_bulk *b, const char *sql, const char *const *params, int count, bo_queue_cb cb, void *arg) {
    if (!b) {
        cb(arg, BO_ERR_UNAVAILABLE, "", NULL);
        return;
    }
    struct question *q = bo_alloc(sizeof(*q));
    *q = (struct question){.sql = sql, .count = count, .cb = cb, .arg = arg};
    for (int i = 0; i < count; i++) q->params[i] = params[i] ? bo_strdup(params[i]) : NULL;
    if (!b->queue) b->queue = bo_queue_open(&b->gateway->loop, b->gateway->config.postgres);
    if (!b->timer) b->timer = bo_loop_timer(&b->gateway->loop, LOOK_MS, LOOK_MS, look, b);
    b->asked = bo_loop_steady_ms();
    *b->end = q;
    b->end = &q->next;
    if (bo_queue_is_up(b->queue)) {
        ask_all(b);
    } else {
        uv_timer_set_repeat(b->timer, LOOK_MS);
        uv_timer_again(b->timer);
    }
}

void bo_bulk_free(struct bo_bulk *b) {
    if (!b) return;
    if (b->queue) close_connection(b);
    ask_all(b); /* without a connection: unavailable */
    free(b);
}
