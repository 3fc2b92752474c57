/* SPDX-License-Identifier: Apache-2.0 */
#include "line/position.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void bo_line_view_set(struct bo_line_view *view, const int64_t *front, size_t front_count, const int64_t *segments,
                      size_t segment_count, int64_t handed_out) {
    view->front = bo_realloc(view->front, front_count * sizeof(*front));
    if (front_count) memcpy(view->front, front, front_count * sizeof(*front));
    view->front_count = front_count;
    view->handed_out = handed_out;

    view->segments = bo_realloc(view->segments, segment_count * sizeof(*view->segments));
    view->segment_count = segment_count;
    int64_t before = 0;
    for (size_t i = 0; i < segment_count; i++) {
        view->segments[i] = (struct bo_segment){segments[i * 3], segments[i * 3 + 1], segments[i * 3 + 2], before};
        before += segments[i * 3 + 2];
    }
}

/* How many with a number up to this one wait. */
static int64_t waiting_up_to(const struct bo_line_view *view, int64_t number) {
    size_t low = 0, high = view->segment_count; /* first segment that ends at the number or behind it */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (view->segments[middle].last < number)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == view->segment_count) {
        if (!low) return 0;
        const struct bo_segment *last = &view->segments[low - 1];
        return last->before + last->count + (view->handed_out && number > view->handed_out ? number - view->handed_out : 0);
    }
    const struct bo_segment *s = &view->segments[low];
    if (number < s->first) return s->before;
    return s->before + (int64_t)((double)s->count * (double)(number - s->first + 1) / (double)(s->last - s->first + 1));
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
    int64_t between = waiting_up_to(view, number) - waiting_up_to(view, view->front[view->front_count - 1]);
    return (int64_t)view->front_count + (between < 1 ? 1 : between);
}

int bo_line_is_drawn(int64_t number) {
    int64_t lane = (BO_LINE_LANE / 2 - number) / BO_LINE_LANE;
    return number + lane * BO_LINE_LANE <= 0;
}

void bo_line_view_free(struct bo_line_view *view) {
    free(view->front);
    free(view->segments);
    *view = (struct bo_line_view){0};
}
