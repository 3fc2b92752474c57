/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/awaited.h"

#include "loop/loop.h"

#define WAIT_MS 8000

static void finish(struct bo_awaited *awaited, int err) {
    bo_loop_timer_free(awaited->timer);
    awaited->timer = NULL;
    awaited->cb(awaited, err);
}

static void committed(struct bo_commit_waiter *waiter, int err) { finish((struct bo_awaited *)waiter, err); }

static void overdue(uv_timer_t *timer) {
    struct bo_awaited *awaited = timer->data;
    bo_commits_forget(&awaited->room->commits, &awaited->waiter);
    finish(awaited, BO_ERR_UNAVAILABLE);
}

void bo_await_commit(struct bo_room *room, struct bo_awaited *awaited, int64_t seq, void (*cb)(struct bo_awaited *awaited, int err)) {
    awaited->room = room;
    awaited->cb = cb;
    awaited->timer = bo_loop_timer(&room->gateway->loop, WAIT_MS, 0, overdue, awaited);
    bo_commits_await(&room->commits, &awaited->waiter, seq, committed);
}
