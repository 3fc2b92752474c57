/* SPDX-License-Identifier: Apache-2.0
 * People in line: joins and departures in batches, news of the position, and who is let in when the head moves. */
#include "edge/room.h"

#include "base/log.h"
#include "base/memory.h"
#include "edge/token.h"
#include "loop/loop.h"
#include "metrics/metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_MAX 500
#define PLACE_TOKEN_MS INT64_C(604800000) /* a week: tickets are looked up with it, too */
#define BACK_POSITION 20000               /* from here on news come at the slowest pace */

/* Some sessions of one room whose people a script was asked about; each holds a reference. */
struct batch {
    struct bo_room *room;
    uint64_t head_events;
    size_t count;
    struct bo_session *sessions[BATCH_MAX];
};

static struct batch *take_batch(struct bo_room *room, struct bo_sessions *from) {
    struct batch *batch = bo_alloc(sizeof(*batch));
    batch->room = room;
    batch->head_events = room->head_events;
    batch->count = from->count < BATCH_MAX ? from->count : BATCH_MAX;
    memcpy(batch->sessions, from->items, batch->count * sizeof(*batch->sessions));
    from->count -= batch->count;
    memmove(from->items, from->items + batch->count, from->count * sizeof(*from->items));
    return batch;
}

static void free_batch(struct batch *batch) {
    for (size_t i = 0; i < batch->count; i++) bo_session_release(batch->sessions[i]);
    free(batch);
}

/* ---- news ---- */

static int64_t news_interval(const struct bo_config *config, int64_t position) {
    if (position <= BO_LINE_BUCKET) return config->news_front_ms;
    int64_t distance = position < BACK_POSITION ? position : BACK_POSITION;
    return config->news_front_ms + (config->news_back_ms - config->news_front_ms) * distance / BACK_POSITION;
}

static void set_news_timer(struct bo_session *s, int64_t in_ms) {
    bo_wheel_set(&s->gateway->wheel, &s->timer, bo_loop_wall_ms() + in_ms);
}

static int64_t position_of(const struct bo_session *s) {
    const struct bo_room *room = s->room;
    int64_t behind_head = s->number - room->head;
    int64_t position = room->view.front_count ? bo_line_view_position(&room->view, s->number) : behind_head > 0 ? behind_head : 1;
    return s->shown && s->shown < position ? s->shown : position; /* never goes up */
}

void bo_session_tell_position(struct bo_session *s) {
    struct bo_room *room = s->room;
    int64_t position = position_of(s), interval = news_interval(&s->gateway->config, position), low, high;
    int64_t total = room->total_waiting > position ? room->total_waiting : position;
    char json[256];
    int n;
    if (strcmp(room->status, "open") == 0 && bo_estimate_range(&room->estimate, position, total, &low, &high))
        n = snprintf(json, sizeof(json),
                     "{\"type\":\"position\",\"position\":%" PRId64 ",\"total\":%" PRId64 ",\"eta_s\":[%" PRId64 ",%" PRId64
                     "],\"next_ms\":%" PRId64 "}",
                     position, total, low, high, interval);
    else
        n = snprintf(json, sizeof(json),
                     "{\"type\":\"position\",\"position\":%" PRId64 ",\"total\":%" PRId64 ",\"eta_s\":null,\"next_ms\":%" PRId64 "}",
                     position, total, interval);
    if (bo_session_send_news(s, json, (size_t)n)) {
        s->shown = position;
        bo_metric_add(BO_METRIC_positions, 1);
    }
    set_news_timer(s, interval);
}

static const char *stage_name(int stage) {
    static const char *const names[] = {"new", "joining", "wait", "claim", "choose", "pay", "out"};
    return names[stage];
}

void bo_session_tell_time(struct bo_session *s) {
    int64_t left = s->deadline - bo_gateway_now(s->gateway);
    bo_session_printf(s, "{\"type\":\"time\",\"stage\":\"%s\",\"left_ms\":%" PRId64 "}", stage_name(s->stage), left > 0 ? left : 0);
    set_news_timer(s, 10000);
}

