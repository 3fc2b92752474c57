/* SPDX-License-Identifier: Apache-2.0
 * How long it still takes, as a range, from what was measured in the last minute.
 *
 * With a admissions per second from the front and d departures per second spread over a line of n people, somebody at
 * position p moves forward by a + d * p / n per second, so he is at the front after (n / d) * ln(1 + d * p / (n * a)), which
 * for d = 0 is p / a. The range is that time divided and multiplied by 1.1 + 1 / sqrt(admissions seen): a tenth for what changes,
 * and the statistical error of a counted rate. */
#ifndef BO_LINE_ESTIMATE_H
#define BO_LINE_ESTIMATE_H

#include "boxoffice/types.h"

#include <stdbool.h>

#define BO_ESTIMATE_SAMPLES 61

struct bo_estimate {
    struct {
        bo_ms at;
        int64_t admitted, departed;
    } samples[BO_ESTIMATE_SAMPLES]; /* one per second, a ring */
    int count, newest;
    double limit_per_ms; /* what the policy allows at most; 0: no limit by rate */
};

/* Totals since the sale began; more often than once a second changes nothing. */
void bo_estimate_feed(struct bo_estimate *e, bo_ms now, int64_t admitted, int64_t departed);

/* Measures anew: the sale was paused, resumed or set otherwise. */
void bo_estimate_forget(struct bo_estimate *e);

/* Seconds from now, both at least 1; opens_in_ms: until admission begins, 0 when it has. false when nothing is known: nobody was admitted in the last minute and no
 * rate is set. */
bool bo_estimate_range(const struct bo_estimate *e, int64_t position, int64_t waiting, bo_ms opens_in_ms, int64_t *ret_low_s,
                       int64_t *ret_high_s);

#endif
