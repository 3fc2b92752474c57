/* SPDX-License-Identifier: Apache-2.0
 * crowd: sends simulated people to a running boxoffice and checks from the outside that every rule held. */
#include "bench/crowd_inside.h"

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

#define PEOPLE_PER_PROCESS 18000 /* below the limit on open files, and below the ports one source address has */

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
                    "             [--limit SECONDS] [--ramp MS] [--think FACTOR] [--restless FACTOR] [--look PER_THOUSAND] [--seed N]\n"
                    "             [--pay-url URL] [--visit] [--status FILE] [--hold-go] [--spread MS] [--rate N --rate-ms MS] [--capacity N]\n"
                    "       crowd --people N --wait [--dialect boxoffice|bare|ws|socketio|nchan] [--poll MS] …   only stands in line until SIGTERM\n"
                    "       crowd --people N --wait --dialect echo|holds|buys|best|lockers [--hot SEATS] [--pace PER_SECOND] [--history FILE] …\n"
                    "With --hold-go nobody leaves or breaks off before SIGUSR1. SIGUSR2 ends the time whose admissions are counted as steady.\n");
    return 2;
}

static int read_number(const char *text, int64_t min, int64_t max, int *ret) {
    int64_t value;
    if (!bo_text_to_number(text, min, max, &value)) return -1;
    *ret = (int)value;
    return 0;
}

static int read_option(struct crowd_options *o, const char *name, const char *value) {
    const struct {
        const char *name;
        int min, max, *to;
    } numbers[] = {{"--people", 1, 2000000, &o->people}, {"--port", 1, 65535, &o->port}, {"--supervisor", 1, 1 << 30, &o->supervisor},
                   {"--limit", 1, 86400, &o->limit_s}, {"--ramp", 0, 3600000, &o->ramp_ms}, {"--seed", 0, 1 << 30, &o->seed},
                   {"--look", 0, 1000, &o->look}, {"--spread", 100, 3600000, &o->spread_ms}, {"--poll", 0, 3600000, &o->poll_ms},
                   {"--rate", 1, 1000000, &o->rate}, {"--rate-ms", 1, 3600000, &o->rate_ms}, {"--capacity", 0, 1000000, &o->capacity},
                   {"--hot", 0, 100000, &o->hot}, {"--pace", 0, 1000000, &o->pace}};
    const struct {
        const char *name, **to;
    } texts[] = {{"--host", &o->host}, {"--sale", &o->sale}, {"--postgres", &o->postgres}, {"--pay-url", &o->pay_url}, {"--status", &o->status}, {"--history", &o->history}};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (strcmp(name, numbers[i].name) == 0) return read_number(value, numbers[i].min, numbers[i].max, numbers[i].to);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (strcmp(name, texts[i].name) == 0) {
            *texts[i].to = value;
            return 0;
        }
    if (strcmp(name, "--think") == 0) o->think = atof(value);
    else if (strcmp(name, "--restless") == 0) o->restless = atof(value);
    else if (strcmp(name, "--dialect") == 0) o->dialect = crowd_find_dialect(value);
    else return -1;
    return o->dialect ? 0 : -1;
}

