/* SPDX-License-Identifier: Apache-2.0
 * Inside of one process of the crowd: a person, his connection (crowd_socket.c), what he does (crowd_person.c), and the languages
 * in which other servers are spoken to (crowd_dialect.c). */
#ifndef BO_BENCH_CROWD_INSIDE_H
#define BO_BENCH_CROWD_INSIDE_H

#include "base/buffer.h"
#include "bench/crowd.h"

#include <netinet/in.h>

/* In their handshake at a time, of the whole crowd and of one process: more only wait longer, and give up. */
#define CONNECTING_MAX 8192
#define CONNECTING_EACH 512
enum phase { AWAY, CONNECTING, UPGRADING, LINE, INSIDE, PAYING, OVER };

struct person {
    struct bo_wheel_node timer; /* first member: what comes next by itself */
    struct crowd_person *told;
    struct process *process;
    int fd;
    uint8_t phase;
    uint64_t random;
    bool placed, looks, will_leave, will_break, will_vanish, will_give_up, will_release, will_break_paying, hears_the_end, hold_unsure;
    int wanted, tries, keys;
    uint32_t held[CROWD_SEATS_EACH], chosen[CROWD_SEATS_EACH], asked[CROWD_SEATS_EACH] /* by the last hold */;
    int held_count, chosen_count, asked_count;
    int64_t reconnect_ms; /* as the server has advised */
    int64_t hold_sent_us, command_sent_us; /* steady; wall clock */
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
    bool going; /* shared->go was seen */
};

/* How one kind of server is spoken to. */
struct crowd_dialect {
    const char *name, *path;
    void (*welcome)(struct person *person);                  /* the WebSocket is open */
    void (*hear)(struct person *person, const char *text);   /* a text message came */
    void (*act)(struct person *person);                      /* his timer is due while he is connected */
};
extern const struct crowd_dialect crowd_boxoffice, crowd_holders[];

/* crowd_history.c; ids end with a quotation mark */
int64_t crowd_wall_us(void);
void crowd_note_person(struct person *p, const char *id);
void crowd_note_seats(struct person *p, char what, const uint32_t *seats, int count);
void crowd_note_bought(struct person *p, const char *order, const uint32_t *seats, int count);
void crowd_history_close(void);

const struct crowd_dialect *crowd_find_dialect(const char *name); /* NULL: there is none */

/* crowd_socket.c */
void person_go(struct person *p); /* connects */
void person_disconnect(struct person *p);
void person_say(struct person *p, const char *text);
void person_try_again_later(struct person *p);
void person_end(struct person *p, enum crowd_fate fate);
void person_event(struct person *p, uint32_t events);
void person_after(struct person *p, int64_t from_ms, int64_t to_ms);  /* sets his timer */
void person_thinks(struct person *p, int64_t from_ms, int64_t to_ms); /* the same, times --think */
uint64_t person_draw(struct person *p);
bool person_chance(struct person *p, double per_thousand);
void person_placed(struct person *p); /* he knows where he stands */
void person_heard(struct person *p);  /* news of his position came */

#endif
