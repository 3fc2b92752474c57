/* SPDX-License-Identifier: Apache-2.0
 * A circuit breaker for one outside service (rule X1): after BO_BREAKER_FAILURES failures in a row nothing is asked for
 * BO_BREAKER_MS; then one call is let through to see, and the others only when it went well. */
#ifndef BO_OUTSIDE_BREAKER_H
#define BO_OUTSIDE_BREAKER_H

#include "boxoffice/types.h"

#include <stdbool.h>

#define BO_BREAKER_FAILURES 5
#define BO_BREAKER_MS 2000

struct bo_breaker { /* zero: closed */
    int failures;
    bo_ms open_until; /* steady clock */
    bool trying;
};

/* May a call be made now? Whoever got true says bo_breaker_note afterwards. */
bool bo_breaker_allows(struct bo_breaker *breaker, bo_ms now);
void bo_breaker_note(struct bo_breaker *breaker, bo_ms now, bool failed);

#endif