static int read_options(int argc, char **argv, struct crowd_options *o) {
    for (int i = 1; i < argc; i++) {
        bool *flag = strcmp(argv[i], "--visit") == 0 ? &o->visit : strcmp(argv[i], "--wait") == 0 ? &o->wait : strcmp(argv[i], "--hold-go") == 0 ? &o->hold_go : NULL;
        if (flag) {
            *flag = true;
        } else {
            if (i + 1 >= argc || read_option(o, argv[i], argv[i + 1]) != 0) return -1;
            i++;
        }
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

static volatile sig_atomic_t go, steady_over;

static void on_signal(int signum) {
    if (signum == SIGUSR1)
        go = 1;
    else if (signum == SIGUSR2)
        steady_over = 1;
    else
        interrupted = 1;
}

struct peak {
    int64_t connections, memory;
};

/* One JSON line for whoever runs the crowd. */
static void print_status(FILE *file, struct crowd_shared *shared, int64_t started) {
    fprintf(file, "{\"t\":%.3f,\"connected\":%lld,\"placed\":%lld,\"joined\":%lld,\"admitted\":%lld,\"ended\":%lld,\"frames\":%lld,\"holds\":%lld,\"orders\":%lld,"
            "\"releases\":%lld,\"conflicts\":%lld,\"bought\":%lld,\"hold_p50_ms\":%.2f,\"errors\":%lld,\"longest_silence_ms\":%lld,\"hold_p99_ms\":%.1f,\"join_s\":%.3f,\"admit_s\":%.3f}\n",
            (double)(bo_loop_steady_us() - started) / 1e6, (long long)shared->connected, (long long)shared->placed, (long long)shared->joined,
            (long long)shared->admitted, (long long)shared->ended, (long long)shared->frames, (long long)shared->holds, (long long)shared->orders, (long long)shared->releases, (long long)shared->conflicts,
            (long long)shared->bought, crowd_histogram_ms(shared->hold_us, 0.5),
            (long long)shared->errors, (long long)shared->longest_silence_ms, crowd_histogram_ms(shared->hold_us, 0.99),
            (double)(shared->last_us - shared->first_us) / 1e6, (double)(shared->last_admitted_us - shared->first_admitted_us) / 1e6);
    fflush(file);
}

/* Shows how it goes, notes the gateways' memory while most people are connected, and ends when all have an end. */
static void watch(const struct crowd_options *o, struct crowd_shared *shared, struct peak *peak) {
    int64_t started = bo_loop_steady_us(), shown = 0;
    FILE *status_file = o->status ? fopen(o->status, "w") : NULL;
    while (!interrupted && shared->ended < o->people && bo_loop_steady_us() - started < (int64_t)o->limit_s * 1000000) {
        poll(NULL, 0, 200);
        int status;
        if (waitpid(-1, &status, WNOHANG) > 0) {
            fprintf(stderr, "crowd: a process of the crowd died (status %d)\n", status);
            return;
        }
        if (go) shared->go = true;
        if (steady_over && !shared->steady_until_ms) shared->steady_until_ms = bo_loop_wall_ms();
        if (status_file) print_status(status_file, shared, started);
        if (o->supervisor && shared->connected >= peak->connections) {
            peak->connections = shared->connected;
            peak->memory = crowd_gateway_memory(o->supervisor);
        }
        if (bo_loop_steady_us() - shown < 2000000 || o->visit) continue;
        shown = bo_loop_steady_us();
        fprintf(stderr, "%4.0f s: %7lld connected %7lld joined %7lld admitted %7lld ended\n", (double)(shown - started) / 1e6,
                (long long)shared->connected, (long long)shared->joined, (long long)shared->admitted, (long long)shared->ended);
    }
    if (status_file) fclose(status_file);
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
                         v.untold_orders + v.rate_overruns + v.capacity_overruns + v.untold_people + shared->places_lost + shared->position_increases;
    const struct {
        const char *name;
        double value;
    } rows[] = {{"people", o->people}, {"joined", (double)v.joined}, {"admitted", (double)v.admitted}, {"bought", (double)v.bought},
                {"oversold", (double)v.oversold}, {"order_violations", (double)v.order_violations},
                {"limit_violations", (double)v.limit_violations}, {"double_tickets", (double)v.double_tickets},
                {"lost_people", (double)v.lost_people}, {"places_lost", (double)shared->places_lost}, {"untold_people", (double)v.untold_people}, {"rate_overruns", (double)v.rate_overruns},
                {"capacity_overruns", (double)v.capacity_overruns}, {"longest_silence_ms", (double)shared->longest_silence_ms},
                {"estimates", (double)shared->estimates},
                {"estimates_right", shared->estimates ? (double)shared->estimates_right / (double)shared->estimates : 1}, {"lost_orders", (double)v.lost_orders}, {"untold_orders", (double)v.untold_orders},
                {"position_increases", (double)shared->position_increases}, {"joins_per_s", v.joins_per_s},
                {"hold_p50_ms", crowd_histogram_ms(shared->hold_us, 0.5)}, {"hold_p99_ms", crowd_histogram_ms(shared->hold_us, 0.99)},
                {"admit_to_told_p99_ms", v.admit_to_told_p99_ms}, {"admit_to_told_p99_ms_all", v.admit_to_told_p99_ms_all}, {"wall_s", wall_s}, {"admissions_per_s", v.admissions_per_s}, {"taken_back", (double)v.taken_back},
                {"gateway_bytes_per_connection", peak->connections ? (double)peak->memory / (double)peak->connections : 0},
                {"peak_connections", (double)peak->connections}, {"tickets_told", (double)v.tickets_told},
                {"tickets_kept", (double)v.tickets_kept}, {"violations", (double)violations}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) printf("  %-30s %12.6g\n", rows[i].name, rows[i].value);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) printf("%s\"%s\":%.10g", i ? "," : "{", rows[i].name, round(rows[i].value * 1000) / 1000);
    printf("}\n");
    return violations ? 1 : 0;
}

int main(int argc, char **argv) {
    struct crowd_options o = {.host = "127.0.0.1", .sale = "demo", .port = 8080, .limit_s = 300, .seed = 1, .think = 1, .restless = 1, .look = 1000, .spread_ms = 8000,
                              .rate_ms = 1000, .capacity = -1, .dialect = &crowd_boxoffice};
    if (read_options(argc, argv, &o) != 0) return usage();
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    signal(SIGUSR1, on_signal);
    signal(SIGUSR2, on_signal);
    if (o.dialect == crowd_find_dialect("echo") || o.dialect == crowd_find_dialect("lockers")) crowd_make_plan(&o); /* these servers have none */
    else if (!o.wait || o.dialect == crowd_find_dialect("holds") || o.dialect == crowd_find_dialect("buys")) crowd_load_plan(&o);
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
            signal(SIGUSR1, SIG_IGN);
            signal(SIGUSR2, SIG_IGN);
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
    int status = o.visit || o.wait ? 0 : report(&o, shared, &peak, wall_s);
    crowd_free_plan(&o);
    return status;
}
