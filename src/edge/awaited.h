/* SPDX-License-Identifier: Apache-2.0
 * Somebody who is answered once the log of a sale is committed up to a number (rule O3), or told that it takes too long. */
#ifndef BO_EDGE_AWAITED_H
#define BO_EDGE_AWAITED_H

#include "edge/room.h"

struct bo_awaited { /* first member of the caller's object, which must stay until cb */
    struct bo_commit_waiter waiter;
    struct bo_room *room;
    uv_timer_t *timer;
    void (*cb)(struct bo_awaited *awaited, int err);
};

/* cb is called once: with 0, at once or when seq is committed, or with BO_ERR_UNAVAILABLE after 8 s. */
void bo_await_commit(struct bo_room *room, struct bo_awaited *awaited, int64_t seq, void (*cb)(struct bo_awaited *awaited, int err));

#endif
