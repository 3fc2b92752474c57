/* SPDX-License-Identifier: Apache-2.0
 * People in line: joins and departures in batches, news of the position, and who is let in when the head moves. */
#include "edge/room.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "edge/token.h"
#include "loop/loop.h"
#include "metrics/metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TRACE_BYTES 17 /* of a trace and a space */
#define PLACE_TOKEN_MS INT64_C(604800000) /* a week: tickets are looked up with it, too */
#define JOIN_GAP_MS 20
#define JOIN_GAP_STREAM_MS 200
#define JOIN_COMPANY 100
#define BACK_POSITION 20000               /* from here on news come at the slowest pace */
#define OPENING_NEWS_MS 10000             /* after the opening everyone has heard his position by then */
#define OVERLOADED_MS 5000 /* PostgreSQL does not keep up; who cannot join now may ask again after it */
#define TURNED_AWAY_MS 30000              /* who is turned away may ask again after it */

struct bo_batch *bo_batch_take(struct bo_room *room, struct bo_sessions *from) {
    struct bo_batch *batch = bo_alloc(sizeof(*batch));
    batch->room = room;
    batch->head_events = room->head_events;
    batch->count = from->count < BO_BATCH_MAX ? from->count : BO_BATCH_MAX;
    memcpy(batch->sessions, from->items, batch->count * sizeof(*batch->sessions));
    from->count -= batch->count;
    memmove(from->items, from->items + batch->count, from->count * sizeof(*from->items));
    return batch;
}

void bo_batch_free(struct bo_batch *batch) {
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
    bo_wheel_set(&s->gateway->wheel, &s->timer, bo_loop_steady_ms() + in_ms);
}

/* The draw is secret until the opening. */
static bool is_secret(const struct bo_session *s) { return !s->room->opened && bo_line_is_drawn(s->number); }

static int64_t never_up(const struct bo_session *s, int64_t position) {
    if (position < 1) position = 1;
    return s->shown && s->shown < position ? s->shown : position;
}

static int64_t position_of(const struct bo_session *s) {
    const struct bo_room *room = s->room;
    bool known = room->view.front_count || room->view.segment_count;
    return never_up(s, known ? bo_line_view_position(&room->view, s->number) : room->total_waiting);
}

/* Is less left than there are people up to his place? Where areas without numbered seats are sold as well, nobody can tell. */
static bool may_be_too_late(const struct bo_room *room, int64_t position) { return room->seq > 0 && room->free < position && room->stock <= room->free; }

/* "position":…,"total":…,"eta_s":…,"free":…,"next_ms":… */
static char *put_position(char *at, const struct bo_room *room, int64_t position, int64_t interval) {
    int64_t total = room->total_waiting > position ? room->total_waiting : position, low, high;
    at = bo_text_put(at, "\"position\":");
    at = bo_text_put_number(at, position);
    at = bo_text_put(at, ",\"total\":");
    at = bo_text_put_number(at, total);
    at = bo_text_put(at, ",\"eta_s\":");
    if (bo_room_admits(room) && room->stock > 0 && bo_estimate_range(&room->estimate, position, total, room->opened ? 0 : room->opens_in_ms, &low, &high)) {
        *at++ = '[';
        at = bo_text_put_number(at, low);
        *at++ = ',';
        at = bo_text_put_number(at, high);
        *at++ = ']';
    } else {
        at = bo_text_put(at, "null");
    }
    if (may_be_too_late(room, position)) at = bo_text_put_number(bo_text_put(at, ",\"free\":"), room->free);
    at = bo_text_put(at, ",\"next_ms\":");
    return bo_text_put_number(at, interval);
}

/* "opens_in_ms":…,"total":…,"next_ms":… */
static char *put_gathering(char *at, const struct bo_room *room, int64_t interval) {
    at = bo_text_put(at, "\"opens_in_ms\":");
    at = bo_text_put_number(at, room->opens_in_ms);
    at = bo_text_put(at, ",\"total\":");
    at = bo_text_put_number(at, room->total_waiting);
    at = bo_text_put(at, ",\"next_ms\":");
    return bo_text_put_number(at, interval);
}

