/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/room.h"
#include "edge/history.h"
#include "edge/stock.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "loop/loop.h"
#include "metrics/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *person_of(const struct bo_table_link *link) { return ((const struct bo_session *)link)->person; }

struct bo_room *bo_room_new(struct bo_gateway *gateway, const char *id) {
    struct bo_room *room = bo_alloc(sizeof(*room));
    room->gateway = gateway;
    room->id = bo_strdup(id);
    room->name = bo_strdup(id);
    room->map.version = -1;
    room->told_version = -1;
    snprintf(room->status, sizeof(room->status), "draft");
    room->brake = 100;
    room->stock = 1; /* until a tick says it */
    room->choices_end = &room->choices;
    bo_table_init(&room->people, person_of);
    return room;
}

static void release_all(struct bo_sessions *list) {
    for (size_t i = 0; i < list->count; i++) bo_session_release(list->items[i]);
    free(list->items);
    *list = (struct bo_sessions){0};
}

void bo_room_free(struct bo_room *room) {
    if (!room) return;
    bo_loop_timer_free(room->exact);
    release_all(&room->joins);
    release_all(&room->asks);
    release_all(&room->returns);
    bo_room_free_choices(room);
    bo_room_free_stock(room);
    for (size_t i = 0; i < room->drop_count; i++) free(room->drops[i]);
    free(room->drops);
    bo_room_free_orders(room);
    bo_commits_free(&room->commits);
    bo_line_view_free(&room->view);
    bo_map_free(&room->map);
    free(room->history);
    bo_heap_free(&room->waiting);
    bo_table_free(&room->people);
    bo_plan_free(room->plan);
    bo_buffer_free(&room->plan_gz);
    free(room->id);
    free(room->name);
    free(room);
}

void bo_sessions_add(struct bo_sessions *list, struct bo_session *session) {
    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 64;
        list->items = bo_realloc(list->items, list->room * sizeof(*list->items));
    }
    bo_session_hold(session);
    list->items[list->count++] = session;
}

void bo_room_run(struct bo_room *room, const char *script, const char *const *args, size_t count, bo_store_cb cb, void *arg) {
    if (room->state != BO_ROOM_READY && strcmp(script, "sale_load") != 0) {
        cb(arg, BO_ERR_UNAVAILABLE, NULL);
        return;
    }
    struct bo_arg *list = bo_alloc(count * sizeof(*list));
    for (size_t i = 0; i < count; i++) list[i] = (struct bo_arg){args[i], strlen(args[i])};
    room->gateway->store.run(room->gateway->store.self, script, room->id, list, count, cb, arg);
    free(list);
}

void bo_room_stage_changes(struct bo_room *room, struct bo_session *s, enum bo_stage to) {
    if (s->stage == BO_STAGE_WAIT && to != BO_STAGE_WAIT) {
        bo_heap_remove(&room->waiting, &s->in_line);
        bo_metric_add(BO_METRIC_waiting_connections, -1);
        room->waiting_sessions--;
    }
    if (s->stage != BO_STAGE_WAIT && to == BO_STAGE_WAIT) {
        bo_metric_add(BO_METRIC_waiting_connections, 1);
        room->waiting_sessions++;
    }
}

void bo_room_enroll(struct bo_room *room, struct bo_session *s) {
    s->room = room;
    bo_table_add(&room->people, &s->by_person);
}

void bo_room_watch_map(struct bo_room *room, struct bo_session *s) {
    struct bo_visit *v = bo_session_visit(s);
    if (v->viewer_link) return;
    v->next_viewer = room->viewers;
    if (v->next_viewer) v->next_viewer->viewer_link = &v->next_viewer;
    v->viewer_link = &room->viewers;
    room->viewers = v;
}

static void unwatch_map(struct bo_visit *v) {
    if (!v || !v->viewer_link) return;
    *v->viewer_link = v->next_viewer;
    if (v->next_viewer) v->next_viewer->viewer_link = v->viewer_link;
    v->viewer_link = NULL;
}

