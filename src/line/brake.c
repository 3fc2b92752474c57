/* SPDX-License-Identifier: Apache-2.0 */
#include "line/brake.h"

#define CALLS_MIN 10 /* fewer say nothing */
#define LEAST 10

void bo_brake_note(struct bo_brake *brake, enum bo_brake_source source, bo_ms now, int64_t count, int64_t failures, int64_t took_ms) {
    int64_t second = now / 1000;
    struct bo_brake_second *s = &brake->seconds[source][second % BO_BRAKE_SECONDS];
    if (s->second != second) *s = (struct bo_brake_second){.second = second};
    s->calls += count;
    s->failures += failures;
    s->took_ms += took_ms;
}

/* 100 up to from, LEAST from to on, a straight line between. */
static int slope(double value, double from, double to) {
    if (value <= from) return 100;
    if (value >= to) return LEAST;
    return (int)(100 - (100 - LEAST) * (value - from) / (to - from));
}

static const char *const errors[] = {"payment_errors", "redis_errors", "telling_errors"}, *const latency[] = {"payment_latency", "redis_latency", "telling_latency"};

static struct bo_brake_second sum_of(const struct bo_brake *brake, int source, bo_ms now) {
    struct bo_brake_second sum = {0};
    for (int i = 0; i < BO_BRAKE_SECONDS; i++) {
        const struct bo_brake_second *s = &brake->seconds[source][i];
        if (s->second <= now / 1000 - BO_BRAKE_SECONDS) continue;
        sum.calls += s->calls;
        sum.failures += s->failures;
        sum.took_ms += s->took_ms;
    }
    return sum;
}

double bo_brake_failing(const struct bo_brake *brake, bo_ms now, const char **ret_why) {
    double most = 0;
    *ret_why = "";
    for (int source = 0; source < BO_BRAKE_SOURCES; source++) {
        struct bo_brake_second sum = sum_of(brake, source, now);
        if (sum.calls < CALLS_MIN || (double)sum.failures <= most * (double)sum.calls) continue;
        most = (double)sum.failures / (double)sum.calls;
        *ret_why = errors[source];
    }
    return most;
}

int bo_brake_percent(const struct bo_brake *brake, bo_ms now, const int64_t latency_ms[BO_BRAKE_SOURCES], const char **ret_why) {
    int percent = 100;
    *ret_why = "";
    for (int source = 0; source < BO_BRAKE_SOURCES; source++) {
        struct bo_brake_second sum = sum_of(brake, source, now);
        if (sum.calls < CALLS_MIN) continue;
        int by_errors = slope((double)sum.failures / (double)sum.calls, BO_BRAKE_SOME, BO_BRAKE_MANY);
        double mean = (double)sum.took_ms / (double)sum.calls, limit = (double)latency_ms[source];
        int by_latency = limit > 0 ? slope(mean, limit, 4 * limit) : 100;
        if (by_errors < percent) {
            percent = by_errors;
            *ret_why = errors[source];
        }
        if (by_latency < percent) {
            percent = by_latency;
            *ret_why = latency[source];
        }
    }
    return percent;
}
