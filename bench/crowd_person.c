/* SPDX-License-Identifier: Apache-2.0
 * One process of the crowd: connects its people, lets each live through the sale, and notes what was told to him.
 * Behaviour is drawn per person from his own random sequence, so a run can be repeated with the same seed. */
#include "base/buffer.h"
#include "base/memory.h"
#include "bench/crowd.h"
#include "loop/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTING_MAX 256
#define EVENTS 512

enum phase { AWAY, CONNECTING, UPGRADING, LINE, INSIDE, PAYING, OVER };

struct person {
    struct bo_wheel_node timer; /* first member: what comes next by itself */
    struct crowd_person *told;
    struct process *process;
    int fd;
    uint8_t phase;
    uint64_t random;
    bool will_leave, will_break, will_vanish, will_give_up, will_release, will_break_paying, hears_the_end;
    int wanted, tries, keys;
    uint32_t held[CROWD_SEATS_EACH];
    int held_count;
    int64_t hold_sent_us;
    char *resume;
    struct bo_buffer in;
};

struct process {
    const struct crowd_options *options;
    struct crowd_shared *shared;
    int epoll, number, connecting, next, from, to;
    struct person *people;
    struct bo_wheel wheel;
    struct sockaddr_in server, source;
};

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t draw(struct person *p) {
    uint64_t z = (p->random += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static bool chance(struct person *p, int per_thousand) { return draw(p) % 1000 < (uint64_t)per_thousand; }

static void after(struct person *p, int64_t from_ms, int64_t to_ms) {
    int64_t ms = from_ms + (int64_t)(draw(p) % (uint64_t)(to_ms - from_ms + 1));
    bo_wheel_set(&p->process->wheel, &p->timer, bo_loop_wall_ms() + (int64_t)((double)ms * p->process->options->think));
}

/* ---- socket ---- */

static void disconnect(struct person *p) {
    if (p->fd >= 0) {
        close(p->fd);
        if (p->phase >= LINE) p->process->shared->connected--;
        if (p->phase == CONNECTING || p->phase == UPGRADING) p->process->connecting--;
    }
    p->fd = -1;
    p->phase = AWAY;
    bo_buffer_free(&p->in);
    bo_wheel_remove(&p->timer);
}

static void end(struct person *p, enum crowd_fate fate) {
    disconnect(p);
    p->phase = OVER;
    if (p->told->fate == CROWD_NONE) {
        p->told->fate = (uint8_t)fate;
        p->process->shared->ended++;
    }
    free(p->resume);
    p->resume = NULL;
}

static void try_again_later(struct person *p) {
    disconnect(p);
    after(p, 200, 1500);
}

/* A masked text frame; the mask is zero, which RFC 6455 allows and which leaves the text as it is. */
static void say(struct person *p, const char *text) {
    size_t length = strlen(text), head;
    unsigned char frame[4096] = {0x81};
    if (length < 126) {
        frame[1] = 0x80 | (unsigned char)length;
        head = 6;
    } else {
        frame[1] = 0x80 | 126;
        frame[2] = (unsigned char)(length >> 8);
        frame[3] = (unsigned char)length;
        head = 8;
    }
    if (length + head > sizeof(frame)) abort();
    memcpy(frame + head, text, length);
    if (send(p->fd, frame, head + length, MSG_NOSIGNAL) != (ssize_t)(head + length)) try_again_later(p);
}

static int open_socket(struct process *process) {
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&process->source, sizeof(process->source)) == 0 &&
        (connect(fd, (struct sockaddr *)&process->server, sizeof(process->server)) == 0 || errno == EINPROGRESS))
        return fd;
    close(fd);
    return -1;
}

static void go(struct person *p) {
    struct process *process = p->process;
    p->fd = open_socket(process);
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = p};
    if (p->fd < 0 || epoll_ctl(process->epoll, EPOLL_CTL_ADD, p->fd, &event) != 0) {
        try_again_later(p);
        return;
    }
    p->phase = CONNECTING;
    process->connecting++;
    after(p, 10000, 10000);
}

static void upgrade(struct person *p) {
    static const char request[] = "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = p};
    epoll_ctl(p->process->epoll, EPOLL_CTL_MOD, p->fd, &event);
    p->phase = UPGRADING;
    if (send(p->fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(request) - 1) try_again_later(p);
}

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
    say(p, text);
}

/* Takes free seats side by side from a random place on. */
static void hold_some(struct person *p, const char *states, int length) {
    struct bo_buffer text = {0};
    int count = p->wanted - p->held_count, start = (int)(draw(p) % (uint64_t)length), found = 0;
    if (count < 1) return;
    bo_buffer_printf(&text, "{\"type\":\"hold\",\"key\":\"h%d\",\"seats\":[", ++p->keys);
    for (int i = 0; i < length && found < count; i++) {
        int seat = (start + i) % length;
        if (states[seat] == '0') bo_buffer_printf(&text, "%s\"%s\"", found++ ? "," : "", p->process->options->guids[seat]);
    }
    bo_buffer_add_text(&text, "]}");
    p->hold_sent_us = bo_loop_steady_us();
    if (!found) p->hold_sent_us = 0;
    if (!found && p->held_count) p->wanted = p->held_count; /* content with what he has */
    if (found)
        say(p, text.data);
    else
        after(p, 500, 1500); /* nothing is free just now: look again */
    bo_buffer_free(&text);
}

