/* SPDX-License-Identifier: Apache-2.0
 * Everybody's position by arithmetic (rule L5): what the store tells once per second about the whole line is enough to
 * work out any person's place from his number, without asking for him (lua/lib/view.lua). Exact for the first 1,024 in line.
 * Behind them the numbers are cut into segments of which it is known how many wait there; within one they are taken as
 * evenly spread, so the error is at most what deviates from that inside one segment. */
#ifndef BO_LINE_POSITION_H
#define BO_LINE_POSITION_H

#include <stddef.h>
#include <stdint.h>

#define BO_LINE_BUCKET 1024

/* As numbered in lua/lib/line.lua. */
#define BO_LINE_LANE (INT64_C(1) << 42)
#define BO_LINE_LANES 16 /* 0 is everybody's */

struct bo_line_view {
    int64_t *front; /* the numbers of the first people in line, rising */
    size_t front_count;
    struct bo_segment {
        int64_t first, last; /* numbers */
        int64_t count;       /* how many of them wait */
        int64_t before;      /* how many wait in all lower segments */
    } * segments; /* rising, apart from each other */
    size_t segment_count;
    int64_t handed_out; /* the last number of lane 0 it knows of */
};

/* Takes over a fresh state: front as count numbers, segments as triples of first, last and count. Copies. */
void bo_line_view_set(struct bo_line_view *view, const int64_t *front, size_t front_count, const int64_t *segments,
                      size_t segment_count, int64_t handed_out);

/* 1 for whoever is next. For a number that is not in line: the place it would have. */
int64_t bo_line_view_position(const struct bo_line_view *view, int64_t number);

/* Was this number drawn in the lottery? */
int bo_line_is_drawn(int64_t number);

void bo_line_view_free(struct bo_line_view *view);

#endif