void bo_room_forget(struct bo_room *room, struct bo_session *s) {
    bool waited = s->stage == BO_STAGE_WAIT || s->stage == BO_STAGE_JOINING;
    bo_session_set_stage(s, BO_STAGE_OUT, 0);
    bo_table_remove(&room->people, &s->by_person);
    unwatch_map(s->visit);
    if (!waited || bo_table_find(&room->people, s->person)) return;
    bo_room_add_drop(room, bo_strdup(s->person));
}

void bo_room_each_of(struct bo_room *room, const char *person, void (*cb)(struct bo_session *, void *), void *arg) {
    struct bo_table_link *link = bo_table_find(&room->people, person), *next;
    for (; link; link = next) {
        next = bo_table_find_next(&room->people, link);
        cb((struct bo_session *)link, arg);
    }
}

/* ---- status ---- */

/* Does nothing keep it here any more? A session that waits to hear what it was granted stays until it has heard it. */
static bool is_over_for(const struct bo_room *room, const struct bo_session *s) {
    bool waits = s->stage == BO_STAGE_WAIT, inside = s->stage == BO_STAGE_CLAIM || s->stage == BO_STAGE_CHOOSE;
    if (strcmp(room->status, "sold_out") == 0) return (waits || inside) && !(s->visit && s->visit->awaited);
    return waits && (strcmp(room->status, "closed") == 0 || strcmp(room->status, "away") == 0);
}

void bo_room_has_told(struct bo_room *room, struct bo_session *s) {
    if (strcmp(room->status, "sold_out") == 0 && is_over_for(room, s)) bo_session_dismiss(s, room->status);
}

static void tell_status(void *arg, struct bo_table_link *link) {
    struct bo_room *room = arg;
    struct bo_session *s = (struct bo_session *)link;
    if (is_over_for(room, s))
        bo_session_dismiss(s, room->status);
    else if (bo_session_hears_later(s))
        s->status_due = true;
    else if (s->stage != BO_STAGE_JOINING)
        bo_session_tell_status(s);
}

bo_ms bo_room_now(const struct bo_room *room) { return bo_loop_wall_ms() + room->clock_offset_ms; }

int64_t bo_room_left_ms(const struct bo_room *room, bo_ms deadline, int64_t most) {
    int64_t left = deadline - bo_room_now(room);
    return left < 0 ? 0 : left > most ? most : left;
}

bool bo_room_admits(const struct bo_room *room) {
    return strcmp(room->status, "open") == 0 || strcmp(room->status, "draining") == 0 || strcmp(room->status, "through") == 0;
}

void bo_room_set_status(struct bo_room *room, const char *status) {
    if (strcmp(room->status, status) == 0) return;
    snprintf(room->status, sizeof(room->status), "%s", status);
    bo_estimate_forget(&room->estimate); /* what was measured before says nothing about now */
    bo_table_each(&room->people, tell_status, room);
}

/* ---- what the feed says ---- */

struct ending {
    const char *reason, *order;
    int64_t number; /* of the admission that ended; 0: an older script does not say */
};

static void end_session(struct bo_session *s, void *arg) {
    struct ending *ending = arg;
    if (ending->number && s->number != ending->number) return; /* he was admitted again meanwhile */
    if (s->stage != BO_STAGE_CLAIM && s->stage != BO_STAGE_CHOOSE && s->stage != BO_STAGE_PAY) return;
    if (strcmp(ending->reason, "declined") == 0)
        bo_session_printf(s, "{\"type\":\"order_failed\",\"order\":\"%s\",\"reason\":\"declined\",\"message\":\"The payment was "
                             "declined. Your seats are free again.\"}", ending->order);
    else if (strcmp(ending->reason, "left") == 0)
        bo_session_printf(s, "{\"type\":\"left\"}");
    else
        bo_session_printf(s, "{\"type\":\"expired\",\"stage\":\"%s\",\"message\":\"%s\"}",
                          s->stage == BO_STAGE_CLAIM ? "claim" : s->stage == BO_STAGE_CHOOSE ? "choose" : "pay",
                          bo_error_text(BO_ERR_ADMISSION_EXPIRED));
    bo_session_set_stage(s, BO_STAGE_OUT, 0);
}