static void leave(struct person *p) {
    say(p, "{\"type\":\"leave\"}");
    if (p->fd >= 0) end(p, CROWD_LEFT);
}

/* His timer: the next thing he does by himself. */
static void act(struct person *p) {
    char text[160];
    switch (p->phase) {
    case AWAY:
        go(p);
        return;
    case CONNECTING:
    case UPGRADING: try_again_later(p); return;
    case LINE:
        if (p->will_vanish) {
            end(p, CROWD_VANISHED);
        } else if (p->will_leave) {
            leave(p);
        } else if (p->will_break) {
            p->will_break = false;
            p->told->disconnected = true;
            try_again_later(p);
        }
        return;
    case INSIDE:
        if (p->held_count < p->wanted) {
            say(p, "{\"type\":\"map\"}");
        } else if (p->will_give_up) {
            leave(p);
        } else if (p->will_release) {
            p->will_release = false;
            snprintf(text, sizeof(text), "{\"type\":\"release\",\"key\":\"r%d\",\"seats\":[\"%s\"]}", ++p->keys,
                     p->process->options->guids[p->held[0]]);
            say(p, text);
        } else {
            snprintf(text, sizeof(text), "{\"type\":\"checkout\",\"key\":\"c%d\"}", ++p->keys);
            say(p, text);
        }
        return;
    case PAYING:
        if (p->hears_the_end) {
            end(p, CROWD_EXPIRED);
        } else if (p->will_break_paying) {
            p->will_break_paying = false;
            try_again_later(p);
        }
        return;
    default: return;
    }
}

/* ---- what he hears ---- */

static const char *field(const char *json, const char *name) {
    char key[32];
    snprintf(key, sizeof(key), "\"%s\":", name);
    const char *at = strstr(json, key);
    return at ? at + strlen(key) : NULL;
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

static void hear_joined(struct person *p, const char *json) {
    struct crowd_person *told = p->told;
    if (!told->joined_us) {
        told->joined_us = bo_loop_steady_us();
        told->number = number(json, "number");
        copy_text(json, "person", told->id, sizeof(told->id));
        p->process->shared->joined++;
    }
    const char *resume = field(json, "resume");
    if (!p->resume && resume) p->resume = strndup(resume + 1, text_length(resume));
    p->phase = LINE;
    const char *stage = field(json, "stage");
    if (stage && strncmp(stage, "\"wait\"", 6) == 0 && (p->will_leave || p->will_break || p->will_vanish)) after(p, 100, 8000);
    if (stage && strncmp(stage, "\"out\"", 5) == 0) {
        p->phase = PAYING; /* if he had an order, how it ended is told next */
        p->will_break_paying = false;
        p->hears_the_end = true;
        after(p, 10000, 10000);
    }
}

static void hear_held(struct person *p, const char *json) {
    if (p->hold_sent_us) {
        crowd_histogram_add(p->process->shared->hold_us, bo_loop_steady_us() - p->hold_sent_us);
        p->process->shared->holds++;
    }
    p->hold_sent_us = 0;
    int count = read_seats(p, field(json, "seats"), p->held);
    if (count > CROWD_SEATS_EACH) p->process->shared->limit_violations++;
    p->held_count = count;
    after(p, 200, 2000);
}

static void hear_refused(struct person *p, const char *json) {
    p->process->shared->conflicts++;
    crowd_histogram_add(p->process->shared->hold_us, bo_loop_steady_us() - p->hold_sent_us);
    p->hold_sent_us = 0;
    const char *states = field(json, "states");
    if (states && ++p->tries < 50)
        hold_some(p, states + 1, (int)text_length(states));
    else
        after(p, 300, 1000);
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
    end(p, CROWD_BOUGHT);
}

static void hear_position(struct person *p, const char *json) {
    int64_t position = number(json, "position");
    if (p->told->shown && position > p->told->shown) p->process->shared->position_increases++;
    p->told->shown = position;
}

static void hear_admitted(struct person *p, const char *json) {
    char text[1200], access[1024];
    if (!p->told->admitted_ms) {
        p->told->admitted_ms = bo_loop_wall_ms();
        p->process->shared->admitted++;
    }
    copy_text(json, "access", access, sizeof(access));
    snprintf(text, sizeof(text), "{\"type\":\"enter\",\"access\":\"%s\"}", access);
    say(p, text);
}

static void hear_entered(struct person *p, const char *json) {
    p->held_count = read_seats(p, field(json, "seats"), p->held);
    bool paying = strncmp(field(json, "stage"), "\"pay\"", 5) == 0;
    p->phase = paying ? PAYING : INSIDE;
    if (paying) return;
    after(p, 50, 500);
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
    if (p->will_break_paying) after(p, 0, 300);
}

static void hear_error(struct person *p, const char *json) {
    const char *code = field(json, "code");
    p->process->shared->errors++;
    bool again = field(json, "retry_ms") != NULL;
    if (again && p->phase == LINE)
        try_again_later(p);
    else if (code && (strncmp(code, "\"admission_expired", 18) == 0 || strncmp(code, "\"not_admitted", 13) == 0))
        end(p, CROWD_EXPIRED);
    else
        after(p, 500, 1500);
}

static void hear_map(struct person *p, const char *json) {
    const char *states = field(json, "states");
    if (p->phase == INSIDE && !p->hold_sent_us && states) hold_some(p, states + 1, (int)text_length(states));
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
} words[] = {{"position", hear_position}, {"joined", hear_joined},     {"admitted", hear_admitted}, {"entered", hear_entered},
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
            end(p, last_words[i].fate);
            return;
        }
}

