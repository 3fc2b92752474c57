/* SPDX-License-Identifier: Apache-2.0
 * Another epoch of a sale (rule P7): another Redis decides it, or it was lost and restored from the ledger. Everyone who is connected here says under which number
 * he stands, and is told where he is when that is not where he was. */
#include "edge/room.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "edge/stock.h"
#include "loop/loop.h"

#include <inttypes.h>
#include <string.h>

static bool is_inside(enum bo_stage stage) { return stage == BO_STAGE_CLAIM || stage == BO_STAGE_CHOOSE || stage == BO_STAGE_PAY; }

static void gather(void *arg, struct bo_table_link *link) {
    struct bo_room *room = arg;
    struct bo_session *s = (struct bo_session *)link;
    if (s->stage != BO_STAGE_WAIT && !is_inside(s->stage)) return;
    bo_heap_remove(&room->waiting, &s->in_line);
    bo_sessions_add(&room->returns, s);
}

void bo_room_doubt(struct bo_room *room) {
    if (room->state != BO_ROOM_READY) return;
    bo_log_warn("sale %s: nothing is decided until PostgreSQL has said which redis decides it, and how far the log goes", room->id);
    room->state = BO_ROOM_LOADING;
    room->told_version = -1;
    bo_room_load_settings(room);
}

void bo_room_set_epoch(struct bo_room *room, int64_t epoch) {
    if (!epoch || epoch == room->epoch) return;
    bool again = room->epoch != 0;
    room->epoch = epoch;
    if (!again) return;
    bo_log_warn("sale %s: epoch %" PRId64 " has begun; everyone connected here is found again", room->id, epoch);
    room->head = 0;
    bo_estimate_forget(&room->estimate);
    for (size_t i = 0; i < room->asks.count; i++) bo_session_release(room->asks.items[i]);
    room->asks.count = 0; /* they are among those who are gathered */
    bo_table_each(&room->people, gather, room);
    bo_commits_lost(&room->commits); /* what they wait for may be another record now */
    bo_room_reload(room);
}

bool bo_room_finds_again(const struct bo_room *room) { return room->returns.count || room->returns_under_way; }

void bo_session_find_again(struct bo_session *s) {
    if (s->stage == BO_STAGE_OUT && s->number) bo_sessions_add(&s->room->returns, s);
}

/* Where Redis has him now, and what he holds, may be a step before what he was told. */
static void return_session(struct bo_session *s, const struct bo_value *found) {
    enum bo_stage before = s->stage, stage = bo_stage_from(bo_value_text(found, 1));
    int64_t number = bo_value_number(found, 0);
    if (before != BO_STAGE_WAIT && before != BO_STAGE_OUT && !is_inside(before)) return;
    if (before == BO_STAGE_PAY && stage != BO_STAGE_PAY && stage != BO_STAGE_OUT && s->visit && s->visit->order)
        bo_order_look_up(s, s->visit->order); /* what he pays, or has paid, is not known any more */
    if (stage == BO_STAGE_WAIT) {
        s->number = number;
        if (before != BO_STAGE_WAIT) {
            bo_session_set_stage(s, BO_STAGE_WAIT, 0);
            bo_session_tell_joined(s, "wait", 0);
        }
        bo_session_wait(s);
    } else if (is_inside(stage)) {
        if (stage != before || stage == BO_STAGE_CLAIM)
            bo_session_admit(s, stage, number, bo_value_number(found, 2));
        else
            bo_session_set_stage(s, stage, bo_value_number(found, 2));
        if (stage == BO_STAGE_CHOOSE && s->entered) bo_session_enter(s); /* he hears what he holds */
    } else if (before == BO_STAGE_OUT) {
        return; /* how his order ended is looked up by itself */
    } else if (before == BO_STAGE_WAIT) {
        bo_session_set_stage(s, BO_STAGE_OUT, 0);
        bo_session_printf(s, "{\"type\":\"left\"}");
        if (*bo_value_text(found, 3)) bo_order_look_up(s, bo_value_text(found, 3));
    } else {
        bo_session_end_inside(s);
    }
}

static void returned(void *arg, int err, const struct bo_value *v) {
    struct bo_batch *batch = arg;
    struct bo_room *room = batch->room;
    room->returns_under_way = false;
    room->asking_rests = err != 0;
    if (!err) room->clock_offset_ms = bo_value_number(v, 1) - bo_loop_wall_ms();
    for (size_t i = 0; i < batch->count; i++) {
        struct bo_session *s = batch->sessions[i];
        if (!s->wsi) continue;
        if (err)
            bo_sessions_add(&room->returns, s);
        else
            return_session(s, bo_value_item(v, 2 + i));
    }
    bo_batch_free(batch);
}

void bo_room_send_returns(struct bo_room *room) {
    if (!room->returns.count || room->returns_under_way || room->asking_rests || !bo_redis_store_is_up(room->gateway->redis)) return;
    room->returns_under_way = true;
    struct bo_batch *batch = bo_batch_take(room, &room->returns);
    const char *args[BO_BATCH_MAX * 2];
    char numbers[BO_BATCH_MAX][24];
    for (size_t i = 0; i < batch->count; i++) {
        *bo_text_put_number(numbers[i], batch->sessions[i]->number) = '\0';
        args[i * 2] = batch->sessions[i]->person;
        args[i * 2 + 1] = numbers[i];
    }
    bo_room_run(room, "line_return", args, batch->count * 2, returned, batch);
}
