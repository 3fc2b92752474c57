/* SPDX-License-Identifier: Apache-2.0
 * A binary min-heap of pointers. The node sits in the caller's object; the heap only points to it. */
#ifndef BO_BASE_HEAP_H
#define BO_BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct bo_heap_node {
    int64_t key;
    size_t place; /* 1-based position in the heap; 0: not in one */
};

struct bo_heap {
    struct bo_heap_node **nodes;
    size_t count;
    size_t room;
};

void bo_heap_add(struct bo_heap *heap, struct bo_heap_node *node);    /* node must not be in a heap; O(log n) */
void bo_heap_remove(struct bo_heap *heap, struct bo_heap_node *node); /* nothing happens if it is in none; O(log n) */
struct bo_heap_node *bo_heap_first(const struct bo_heap *heap);       /* the smallest key, NULL when empty */
void bo_heap_free(struct bo_heap *heap);                              /* the heap's own memory only */

#endif