bool bo_session_hears_later(const struct bo_session *s) {
    return s->stage == BO_STAGE_WAIT && (s->shown ? s->shown : s->room->total_waiting) > BACK_POSITION;
}

void bo_session_tell_status(struct bo_session *s) {
    s->status_due = false;
    bo_session_printf(s, "{\"type\":\"status\",\"status\":\"%s\"}", s->room->status);
}

static void tell_gathering(struct bo_session *s) {
    char json[192], *at = bo_text_put(json, "{\"type\":\"gathering\",");
    int64_t interval = s->gateway->config.news_back_ms;
    at = bo_text_put(put_gathering(at, s->room, interval), "}");
    bo_session_send_news(s, json, (size_t)(at - json));
    set_news_timer(s, interval);
}

void bo_session_tell_position(struct bo_session *s) {
    s->more = true;
    if (s->status_due) bo_session_tell_status(s);
    if (s->notice_due) bo_session_tell_notice(s);
    s->more = false;
    if (is_secret(s)) {
        tell_gathering(s);
        return;
    }
    int64_t position = position_of(s), interval = news_interval(&s->gateway->config, position);
    char json[256], *at = bo_text_put(json, "{\"type\":\"position\",");
    at = bo_text_put(put_position(at, s->room, position, interval), "}");
    if (bo_session_send_news(s, json, (size_t)(at - json))) {
        s->shown = (uint32_t)position;
        bo_metric_add(BO_METRIC_positions, 1);
    }
    set_news_timer(s, interval);
}

static const char *stage_name(int stage) {
    static const char *const names[] = {"new", "joining", "wait", "claim", "choose", "pay", "out"};
    return names[stage];
}

void bo_session_tell_time(struct bo_session *s) {
    int64_t left = s->visit->deadline - bo_room_now(s->room);
    bo_session_printf(s, "{\"type\":\"time\",\"stage\":\"%s\",\"left_ms\":%" PRId64 "}", stage_name(s->stage), left > 0 ? left : 0);
    set_news_timer(s, 10000);
}

void bo_session_timer(struct bo_session *s) {
    if (s->close_sent)
        lws_callback_on_writable(s->wsi); /* he did not answer the close frame */
    else if (s->close_code)
        bo_session_close_next(s);
    else if (s->stage == BO_STAGE_NEW || s->stage == BO_STAGE_OUT)
        bo_session_close(s, BO_CLOSE_NOT_JOINED);
    else if (s->stage == BO_STAGE_WAIT)
        bo_session_tell_position(s);
    else if (s->stage == BO_STAGE_CLAIM || s->stage == BO_STAGE_CHOOSE || s->stage == BO_STAGE_PAY)
        bo_session_tell_time(s);
}

/* ---- stages as the store tells them ---- */

void bo_session_admit(struct bo_session *s, enum bo_stage stage, int64_t number, bo_ms deadline) {
    bo_session_set_stage(s, stage, deadline);
    s->number = number;
    const struct bo_settings *settings = &s->room->settings;
    int64_t left = bo_room_left_ms(s->room, deadline, stage == BO_STAGE_CLAIM ? settings->claim_ms : stage == BO_STAGE_CHOOSE ? settings->choose_ms : settings->pay_ms);
    bo_ms now = bo_room_now(s->room), wall = bo_loop_wall_ms();
    bo_ms expires = wall - now + deadline + settings->choose_ms + settings->extend_ms * settings->extend_max + settings->pay_ms;
    char *access = bo_token_access(&s->gateway->config, s->gateway->keys, s->room->id, s->person, number, wall, expires);
    bo_session_visit(s)->access_hash = bo_text_hash(access);
    bo_session_printf(s,
                      "{\"type\":\"admitted\",\"stage\":\"%s\",\"access\":\"%s\",\"deadline_ms\":%" PRId64 ",\"left_ms\":%" PRId64 "}",
                      stage_name(stage), access, deadline, left);
    free(access);
    bo_metric_add(BO_METRIC_admissions, 1);
}

