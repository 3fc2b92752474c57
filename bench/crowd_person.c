/* SPDX-License-Identifier: Apache-2.0
 * One process of the crowd: connects its people, lets each live through the sale, and notes what was told to him.
 * Behaviour is drawn per person from his own random sequence, so a run can be repeated with the same seed. */
#include "base/memory.h"
#include "bench/crowd_inside.h"
#include "loop/loop.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS 512
#define MANY 5000    /* of so many people or more a process */
#define FEW 32       /* with fewer than these about to connect */
#define REST_US 5000 /* rests between two turns */

/* ---- what he does ---- */

static void join(struct person *p) {
    char text[2048];
    if (!p->told->join_sent_us) p->told->join_sent_us = bo_loop_steady_us();
    if (p->resume && p->told->shown)
        snprintf(text, sizeof(text), "{\"type\":\"join\",\"sale\":\"%s\",\"resume\":\"%s\",\"shown\":%lld}", p->process->options->sale,
                 p->resume, (long long)p->told->shown);
    else if (p->resume)
        snprintf(text, sizeof(text), "{\"type\":\"join\",\"sale\":\"%s\",\"resume\":\"%s\"}", p->process->options->sale, p->resume);
    else
        snprintf(text, sizeof(text), "{\"type\":\"join\",\"sale\":\"%s\"}", p->process->options->sale);
    bo_wheel_remove(&p->timer);
    person_say(p, text);
}

/* The next free seat from one place on, around the end; -1: none is free. */
static int free_seat(const char *states, int length, int from) {
    const char *found = memchr(states + from, '0', (size_t)(length - from));
    if (!found) found = memchr(states, '0', (size_t)from);
    return found ? (int)(found - states) : -1;
}

/* Chooses free seats side by side, from a random place on, on the map he was shown. */
static void choose(struct person *p, const char *states, int length) {
    int start = (int)(person_draw(p) % (uint64_t)length), last = -1;
    for (p->chosen_count = 0; p->chosen_count < p->wanted - p->held_count; p->chosen_count++) {
        int seat = free_seat(states, length, p->chosen_count ? (last + 1) % length : start);
        if (seat < 0 || (p->chosen_count && (seat == last || seat == (int)p->chosen[0]))) break;
        p->chosen[p->chosen_count] = (uint32_t)(last = seat);
    }
    if (!p->chosen_count && p->held_count) p->wanted = p->held_count; /* content with what he has */
}

/* Names seats without having looked at the map. */
static void choose_unseen(struct person *p) {
    uint64_t seats = (uint64_t)p->process->options->seat_count, seat = person_draw(p) % seats;
    for (p->chosen_count = 0; p->chosen_count < p->wanted - p->held_count; p->chosen_count++)
        p->chosen[p->chosen_count] = (uint32_t)((seat + (uint64_t)p->chosen_count) % seats);
}

/* With the same key as long as it is not answered: whether it was done is not known then, and the second answer is that of the first. */
static void ask_for_hold(struct person *p) {
    struct bo_buffer text = {0};
    bo_buffer_printf(&text, "{\"type\":\"hold\",\"key\":\"h%d\",\"seats\":[", p->keys);
    for (int i = 0; i < p->asked_count; i++) bo_buffer_printf(&text, "%s\"%s\"", i ? "," : "", p->process->options->guids[p->asked[i]]);
    bo_buffer_add_text(&text, "]}");
    p->hold_unsure = false;
    p->hold_sent_us = bo_loop_steady_us();
    person_say(p, text.data);
    bo_buffer_free(&text);
}

static void hold_chosen(struct person *p) {
    p->keys++;
    memcpy(p->asked, p->chosen, sizeof(p->asked));
    p->asked_count = p->chosen_count;
    p->chosen_count = 0;
    p->command_sent_us = crowd_wall_us();
    ask_for_hold(p);
}

