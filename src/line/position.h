/* SPDX-License-Identifier: Apache-2.0
 * Everybody's position by arithmetic (rule L5): what the store tells once per tick about the whole line is enough to
 * work out any person's place from his number, without asking for him. Exact for the first 1,024 in line; behind
 * them exact up to who left within the two buckets (of 1,024 numbers) that the span only partly covers, where the
 * departures are taken as evenly spread. */
#ifndef BO_LINE_POSITION_H
#define BO_LINE_POSITION_H

#include <stddef.h>
#include <stdint.h>

#define BO_LINE_BUCKET 1024

struct bo_line_view {
    int64_t *front; /* the numbers of the first people in line, rising */
    size_t front_count;
    struct bo_gone {
        int64_t bucket; /* number / BO_LINE_BUCKET */
        int64_t before; /* how many left in all smaller buckets */
        int64_t here;
    } * gone; /* rising by bucket */
    size_t gone_count;
};

/* Takes over a fresh state: front as count numbers, gone as pairs of bucket and departures in any order. Copies. */
void bo_line_view_set(struct bo_line_view *view, const int64_t *front, size_t front_count, const int64_t *gone,
                      size_t gone_pairs);

/* 1 for whoever is next. For a number that is not in line: the place it would have. */
int64_t bo_line_view_position(const struct bo_line_view *view, int64_t number);

void bo_line_view_free(struct bo_line_view *view);

#endif
