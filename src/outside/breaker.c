/* SPDX-License-Identifier: Apache-2.0 */
#include "outside/breaker.h"

bool bo_breaker_allows(struct bo_breaker *breaker, bo_ms now) {
    if (breaker->failures < BO_BREAKER_FAILURES) return true;
    if (now < breaker->open_until || breaker->trying) return false;
    breaker->trying = true;
    return true;
}

void bo_breaker_note(struct bo_breaker *breaker, bo_ms now, bool failed) {
    breaker->trying = false;
    breaker->failures = failed ? breaker->failures + 1 : 0;
    if (breaker->failures >= BO_BREAKER_FAILURES) breaker->open_until = now + BO_BREAKER_MS;
}