enum bo_stage bo_stage_from(const char *name) {
    if (strcmp(name, "wait") == 0) return BO_STAGE_WAIT;
    if (strcmp(name, "claim") == 0) return BO_STAGE_CLAIM;
    if (strcmp(name, "choose") == 0) return BO_STAGE_CHOOSE;
    if (strcmp(name, "pay") == 0) return BO_STAGE_PAY;
    return BO_STAGE_OUT;
}

void bo_session_wait(struct bo_session *s) {
    s->in_line.key = s->number;
    if (!s->in_line.place) bo_heap_add(&s->room->waiting, &s->in_line);
}

static void ask_about(struct bo_session *s) {
    bo_heap_remove(&s->room->waiting, &s->in_line);
    bo_sessions_add(&s->room->asks, s);
}

/* ---- joining ---- */

void bo_room_join(struct bo_room *room, struct bo_session *s) { bo_sessions_add(&room->joins, s); }

void bo_session_tell_joined(struct bo_session *s, const char *stage, int64_t fresh_position) {
    const struct bo_room *room = s->room;
    char json[2048], *at = json, place[BO_PLACE_TOKEN_MAX];
    bool waits = strcmp(stage, "wait") == 0, secret = waits && is_secret(s);
    bo_token_place(s->gateway->keys, room->id, s->person, bo_loop_wall_ms() + PLACE_TOKEN_MS, place);
    at = bo_text_put(at, "{\"type\":\"joined\",\"sale\":\"");
    at = bo_text_put(at, room->id);
    at = bo_text_put(at, "\",\"person\":\"");
    at = bo_text_put(at, s->person);
    at = bo_text_put(at, "\",\"number\":");
    at = secret ? bo_text_put(at, "null") : bo_text_put_number(at, s->number);
    at = bo_text_put(at, ",\"stage\":\"");
    at = bo_text_put(at, secret ? "gather" : stage);
    at = bo_text_put(at, "\",\"status\":\"");
    at = bo_text_put(at, room->status);
    at = bo_text_put(at, "\",\"resume\":\"");
    at = bo_text_put(at, place);
    at = bo_text_put(at, "\",\"reconnect_ms\":");
    at = bo_text_put_number(at, bo_gateway_reconnect_ms(s->gateway));
    int64_t interval = s->gateway->config.news_back_ms;
    if (secret) {
        at = put_gathering(bo_text_put(at, ","), room, interval);
    } else if (waits) {
        s->shown = (uint32_t)(fresh_position ? never_up(s, fresh_position) : position_of(s));
        interval = news_interval(&s->gateway->config, s->shown);
        at = put_position(bo_text_put(at, ","), room, s->shown, interval);
    }
    at = bo_text_put(at, "}");
    bo_session_send(s, json, (size_t)(at - json));
    if (waits) set_news_timer(s, interval); /* so news come as evenly as people came, and in the order of their memory */
    bo_metric_add(BO_METRIC_joins, 1);
    if (room->settings.notice[0]) bo_session_tell_notice(s);
}

void bo_session_tell_notice(struct bo_session *s) {
    s->notice_due = false;
    struct bo_buffer b = {0};
    bo_buffer_add_text(&b, "{\"type\":\"notice\",\"text\":\"");
    bo_buffer_add_json(&b, s->room->settings.notice);
    bo_buffer_add_text(&b, "\"}");
    bo_session_send(s, b.data, b.length);
    bo_buffer_free(&b);
}