static void leave(struct person *p) {
    person_say(p, "{\"type\":\"leave\"}");
    if (p->fd >= 0) person_end(p, CROWD_LEFT);
}

/* His timer: the next thing he does by himself. */
static void act(struct person *p) {
    char text[160];
    switch (p->phase) {
    case LINE:
        if (p->will_vanish) {
            person_end(p, CROWD_VANISHED);
        } else if (p->will_leave) {
            leave(p);
        } else if (p->will_break) {
            p->will_break = false;
            p->told->disconnected = true;
            person_try_again_later(p);
        }
        return;
    case INSIDE:
        if (p->hold_unsure) {
            ask_for_hold(p);
        } else if (p->held_count < p->wanted) {
            if (!p->chosen_count && !p->looks && !p->tries) choose_unseen(p);
            if (p->chosen_count)
                hold_chosen(p);
            else
                person_say(p, "{\"type\":\"map\"}");
        } else if (p->will_give_up) {
            leave(p);
        } else if (p->will_release) {
            p->will_release = false;
            snprintf(text, sizeof(text), "{\"type\":\"release\",\"key\":\"r%d\",\"seats\":[\"%s\"]}", ++p->keys,
                     p->process->options->guids[p->held[0]]);
            person_say(p, text);
        } else {
            snprintf(text, sizeof(text), "{\"type\":\"checkout\",\"key\":\"c%d\"}", ++p->keys);
            person_say(p, text);
        }
        return;
    case PAYING:
        if (p->hears_the_end) {
            person_end(p, CROWD_EXPIRED);
        } else if (p->will_break_paying) {
            p->will_break_paying = false;
            person_try_again_later(p);
        }
        return;
    default: return;
    }
}

/* ---- what he hears ---- */

static const char *field(const char *json, const char *name) {
    size_t length = strlen(name);
    for (const char *at = json + 1; (at = strstr(at, name)); at += length)
        if (at[-1] == '"' && at[length] == '"' && at[length + 1] == ':') return at + length + 2;
    return NULL;
}

static int64_t number(const char *json, const char *name) {
    const char *at = field(json, name);
    return at ? strtoll(at, NULL, 10) : 0;
}

static size_t text_length(const char *at) { return at && *at == '"' ? strcspn(at + 1, "\"") : 0; }

static void copy_text(const char *json, const char *name, char *ret, size_t room) {
    const char *at = field(json, name);
    snprintf(ret, room, "%.*s", (int)text_length(at), at ? at + 1 : "");
}

static int seat_index(const struct crowd_options *options, const char *guid, size_t length) {
    char key[80];
    snprintf(key, sizeof(key), "%.*s", (int)length, guid);
    return crowd_seat_index(options, key);
}

/* The guids of a list, as indexes; returns how many there are, even beyond the room. */
static int read_seats(struct person *p, const char *list, uint32_t *ret) {
    int count = 0;
    for (const char *at = list + 1; *at == '"' || *at == ',';) {
        if (*at == ',') at++;
        size_t length = text_length(at);
        int index = seat_index(p->process->options, at + 1, length);
        if (count < CROWD_SEATS_EACH) ret[count] = (uint32_t)index;
        count++;
        at += length + 2;
    }
    return count;
}

/* The first range of seconds he is told; held against the time it takes, when he is admitted. */
static void note_estimate(struct person *p, const char *json) {
    const char *range = field(json, "eta_s");
    char *end;
    if (!range || *range != '[' || p->told->estimated_ms) return;
    p->told->estimate_low = (int32_t)strtol(range + 1, &end, 10);
    p->told->estimate_high = (int32_t)strtol(end + 1, NULL, 10);
    p->told->estimated_ms = bo_loop_wall_ms();
}

static void check_estimate(struct person *p) {
    if (!p->told->estimated_ms || p->told->disconnected || p->process->shared->steady_until_ms) return;
    double s = (double)(bo_loop_wall_ms() - p->told->estimated_ms) / 1000;
    p->process->shared->estimates++;
    if (ceil(s) >= p->told->estimate_low && floor(s) <= p->told->estimate_high) p->process->shared->estimates_right++;
}