static void set_deadline(struct bo_session *s, void *arg) {
    if (s->stage == BO_STAGE_CHOOSE) s->visit->deadline = *(bo_ms *)arg;
}

/* seats version state seat … */
static void on_seats(struct bo_room *room, char *words) {
    int64_t version = bo_text_next_number(&words);
    int state = (int)bo_text_next_number(&words);
    size_t count;
    int64_t *seats = bo_text_rest_as_numbers(words, &count);
    if (!bo_map_change(&room->map, version, state, seats, count)) bo_room_load_map(room);
    free(seats);
}

static void find_again(struct bo_session *s, void *arg) {
    if (s->stage == BO_STAGE_WAIT) bo_sessions_add(arg, s);
}

/* Some lost their connection on a gateway; who is still connected here is not absent. */
static void on_absent(struct bo_room *room, char *people) {
    struct bo_sessions here = {0};
    while (people) bo_room_each_of(room, bo_text_next_word(&people), find_again, &here);
    for (size_t i = 0; i < here.count; i++) {
        bo_room_join(room, here.items[i]);
        bo_session_release(here.items[i]);
    }
    free(here.items);
}

static void on_head(struct bo_room *room, char *words) { bo_room_head_moved(room, bo_text_next_number(&words)); }

/* aside: ranges of records that were put aside, as words. */
static void reach(struct bo_room *room, int64_t seq, char *aside) {
    size_t count;
    int64_t *ranges = bo_text_rest_as_numbers(aside, &count);
    bo_commits_reached(&room->commits, seq, ranges, count);
    free(ranges);
}

/* committed number epoch first last …: in another epoch it is the number of another record. */
static void on_committed(struct bo_room *room, char *words) {
    int64_t seq = bo_text_next_number(&words);
    if (bo_text_next_number(&words) == room->epoch) reach(room, seq, words);
}

/* The new epoch itself comes with an answer of a script, behind all answers of the one before. */
static void on_epoch(struct bo_room *room, char *words) {
    (void)words;
    if (room->state == BO_ROOM_READY)
        bo_room_tick(room);
    else
        bo_room_load_settings(room);
}

static void on_paid(struct bo_room *room, char *words) {
    const char *person = bo_text_next_word(&words), *order = bo_text_next_word(&words);
    int64_t seq = bo_text_next_number(&words);
    bo_order_settled(room, person, order, seq, bo_text_next_number(&words));
}

static void on_refunded(struct bo_room *room, char *words) {
    const char *person = bo_text_next_word(&words), *order = bo_text_next_word(&words);
    int64_t seq = bo_text_next_number(&words);
    bo_order_refunded(room, person, order, seq, bo_text_next_number(&words));
}

static void on_end(struct bo_room *room, char *words) {
    const char *person = bo_text_next_word(&words), *reason = bo_text_next_word(&words);
    const char *order = bo_text_next_word(&words);
    bo_room_each_of(room, person, end_session, &(struct ending){reason, order, words ? bo_text_next_number(&words) : 0});
}

static void on_deadline(struct bo_room *room, char *words) {
    const char *person = bo_text_next_word(&words);
    bo_ms deadline = bo_text_next_number(&words);
    bo_room_each_of(room, person, set_deadline, &deadline);
}

static void on_status(struct bo_room *room, char *words) {
    bo_room_set_status(room, bo_text_next_word(&words));
    if (bo_text_next_number(&words) > room->version) bo_rooms_load(room->gateway);
}

static void on_opened(struct bo_room *room, char *words) {
    (void)words;
    bo_room_set_opened(room);
}

static void on_items(struct bo_room *room, char *words) {
    (void)words;
    bo_room_load_stock(room);
}

