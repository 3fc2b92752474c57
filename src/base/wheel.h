/* SPDX-License-Identifier: Apache-2.0
 * A timer wheel for a great many coarse timers: adding, moving and removing cost the same however many there are.
 * One turn has 512 slots; timers further off than a turn wait in the last slot and are laid in anew when it comes. */
#ifndef BO_BASE_WHEEL_H
#define BO_BASE_WHEEL_H

#include "boxoffice/types.h"

#include <stdbool.h>
#include <stddef.h>

#define BO_WHEEL_SLOTS 512

struct bo_wheel_node {
    struct bo_wheel_node *next, *prev; /* NULL: not in a wheel */
    bo_ms due;
};

struct bo_wheel {
    struct bo_wheel_node slots[BO_WHEEL_SLOTS];
    bo_ms slot_ms;
    int64_t turned_to; /* slots up to this one have been run */
};

void bo_wheel_init(struct bo_wheel *wheel, bo_ms slot_ms, bo_ms now);
void bo_wheel_set(struct bo_wheel *wheel, struct bo_wheel_node *node, bo_ms due); /* adds or moves */
void bo_wheel_remove(struct bo_wheel_node *node);                                 /* nothing happens if it is in none */

/* Runs cb for the timers due by now, the longest due first, each taken out before; cb may set or remove any timer. At most max of
 * them: true when more are due. */
bool bo_wheel_run(struct bo_wheel *wheel, bo_ms now, size_t max, void (*cb)(void *arg, struct bo_wheel_node *node), void *arg);

#endif
