/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/history.h"

#include "base/memory.h"
#include "edge/room.h"
#include "loop/loop.h"

#include <string.h>

#define FIELDS 9
static const char *const names[FIELDS] = {"at_ms", "waiting", "active", "admitted", "joined", "free", "sold", "log_lag", "speed_percent"};

struct bo_history {
    int64_t samples[BO_HISTORY_MAX][FIELDS];
    size_t next, count;
    int64_t second;
};

void bo_history_second(struct bo_room *room) {
    int64_t second = bo_loop_steady_ms() / 1000;
    if (strcmp(room->status, "draft") == 0 || room->state != BO_ROOM_READY) return;
    if (!room->history) room->history = bo_alloc(sizeof(*room->history));
    struct bo_history *h = room->history;
    if (h->count && second < h->second + BO_HISTORY_EVERY_S) return;
    const int64_t now[FIELDS] = {bo_loop_wall_ms(), room->total_waiting, room->active, room->admitted, room->handed_out, room->free, room->sold,
                                 room->seq > room->commits.committed ? room->seq - room->commits.committed : 0, room->brake};
    memcpy(h->samples[h->next], now, sizeof(now));
    h->next = (h->next + 1) % BO_HISTORY_MAX;
    if (h->count < BO_HISTORY_MAX) h->count++;
    h->second = second;
}

json_t *bo_history_print(const struct bo_room *room) {
    const struct bo_history *h = room->history;
    json_t *fields = json_array(), *samples = json_array();
    for (size_t i = 0; i < FIELDS; i++) json_array_append_new(fields, json_string(names[i]));
    for (size_t i = 0; h && i < h->count; i++) {
        json_t *sample = json_array();
        const int64_t *values = h->samples[(h->next + BO_HISTORY_MAX - h->count + i) % BO_HISTORY_MAX];
        for (size_t f = 0; f < FIELDS; f++) json_array_append_new(sample, json_integer((json_int_t)values[f]));
        json_array_append_new(samples, sample);
    }
    return json_pack("{s:I, s:o, s:o}", "every_ms", (json_int_t)(BO_HISTORY_EVERY_S * 1000), "fields", fields, "samples", samples);
}
