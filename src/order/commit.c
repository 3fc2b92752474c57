/* SPDX-License-Identifier: Apache-2.0 */
#include "order/commit.h"

#include <string.h>

static int outcome(const struct bo_commits *commits, int64_t seq) {
    for (size_t i = 0; i + 1 < commits->aside_count; i += 2)
        if (seq >= commits->aside[i] && seq <= commits->aside[i + 1]) return BO_ERR_NOT_BOOKED;
    return 0;
}

void bo_commits_await(struct bo_commits *commits, struct bo_commit_waiter *waiter, int64_t seq, void (*cb)(struct bo_commit_waiter *, int err)) {
    waiter->cb = cb;
    waiter->node.key = seq;
    if (seq <= commits->committed)
        cb(waiter, outcome(commits, seq));
    else
        bo_heap_add(&commits->waiting, &waiter->node);
}

void bo_commits_forget(struct bo_commits *commits, struct bo_commit_waiter *waiter) {
    bo_heap_remove(&commits->waiting, &waiter->node);
}

static void release(struct bo_commits *commits, int64_t up_to, bool lost) {
    struct bo_heap_node *first;
    while ((first = bo_heap_first(&commits->waiting)) && first->key <= up_to) {
        bo_heap_remove(&commits->waiting, first);
        struct bo_commit_waiter *waiter = (struct bo_commit_waiter *)first; /* node is its first member */
        waiter->cb(waiter, lost ? BO_ERR_UNAVAILABLE : outcome(commits, first->key));
    }
}

void bo_commits_reached(struct bo_commits *commits, int64_t committed, const int64_t *aside, size_t aside_count) {
    if (committed < commits->committed) return;
    commits->aside_count = aside_count < BO_COMMITS_ASIDE_MAX * 2 ? aside_count : BO_COMMITS_ASIDE_MAX * 2;
    if (aside_count) memcpy(commits->aside, aside, commits->aside_count * sizeof(*aside));
    if (committed == commits->committed) return;
    commits->committed = committed;
    release(commits, committed, false);
}

void bo_commits_lost(struct bo_commits *commits) {
    commits->committed = 0;
    commits->aside_count = 0;
    release(commits, INT64_MAX, true);
}

void bo_commits_free(struct bo_commits *commits) { bo_heap_free(&commits->waiting); }
