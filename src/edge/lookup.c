/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/lookup.h"

#include "base/memory.h"
#include "base/text.h"
#include "edge/roles.h"
#include "edge/room.h"
#include "edge/unreadable.h"
#include "loop/loop.h"

#include <stdio.h>
#include <stdlib.h>

#define CHECK_MS 50
#define ASK_EVERY_MS 1000 /* whatever names are asked for */
#define ANSWER_WITHIN_MS 3000
#define WAITING_MAX 1000

struct bo_lookup {
    struct bo_lookup *next;
    char sale[BO_ID_MAX + 1];
    int64_t question; /* the first one that begins after it was wanted */
    bo_ms give_up; /* steady */
    bo_lookup_cb cb;
    void *arg;
};

static void finish(struct bo_gateway *gateway, struct bo_lookup *l, int err) {
    struct bo_room *room = err ? NULL : bo_rooms_find(gateway, l->sale);
    if (!err && !room) err = bo_unreadable_is(gateway, l->sale) ? BO_ERR_UNAVAILABLE : BO_ERR_UNKNOWN_SALE;
    gateway->lookups_waiting--;
    l->cb(l->arg, err, room);
    free(l);
}

/* Those that a question, up to this one, has answered, and those whose time is up. */
static void finish_those(struct bo_gateway *gateway, int64_t question, bo_ms now, int err) {
    struct bo_lookup *all = gateway->lookups, *next;
    gateway->lookups = NULL;
    for (struct bo_lookup *l = all; l; l = next) {
        next = l->next;
        if (l->question <= question || l->give_up <= now) {
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
    bo_ms now = bo_loop_steady_ms();
    finish_those(gateway, bo_queue_is_up(gateway->postgres) ? 0 : INT64_MAX, now, BO_ERR_UNAVAILABLE);
    if (!gateway->lookups) {
        stop_asking(gateway);
    } else if (now >= gateway->lookup_asks_from && !gateway->sales_loading) {
        gateway->lookup_asks_from = now + ASK_EVERY_MS;
        bo_rooms_load(gateway);
    }
}

void bo_lookup_sale(struct bo_gateway *gateway, const char *sale, bo_lookup_cb cb, void *arg) {
    struct bo_room *room = bo_rooms_find(gateway, sale);
    int err = 0;
    if (!gateway->postgres || gateway->lookups_waiting >= WAITING_MAX) err = BO_ERR_UNAVAILABLE; /* without: the end has come */
    if (!bo_text_is_id(sale)) err = BO_ERR_UNKNOWN_SALE;
    if (room || err) {
        cb(arg, room ? 0 : err, room);
        return;
    }
    struct bo_lookup *l = bo_alloc(sizeof(*l));
    *l = (struct bo_lookup){.next = gateway->lookups, .question = gateway->sales_asked + 1, .cb = cb, .arg = arg};
    l->give_up = bo_loop_steady_ms() + ANSWER_WITHIN_MS;
    snprintf(l->sale, sizeof(l->sale), "%s", sale);
    gateway->lookups = l;
    gateway->lookups_waiting++;
    if (!gateway->lookup_timer) gateway->lookup_timer = bo_loop_timer(&gateway->loop, 0, CHECK_MS, ask, gateway);
}

void bo_lookup_answered(struct bo_gateway *gateway, int err) {
    finish_those(gateway, gateway->sales_asked, INT64_MIN, err ? BO_ERR_UNAVAILABLE : 0);
}

void bo_lookup_close(struct bo_gateway *gateway) {
    finish_those(gateway, INT64_MAX, INT64_MAX, BO_ERR_UNAVAILABLE);
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
    bool allowed = !http->admin || bo_roles_check(http) == 0; /* else the answer is known without a look-up */
    if (allowed && bo_http_path_below(http, "/api/sales/", sale))
        bo_lookup_sale(http->gateway, sale, found, http);
    else
        found(http, 0, NULL);
}
