/* SPDX-License-Identifier: Apache-2.0
 * crowd: sends simulated people to a running boxoffice and checks from the outside that every rule held. */
#include "bench/crowd.h"

#include "base/memory.h"
#include "base/text.h"
#include "loop/loop.h"

#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PEOPLE_PER_PROCESS 15000 /* below the limit on open files, and below the ports one source address has */

/* Log-linear: 32 steps per doubling, so a value is off by 3 % at most. */
void crowd_histogram_add(_Atomic int64_t *histogram, int64_t us) {
    int at = us < 1 ? 0 : (int)(log2((double)us) * 32);
    histogram[at < CROWD_HISTOGRAM ? at : CROWD_HISTOGRAM - 1]++;
}

double crowd_histogram_ms(_Atomic int64_t *histogram, double quantile) {
    int64_t all = 0, seen = 0;
    for (int i = 0; i < CROWD_HISTOGRAM; i++) all += histogram[i];
    for (int i = 0; i < CROWD_HISTOGRAM; i++) {
        seen += histogram[i];
        if (all && (double)seen >= quantile * (double)all) return exp2((i + 1) / 32.0) / 1000;
    }
    return 0;
}

static const char *const fate_names[CROWD_FATES] = {"no end", "bought", "sold out", "ended", "left", "expired", "declined", "vanished"};

static int usage(void) {
    fprintf(stderr, "usage: crowd --people N [--host 127.0.0.1] [--port 8080] [--sale demo] [--postgres CONNINFO] [--supervisor PID]\n"
                    "             [--limit SECONDS] [--ramp MS] [--think FACTOR] [--seed N] [--pay-url URL] [--visit]\n");
    return 2;
}

static int read_number(const char *text, int64_t min, int64_t max, int *ret) {
    int64_t value;
    if (!bo_text_to_number(text, min, max, &value)) return -1;
    *ret = (int)value;
    return 0;
}

static int read_options(int argc, char **argv, struct crowd_options *o) {
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        int err = 0;
        if (strcmp(name, "--visit") == 0) {
            o->visit = true;
            continue;
        }
        if (strcmp(name, "--people") == 0) err = read_number(value, 1, 2000000, &o->people);
        else if (strcmp(name, "--port") == 0) err = read_number(value, 1, 65535, &o->port);
        else if (strcmp(name, "--supervisor") == 0) err = read_number(value, 1, 1 << 30, &o->supervisor);
        else if (strcmp(name, "--limit") == 0) err = read_number(value, 1, 86400, &o->limit_s);
        else if (strcmp(name, "--ramp") == 0) err = read_number(value, 0, 3600000, &o->ramp_ms);
        else if (strcmp(name, "--seed") == 0) err = read_number(value, 0, 1 << 30, &o->seed);
        else if (strcmp(name, "--think") == 0) o->think = atof(value);
        else if (strcmp(name, "--host") == 0) o->host = value;
        else if (strcmp(name, "--sale") == 0) o->sale = value;
        else if (strcmp(name, "--postgres") == 0) o->postgres = value;
        else if (strcmp(name, "--pay-url") == 0) o->pay_url = value;
        else err = -1;
        if (err || i + 1 >= argc) return -1;
        i++;
    }
    return o->people ? 0 : -1;
}

static struct crowd_shared *make_shared(int people) {
    void *memory = mmap(NULL, sizeof(struct crowd_shared) + (size_t)people * sizeof(struct crowd_person), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("crowd: shared memory");
        exit(1);
    }
    return memory;
}

static volatile sig_atomic_t interrupted;

static void on_signal(int signum) {
    (void)signum;
    interrupted = 1;
}

struct peak {
    int64_t connections, memory;
};

/* Shows how it goes, notes the gateways' memory while most people are connected, and ends when all have an end. */
static void watch(const struct crowd_options *o, struct crowd_shared *shared, struct peak *peak) {
    int64_t started = bo_loop_steady_us(), shown = 0;
    while (!interrupted && shared->ended < o->people && bo_loop_steady_us() - started < (int64_t)o->limit_s * 1000000) {
        poll(NULL, 0, 200);
        int status;
        if (waitpid(-1, &status, WNOHANG) > 0) {
            fprintf(stderr, "crowd: a process of the crowd died (status %d)\n", status);
            return;
        }
        if (o->supervisor && shared->connected >= peak->connections) {
            peak->connections = shared->connected;
            peak->memory = crowd_gateway_memory(o->supervisor);
        }
        if (bo_loop_steady_us() - shown < 2000000 || o->visit) continue;
        shown = bo_loop_steady_us();
        fprintf(stderr, "%4.0f s: %7lld connected %7lld joined %7lld admitted %7lld ended\n", (double)(shown - started) / 1e6,
                (long long)shared->connected, (long long)shared->joined, (long long)shared->admitted, (long long)shared->ended);
    }
}

