/* SPDX-License-Identifier: Apache-2.0
 * How a server is (rule X4): healthy, caution or critical. What is seen has to stay so for a while before the state changes: shortly when it is worse, longer when it
 * is better, so that it does not flicker. */
#ifndef BO_LINE_HEALTH_H
#define BO_LINE_HEALTH_H

#include "boxoffice/types.h"

#include <stdbool.h>

enum bo_health_state { BO_HEALTHY, BO_CAUTION, BO_CRITICAL };

struct bo_health { /* zero-initialised: healthy */
    enum bo_health_state state, seen;
    bo_ms since, seen_since; /* of a clock that does not jump */
};

const char *bo_health_name(enum bo_health_state state);

/* What is seen now. True when the state has just changed: something worse than it was seen for worse_ms, or nothing as bad for better_ms; it becomes what was seen
 * last. */
bool bo_health_look(struct bo_health *health, bo_ms now, enum bo_health_state seen, bo_ms worse_ms, bo_ms better_ms);

#endif