void bo_session_timer(struct bo_session *s) {
    if (s->close_code)
        lws_callback_on_writable(s->wsi); /* he did not answer the close frame */
    else if (s->stage == BO_STAGE_NEW)
        bo_session_close(s, BO_CLOSE_NOT_JOINED);
    else if (s->stage == BO_STAGE_WAIT)
        bo_session_tell_position(s);
    else if (s->stage == BO_STAGE_CLAIM || s->stage == BO_STAGE_CHOOSE || s->stage == BO_STAGE_PAY)
        bo_session_tell_time(s);
}

/* ---- stages as the store tells them ---- */

static void admit(struct bo_session *s, enum bo_stage stage, int64_t number, bo_ms deadline) {
    bo_session_set_stage(s, stage, deadline);
    s->number = number;
    bo_ms now = bo_gateway_now(s->gateway);
    bo_ms expires = deadline + s->room->settings.choose_ms + s->room->settings.pay_ms;
    char *access = bo_token_access(&s->gateway->config, s->room->id, s->person, number, expires);
    bo_session_printf(s,
                      "{\"type\":\"admitted\",\"stage\":\"%s\",\"access\":\"%s\",\"deadline_ms\":%" PRId64 ",\"left_ms\":%" PRId64 "}",
                      stage_name(stage), access, deadline, deadline > now ? deadline - now : 0);
    free(access);
    bo_metric_add(BO_METRIC_admissions, 1);
}

static enum bo_stage stage_from(const char *name) {
    if (strcmp(name, "wait") == 0) return BO_STAGE_WAIT;
    if (strcmp(name, "claim") == 0) return BO_STAGE_CLAIM;
    if (strcmp(name, "choose") == 0) return BO_STAGE_CHOOSE;
    if (strcmp(name, "pay") == 0) return BO_STAGE_PAY;
    return BO_STAGE_OUT;
}

static void wait_in_line(struct bo_session *s) {
    s->in_line.key = s->number;
    if (!s->in_line.place) bo_heap_add(&s->room->waiting, &s->in_line);
}

static void ask_about(struct bo_session *s) {
    bo_heap_remove(&s->room->waiting, &s->in_line);
    bo_sessions_add(&s->room->asks, s);
}

/* ---- joining ---- */

void bo_room_join(struct bo_room *room, struct bo_session *s) { bo_sessions_add(&room->joins, s); }

static void tell_joined(struct bo_session *s, const char *stage) {
    char *place = bo_token_place(&s->gateway->config, s->room->id, s->person, bo_gateway_now(s->gateway) + PLACE_TOKEN_MS);
    bo_session_printf(s,
                      "{\"type\":\"joined\",\"sale\":\"%s\",\"person\":\"%s\",\"number\":%" PRId64
                      ",\"stage\":\"%s\",\"status\":\"%s\",\"resume\":\"%s\"}",
                      s->room->id, s->person, s->number, stage, s->room->status, place);
    free(place);
    bo_metric_add(BO_METRIC_joins, 1);
}

static void turn_away(struct bo_session *s, const char *status) {
    bool sold_out = strcmp(status, "sold_out") == 0;
    bo_session_set_stage(s, BO_STAGE_OUT, 0);
    bo_session_printf(s, "{\"type\":\"%s\",\"message\":\"%s\"}", sold_out ? "sold_out" : "ended",
                      bo_error_text(sold_out ? BO_ERR_SOLD_OUT : BO_ERR_ENDED));
    bo_session_close(s, sold_out ? BO_CLOSE_SOLD_OUT : BO_CLOSE_ENDED);
}

