/* SPDX-License-Identifier: Apache-2.0
 * Holding and releasing seats. What came in one turn of the loop, from whomever, goes to Redis in one call (lua/seats_choose.lua): with
 * thousands choosing, most of what a command costs there is the same for one as for many. While calls are under way the next ones gather,
 * so the more come, the more go together; alone, a command waits for nobody. A full call goes at once, so that Redis, the gateway and those
 * who ask work at the same time.
 *
 * A hold of a seat that is known to be taken is refused without asking Redis: when everyone wants the same seats, it has better things to
 * do. What a gateway knows is some ms old, so somebody may be refused a seat that is free again just now: of that he hears, too. */
#include "edge/command_token.h"
#include "edge/room.h"

#include "base/memory.h"
#include "base/text.h"
#include "metrics/metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COMMANDS_MAX 64 /* in one call: half a millisecond of Redis */
#define CALLS_MAX 4     /* at a time: Redis has the next one when it has done one */

#define WAITING_MAX 100000

struct bo_choice {
    struct bo_choice *next;
    struct bo_session *session; /* holds a reference */
    bool hold;
    char key[BO_ID_MAX + 1];
    struct bo_buffer words; /* the arguments, each with its NUL */
    size_t word_count;
};

struct batch {
    struct bo_room *room;
    struct bo_choice *choices;
    size_t count;
};

static void add_word(struct bo_choice *c, const char *text) {
    bo_buffer_add(&c->words, text, strlen(text) + 1);
    c->word_count++;
}

static void add_number(struct bo_choice *c, int64_t value) {
    char text[24], *end = bo_text_put_number(text, value);
    *end = '\0';
    bo_buffer_add(&c->words, text, (size_t)(end + 1 - text));
    c->word_count++;
}

/* The rows these seats are in, once each: what the script needs to see whether single seats are left. Returns how many. */
static size_t rows_of(const struct bo_pick *picks, size_t count, uint32_t ret[BO_HOLD_MAX]) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        while (k < n && ret[k] != picks[i].seat->row) k++;
        if (k == n) ret[n++] = picks[i].seat->row;
    }
    return n;
}

static void add_hold(struct bo_choice *c, const struct bo_room *room, const struct bo_pick *picks, size_t count) {
    const struct bo_plan *plan = room->plan;
    uint32_t rows[BO_HOLD_MAX];
    size_t row_count = room->settings.no_single_seat ? rows_of(picks, count, rows) : 0, reduced = 0;
    for (size_t i = 0; i < count; i++) reduced += picks[i].tariff != NULL;
    add_number(c, (int64_t)row_count * 2);
    add_number(c, (int64_t)count * 2);
    add_number(c, (int64_t)reduced * 4);
    for (size_t i = 0; i < row_count; i++) {
        add_number(c, plan->rows[rows[i]].first);
        add_number(c, (int64_t)bo_plan_row_end(plan, &plan->rows[rows[i]]) - 1);
    }
    for (size_t i = 0; i < count; i++) {
        bo_money full = plan->categories[picks[i].seat->category].price;
        add_number(c, picks[i].index);
        add_number(c, picks[i].tariff ? bo_tariff_price(picks[i].tariff, full) : full);
    }
    for (size_t i = 0; i < count; i++) {
        if (!picks[i].tariff) continue;
        add_number(c, picks[i].index);
        add_word(c, picks[i].tariff->name);
        add_number(c, picks[i].tariff->limit);
        add_number(c, picks[i].tariff->total);
    }
}

static void add_release(struct bo_choice *c, const struct bo_pick *picks, size_t count) {
    add_number(c, 0);
    add_number(c, (int64_t)count);
    add_number(c, 0);
    for (size_t i = 0; i < count; i++) add_number(c, picks[i].index);
}

/* The seats and reduced prices that are asked for, in this order; rows and prices follow from them. */
static void make_token(bool hold, const char *key, const struct bo_pick *picks, size_t count, char ret[BO_COMMAND_TOKEN_BYTES]) {
    char request[BO_HOLD_MAX * (BO_NAME_MAX * BO_UTF8_BYTES + 24) + 8], *at = bo_text_put(request, hold ? "hold" : "release");
    for (size_t i = 0; i < count; i++) {
        at = bo_text_put_number(bo_text_put(at, " "), picks[i].index);
        if (picks[i].tariff) at = bo_text_put(bo_text_put(at, " "), picks[i].tariff->name);
    }
    *at = '\0';
    bo_digest_command(key, request, ret);
}

/* ---- refused here ---- */

/* Notes that he asks this; returns what is known of the same key, NULL: it is new on this connection. */
static struct bo_asked *note_asked(struct bo_visit *v, uint64_t key, uint64_t seats) {
    for (size_t i = 0; i < BO_ASKED_MAX; i++)
        if (v->asked[i].key == key) return &v->asked[i];
    v->asked[v->asked_next] = (struct bo_asked){.key = key, .seats = seats};
    v->asked_next = (uint8_t)((v->asked_next + 1) % BO_ASKED_MAX);
    return NULL;
}

static uint64_t hash_of(const struct bo_pick *picks, size_t count) {
    uint64_t hash = count;
    for (size_t i = 0; i < count; i++) hash = hash * 0x9e3779b97f4a7c15ULL + picks[i].index + (uintptr_t)picks[i].tariff * 31;
    return hash;
}

