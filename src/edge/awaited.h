/* SPDX-License-Identifier: Apache-2.0
 * A request that is answered once its record is committed (rule O3), or told that it could not be booked or takes too long. */
#ifndef BO_EDGE_AWAITED_H
#define BO_EDGE_AWAITED_H

#include "edge/room.h"

struct bo_awaited { /* first member of the caller's object, which must stay until cb */
    struct bo_commit_waiter waiter;
    struct bo_room *room;
    uv_timer_t *timer;
    void (*cb)(struct bo_awaited *awaited, int err);
};

/* cb is called once, maybe before it returns: with 0 when the record of that number is in the tables; BO_ERR_NOT_BOOKED when PostgreSQL refused
 * it and it is put aside; BO_ERR_UNAVAILABLE when the log it was in is lost, or after 8 s. */
void bo_await_commit(struct bo_room *room, struct bo_awaited *awaited, int64_t seq, void (*cb)(struct bo_awaited *awaited, int err));

#endif
