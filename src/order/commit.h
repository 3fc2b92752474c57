/* SPDX-License-Identifier: Apache-2.0
 * Who may only be answered once the log is safe in PostgreSQL up to a certain number (rule O3): one commit of the scribe
 * releases everyone at or below it. The waiter sits in the caller's object. */
#ifndef BO_ORDER_COMMIT_H
#define BO_ORDER_COMMIT_H

#include "base/heap.h"

#include <stdbool.h>

struct bo_commit_waiter {
    struct bo_heap_node node; /* key: the log number */
    void (*cb)(struct bo_commit_waiter *waiter, bool committed);
};

struct bo_commits {
    struct bo_heap waiting;
    int64_t committed;
};

/* Calls cb at once, or when seq is committed; the waiter must stay until then or until bo_commits_forget. */
void bo_commits_await(struct bo_commits *commits, struct bo_commit_waiter *waiter, int64_t seq,
                      void (*cb)(struct bo_commit_waiter *, bool committed));
void bo_commits_forget(struct bo_commits *commits, struct bo_commit_waiter *waiter);
void bo_commits_reached(struct bo_commits *commits, int64_t committed);
/* The log they wait for is lost, and its numbers are given to other records: everyone is called with false. */
void bo_commits_lost(struct bo_commits *commits);
void bo_commits_free(struct bo_commits *commits);

#endif
