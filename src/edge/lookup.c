/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/lookup.h"

#include "base/memory.h"
#include "base/text.h"
#include "edge/room.h"
#include "loop/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASK_EVERY_MS 50

struct bo_lookup {
    struct bo_lookup *next;
    char sale[BO_ID_MAX + 1];
    int64_t question; /* the first one that begins after it was wanted */
    bool unreadable;
    bo_lookup_cb cb;
    void *arg;
};

static void finish(struct bo_gateway *gateway, struct bo_lookup *l, int err) {
    if (!err && l->unreadable) err = BO_ERR_UNAVAILABLE;
    struct bo_room *room = err ? NULL : bo_rooms_find(gateway, l->sale);
    if (!err && !room) err = BO_ERR_UNKNOWN_SALE;
    l->cb(l->arg, err, room);
    free(l);
}

/* Those that question, and every one before it, has answered. */
static void finish_up_to(struct bo_gateway *gateway, int64_t question, int err) {
    struct bo_lookup *all = gateway->lookups, *next;
    gateway->lookups = NULL;
    for (struct bo_lookup *l = all; l; l = next) {
        next = l->next;
        if (l->question <= question) {
            finish(gateway, l, err);
        } else {
            l->next = gateway->lookups;
            gateway->lookups = l;
        }
    }
}

static void stop_asking(struct bo_gateway *gateway) {
    if (gateway->lookup_timer) bo_loop_timer_free(gateway->lookup_timer);
    gateway->lookup_timer = NULL;
}

static void ask(uv_timer_t *timer) {
    struct bo_gateway *gateway = timer->data;
    if (!bo_queue_is_up(gateway->postgres)) finish_up_to(gateway, INT64_MAX, BO_ERR_UNAVAILABLE);
    if (gateway->lookups)
        bo_rooms_load(gateway);
    else
        stop_asking(gateway);
}

void bo_lookup_sale(struct bo_gateway *gateway, const char *sale, bo_lookup_cb cb, void *arg) {
    struct bo_room *room = bo_rooms_find(gateway, sale);
    int err = 0;
    if (!bo_text_is_id(sale)) err = BO_ERR_UNKNOWN_SALE;
    if (!gateway->postgres) err = BO_ERR_UNAVAILABLE; /* the end has come */
    if (room || err) {
        cb(arg, room ? 0 : err, room);
        return;
    }
    struct bo_lookup *l = bo_alloc(sizeof(*l));
    *l = (struct bo_lookup){.next = gateway->lookups, .question = gateway->sales_asked + 1, .cb = cb, .arg = arg};
    snprintf(l->sale, sizeof(l->sale), "%s", sale);
    gateway->lookups = l;
    if (!gateway->lookup_timer) gateway->lookup_timer = bo_loop_timer(&gateway->loop, 0, ASK_EVERY_MS, ask, gateway);
}

void bo_lookup_answered(struct bo_gateway *gateway, int err) {
    finish_up_to(gateway, gateway->sales_asked, err ? BO_ERR_UNAVAILABLE : 0);
}

void bo_lookup_unreadable(struct bo_gateway *gateway, const char *sale) {
    for (struct bo_lookup *l = gateway->lookups; l; l = l->next) l->unreadable |= strcmp(l->sale, sale) == 0;
}

void bo_lookup_close(struct bo_gateway *gateway) {
    finish_up_to(gateway, INT64_MAX, BO_ERR_UNAVAILABLE);
    stop_asking(gateway);
}

/* ---- requests ---- */

static void found(void *arg, int err, struct bo_room *room) {
    struct bo_http *http = arg;
    (void)room;
    http->missing = err ? err : BO_ERR_UNKNOWN_SALE;
    (http->admin ? bo_admin_run : bo_routes_run)(http);
}

void bo_lookup_run(struct bo_http *http) {
    char sale[BO_ID_MAX + 1];
    if (bo_http_path_below(http, "/api/sales/", sale))
        bo_lookup_sale(http->gateway, sale, found, http);
    else
        found(http, 0, NULL);
}