static void hear(struct bo_room *room, char *words) {
    static const struct {
        const char *what;
        void (*hear)(struct bo_room *room, char *words);
    } news[] = {{"seats", on_seats},       {"head", on_head},     {"view", bo_room_heard_view},   {"committed", on_committed}, {"paid", on_paid},
                {"end", on_end},           {"absent", on_absent}, {"deadline", on_deadline},      {"status", on_status},       {"opened", on_opened},
                {"refunded", on_refunded}, {"items", on_items},   {"stock", bo_room_heard_stock}, {"lot", bo_room_heard_lot},  {"won", bo_room_heard_won},
                {"lapsed", bo_room_heard_lapsed}, {"epoch", on_epoch}};
    const char *what = bo_text_next_word(&words);
    for (size_t i = 0; i < sizeof(news) / sizeof(news[0]); i++) {
        if (strcmp(news[i].what, what) != 0) continue;
        news[i].hear(room, words);
        return;
    }
    bo_log_error("sale %s: a message of the feed is not understood: %s", room->id, what);
}

void bo_room_heard(struct bo_room *room, char *text) {
    char *message;
    while ((message = strsep(&text, "\n"))) hear(room, message);
}

/* ---- the map ---- */

struct map_reader {
    struct bo_room *room;
    void (*cb)(void *arg, int err);
    void *arg;
};

/* Who looks at a map that was known before hears what has changed with the next tick. */
static void map_read(void *arg, int err, const struct bo_value *v) {
    struct map_reader reader = *(struct map_reader *)arg;
    struct bo_room *room = reader.room;
    free(arg);
    const struct bo_value *states = err ? NULL : bo_value_item(v, 2);
    bool known = room->map.version >= 0;
    if (!err && bo_value_number(v, 1) >= room->map.version)
        bo_map_load(&room->map, bo_value_number(v, 1), states->kind == BO_VALUE_TEXT ? states->text : "", states->length);
    for (struct bo_visit *one = room->viewers; !err && !known && one; one = one->next_viewer) bo_session_send_map(one->session);
    reader.cb(reader.arg, err);
}

void bo_room_read_map(struct bo_room *room, void (*cb)(void *arg, int err), void *arg) {
    struct map_reader *reader = bo_alloc(sizeof(*reader));
    *reader = (struct map_reader){room, cb, arg};
    bo_room_run(room, "sale_map", NULL, 0, map_read, reader);
}

static void map_loaded(void *arg, int err) {
    (void)err; /* the next change or request tries again */
    ((struct bo_room *)arg)->map_loading = false;
}

#define CROWDED 1000
#define CROWDED_NEWS_MS 1000
#define NEWS_BYTES_PER_MS 20000 /* of all news of seats together: when ten thousands change a second, everybody's news are megabytes */
#define NEWS_LATEST_MS 3000
#define BYTES_PER_CHANGE 6 /* an index of five digits and a comma */

/* With thousands inside, every tick would be as many messages as all news of the line: half a second for a thousand, a whole one for more. */
static bo_ms seat_news_apart_ms(const struct bo_room *room) {
    bo_ms by_people = room->active < CROWDED ? 0 : room->active < CROWDED_NEWS_MS * 2 ? room->active / 2 : CROWDED_NEWS_MS;
    bo_ms by_bytes = room->seats_told_bytes / NEWS_BYTES_PER_MS;
    return by_people > by_bytes ? by_people : by_bytes < NEWS_LATEST_MS ? by_bytes : NEWS_LATEST_MS;
}

struct seat_news {
    struct bo_buffer lists[4]; /* free, held, sold, kept back */
};

static void add_seat_news(void *arg, uint32_t seat, char state) {
    struct bo_buffer *list = &((struct seat_news *)arg)->lists[state - '0'];
    char text[24], *at = list->length ? bo_text_put(text, ",") : text;
    bo_buffer_add(list, text, (size_t)(bo_text_put_number(at, seat) - text));
}

