/* SPDX-License-Identifier: Apache-2.0
 * A crowd of simulated people: several processes with one epoll loop each; what everyone lived through is kept in memory
 * they share, and checked afterwards. */
#ifndef BO_BENCH_CROWD_H
#define BO_BENCH_CROWD_H

#include "base/wheel.h"

#include <stdbool.h>
#include <stdint.h>

#define CROWD_HISTOGRAM 1024 /* of latencies; see crowd_histogram_add */
#define CROWD_SEATS_EACH 3

enum crowd_fate { /* how it ended for somebody; the first is no end */
    CROWD_NONE,
    CROWD_BOUGHT,
    CROWD_SOLD_OUT,
    CROWD_ENDED,
    CROWD_LEFT,     /* on purpose */
    CROWD_EXPIRED,
    CROWD_DECLINED,
    CROWD_VANISHED, /* never came back, on purpose */
    CROWD_FATES
};

struct crowd_person { /* in shared memory */
    char id[28];
    char order[28];
    int64_t number;
    int64_t join_sent_us, joined_us; /* steady clock */
    int64_t admitted_ms;             /* wall clock */
    int64_t shown;
    int64_t heard_ms;                /* steady clock: last news of his position; 0: none on this connection */
    int64_t estimated_ms;            /* wall clock: when he was first told how long it takes */
    int32_t estimate_low, estimate_high; /* seconds */
    uint32_t seats[CROWD_SEATS_EACH]; /* of the tickets told */
    uint8_t seat_count, fate;
    bool disconnected; /* at least once while waiting */
    bool admitted;     /* by the ledger */
    char last_heard[16];
};

struct crowd_shared {
    _Atomic int64_t places_lost, connected, placed /* connected and told where they stand */, joined, admitted, ended, position_increases, limit_violations,
        errors, conflicts, holds, releases, bought, orders, frames, longest_silence_ms, estimates, estimates_right;
    _Atomic int64_t first_us, last_us; /* steady clock: the first connect and the last time somebody was placed */
    _Atomic int64_t hold_us[CROWD_HISTOGRAM];
    _Atomic int64_t steady_until_ms; /* wall clock: admissions up to then are counted as steady, and their estimates checked; 0: all */
    _Atomic int64_t first_admitted_us, last_admitted_us;
    _Atomic bool stop, go; /* go: those who leave, break and vanish may */
    struct crowd_person people[];
};

struct crowd_options {
    const char *host, *sale, *postgres, *pay_url, *status, *history;
    const struct crowd_dialect *dialect;
    int port, people, processes, supervisor, seed, limit_s, ramp_ms, look /* per thousand who ask for the map */, spread_ms, poll_ms, rate,
        rate_ms, capacity /* capacity -1, rate 0: not checked */, hot /* everyone wants one of the first so many seats; 0: any */,
        pace; /* commands per second of the whole crowd; 0: as fast as they are answered */
    bool wait, hold_go; /* only stand in line; leave and break only after SIGUSR1 */
    double restless;    /* factor on how many leave, break, vanish */
    bool visit;       /* act like visitors of the demo: slowly, forever patient, no checks */
    char **guids;     /* of the plan, by index */
    int *by_guid;     /* indexes, sorted by guid */
    int seat_count;
    double think;     /* factor on think times */
};

void crowd_histogram_add(_Atomic int64_t *histogram, int64_t us);
double crowd_histogram_ms(_Atomic int64_t *histogram, double quantile);

/* One process: people from to to. Ends when all have an end, or shared->stop. */
void crowd_run(const struct crowd_options *options, struct crowd_shared *shared, int process, int from, int to);

/* Fetches and reads the plan; exits with a message when it cannot. */
void crowd_load_plan(struct crowd_options *options);
void crowd_make_plan(struct crowd_options *options); /* of 50,000 seats, as bench/lab.py makes one */
void crowd_free_plan(struct crowd_options *options);
int crowd_seat_index(const struct crowd_options *options, const char *guid); /* -1: none */
/* One HTTP request on a connection of its own, blocking for two seconds at most. Returns the status, 0 on failure; *body (may be NULL) is
 * to be freed. */
int crowd_http(const char *host, int port, const char *method, const char *path, char **body);

struct crowd_dialect;

struct crowd_verdict {
    int64_t joined, admitted, bought, oversold, order_violations, limit_violations, double_tickets, lost_people, lost_orders, untold_orders,
        tickets_told, tickets_kept, seats_free, rate_overruns, capacity_overruns, untold_people,
        taken_back /* admissions that nobody was there to be told of, or that were told too late */;
    double joins_per_s, admissions_per_s /* in the steady time */, admit_to_told_p99_ms /* of the steady time */, admit_to_told_p99_ms_all;
};
/* Compares with what PostgreSQL has. */
int crowd_check(const struct crowd_options *options, struct crowd_shared *shared, struct crowd_verdict *ret);

/* Sum of the private memory of the gateways under this supervisor, in bytes. */
int64_t crowd_gateway_memory(int supervisor);

#endif
