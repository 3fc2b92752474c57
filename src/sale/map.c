/* SPDX-License-Identifier: Apache-2.0 */
#include "sale/map.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static void mark(struct bo_map *map, size_t seat) {
    if (map->is_changed[seat]) return;
    map->is_changed[seat] = 1;
    map->changed[map->changed_count++] = (uint32_t)seat;
}

void bo_map_load(struct bo_map *map, int64_t version, const char *states, size_t count) {
    if (count != map->count || !map->changed) {
        free(map->is_changed);
        map->is_changed = bo_alloc(count);
        map->changed = bo_realloc(map->changed, count * sizeof(*map->changed));
        map->changed_count = 0;
    } else if (map->version >= 0) {
        for (size_t i = 0; i < count; i++)
            if (map->states[i] != states[i]) mark(map, i);
    }
    map->states = bo_realloc(map->states, count + 1);
    memcpy(map->states, states, count);
    map->states[count] = '\0';
    map->count = count;
    map->version = version;
}

bool bo_map_change(struct bo_map *map, int64_t version, int state, const int64_t *seats, size_t count) {
    if (map->version >= 0 && version <= map->version) return true;
    if (map->version < 0 || version != map->version + 1) return false;
    for (size_t i = 0; i < count; i++) {
        if (seats[i] < 0 || (size_t)seats[i] >= map->count) continue;
        map->states[seats[i]] = (char)('0' + state);
        mark(map, (size_t)seats[i]);
    }
    map->version = version;
    return true;
}

void bo_map_take_changes(struct bo_map *map, void (*add)(void *, uint32_t, char), void *arg) {
    for (size_t i = 0; i < map->changed_count; i++) {
        map->is_changed[map->changed[i]] = 0;
        add(arg, map->changed[i], map->states[map->changed[i]]);
    }
    map->changed_count = 0;
}

void bo_map_free(struct bo_map *map) {
    free(map->states);
    free(map->changed);
    free(map->is_changed);
    *map = (struct bo_map){.version = -1};
}