/* Takes one frame off the front of what was read; returns its size, 0 when it is not complete. */
static size_t take_frame(struct person *p, unsigned char *at, size_t left) {
    if (left < 2) return 0;
    size_t length = at[1] & 0x7f, head = 2;
    if (length == 126) head = 4;
    if (length == 127) head = 10;
    if (left < head) return 0;
    if (head == 4) length = (size_t)at[2] << 8 | at[3];
    if (head == 10) {
        length = 0;
        for (int i = 2; i < 10; i++) length = length << 8 | at[i];
    }
    if (left < head + length) return 0;
    if ((at[0] & 0x0f) == 1) {
        unsigned char saved = at[head + length];
        at[head + length] = '\0';
        hear(p, (char *)at + head);
        if (p->in.data) at[head + length] = saved;
    } else if ((at[0] & 0x0f) == 8) {
        try_again_later(p); /* without a word before: the server restarts */
    }
    return head + length;
}

static void take_input(struct person *p) {
    size_t at = 0, used;
    if (p->phase == UPGRADING) {
        char *end_of_head = strstr(p->in.data, "\r\n\r\n");
        if (!end_of_head) return;
        if (strncmp(p->in.data, "HTTP/1.1 101", 12) != 0) {
            try_again_later(p);
            return;
        }
        at = (size_t)(end_of_head + 4 - p->in.data);
        p->process->connecting--;
        p->process->shared->connected++;
        p->phase = LINE;
        join(p);
    }
    while (p->in.data && (used = take_frame(p, (unsigned char *)p->in.data + at, p->in.length - at))) at += used;
    if (!p->in.data) return; /* gone meanwhile */
    if (at == p->in.length) {
        bo_buffer_free(&p->in);
    } else {
        memmove(p->in.data, p->in.data + at, p->in.length - at);
        p->in.length -= at;
        p->in.data[p->in.length] = '\0';
    }
}

static void on_event(struct person *p, uint32_t events) {
    if (p->phase == CONNECTING) {
        int problem = 0;
        socklen_t size = sizeof(problem);
        getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &problem, &size);
        if (problem)
            try_again_later(p);
        else
            upgrade(p);
        return;
    }
    static char part[65536];
    ssize_t n = read(p->fd, part, sizeof(part));
    if (n > 0) {
        bo_buffer_add(&p->in, part, (size_t)n);
        take_input(p);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR) || (events & EPOLLHUP)) {
        try_again_later(p);
    }
}

/* ---- the process ---- */

static void timer_due(void *arg, struct bo_wheel_node *node) {
    (void)arg;
    act((struct person *)node);
}

static void draw_character(struct person *p, int index) {
    const struct crowd_options *options = p->process->options;
    p->random = (uint64_t)options->seed * 1000003 + (uint64_t)index;
    p->wanted = 1 + (int)(draw(p) % CROWD_SEATS_EACH);
    p->will_leave = chance(p, 30);
    p->will_vanish = !p->will_leave && chance(p, 10);
    p->will_break = chance(p, 50);
    p->will_give_up = chance(p, 40);
    p->will_release = chance(p, 50);
    p->will_break_paying = chance(p, 30);
}

static void start_some(struct process *process, int64_t started_ms) {
    const struct crowd_options *options = process->options;
    int64_t passed = bo_loop_wall_ms() - started_ms;
    int allowed = options->ramp_ms > passed ? (int)((process->to - process->from) * passed / options->ramp_ms) : process->to - process->from;
    while (process->next < process->from + allowed && process->connecting < CONNECTING_MAX) go(&process->people[process->next++ - process->from]);
}

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
        draw_character(p, i);
    }
    int64_t started = bo_loop_wall_ms();
    struct epoll_event events[EVENTS];
    while (!shared->stop) {
        start_some(&process, started);
        int n = epoll_wait(process.epoll, events, EVENTS, 10);
        for (int i = 0; i < n; i++) {
            struct person *p = events[i].data.ptr;
            if (p->fd >= 0) on_event(p, events[i].events);
        }
        bo_wheel_run(&process.wheel, bo_loop_wall_ms(), timer_due, NULL);
    }
}