static void note_position(struct person *p, const char *json) {
    int64_t position = number(json, "position");
    if (!position) return;
    if (p->told->shown && position > p->told->shown) p->process->shared->position_increases++;
    p->told->shown = position;
    person_placed(p);
    person_heard(p);
    note_estimate(p, json);
}

static bool restless(const struct person *p) { return p->will_leave || p->will_break || p->will_vanish; }

/* It is over for him; if he had an order, how it ended is told next. */
static void await_the_end(struct person *p) {
    p->phase = PAYING;
    p->will_break_paying = false;
    p->hears_the_end = true;
    person_after(p, 30000, 30000);
}

static void hear_joined(struct person *p, const char *json) {
    struct crowd_person *told = p->told;
    if (!told->joined_us) {
        told->joined_us = bo_loop_steady_us();
        told->number = number(json, "number");
        copy_text(json, "person", told->id, sizeof(told->id));
        p->process->shared->joined++;
        const char *person = field(json, "person");
        if (person) crowd_note_person(p, person + 1);
    } else if (strstr(json, "\"stage\":\"wait\"") && number(json, "number") != told->number) {
        p->process->shared->places_lost++;
    }
    if (field(json, "reconnect_ms")) p->reconnect_ms = number(json, "reconnect_ms");
    const char *resume = field(json, "resume");
    if (!p->resume && resume) p->resume = strndup(resume + 1, text_length(resume));
    p->phase = LINE;
    const char *stage = field(json, "stage");
    if (!p->process->options->hold_go && stage && strncmp(stage, "\"wait\"", 6) == 0 && restless(p)) person_after(p, 100, p->process->options->spread_ms);
    note_position(p, json);
    if (stage && strncmp(stage, "\"out\"", 5) == 0) {
        await_the_end(p);
    }
}

static void hear_held(struct person *p, const char *json) {
    if (p->hold_sent_us) {
        for (int i = 0; i < p->asked_count; i++) crowd_note_seats(p, 'H', &p->asked[i], 1);
        crowd_histogram_add(p->process->shared->hold_us, bo_loop_steady_us() - p->hold_sent_us);
        p->process->shared->holds++;
    }
    p->hold_sent_us = 0;
    int count = read_seats(p, field(json, "seats"), p->held);
    if (count > CROWD_SEATS_EACH) p->process->shared->limit_violations++;
    p->held_count = count;
    person_thinks(p, 200, 2000);
}

static void hear_refused(struct person *p, const char *json) {
    uint32_t taken[CROWD_SEATS_EACH];
    const char *list = field(json, "seats");
    int count = list ? read_seats(p, list, taken) : 0;
    for (int i = 0; i < count && i < CROWD_SEATS_EACH; i++) crowd_note_seats(p, 'X', &taken[i], 1);
    p->process->shared->conflicts++;
    crowd_histogram_add(p->process->shared->hold_us, bo_loop_steady_us() - p->hold_sent_us);
    p->hold_sent_us = 0;
    const char *states = field(json, "states");
    p->tries++;
    if (states) choose(p, states + 1, (int)text_length(states));
    person_thinks(p, 200, 1000);
}

static void hear_bought(struct person *p, const char *json) {
    struct crowd_person *told = p->told;
    copy_text(json, "order", told->order, sizeof(told->order));
    for (const char *at = json; (at = strstr(at, "{\"seat\":\""));) {
        at += 8;
        if (told->seat_count < CROWD_SEATS_EACH)
            told->seats[told->seat_count++] = (uint32_t)seat_index(p->process->options, at + 1, text_length(at));
        else
            p->process->shared->limit_violations++;
    }
    const char *order = field(json, "order");
    if (order) crowd_note_bought(p, order + 1, told->seats, told->seat_count);
    person_end(p, CROWD_BOUGHT);
}

