/* SPDX-License-Identifier: Apache-2.0 */
#include "line/health.h"

const char *bo_health_name(enum bo_health_state state) {
    static const char *const names[] = {"healthy", "caution", "critical"};
    return names[state];
}

static int direction(const struct bo_health *health, enum bo_health_state seen) { return (seen > health->state) - (seen < health->state); }

bool bo_health_look(struct bo_health *health, bo_ms now, enum bo_health_state seen, bo_ms worse_ms, bo_ms better_ms) {
    if (direction(health, seen) != direction(health, health->seen)) health->seen_since = now;
    health->seen = seen;
    bo_ms wait = seen > health->state ? worse_ms : better_ms;
    if (seen == health->state || now - health->seen_since < wait) return false;
    health->state = seen;
    health->since = now;
    return true;
}
