/* SPDX-License-Identifier: Apache-2.0
 * Sizing help (rule A9): people per minute = calls per minute that the downstream takes / calls one person makes. The rest follows by
 * Little's law (people inside = people per minute * minutes inside) and from what was measured per person (docs/benchmarks.md). */
#include "base/text.h"
#include "command/command.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define GATEWAY_BYTES 2000   /* of a gateway's memory per person in line */
#define KERNEL_BYTES 5000    /* of kernel memory per connection */
#define REDIS_BYTES 160      /* of Redis' memory per person in line */
#define FILES_KEPT 300       /* of a gateway's files, for other things than people */

struct question {
    int64_t calls_per_minute, calls_per_person, people, seats, tickets, inside_s, files;
};

static void print_answer(const struct question *q, double per_minute, FILE *out) {
    fprintf(out, "%.0f people per minute (%lld calls per minute / %lld calls per person) = %.0f per 10 s\n", per_minute, (long long)q->calls_per_minute,
            (long long)q->calls_per_person, floor(per_minute / 6));
    fprintf(out, "inside at the same time, when each stays %lld s: %.0f\n", (long long)q->inside_s, ceil(per_minute * (double)q->inside_s / 60));
    if (q->people) {
        double all = (double)q->people, served = all;
        if (q->seats && (double)q->seats / (double)q->tickets < all) served = (double)q->seats / (double)q->tickets;
        fprintf(out, "a line of %lld people moves up to the last one in %.0f min", (long long)q->people, ceil(all / per_minute));
        if (q->seats) fprintf(out, "; %lld tickets, %lld each, are sold after %.0f min", (long long)q->seats, (long long)q->tickets, ceil(served / per_minute));
        fprintf(out, "\n%lld people connected at once: %.0f gateways with %lld files each, %.1f GB of memory for gateways, %.1f GB of kernel memory, %.2f GB in Redis\n",
                (long long)q->people, ceil(all / (double)(q->files - FILES_KEPT)), (long long)q->files, all * GATEWAY_BYTES / 1e9, all * KERNEL_BYTES / 1e9,
                all * REDIS_BYTES / 1e9);
    }
}

static int64_t number(int *argc, char **argv, const char *name, int64_t def, int64_t min, bool *bad) {
    const char *text = bo_option(argc, argv, name);
    int64_t value = def;
    if (text && !bo_text_to_number(text, min, 1000000000000, &value)) *bad = true;
    return value;
}

int bo_command_size(int argc, char **argv) {
    bool bad = false;
    struct question q = {.calls_per_minute = number(&argc, argv, "--calls-per-minute", 0, 1, &bad),
                         .calls_per_person = number(&argc, argv, "--calls-per-person", 8, 1, &bad),
                         .people = number(&argc, argv, "--people", 0, 1, &bad),
                         .seats = number(&argc, argv, "--seats", 0, 1, &bad),
                         .tickets = number(&argc, argv, "--tickets-per-person", 2, 1, &bad),
                         .inside_s = number(&argc, argv, "--inside", 300, 1, &bad),
                         .files = number(&argc, argv, "--files", 20000, FILES_KEPT + 1, &bad)};
    if (bad || !q.calls_per_minute) argc = 0; /* nothing is right then */
    if (bo_option_end(argc, argv, 0, "size --calls-per-minute N [--calls-per-person 8] [--people N] [--seats N] [--tickets-per-person 2]\n"
                                     "            [--inside SECONDS (300)] [--files PER_PROCESS (20000)]\n"
                                     "Says how many people per minute a downstream bears, and prints the settings for it; with --people, what such a line needs."))
        return 2;
    double per_minute = (double)q.calls_per_minute / (double)q.calls_per_person;
    print_answer(&q, per_minute, stdout);
    int64_t rate = (int64_t)floor(per_minute / 6), rate_ms = 10000;
    if (rate < 1) { /* less than one person per 10 s */
        rate = 1;
        rate_ms = (int64_t)ceil(60000 / per_minute);
    }
    json_t *settings = json_pack("{s:s, s:I, s:I, s:I}", "policy", "both", "rate_count", (json_int_t)rate, "rate_ms", (json_int_t)rate_ms, "capacity",
                                 (json_int_t)ceil(per_minute * (double)q.inside_s / 60));
    char *text = json_dumps(settings, JSON_COMPACT);
    puts(text ? text : "");
    free(text);
    json_decref(settings);
    return 0;
}