static void hear_admitted(struct person *p, const char *json) {
    char text[1200], access[1024];
    if (!p->told->admitted_ms) {
        p->told->admitted_ms = bo_loop_wall_ms();
        int64_t none = 0;
        atomic_compare_exchange_strong(&p->process->shared->first_admitted_us, &none, bo_loop_steady_us());
        p->process->shared->last_admitted_us = bo_loop_steady_us();
        p->process->shared->admitted++;
        check_estimate(p);
    }
    if (p->process->options->wait) return;
    copy_text(json, "access", access, sizeof(access));
    snprintf(text, sizeof(text), "{\"type\":\"enter\",\"access\":\"%s\"}", access);
    person_say(p, text);
}

static void hear_entered(struct person *p, const char *json) {
    p->held_count = read_seats(p, field(json, "seats"), p->held);
    p->hold_unsure = false; /* this says what he has */
    p->hold_sent_us = 0;
    bool paying = strncmp(field(json, "stage"), "\"pay\"", 5) == 0;
    p->phase = paying ? PAYING : INSIDE;
    if (paying) return;
    person_thinks(p, 50, 500);
}

static void hear_pay(struct person *p, const char *json) {
    p->phase = PAYING;
    p->process->shared->orders++;
    if (p->process->options->pay_url) { /* the payment service does not decide by itself: pay like a person */
        const char *url = field(json, "url"), *payment = url ? strstr(url, "/pay/") : NULL;
        char path[160];
        snprintf(path, sizeof(path), "%.*s/pay", payment ? (int)strcspn(payment, "\"") : 0, payment ? payment : "");
        crowd_http(p->process->options->host, atoi(strrchr(p->process->options->pay_url, ':') + 1), "POST", path, NULL);
    }
    if (p->will_break_paying) person_after(p, 0, 300);
}

static void hear_error(struct person *p, const char *json) {
    const char *code = field(json, "code");
    p->process->shared->errors++;
    bool again = field(json, "retry_ms") != NULL;
    p->hold_unsure = p->hold_sent_us && again;
    p->hold_sent_us = 0;
    if (again && p->phase == LINE)
        person_try_again_later(p);
    else if (code && (strncmp(code, "\"admission_expired", 18) == 0 || strncmp(code, "\"not_admitted", 13) == 0))
        await_the_end(p); /* he may have bought while he was away: that is told next */
    else
        person_after(p, 500, 1500);
}

static void hear_map(struct person *p, const char *json) {
    const char *states = field(json, "states");
    if (p->phase != INSIDE || p->hold_sent_us || !states) return;
    choose(p, states + 1, (int)text_length(states));
    person_thinks(p, 200, 1000);
}

/* These words are the end for him. */
static const struct {
    const char *type;
    enum crowd_fate fate;
} last_words[] = {{"expired", CROWD_EXPIRED}, {"sold_out", CROWD_SOLD_OUT}, {"ended", CROWD_ENDED}, {"left", CROWD_LEFT},
                  {"order_failed", CROWD_DECLINED}};

static const struct {
    const char *type;
    void (*hear)(struct person *, const char *);
} words[] = {{"position", note_position}, {"joined", hear_joined},     {"admitted", hear_admitted}, {"entered", hear_entered},
             {"map", hear_map},           {"held", hear_held},         {"released", hear_held},     {"refused", hear_refused},
             {"pay", hear_pay},           {"bought", hear_bought},     {"error", hear_error}};

static void hear(struct person *p, const char *json) {
    char type[24];
    copy_text(json, "type", type, sizeof(type));
    memcpy(p->told->last_heard, type, sizeof(p->told->last_heard) - 1);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(words[i].type, type) == 0) {
            words[i].hear(p, json);
            return;
        }
    for (size_t i = 0; i < sizeof(last_words) / sizeof(last_words[0]); i++)
        if (strcmp(last_words[i].type, type) == 0) {
            person_end(p, last_words[i].fate);
            return;
        }
}

