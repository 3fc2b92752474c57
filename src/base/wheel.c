/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wheel.h"

#include <stddef.h>

static void list_init(struct bo_wheel_node *head) { head->next = head->prev = head; }

static void list_append(struct bo_wheel_node *head, struct bo_wheel_node *node) {
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

void bo_wheel_init(struct bo_wheel *wheel, bo_ms slot_ms, bo_ms now) {
    for (int i = 0; i < BO_WHEEL_SLOTS; i++) list_init(&wheel->slots[i]);
    wheel->slot_ms = slot_ms;
    wheel->turned_to = now / slot_ms;
}

void bo_wheel_remove(struct bo_wheel_node *node) {
    if (!node->next) return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = NULL;
}

void bo_wheel_set(struct bo_wheel *wheel, struct bo_wheel_node *node, bo_ms due) {
    bo_wheel_remove(node);
    node->due = due;
    int64_t slot = due / wheel->slot_ms + 1; /* rounded up: never early */
    if (slot <= wheel->turned_to) slot = wheel->turned_to + 1;
    if (slot >= wheel->turned_to + BO_WHEEL_SLOTS) slot = wheel->turned_to + BO_WHEEL_SLOTS - 1;
    list_append(&wheel->slots[slot % BO_WHEEL_SLOTS], node);
}

/* Runs what is due in one slot, as long as *left allows; false: it did not, and the rest stays in the slot. */
static bool run_slot(struct bo_wheel *wheel, int64_t slot, size_t *left, void (*cb)(void *, struct bo_wheel_node *), void *arg) {
    struct bo_wheel_node *head = &wheel->slots[slot % BO_WHEEL_SLOTS], due;
    if (head->next == head) return true;
    due = *head; /* move the whole list aside, so that cb may set timers into this slot */
    due.next->prev = &due;
    due.prev->next = &due;
    list_init(head);
    while (due.next != &due && *left) {
        struct bo_wheel_node *node = due.next;
        bo_wheel_remove(node);
        if (node->due / wheel->slot_ms + 1 > slot) {
            bo_wheel_set(wheel, node, node->due);
        } else {
            --*left;
            cb(arg, node);
        }
    }
    if (due.next == &due) return true;
    due.prev->next = head->next; /* before what cb has set into it */
    head->next->prev = due.prev;
    due.next->prev = head;
    head->next = due.next;
    return false;
}

bool bo_wheel_run(struct bo_wheel *wheel, bo_ms now, size_t max, void (*cb)(void *, struct bo_wheel_node *), void *arg) {
    int64_t to = now / wheel->slot_ms;
    if (to - wheel->turned_to > BO_WHEEL_SLOTS) wheel->turned_to = to - BO_WHEEL_SLOTS; /* the clock jumped: one turn sees all */
    while (wheel->turned_to < to) {
        wheel->turned_to++;
        if (!run_slot(wheel, wheel->turned_to, &max, cb, arg)) {
            wheel->turned_to--;
            return true;
        }
    }
    return false;
}
