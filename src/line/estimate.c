/* SPDX-License-Identifier: Apache-2.0 */
#include "line/estimate.h"

#include <math.h>

void bo_estimate_feed(struct bo_estimate *e, bo_ms now, int64_t admitted, int64_t departed) {
    if (e->count && now - e->samples[e->newest].at < 1000) return;
    e->newest = (e->newest + 1) % BO_ESTIMATE_SAMPLES;
    if (e->count < BO_ESTIMATE_SAMPLES) e->count++;
    e->samples[e->newest].at = now;
    e->samples[e->newest].admitted = admitted;
    e->samples[e->newest].departed = departed;
}

void bo_estimate_forget(struct bo_estimate *e) { e->count = 0; }

bool bo_estimate_range(const struct bo_estimate *e, int64_t position, int64_t waiting, bo_ms opens_in_ms, int64_t *ret_low_s,
                       int64_t *ret_high_s) {
    double per_ms = 0, departures_per_ms = 0, seen = 0;
    if (e->count > 1) {
        int oldest = (e->newest - e->count + 1 + BO_ESTIMATE_SAMPLES) % BO_ESTIMATE_SAMPLES;
        double span = (double)(e->samples[e->newest].at - e->samples[oldest].at);
        seen = (double)(e->samples[e->newest].admitted - e->samples[oldest].admitted);
        per_ms = seen / span;
        departures_per_ms = fmax(0, (double)(e->samples[e->newest].departed - e->samples[oldest].departed) / span);
    }
    if (per_ms <= 0) {
        per_ms = e->limit_per_ms;
        seen = 1;
    }
    if (per_ms <= 0) return false;
    double per_head = waiting > 0 ? departures_per_ms / (double)waiting : 0;
    double ms = (double)position / per_ms;
    if (per_head > 0) ms = log1p(per_head * ms) / per_head;
    double spread = 1.1 + 1 / sqrt(fmax(seen, 1));
    *ret_low_s = (int64_t)fmax(1, floor(((double)opens_in_ms + ms / spread) / 1000));
    *ret_high_s = (int64_t)fmax(1, ceil(((double)opens_in_ms + ms * spread) / 1000));
    return true;
}