static void print_seat_news(struct bo_room *room, struct bo_buffer *json) {
    static const char *const names[] = {"free", "held", "sold", "blocked"};
    struct seat_news news = {0};
    bo_map_take_changes(&room->map, add_seat_news, &news);
    bo_buffer_printf(json, "{\"type\":\"seats\",\"version\":%" PRId64, room->map.version);
    for (int i = 0; i < 4; i++) {
        if (i == 3 && !news.lists[i].length) continue;
        bo_buffer_printf(json, ",\"%s\":[%s]", names[i], news.lists[i].length ? news.lists[i].data : "");
        bo_buffer_free(&news.lists[i]);
    }
    bo_buffer_add_text(json, "}");
}

static void forget_seat(void *arg, uint32_t seat, char state) {
    (void)arg;
    (void)seat;
    (void)state;
}

/* All changes since the last time in one message: with thousands choosing, one message per change would be millions. When it would be longer
 * than the map, it is the map. */
static void tell_changed_seats(struct bo_room *room) {
    bo_ms now = bo_loop_steady_ms();
    if (!room->map.changed_count || now - room->seats_told_ms < seat_news_apart_ms(room)) return;
    room->seats_told_ms = now;
    room->seats_told_bytes = 0;
    struct bo_buffer json = {0};
    if (room->map.changed_count * BYTES_PER_CHANGE > room->map.count) {
        bo_map_take_changes(&room->map, forget_seat, NULL);
        bo_room_print_map(room, &json);
    } else {
        print_seat_news(room, &json);
    }
    for (struct bo_visit *v = room->viewers; v; v = v->next_viewer) {
        bo_session_send(v->session, json.data, json.length);
        room->seats_told_bytes += (int64_t)json.length;
    }
    bo_buffer_free(&json);
}

void bo_room_load_map(struct bo_room *room) {
    if (room->map_loading) return;
    room->map_loading = true;
    bo_room_read_map(room, map_loaded, room);
}

/* ---- the clock ---- */

#define EXACT_WITHIN_MS 1000

static void exact_time(uv_timer_t *timer) { bo_room_tick(timer->data); }

/* Besides the ticks as ever: at the opening, and when the rate allows more. */
static void tick_in(struct bo_room *room, int64_t ms) {
    if (room->exact)
        uv_timer_start(room->exact, exact_time, (uint64_t)ms, 0);
    else
        room->exact = bo_loop_timer(&room->gateway->loop, (uint64_t)ms, 0, exact_time, room);
}

static void note_brake(struct bo_room *room, int percent, const char *why) {
    if (percent == room->brake) return;
    if (percent < room->brake)
        bo_log_warn("sale %s: admission slowed down to %d %%: %s", room->id, percent, why);
    else if (percent == 100)
        bo_log_info("sale %s: admission at full speed again", room->id);
    room->brake = percent;
    snprintf(room->brake_why, sizeof(room->brake_why), "%s", why);
}

