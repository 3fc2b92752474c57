/* SPDX-License-Identifier: Apache-2.0
 * Keeps the turns of a loop apart while work streams in. Each turn finds the caches cold that other processes used meanwhile,
 * so many turns with one event each cost twice what a few with a dozen do; as network cards do it, events are gathered for some
 * milliseconds. When little comes, every event has its turn at once. */
#ifndef BO_LOOP_PACE_H
#define BO_LOOP_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define BO_PACE_STREAM_PER_S 50 /* more than these per second are a stream, until they are less than half as many */

struct bo_pace {
    int64_t noted, noted_before; /* in all, and by the beginning of the window */
    int64_t window_us, turn_us;  /* when the window and the last turn began, steady clock */
    bool stream;
    bool more; /* the turn left work behind: the next one is at once */
};

void bo_pace_note(struct bo_pace *pace); /* one piece of work came */

/* At the end of a turn: how long to rest before the next one, in µs; 0 to turn_ms. now_us: of the steady clock. */
int64_t bo_pace_rest_us(struct bo_pace *pace, int64_t now_us, int64_t turn_ms);

#endif