void bo_session_dismiss(struct bo_session *s, const char *status) {
    bool sold_out = strcmp(status, "sold_out") == 0;
    if (strcmp(status, "away") == 0) {
        bo_session_refuse(s, BO_ERR_TURNED_AWAY, TURNED_AWAY_MS);
        bo_session_close(s, BO_CLOSE_TURNED_AWAY);
        return;
    }
    bo_session_printf(s, "{\"type\":\"%s\",\"message\":\"%s\"}", sold_out ? "sold_out" : "ended",
                      bo_error_text(sold_out ? BO_ERR_SOLD_OUT : BO_ERR_ENDED));
    bo_session_close(s, sold_out ? BO_CLOSE_SOLD_OUT : BO_CLOSE_ENDED);
}

/* He got no place: 'status' is the sale's, or the code that says why. */
static bool refused(struct bo_session *s, const char *status) {
    static const struct {
        const char *name;
        int err;
    } codes[] = {{"draining", BO_ERR_DRAINING}, {"too_early", BO_ERR_TOO_EARLY}, {"invitation_used", BO_ERR_INVITATION_USED},
                 {"lane_full", BO_ERR_LANE_FULL}, {"away", BO_ERR_TURNED_AWAY}, {"overloaded", BO_ERR_OVERLOADED}, {"unavailable", BO_ERR_UNAVAILABLE}};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (strcmp(codes[i].name, status) != 0) continue;
        bo_ms left = s->room->settings.gathers_at - bo_loop_wall_ms();
        bo_session_set_stage(s, BO_STAGE_OUT, 0);
        if (codes[i].err == BO_ERR_TURNED_AWAY)
            bo_session_dismiss(s, status);
        else
            bo_session_refuse(s, codes[i].err, codes[i].err == BO_ERR_TOO_EARLY ? (left > 0 ? left : 100) : codes[i].err == BO_ERR_OVERLOADED || codes[i].err == BO_ERR_UNAVAILABLE ? OVERLOADED_MS : 0);
        return true;
    }
    return false;
}

/* waiting, last: of the line and the last number handed out, just after he was placed. */
static void place_session(struct bo_session *s, const struct bo_value *found, int64_t waiting, int64_t last) {
    bool fresh = found->kind == BO_VALUE_NUMBER;
    const char *name = fresh ? "wait" : bo_value_text(found, 1);
    bool quiet = s->stage == BO_STAGE_WAIT; /* only ended an absence */
    const char *status = s->room->status;
    bool over = strcmp(status, "sold_out") == 0 || strcmp(status, "closed") == 0;
    free(s->entry);
    s->entry = NULL;
    if (refused(s, name)) return;
    if (strcmp(name, "sold_out") == 0 || strcmp(name, "closed") == 0 || (over && strcmp(name, "wait") == 0)) {
        bo_session_set_stage(s, BO_STAGE_OUT, 0);
        bo_session_dismiss(s, over ? status : name);
        return;
    }
    if (s->stage == BO_STAGE_JOINING) s->fresh = fresh;
    if (fresh) s->shown = 0; /* what he saw belongs to a place he has lost */
    s->number = fresh ? found->number : bo_value_number(found, 0);
    enum bo_stage stage = bo_stage_from(name);
    if (stage == BO_STAGE_WAIT && !quiet) bo_session_set_stage(s, BO_STAGE_WAIT, 0);
    if (!quiet) bo_session_tell_joined(s, name, fresh && s->number > 0 ? waiting - (last - s->number) : fresh ? 0 : bo_value_number(found, 4));
    if (stage == BO_STAGE_WAIT) {
        bo_session_wait(s);
        if (s->number <= s->room->head) ask_about(s);
    } else if (stage == BO_STAGE_OUT) {
        bo_session_set_stage(s, BO_STAGE_OUT, 0);
        if (quiet) bo_session_printf(s, "{\"type\":\"left\"}");
        if (*bo_value_text(found, 3)) bo_order_look_up(s, bo_value_text(found, 3));
    } else {
        bo_session_admit(s, stage, s->number, bo_value_number(found, 2));
    }
}

