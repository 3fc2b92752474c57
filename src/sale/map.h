/* SPDX-License-Identifier: Apache-2.0
 * A gateway's copy of which seats are free, held or sold. Loaded as a snapshot with a version; each pushed change
 * carries the next version, so a missed one is noticed. */
#ifndef BO_SALE_MAP_H
#define BO_SALE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bo_map {
    int64_t version; /* -1: not loaded */
    char *states;    /* one of '0' free, '1' held, '2' sold per seat; NUL-terminated */
    size_t count;
    uint32_t *changed; /* seats changed since the last take, each once */
    char *is_changed;
    size_t changed_count;
};

void bo_map_load(struct bo_map *map, int64_t version, const char *states, size_t count);

/* false: this change does not continue from what is here, load anew. A change that is in already is true and does nothing. */
bool bo_map_change(struct bo_map *map, int64_t version, int state, const int64_t *seats, size_t count);

/* Forgets what was gathered: calls add for each seat that changed since the last call, with its state now. Many changes
 * between two calls become one. */
void bo_map_take_changes(struct bo_map *map, void (*add)(void *arg, uint32_t seat, char state), void *arg);

void bo_map_free(struct bo_map *map);

#endif
