/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include "base/memory.h"

#include <stdlib.h>

static void put(struct bo_heap *heap, size_t place, struct bo_heap_node *node) {
    heap->nodes[place - 1] = node;
    node->place = place;
}

static void sift_up(struct bo_heap *heap, struct bo_heap_node *node) {
    size_t at = node->place;
    while (at > 1 && heap->nodes[at / 2 - 1]->key > node->key) {
        put(heap, at, heap->nodes[at / 2 - 1]);
        at /= 2;
    }
    put(heap, at, node);
}

static void sift_down(struct bo_heap *heap, struct bo_heap_node *node) {
    size_t at = node->place;
    for (;;) {
        size_t child = at * 2;
        if (child > heap->count) break;
        if (child < heap->count && heap->nodes[child]->key < heap->nodes[child - 1]->key) child++;
        if (heap->nodes[child - 1]->key >= node->key) break;
        put(heap, at, heap->nodes[child - 1]);
        at = child;
    }
    put(heap, at, node);
}

void bo_heap_add(struct bo_heap *heap, struct bo_heap_node *node) {
    if (heap->count == heap->room) {
        heap->room = heap->room ? heap->room * 2 : 64;
        heap->nodes = bo_realloc(heap->nodes, heap->room * sizeof(*heap->nodes));
    }
    put(heap, ++heap->count, node);
    sift_up(heap, node);
}

void bo_heap_remove(struct bo_heap *heap, struct bo_heap_node *node) {
    if (!node->place) return;
    size_t place = node->place;
    node->place = 0;
    struct bo_heap_node *last = heap->nodes[--heap->count];
    if (last == node) return;
    put(heap, place, last);
    sift_up(heap, last);
    sift_down(heap, last);
}

struct bo_heap_node *bo_heap_first(const struct bo_heap *heap) { return heap->count ? heap->nodes[0] : NULL; }

void bo_heap_free(struct bo_heap *heap) {
    free(heap->nodes);
    *heap = (struct bo_heap){0};
}
