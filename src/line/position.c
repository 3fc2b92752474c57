/* SPDX-License-Identifier: Apache-2.0 */
#include "line/position.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static int by_bucket(const void *a, const void *b) {
    const struct bo_gone *x = a, *y = b;
    return (x->bucket > y->bucket) - (x->bucket < y->bucket);
}

void bo_line_view_set(struct bo_line_view *view, const int64_t *front, size_t front_count, const int64_t *gone,
                      size_t gone_pairs) {
    view->front = bo_realloc(view->front, front_count * sizeof(*front));
    if (front_count) memcpy(view->front, front, front_count * sizeof(*front));
    view->front_count = front_count;

    view->gone = bo_realloc(view->gone, gone_pairs * sizeof(*view->gone));
    view->gone_count = gone_pairs;
    for (size_t i = 0; i < gone_pairs; i++) view->gone[i] = (struct bo_gone){gone[i * 2], 0, gone[i * 2 + 1]};
    if (gone_pairs) qsort(view->gone, gone_pairs, sizeof(*view->gone), by_bucket);
    for (size_t i = 1; i < gone_pairs; i++) view->gone[i].before = view->gone[i - 1].before + view->gone[i - 1].here;
}

/* How many with a number up to this one have left. */
static int64_t gone_up_to(const struct bo_line_view *view, int64_t number) {
    int64_t bucket = number / BO_LINE_BUCKET;
    size_t low = 0, high = view->gone_count; /* first entry with a bucket not below ours */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (view->gone[middle].bucket < bucket)
            low = middle + 1;
        else
            high = middle;
    }
    int64_t all = view->gone_count ? view->gone[view->gone_count - 1].before + view->gone[view->gone_count - 1].here : 0;
    if (low == view->gone_count) return all;
    int64_t part = view->gone[low].bucket == bucket ? view->gone[low].here * (number % BO_LINE_BUCKET + 1) / BO_LINE_BUCKET : 0;
    return view->gone[low].before + part;
}

static size_t count_below(const int64_t *numbers, size_t count, int64_t number) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (numbers[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int64_t bo_line_view_position(const struct bo_line_view *view, int64_t number) {
    size_t ahead = count_below(view->front, view->front_count, number);
    if (ahead < view->front_count || view->front_count == 0) return (int64_t)ahead + 1;
    int64_t last = view->front[view->front_count - 1];
    int64_t between = number - last - (gone_up_to(view, number) - gone_up_to(view, last));
    return (int64_t)view->front_count + (between < 1 ? 1 : between);
}

void bo_line_view_free(struct bo_line_view *view) {
    free(view->front);
    free(view->gone);
    *view = (struct bo_line_view){0};
}