static void place_session(struct bo_session *s, const struct bo_value *found) {
    const char *name = bo_value_text(found, 1);
    bool quiet = s->stage == BO_STAGE_WAIT; /* only ended an absence */
    const char *status = s->room->status;
    bool over = strcmp(status, "sold_out") == 0 || strcmp(status, "closed") == 0;
    if (strcmp(name, "sold_out") == 0 || strcmp(name, "closed") == 0 || (over && strcmp(name, "wait") == 0)) {
        turn_away(s, over ? status : name);
        return;
    }
    s->number = bo_value_number(found, 0);
    enum bo_stage stage = stage_from(name);
    if (!quiet) tell_joined(s, name);
    if (stage == BO_STAGE_WAIT) {
        if (!quiet) bo_session_set_stage(s, BO_STAGE_WAIT, 0);
        wait_in_line(s);
        if (!quiet) {
            bo_session_tell_position(s);
            set_news_timer(s, random() % news_interval(&s->gateway->config, s->shown) + 1);
        }
        if (s->number <= s->room->head) ask_about(s);
    } else if (stage == BO_STAGE_OUT) {
        bo_session_set_stage(s, BO_STAGE_OUT, 0);
        if (quiet) bo_session_printf(s, "{\"type\":\"left\"}");
        if (*bo_value_text(found, 3)) bo_order_look_up(s, bo_value_text(found, 3));
    } else {
        admit(s, stage, s->number, bo_value_number(found, 2));
    }
}

static void joined(void *arg, int err, const struct bo_value *v) {
    struct batch *batch = arg;
    struct bo_room *room = batch->room;
    room->joins_under_way = false;
    if (!err) {
        room->gateway->clock_offset_ms = bo_value_number(v, 1) - bo_loop_wall_ms();
        bo_room_set_status(room, bo_value_text(v, 3));
        if (bo_value_number(v, 2) > room->head) bo_room_head_moved(room, bo_value_number(v, 2));
    }
    for (size_t i = 0; i < batch->count; i++) {
        struct bo_session *s = batch->sessions[i];
        if (!s->wsi) continue;
        if (!err) {
            place_session(s, bo_value_item(v, 4 + i));
        } else if (s->stage == BO_STAGE_JOINING) {
            bo_session_set_stage(s, BO_STAGE_OUT, 0);
            bo_session_error(s, err == BO_ERR_UNKNOWN_SALE ? BO_ERR_LOST_SALE : err, NULL);
        }
    }
    free_batch(batch);
}

static void send_batch(struct batch *batch, const char *script, const char *flags, bo_store_cb cb) {
    const char *args[BATCH_MAX + 1];
    size_t n = 0;
    if (flags) args[n++] = flags;
    for (size_t i = 0; i < batch->count; i++) args[n++] = batch->sessions[i]->person;
    bo_room_run(batch->room, script, args, n, cb, batch);
}

/* One call at a time: who comes meanwhile is in the next one. So a batch is one person when it is quiet and hundreds when it
 * is not, and Redis is never asked more often than it answers. */
void bo_room_send_joins(struct bo_room *room) {
    if (room->joins.count && !room->joins_under_way) {
        room->joins_under_way = true;
        struct batch *batch = take_batch(room, &room->joins);
        char again[BATCH_MAX + 1];
        for (size_t i = 0; i < batch->count; i++) {
            const struct bo_session *s = batch->sessions[i];
            again[i] = s->stage != BO_STAGE_JOINING ? '-' : s->again ? '1' : '0';
        }
        again[batch->count] = '\0';
        send_batch(batch, "line_join", again, joined);
    }
}

void bo_room_refuse_joins(struct bo_room *room, int err) {
    for (size_t i = 0; i < room->joins.count; i++) {
        struct bo_session *s = room->joins.items[i];
        if (s->stage == BO_STAGE_JOINING) {
            bo_session_set_stage(s, BO_STAGE_OUT, 0);
            bo_session_error(s, err, NULL);
        }
        bo_session_release(s);
    }
    room->joins.count = 0;
}

static void ignore_answer(void *arg, int err, const struct bo_value *v) {
    (void)v;
    struct bo_room *room = arg;
    if (err) bo_log_warn("sale %s: people who lost their connection could not be noted: %s", room->id, bo_error_name(err));
}