/* The same key gives the same answer (rule O2), and what a visitor holds already is not taken. So only those are refused here of whom nothing is under way, here or elsewhere, that may
 * have taken these very seats, and a key that came before goes the way it went before. */
static bool refused_here(struct bo_session *s, const char *key, const struct bo_pick *picks, size_t count) {
    const struct bo_room *room = s->room;
    struct bo_visit *v = s->visit;
    uint64_t seats = hash_of(picks, count), key_hash = bo_text_hash(key);
    struct bo_asked *before = note_asked(v, key_hash, seats);
    if (before ? !before->refused_here || before->seats != seats
               : !s->fresh || s->stage != BO_STAGE_CHOOSE || v->choices_under_way || v->held || v->deadline <= bo_room_now(room) ||
                     room->map.count != room->plan->seat_count)
        return false;
    struct bo_value taken[BO_HOLD_MAX], list = {.kind = BO_VALUE_LIST, .items = taken};
    for (size_t i = 0; i < count; i++) {
        uint32_t index = picks[i].index;
        if (before || room->map.states[index] != '0') taken[list.length++] = (struct bo_value){.kind = BO_VALUE_NUMBER, .number = index};
    }
    if (!list.length) return false;
    const struct bo_value parts[] = {{0}, {0}, list}, answer = {.kind = BO_VALUE_LIST, .length = 3, .items = parts};
    if (!before) note_asked(v, key_hash, seats)->refused_here = true;
    bo_metric_add(BO_METRIC_refused_here, 1);
    bo_session_tell_choice(s, BO_ERR_SEAT_TAKEN, &answer, key, "");
    return true;
}

void bo_session_choose(struct bo_session *s, bool hold, const char *key, const struct bo_pick *picks, size_t count) {
    if (hold && refused_here(s, key, picks, count)) return;
    if (s->room->choice_count >= WAITING_MAX) {
        bo_session_error(s, BO_ERR_OVERLOADED, key);
        return;
    }
    struct bo_choice *c = bo_alloc(sizeof(*c));
    *c = (struct bo_choice){.session = s, .hold = hold};
    bo_session_hold(s);
    memcpy(c->key, key, strnlen(key, BO_ID_MAX));
    char token[BO_COMMAND_TOKEN_BYTES];
    make_token(hold, key, picks, count, token);
    add_word(c, s->person);
    add_number(c, s->number);
    add_word(c, token);
    add_word(c, hold ? "hold" : "release");
    if (hold)
        add_hold(c, s->room, picks, count);
    else
        add_release(c, picks, count);
    s->choosing = true;
    s->visit->choices_under_way++;
    *s->room->choices_end = c;
    s->room->choices_end = &c->next;
    if (++s->room->choice_count >= COMMANDS_MAX) bo_room_send_choices(s->room, false);
}

static void free_choice(struct bo_choice *c) {
    bo_session_release(c->session);
    bo_buffer_free(&c->words);
    free(c);
}

/* What is not sent any more. */
void bo_room_free_choices(struct bo_room *room) {
    for (struct bo_choice *c = room->choices, *next; c; c = next) {
        next = c->next;
        free_choice(c);
    }
    room->choices = NULL;
    room->choice_count = 0;
    room->choices_end = &room->choices;
}

static void answered(void *arg, int err, const struct bo_value *v) {
    struct batch *batch = arg;
    struct bo_room *room = batch->room;
    size_t i = 1; /* behind the code of the whole */
    room->choices_under_way--;
    if (!err) bo_room_send_choices(room, false); /* Redis works on the next ones while these are told */
    for (struct bo_choice *c = batch->choices, *next; c; c = next, i++) {
        next = c->next;
        const struct bo_value *own = err ? &(struct bo_value){0} : bo_value_item(v, i);
        bo_session_tell_choice(c->session, err ? err : bo_error_from_name(bo_value_text(own, 0)), own, c->key, c->hold ? "held" : "released");
        c->session->visit->choices_under_way--;
        free_choice(c);
    }
    free(batch);
}

/* The first COMMANDS_MAX of those that wait. */
static struct batch *take_batch(struct bo_room *room, size_t *ret_words) {
    struct batch *batch = bo_alloc(sizeof(*batch));
    struct bo_choice **end = &batch->choices;
    *batch = (struct batch){.room = room};
    *ret_words = 0;
    while (room->choices && batch->count < COMMANDS_MAX) {
        room->choice_count--;
        *end = room->choices;
        end = &room->choices->next;
        room->choices->session->choosing = false;
        *ret_words += room->choices->word_count;
        room->choices = room->choices->next;
        batch->count++;
    }
    *end = NULL;
    if (!room->choices) room->choices_end = &room->choices;
    return batch;
}

void bo_room_send_choices(struct bo_room *room, bool all) {
    while (room->choices && (all || room->choices_under_way < CALLS_MAX)) {
        size_t words, n = 0;
        struct batch *batch = take_batch(room, &words);
        const char **args = bo_alloc(words * sizeof(*args));
        for (const struct bo_choice *c = batch->choices; c; c = c->next) {
            const char *at = c->words.data;
            for (size_t i = 0; i < c->word_count; i++, at += strlen(at) + 1) args[n++] = at;
        }
        room->choices_under_way++;
        bo_metric_add(BO_METRIC_choice_calls, 1);
        bo_room_run(room, "seats_choose", args, n, answered, batch);
        free(args);
        bo_redis_store_flush(room->gateway->redis); /* a turn of the loop with thousands of messages is long */
    }
}