/* ---- the process ---- */

static void timer_due(void *arg, struct bo_wheel_node *node) {
    (void)arg;
    struct person *p = (struct person *)node;
    if (p->phase == AWAY)
        person_go(p);
    else if (p->phase == CONNECTING || p->phase == UPGRADING)
        person_try_again_later(p);
    else
        p->process->options->dialect->act(p);
}

static void draw_character(struct person *p, int index) {
    const struct crowd_options *options = p->process->options;
    p->random = (uint64_t)options->seed * 1000003 + (uint64_t)index;
    p->wanted = 1 + (int)(person_draw(p) % CROWD_SEATS_EACH);
    p->looks = person_chance(p, options->look);
    p->will_leave = person_chance(p, 30 * options->restless);
    p->will_vanish = !p->will_leave && person_chance(p, 10 * options->restless);
    p->will_break = person_chance(p, 50 * options->restless);
    p->will_give_up = person_chance(p, 40);
    p->will_release = person_chance(p, 50);
    p->will_break_paying = person_chance(p, 30);
}

static int connecting_max(const struct process *process) {
    int share = CONNECTING_MAX / process->options->processes;
    return share < 1 ? 1 : share < CONNECTING_EACH ? share : CONNECTING_EACH;
}

static void start_some(struct process *process, int64_t started_ms) {
    const struct crowd_options *options = process->options;
    int64_t passed = bo_loop_wall_ms() - started_ms;
    int allowed = options->ramp_ms > passed ? (int)((process->to - process->from) * passed / options->ramp_ms) : process->to - process->from;
    while (process->next < process->from + allowed && process->connecting < connecting_max(process)) person_go(&process->people[process->next++ - process->from]);
}

/* From now on they leave, break off and vanish. */
static void go_now(struct process *process) {
    process->going = true;
    for (int i = process->from; i < process->to; i++) {
        struct person *p = &process->people[i - process->from];
        if (p->phase == LINE && restless(p)) person_after(p, 0, process->options->spread_ms);
    }
}

/* The first time the address says it all. */
static void welcome(struct person *p) {
    if (p->resume)
        join(p);
    else
        bo_wheel_remove(&p->timer);
}

const struct crowd_dialect crowd_boxoffice = {"boxoffice", NULL, welcome, hear, act};

void crowd_run(const struct crowd_options *options, struct crowd_shared *shared, int number_of, int from, int to) {
    struct process process = {.options = options, .shared = shared, .number = number_of, .next = from, .from = from, .to = to};
    process.epoll = epoll_create1(0);
    process.server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)options->port)};
    inet_pton(AF_INET, options->host, &process.server.sin_addr);
    process.source = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002u + (uint32_t)number_of)};
    process.people = bo_alloc((size_t)(to - from) * sizeof(*process.people));
    bo_wheel_init(&process.wheel, 10, bo_loop_wall_ms());
    for (int i = from; i < to; i++) {
        struct person *p = &process.people[i - from];
        p->process = &process;
        p->told = &shared->people[i];
        p->fd = -1;
        if (options->wait)
            p->random = (uint64_t)i;
        else
            draw_character(p, i);
    }
    int64_t started = bo_loop_wall_ms();
    struct epoll_event events[EVENTS];
    while (!shared->stop) {
        start_some(&process, started);
        if (shared->go && !process.going) go_now(&process);
        if (to - from > MANY && process.connecting < FEW) usleep(REST_US); /* else every word to anyone wakes one of dozens of processes */
        int n = epoll_wait(process.epoll, events, EVENTS, 10);
        for (int i = 0; i < n; i++) {
            struct person *p = events[i].data.ptr;
            if (p->fd >= 0) person_event(p, events[i].events);
        }
        bo_wheel_run(&process.wheel, bo_loop_wall_ms(), SIZE_MAX, timer_due, NULL);
    }
    crowd_history_close();
}
