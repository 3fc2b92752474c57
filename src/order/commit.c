/* SPDX-License-Identifier: Apache-2.0 */
#include "order/commit.h"

void bo_commits_await(struct bo_commits *commits, struct bo_commit_waiter *waiter, int64_t seq,
                      void (*cb)(struct bo_commit_waiter *, bool committed)) {
    waiter->cb = cb;
    waiter->node.key = seq;
    if (seq <= commits->committed)
        cb(waiter, true);
    else
        bo_heap_add(&commits->waiting, &waiter->node);
}

void bo_commits_forget(struct bo_commits *commits, struct bo_commit_waiter *waiter) {
    bo_heap_remove(&commits->waiting, &waiter->node);
}

static void release(struct bo_commits *commits, int64_t up_to, bool committed) {
    struct bo_heap_node *first;
    while ((first = bo_heap_first(&commits->waiting)) && first->key <= up_to) {
        bo_heap_remove(&commits->waiting, first);
        struct bo_commit_waiter *waiter = (struct bo_commit_waiter *)first; /* node is its first member */
        waiter->cb(waiter, committed);
    }
}

void bo_commits_reached(struct bo_commits *commits, int64_t committed) {
    if (committed <= commits->committed) return;
    commits->committed = committed;
    release(commits, committed, true);
}

void bo_commits_lost(struct bo_commits *commits) {
    commits->committed = 0;
    release(commits, INT64_MAX, false);
}

void bo_commits_free(struct bo_commits *commits) { bo_heap_free(&commits->waiting); }
