/* SPDX-License-Identifier: Apache-2.0
 * How far admission should slow down, by what one gateway sees of the services behind it and of its own pace (rule A8). Synchronous and in
 * memory: every answer is counted at once, and the next tick says what follows from it.
 *
 * Over the last ten seconds: up to 5 % failures, or up to the set mean latency, nothing happens; from there the allowed
 * share of the policy falls in a straight line to a tenth at 50 % failures, or at four times the latency. It never falls to
 * nothing, so that it is noticed when things are well again. */
#ifndef BO_LINE_BRAKE_H
#define BO_LINE_BRAKE_H

#include "boxoffice/types.h"

#include <stdbool.h>

#define BO_BRAKE_SECONDS 10

enum bo_brake_source { BO_BRAKE_PAYMENTS, BO_BRAKE_REDIS, BO_BRAKE_TELLING, BO_BRAKE_SOURCES };

struct bo_brake {
    struct bo_brake_second {
        int64_t second; /* of the steady clock */
        int64_t calls, failures, took_ms;
    } seconds[BO_BRAKE_SOURCES][BO_BRAKE_SECONDS];
};

/* count calls were answered, or failed; together they took took_ms. now: of a clock that does not jump. Of telling, a call is a person
 * and took_ms the time from his admission until he was told. */
void bo_brake_note(struct bo_brake *brake, enum bo_brake_source source, bo_ms now, int64_t count, int64_t failures, int64_t took_ms);

#define BO_BRAKE_SOME 0.05 /* shares of failures */
#define BO_BRAKE_MANY 0.5

/* The largest share of failures over the last ten seconds; 0 where there were fewer than ten calls. *ret_why as of bo_brake_percent. */
double bo_brake_failing(const struct bo_brake *brake, bo_ms now, const char **ret_why);

/* 10 to 100 percent; *ret_why, static storage, says the reason: "payment_errors", "payment_latency", "redis_errors",
 * "redis_latency", "telling_latency", or "" at 100. latency_ms: the mean up to which all is well, per source; 0: latency does not count. */
int bo_brake_percent(const struct bo_brake *brake, bo_ms now, const int64_t latency_ms[BO_BRAKE_SOURCES], const char **ret_why);

#endif