static int report(const struct crowd_options *o, struct crowd_shared *shared, const struct peak *peak, double wall_s) {
    struct crowd_verdict v;
    if (crowd_check(o, shared, &v) != 0) {
        fprintf(stderr, "crowd: PostgreSQL could not be asked\n");
        return 1;
    }
    int64_t fates[CROWD_FATES] = {0};
    for (int i = 0; i < o->people; i++) {
        const struct crowd_person *p = &shared->people[i];
        fates[p->fate]++;
        if (p->fate == CROWD_NONE && fates[CROWD_NONE] <= 10)
            printf("no final word for %s, number %lld%s%s, last heard: %s\n", *p->id ? p->id : "somebody who never joined", (long long)p->number,
                   p->admitted_ms ? ", admitted" : "", p->disconnected ? ", was disconnected" : "", p->last_heard);
    }
    printf("how it ended:");
    for (int i = 0; i < CROWD_FATES; i++) printf("  %s %lld", fate_names[i], (long long)fates[i]);
    printf("\nseats %d  tickets told %lld  in PostgreSQL %lld  unsold %lld  holds %lld  conflicts %lld  errors heard %lld\n", o->seat_count,
           (long long)v.tickets_told, (long long)v.tickets_kept, (long long)v.seats_free, (long long)shared->holds,
           (long long)shared->conflicts, (long long)shared->errors);
    int64_t violations = v.oversold + v.order_violations + v.limit_violations + v.double_tickets + v.lost_people + v.lost_orders +
                         v.untold_orders + shared->position_increases;
    const struct {
        const char *name;
        double value;
    } rows[] = {{"people", o->people}, {"joined", (double)v.joined}, {"admitted", (double)v.admitted}, {"bought", (double)v.bought},
                {"oversold", (double)v.oversold}, {"order_violations", (double)v.order_violations},
                {"limit_violations", (double)v.limit_violations}, {"double_tickets", (double)v.double_tickets},
                {"lost_people", (double)v.lost_people}, {"lost_orders", (double)v.lost_orders}, {"untold_orders", (double)v.untold_orders},
                {"position_increases", (double)shared->position_increases}, {"joins_per_s", v.joins_per_s},
                {"hold_p50_ms", crowd_histogram_ms(shared->hold_us, 0.5)}, {"hold_p99_ms", crowd_histogram_ms(shared->hold_us, 0.99)},
                {"admit_to_told_p99_ms", v.admit_to_told_p99_ms}, {"wall_s", wall_s},
                {"gateway_bytes_per_connection", peak->connections ? (double)peak->memory / (double)peak->connections : 0},
                {"peak_connections", (double)peak->connections}, {"tickets_told", (double)v.tickets_told},
                {"tickets_kept", (double)v.tickets_kept}, {"violations", (double)violations}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) printf("  %-30s %12.6g\n", rows[i].name, rows[i].value);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) printf("%s\"%s\":%.10g", i ? "," : "{", rows[i].name, round(rows[i].value * 1000) / 1000);
    printf("}\n");
    return violations ? 1 : 0;
}

int main(int argc, char **argv) {
    struct crowd_options o = {.host = "127.0.0.1", .sale = "demo", .port = 8080, .limit_s = 300, .seed = 1, .think = 1};
    if (read_options(argc, argv, &o) != 0) return usage();
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    crowd_load_plan(&o);
    if (o.visit) o.limit_s = 86400;
    if (o.visit && !o.ramp_ms) o.ramp_ms = 20000;
    o.processes = (o.people + PEOPLE_PER_PROCESS - 1) / PEOPLE_PER_PROCESS;
    if (o.processes < 2 && o.people > 1000) o.processes = 2;
    struct crowd_shared *shared = make_shared(o.people);
    int64_t started = bo_loop_steady_us();
    for (int i = 0; i < o.processes; i++) {
        int from = (int)((int64_t)o.people * i / o.processes), to = (int)((int64_t)o.people * (i + 1) / o.processes);
        pid_t pid = fork();
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            signal(SIGINT, SIG_IGN);
            crowd_run(&o, shared, i, from, to);
            _exit(0);
        }
        if (pid < 0) shared->stop = true;
    }
    struct peak peak = {0};
    watch(&o, shared, &peak);
    double wall_s = (double)(bo_loop_steady_us() - started) / 1e6;
    shared->stop = true;
    while (wait(NULL) > 0) {
    }
    int status = o.visit ? 0 : report(&o, shared, &peak, wall_s);
    crowd_free_plan(&o);
    return status;
}