static void ticked(void *arg, int err, const struct bo_value *v) {
    struct bo_room *room = arg;
    room->ticking = false;
    if (err) {
        if (err == BO_ERR_LOST_SALE) bo_room_doubt(room);
        return;
    }
    bo_room_set_epoch(room, bo_value_number(v, 18));
    if (bo_value_number(v, 13)) bo_room_set_opened(room);
    room->opens_in_ms = bo_value_number(v, 14);
    int64_t again_in = bo_value_number(v, 2);
    if (!room->opened && room->opens_in_ms < EXACT_WITHIN_MS) again_in = room->opens_in_ms;
    if (again_in > 0) tick_in(room, again_in);
    note_brake(room, (int)bo_value_number(v, 15), bo_value_text(v, 16));
    room->stock = bo_value_number(v, 17);
    room->clock_offset_ms = bo_value_number(v, 1) - bo_loop_wall_ms();
    room->total_waiting = bo_value_number(v, 4);
    room->active = bo_value_number(v, 5);
    room->free = bo_value_number(v, 7);
    room->sold = bo_value_number(v, 8);
    room->admitted = bo_value_number(v, 9);
    room->seq = bo_value_number(v, 10);
    room->handed_out = bo_value_number(v, 12);
    room->blocked = bo_value_number(v, 19);
    int64_t departed = room->handed_out - room->total_waiting - room->admitted;
    bo_estimate_feed(&room->estimate, bo_value_number(v, 1), room->admitted, departed);
    if (bo_value_number(v, 3) > room->head) bo_room_head_moved(room, bo_value_number(v, 3));
    char *aside = bo_strdup(bo_value_text(v, 20));
    reach(room, bo_value_number(v, 11), *aside ? aside : NULL);
    free(aside);
    room->ledger_gap = bo_value_number(v, 21);
    bo_room_set_status(room, bo_value_text(v, 6));
    if (again_in == 0) bo_room_tick(room); /* a whole batch came in and there may be more, or it opens */
}

void bo_room_tick(struct bo_room *room) {
    tell_changed_seats(room);
    if (room->state != BO_ROOM_READY || room->ticking || !bo_redis_store_is_up(room->gateway->redis)) return;
    room->ticking = true;
    const struct bo_config *config = &room->gateway->config;
    const int64_t latency_ms[] = {[BO_BRAKE_PAYMENTS] = config->brake_payment_latency_ms, [BO_BRAKE_REDIS] = config->brake_redis_latency_ms,
                                  [BO_BRAKE_TELLING] = config->brake_telling_latency_ms};
    const char *why;
    int percent = bo_brake_percent(&room->gateway->brake, bo_loop_steady_ms(), latency_ms, &why);
    char text[8];
    snprintf(text, sizeof(text), "%d", percent);
    const char *args[] = {text, why};
    bo_room_run(room, "line_tick", args, 2, ticked, room);
}

static void tell_notice(void *arg, struct bo_table_link *link) {
    (void)arg;
    struct bo_session *s = (struct bo_session *)link;
    if (bo_session_hears_later(s))
        s->notice_due = true;
    else if (s->stage == BO_STAGE_WAIT)
        bo_session_tell_notice(s);
}

void bo_room_tell_notice(struct bo_room *room) { bo_table_each(&room->people, tell_notice, NULL); }

void bo_room_second(struct bo_room *room) {
    room->asking_rests = false;
    bo_history_second(room);
    if (room->state != BO_ROOM_READY || room->told_version < room->version) bo_room_load_settings(room);
    if (room->state == BO_ROOM_READY) bo_room_head_moved(room, room->head); /* asks again about those who stepped back in line before the head */
}

static void resync_one(void *arg, struct bo_table_link *link) {
    struct bo_room *room = arg;
    struct bo_session *s = (struct bo_session *)link;
    if (s->stage == BO_STAGE_CLAIM || s->stage == BO_STAGE_CHOOSE || s->stage == BO_STAGE_PAY) bo_sessions_add(&room->asks, s);
}

void bo_room_resync(struct bo_room *room) {
    bo_table_each(&room->people, resync_one, room);
    bo_room_reload(room);
}

void bo_room_reload(struct bo_room *room) {
    bo_room_load_front(room);
    bo_room_load_stock(room);
    if (room->map.version < 0) return;
    room->map.version = -1; /* whatever Redis has now counts */
    bo_room_load_map(room);
}

void bo_room_turn_end(struct bo_room *room) {
    bo_room_send_choices(room, false);
    if (room->state != BO_ROOM_READY) return;
    bo_room_send_returns(room);
    if (!bo_room_finds_again(room)) { /* else one who is put back would be told that he is out */
        bo_room_send_joins(room);
        bo_room_send_drops(room);
        bo_room_send_asks(room);
    }
    bo_room_read_tickets(room);
    if (room->asks_under_way) room->gateway->arrivals.more = true; /* somebody is about to be let in: no rest now */
}
