/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/pace.h"

#define WINDOW_US 100000

void bo_pace_note(struct bo_pace *pace) { pace->noted++; }

static void look_at_window(struct bo_pace *pace, int64_t now_us) {
    int64_t took = now_us - pace->window_us;
    if (took < WINDOW_US) return;
    int64_t least_per_s = pace->stream ? BO_PACE_STREAM_PER_S / 2 : BO_PACE_STREAM_PER_S;
    pace->stream = (pace->noted - pace->noted_before) * 1000000 > took * least_per_s;
    pace->noted_before = pace->noted;
    pace->window_us = now_us;
}

int64_t bo_pace_rest_us(struct bo_pace *pace, int64_t now_us, int64_t turn_ms) {
    look_at_window(pace, now_us);
    int64_t due = pace->turn_us + turn_ms * 1000, rest = pace->stream && !pace->more && due > now_us ? due - now_us : 0;
    pace->more = false;
    pace->turn_us = now_us + rest;
    return rest;
}
