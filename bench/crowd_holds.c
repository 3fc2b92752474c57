/* SPDX-License-Identifier: Apache-2.0
 * The languages of bench/run.sh holds: people who are inside and hold, release and buy as fast as they are answered, or at a given pace.
 * Everything they are told is noted (crowd_history.c). */
#include "bench/crowd_inside.h"
#include "loop/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GIVE_UP_PER_THOUSAND 100 /* of those refused while they hold something: gives it back */

/* ---- pace ---- */

static void next_command(struct person *p);

/* The next one at once, or when his share of the pace allows it; not all at the same moment. */
static void go_on(struct person *p) {
    const struct crowd_options *options = p->process->options;
    if (!options->pace) {
        next_command(p);
        return;
    }
    int64_t every = (int64_t)options->people * 1000 / options->pace, passed = (crowd_wall_us() - p->command_sent_us) / 1000, left = every - passed;
    if (left < 1) left = 1;
    person_after(p, left / 2, left + left / 2);
}

static void command(struct person *p, const char *text) {
    p->command_sent_us = crowd_wall_us();
    p->hold_sent_us = bo_loop_steady_us();
    person_say(p, text);
}

static void answered(struct person *p, _Atomic int64_t *counter) {
    crowd_histogram_add(p->process->shared->hold_us, bo_loop_steady_us() - p->hold_sent_us);
    ++*counter;
}

/* ---- holds ---- */

static bool says(const char *json, const char *type) {
    size_t length = strlen(type);
    return strncmp(json, "{\"type\":\"", 9) == 0 && strncmp(json + 9, type, length) == 0 && json[9 + length] == '"';
}

static bool has(const struct person *p, uint32_t seat) {
    for (int i = 0; i < p->held_count; i++)
        if (p->held[i] == seat) return true;
    return false;
}

static void hold_one(struct person *p) {
    char text[160];
    const struct crowd_options *options = p->process->options;
    uint32_t seat;
    do seat = (uint32_t)(person_draw(p) % (uint64_t)(options->hot ? options->hot : options->seat_count));
    while (has(p, seat));
    p->chosen[0] = seat;
    p->chosen_count = 1;
    snprintf(text, sizeof(text), "{\"type\":\"hold\",\"key\":\"h%d\",\"seats\":[\"%s\"]}", ++p->keys, options->guids[seat]);
    command(p, text);
}

static void release_all(struct person *p) {
    struct bo_buffer text = {0};
    bo_buffer_printf(&text, "{\"type\":\"release\",\"key\":\"r%d\",\"seats\":[", ++p->keys);
    for (int i = 0; i < p->held_count; i++) bo_buffer_printf(&text, "%s\"%s\"", i ? "," : "", p->process->options->guids[p->held[i]]);
    bo_buffer_add_text(&text, "]}");
    p->chosen_count = 0;
    command(p, text.data);
    bo_buffer_free(&text);
}

/* ---- echo: the same messages as of who holds, back from a server that does nothing else; the same is noted ---- */

static void hear_echo(struct person *p, const char *json) {
    if (!says(json, "hold")) return;
    answered(p, &p->process->shared->holds);
    crowd_note_seats(p, 'H', p->chosen, 1);
    go_on(p);
}

static void welcome_echo(struct person *p) {
    p->process->shared->joined++;
    person_placed(p);
    hold_one(p);
}

static bool buys(const struct person *p) { return p->process->options->dialect->name[0] == 'b'; }

static bool wants_the_best(const struct person *p) { return p->process->options->dialect->name[1] == 'e'; }

static bool echoes(const struct person *p) { return p->process->options->dialect == &crowd_holders[0]; }

static void next_command(struct person *p) {
    if (echoes(p)) {
        hold_one(p);
    } else if (wants_the_best(p)) {
        if (!p->keys++) command(p, "{\"type\":\"best\",\"key\":\"b\",\"count\":4}");
    } else if (p->tries) {
        p->tries = 0;
        release_all(p);
    } else if (buys(p) && p->held_count) {
        command(p, "{\"type\":\"checkout\",\"key\":\"c\"}");
    } else if (p->held_count == CROWD_SEATS_EACH) {
        release_all(p);
    } else {
        hold_one(p);
    }
}

static void hear_held(struct person *p) {
    answered(p, &p->process->shared->holds);
    if (!p->chosen_count) return; /* of the best: one try each */
    crowd_note_seats(p, 'H', p->chosen, 1);
    p->held[p->held_count++] = p->chosen[0];
    go_on(p);
}

static void hear_refused(struct person *p) {
    answered(p, &p->process->shared->conflicts);
    if (!p->chosen_count) return;
    crowd_note_seats(p, 'X', p->chosen, 1);
    if (p->held_count && person_chance(p, GIVE_UP_PER_THOUSAND)) p->tries = 1;
    go_on(p);
}

static void hear_released(struct person *p) {
    answered(p, &p->process->shared->releases);
    crowd_note_seats(p, 'R', p->held, p->held_count);
    p->held_count = 0;
    go_on(p);
}

static void hear_bought(struct person *p, const char *json) {
    p->process->shared->bought++;
    crowd_note_bought(p, strstr(json, "\"order\":\"") + 9, p->held, p->held_count);
    p->held_count = 0;
    person_try_again_later(p); /* as somebody new */
    person_after(p, 1, 1);
}

/* Inside, with his map, as a page would be. */
static void hear_entered(struct person *p) {
    p->held_count = 0;
    p->tries = 0;
    if (!p->placed) {
        p->process->shared->joined++;
        person_placed(p);
    }
    person_say(p, "{\"type\":\"map\"}");
    go_on(p);
}

static void hear_joined(struct person *p, const char *json) {
    const char *person = strstr(json, "\"person\":\"");
    if (person) crowd_note_person(p, person + 10);
}

static void hear_admitted(struct person *p, const char *json) {
    char text[1200];
    const char *access = strstr(json, "\"access\":\"");
    if (!access) return;
    snprintf(text, sizeof(text), "{\"type\":\"enter\",\"access\":\"%.*s\"}", (int)strcspn(access + 10, "\""), access + 10);
    person_say(p, text);
}

static void hear(struct person *p, const char *json) {
    if (says(json, "held")) {
        hear_held(p);
    } else if (says(json, "refused")) {
        hear_refused(p);
    } else if (says(json, "released")) {
        hear_released(p);
    } else if (says(json, "bought")) {
        hear_bought(p, json);
    } else if (says(json, "entered")) {
        hear_entered(p);
    } else if (says(json, "joined")) {
        hear_joined(p, json);
    } else if (says(json, "admitted")) {
        hear_admitted(p, json);
    } else if (says(json, "error")) {
        if (!p->process->shared->errors++) fprintf(stderr, "crowd: first error: %s\n", json);
        if (p->placed)
            person_after(p, 20, 50); /* the command is given up; the next one goes on */
        else
            person_try_again_later(p);
    }
}

static void welcome(struct person *p) { bo_wheel_remove(&p->timer); }

const struct crowd_dialect crowd_holders[] = {{"echo", "/ws", welcome_echo, hear_echo, hold_one},
                                              {"holds", NULL, welcome, hear, next_command},
                                              {"buys", NULL, welcome, hear, next_command},
                                              {"best", NULL, welcome, hear, next_command},
                                              {"lockers", "/ws", welcome, hear, next_command},
                                              {NULL, NULL, NULL, NULL, NULL}};