static void joined(void *arg, int err, const struct bo_value *v) {
    struct bo_batch *batch = arg;
    struct bo_room *room = batch->room;
    room->joins_under_way = false;
    if (!err) {
        room->clock_offset_ms = bo_value_number(v, 1) - bo_loop_wall_ms();
        bo_room_set_status(room, bo_value_text(v, 3));
        if (bo_value_number(v, 4)) bo_room_set_opened(room);
        room->total_waiting = bo_value_number(v, 5);
        if (bo_value_number(v, 2) > room->head) bo_room_head_moved(room, bo_value_number(v, 2));
    }
    for (size_t i = 0; i < batch->count; i++) {
        struct bo_session *s = batch->sessions[i];
        if (!s->wsi) continue;
        if (!err) {
            place_session(s, bo_value_item(v, 7 + i), bo_value_number(v, 5), bo_value_number(v, 6));
        } else if (s->stage == BO_STAGE_JOINING) {
            bo_session_set_stage(s, BO_STAGE_OUT, 0);
            bo_session_error(s, err, NULL);
        }
    }
    bo_batch_free(batch);
}

/* The invitations of a batch, three arguments each. */
static size_t add_invitations(const struct bo_batch *batch, const char **args, char (*numbers)[24]) {
    size_t n = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct bo_entry *entry = batch->sessions[i]->entry;
        if (!entry || !*entry->lane) continue;
        *bo_text_put_number(numbers[i], (int64_t)i + 1) = '\0';
        args[n++] = numbers[i];
        args[n++] = entry->lane;
        args[n++] = entry->invitation;
    }
    return n;
}

/* "" when nobody of the batch has one. */
static void print_traces(const struct bo_batch *batch, char ret[BO_BATCH_MAX * TRACE_BYTES + 1]) {
    char *at = ret;
    bool any = false;
    *ret = '\0';
    for (size_t i = 0; i < batch->count; i++) any |= batch->sessions[i]->trace != 0;
    for (size_t i = 0; any && i < batch->count; i++) {
        uint64_t trace = batch->sessions[i]->trace;
        at += trace ? sprintf(at, "%016" PRIx64 " ", trace) : sprintf(at, "- ");
    }
}

static void send_join_batch(struct bo_batch *batch) {
    const char *args[BO_BATCH_MAX * 4 + 3];
    char numbers[BO_BATCH_MAX][24], again[BO_BATCH_MAX + 1], count[24], traces[BO_BATCH_MAX * TRACE_BYTES + 1];
    for (size_t i = 0; i < batch->count; i++) {
        const struct bo_session *s = batch->sessions[i];
        again[i] = s->stage != BO_STAGE_JOINING ? '-' : s->again ? '1' : '0';
    }
    again[batch->count] = '\0';
    snprintf(count, sizeof(count), "%zu", batch->count);
    size_t n = 0;
    args[n++] = again;
    args[n++] = count;
    for (size_t i = 0; i < batch->count; i++) args[n++] = batch->sessions[i]->person;
    n += add_invitations(batch, args + n, numbers);
    print_traces(batch, traces);
    if (*traces) args[n++] = traces;
    bo_room_run(batch->room, "line_join", args, n, joined, batch);
}

/* One call at a time, and not before a gap after the last one began unless many wait: who comes meanwhile is in the next one. So a
 * batch is one person at once when it is quiet, and dozens when people stream in. */