void bo_room_send_drops(struct bo_room *room) {
    for (size_t from = 0; from < room->drop_count; from += BATCH_MAX) {
        size_t count = room->drop_count - from < BATCH_MAX ? room->drop_count - from : BATCH_MAX;
        bo_room_run(room, "line_drop", (const char *const *)room->drops + from, count, ignore_answer, room);
    }
    for (size_t i = 0; i < room->drop_count; i++) free(room->drops[i]);
    room->drop_count = 0;
}

/* ---- being let in ---- */

static void answer_ask(struct bo_session *s, const struct bo_value *found, bool head_moved_since) {
    enum bo_stage stage = stage_from(bo_value_text(found, 1));
    bool inside = s->stage == BO_STAGE_CLAIM || s->stage == BO_STAGE_CHOOSE || s->stage == BO_STAGE_PAY;
    if (s->stage == BO_STAGE_WAIT && stage == BO_STAGE_WAIT) {
        wait_in_line(s);
        if (head_moved_since && s->number <= s->room->head) ask_about(s);
    } else if (s->stage == BO_STAGE_WAIT && strcmp(bo_value_text(found, 1), "away") == 0) {
        wait_in_line(s);
        bo_room_join(s->room, s); /* he is here: back into line under his number */
    } else if (s->stage == BO_STAGE_WAIT && stage == BO_STAGE_OUT) {
        bo_session_set_stage(s, BO_STAGE_OUT, 0);
        bo_session_printf(s, "{\"type\":\"left\"}");
    } else if (s->stage == BO_STAGE_WAIT) {
        admit(s, stage, bo_value_number(found, 0), bo_value_number(found, 2));
    } else if (inside && stage == BO_STAGE_OUT) {
        char *order = s->order ? bo_strdup(s->order) : NULL;
        bo_session_set_stage(s, BO_STAGE_OUT, 0);
        if (order)
            bo_order_look_up(s, order);
        else
            bo_session_printf(s, "{\"type\":\"expired\",\"message\":\"%s\"}", bo_error_text(BO_ERR_ADMISSION_EXPIRED));
        free(order);
    }
}

static void asked(void *arg, int err, const struct bo_value *v) {
    struct batch *batch = arg;
    struct bo_room *room = batch->room;
    room->asks_under_way = false;
    for (size_t i = 0; i < batch->count; i++) {
        struct bo_session *s = batch->sessions[i];
        if (!s->wsi) continue;
        if (!err)
            answer_ask(s, bo_value_item(v, 2 + i), batch->head_events != room->head_events);
        else if (s->stage == BO_STAGE_WAIT)
            wait_in_line(s); /* asked again within a second */
    }
    free_batch(batch);
}

void bo_room_send_asks(struct bo_room *room) {
    if (!room->asks.count || room->asks_under_way) return;
    room->asks_under_way = true;
    send_batch(take_batch(room, &room->asks), "line_find", NULL, asked);
}

void bo_room_head_moved(struct bo_room *room, int64_t head) {
    room->head_events++;
    if (head > room->head) room->head = head;
    struct bo_heap_node *first;
    while ((first = bo_heap_first(&room->waiting)) && first->key <= room->head)
        ask_about((struct bo_session *)((char *)first - offsetof(struct bo_session, in_line)));
}

/* ---- the whole line, once a second ---- */

static void front_loaded(void *arg, int err, const struct bo_value *v) {
    struct bo_room *room = arg;
    room->front_loading = false;
    if (err) return;
    room->total_waiting = bo_value_number(v, 1);
    const struct bo_value *front = bo_value_item(v, 2), *gone = bo_value_item(v, 3);
    int64_t *numbers = bo_alloc((front->length + gone->length) * sizeof(*numbers));
    for (size_t i = 0; i < front->length; i++) numbers[i] = bo_value_number(front, i);
    for (size_t i = 0; i < gone->length; i++) numbers[front->length + i] = bo_value_number(gone, i);
    bo_line_view_set(&room->view, numbers, front->length, numbers + front->length, gone->length / 2);
    free(numbers);
}

void bo_room_load_front(struct bo_room *room) {
    if (room->front_loading) return;
    room->front_loading = true;
    bo_room_run(room, "line_front", NULL, 0, front_loaded, room);
}
