/* SPDX-License-Identifier: Apache-2.0
 * Clients that may only be answered once their record is safe in PostgreSQL (rule O3): one commit of the scribe releases every waiter at or
 * below it. A record that PostgreSQL refused is put aside while the log goes on, so a waiter is told what became of its own record. The waiter
 * sits in the caller's object. */
#ifndef BO_ORDER_COMMIT_H
#define BO_ORDER_COMMIT_H

#include "base/heap.h"

#include <boxoffice/error.h>
#include <stdbool.h>

#define BO_COMMITS_ASIDE_MAX 100 /* ranges of records put aside that are known */

struct bo_commit_waiter {
    struct bo_heap_node node; /* key: the log number */
    /* err: 0 in the tables; BO_ERR_NOT_BOOKED put aside; BO_ERR_UNAVAILABLE the log it was in is lost */
    void (*cb)(struct bo_commit_waiter *waiter, int err);
};

struct bo_commits {
    struct bo_heap waiting;
    int64_t committed;
    int64_t aside[BO_COMMITS_ASIDE_MAX * 2]; /* ranges of log numbers, first and last of each */
    size_t aside_count;                      /* numbers in it */
};

/* Calls cb at once, or when seq is committed; the waiter must stay until then or until bo_commits_forget. */
void bo_commits_await(struct bo_commits *commits, struct bo_commit_waiter *waiter, int64_t seq, void (*cb)(struct bo_commit_waiter *, int err));
void bo_commits_forget(struct bo_commits *commits, struct bo_commit_waiter *waiter);
/* The log is committed up to this number but for those put aside: ranges {first, last, …}. A message that is older than the last one changes
 * nothing. */
void bo_commits_reached(struct bo_commits *commits, int64_t committed, const int64_t *aside, size_t aside_count);
/* The log they wait for is lost, and its numbers are given to other records: every waiter is called with BO_ERR_UNAVAILABLE. */
void bo_commits_lost(struct bo_commits *commits);
void bo_commits_free(struct bo_commits *commits);

#endif