void bo_room_send_joins(struct bo_room *room) {
    if (!room->joins.count || room->joins_under_way) return;
    int gap_ms = room->gateway->arrivals.stream ? JOIN_GAP_STREAM_MS : JOIN_GAP_MS;
    bo_ms now = bo_loop_steady_ms();
    if (now - room->joins_sent_ms < gap_ms && room->joins.count < JOIN_COMPANY) {
        bo_gateway_wake_in(room->gateway, gap_ms);
        return;
    }
    room->joins_sent_ms = now;
    room->joins_under_way = true;
    send_join_batch(bo_batch_take(room, &room->joins));
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

#define DROPS_MAX 200000 /* that wait to be told to Redis; of more it hears when an admission finds nobody */

struct drops {
    struct bo_room *room;
    size_t count;
    char *names[BO_BATCH_MAX];
};

void bo_room_add_drop(struct bo_room *room, char *person) {
    if (room->drop_count == DROPS_MAX) {
        free(person);
        return;
    }
    if (room->drop_count == room->drop_room) {
        room->drop_room = room->drop_room ? room->drop_room * 2 : 64;
        room->drops = bo_realloc(room->drops, room->drop_room * sizeof(*room->drops));
    }
    room->drops[room->drop_count++] = person;
}

/* Else nobody's grace would begin, and the line would wait for people who are gone (rule L6). */
static void dropped(void *arg, int err, const struct bo_value *v) {
    (void)v;
    struct drops *drops = arg;
    struct bo_room *room = drops->room;
    if (err) room->asking_rests = true;
    for (size_t i = 0; i < drops->count; i++) {
        bool again = err && !bo_table_find(&room->people, drops->names[i]);
        if (again)
            bo_room_add_drop(room, drops->names[i]);
        else
            free(drops->names[i]);
    }
    free(drops);
}

void bo_room_send_drops(struct bo_room *room) {
    while (room->drop_count && !room->asking_rests && bo_redis_store_is_up(room->gateway->redis)) {
        struct drops *drops = bo_alloc(sizeof(*drops));
        *drops = (struct drops){.room = room, .count = room->drop_count < BO_BATCH_MAX ? room->drop_count : BO_BATCH_MAX};
        room->drop_count -= drops->count;
        memcpy(drops->names, room->drops + room->drop_count, drops->count * sizeof(*drops->names));
        bo_room_run(room, "line_drop", (const char *const *)drops->names, drops->count, dropped, drops);
    }
}

/* ---- being let in ---- */

#define ADMITTED_AT 4 /* of an answer of line_find */

void bo_session_end_inside(struct bo_session *s) {
    char *order = s->visit && s->visit->order ? bo_strdup(s->visit->order) : NULL;
    bo_session_set_stage(s, BO_STAGE_OUT, 0);
    if (order)
        bo_order_look_up(s, order);
    else
        bo_session_printf(s, "{\"type\":\"expired\",\"message\":\"%s\"}", bo_error_text(BO_ERR_ADMISSION_EXPIRED));
    free(order);
}

static void answer_ask(struct bo_session *s, const struct bo_value *found, bool head_moved_since) {
    enum bo_stage stage = bo_stage_from(bo_value_text(found, 1));
    bool inside = s->stage == BO_STAGE_CLAIM || s->stage == BO_STAGE_CHOOSE || s->stage == BO_STAGE_PAY;
    if (s->stage == BO_STAGE_WAIT && stage == BO_STAGE_WAIT) {
        bo_session_wait(s);
        if (head_moved_since && s->number <= s->room->head) ask_about(s);
    } else if (s->stage == BO_STAGE_WAIT && strcmp(bo_value_text(found, 1), "away") == 0) {
        bo_session_wait(s);
        bo_room_join(s->room, s); /* he is here: back into line under his number */
    } else if (s->stage == BO_STAGE_WAIT && stage == BO_STAGE_OUT) {
        bo_session_set_stage(s, BO_STAGE_OUT, 0);
        bo_session_printf(s, "{\"type\":\"left\"}");
    } else if (s->stage == BO_STAGE_WAIT) {
        bool first_told = found->length > ADMITTED_AT;
        if (first_told) bo_brake_note(&s->gateway->brake, BO_BRAKE_TELLING, bo_loop_steady_ms(), 1, 0, bo_room_now(s->room) - bo_value_number(found, ADMITTED_AT));
        bo_session_admit(s, stage, bo_value_number(found, 0), bo_value_number(found, 2));
    } else if (inside && stage == BO_STAGE_OUT) {
        bo_session_end_inside(s);
    }
}

static void asked(void *arg, int err, const struct bo_value *v) {
    struct bo_batch *batch = arg;
    struct bo_room *room = batch->room;
    room->asks_under_way = false;
    room->asking_rests = err != 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct bo_session *s = batch->sessions[i];
        if (!s->wsi) continue;
        if (!err)
            answer_ask(s, bo_value_item(v, 2 + i), batch->head_events != room->head_events);
        else if (s->stage == BO_STAGE_WAIT)
            bo_session_wait(s); /* asked again within a second */
        else
            bo_sessions_add(&room->asks, s); /* he may have missed how it ended for him */
    }
    bo_batch_free(batch);
}

void bo_room_send_asks(struct bo_room *room) {
    if (!room->asks.count || room->asks_under_way || room->asking_rests || !bo_redis_store_is_up(room->gateway->redis)) return;
    room->asks_under_way = true;
    struct bo_batch *batch = bo_batch_take(room, &room->asks);
    const char *args[BO_BATCH_MAX];
    for (size_t i = 0; i < batch->count; i++) args[i] = batch->sessions[i]->person;
    bo_room_run(room, "line_find", args, batch->count, asked, batch);
}

void bo_room_head_moved(struct bo_room *room, int64_t head) {
    room->head_events++;
    if (head > room->head) room->head = head;
    struct bo_heap_node *first;
    while ((first = bo_heap_first(&room->waiting)) && first->key <= room->head)
        ask_about((struct bo_session *)((char *)first - offsetof(struct bo_session, in_line)));
}

/* ---- the whole line, once a second ---- */

/* The opening is past: the draw is no secret any more. Who stands in front hears first. */
static void announce(void *arg, struct bo_table_link *link) {
    (void)arg;
    struct bo_session *s = (struct bo_session *)link;
    if (s->stage != BO_STAGE_WAIT) return;
    int64_t within = position_of(s) / 20;
    set_news_timer(s, within < OPENING_NEWS_MS ? within : OPENING_NEWS_MS);
}

static void view_changed(struct bo_room *room) {
    if (!room->announce) return;
    room->announce = false;
    bo_table_each(&room->people, announce, NULL);
}

static void front_loaded(void *arg, int err, const struct bo_value *v) {
    struct bo_room *room = arg;
    room->front_loading = false;
    if (err) return;
    room->total_waiting = bo_value_number(v, 1);
    const struct bo_value *front = bo_value_item(v, 2), *segments = bo_value_item(v, 3);
    int64_t *numbers = bo_alloc((front->length + segments->length) * sizeof(*numbers));
    for (size_t i = 0; i < front->length; i++) numbers[i] = bo_value_number(front, i);
    for (size_t i = 0; i < segments->length; i++) numbers[front->length + i] = bo_value_number(segments, i);
    bo_line_view_set(&room->view, numbers, front->length, numbers + front->length, segments->length / 3, bo_value_number(v, 4));
    free(numbers);
    view_changed(room);
}

void bo_room_load_front(struct bo_room *room) {
    if (room->front_loading) return;
    room->front_loading = true;
    bo_room_run(room, "line_front", NULL, 0, front_loaded, room);
}

/* waiting, the number handed out last, how many stand in front, their numbers, the segments */
void bo_room_heard_view(struct bo_room *room, char *words) {
    room->total_waiting = bo_text_next_number(&words);
    int64_t handed_out = bo_text_next_number(&words), front = bo_text_next_number(&words);
    size_t count;
    int64_t *numbers = bo_text_rest_as_numbers(words, &count);
    if (front >= 0 && (size_t)front <= count)
        bo_line_view_set(&room->view, numbers, (size_t)front, numbers + front, (count - (size_t)front) / 3, handed_out);
    free(numbers);
    view_changed(room);
}

void bo_room_set_opened(struct bo_room *room) {
    if (room->opened) return;
    room->opened = true;
    room->opens_in_ms = 0;
    room->announce = true;
    bo_room_load_front(room);
}
