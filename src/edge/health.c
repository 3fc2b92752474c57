/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/health.h"

#include "base/log.h"
#include "edge/hooks.h"
#include "edge/room.h"
#include "loop/loop.h"
#include "metrics/metrics.h"
#include "redis/store.h"

#include <stdio.h>

struct view {
    enum bo_health_state state;
    int percent; /* of the slowest sale */
    const char *why, *sale;
};

static void note(struct view *view, enum bo_health_state state, const char *why, const char *sale) {
    if (state > view->state) *view = (struct view){state, view->percent, why, sale};
}

static void look_at_room(void *arg, struct bo_table_link *link) {
    struct bo_room *room = (struct bo_room *)link;
    struct view *view = arg;
    if (room->ledger_gap) note(view, BO_CRITICAL, "ledger_gap", room->id);
    if (room->state == BO_ROOM_LOST) note(view, BO_CRITICAL, "sale_lost", room->id);
    if (view->state > BO_CAUTION || room->brake >= view->percent) return;
    *view = (struct view){room->brake ? BO_CAUTION : BO_CRITICAL, room->brake, room->brake_why, room->id};
}

/* Critical: nothing can be decided, or most calls fail. Caution: admission is slowed down, some calls fail, or an operator has something to look at. */
static struct view look(struct bo_gateway *gateway) {
    struct view view = {BO_HEALTHY, 100, "", ""};
    const char *why;
    double failing = bo_brake_failing(&gateway->brake, bo_loop_steady_ms(), &why);
    if (!bo_redis_store_is_up(gateway->redis)) note(&view, BO_CRITICAL, "redis", "");
    if (!bo_queue_is_up(gateway->postgres)) note(&view, BO_CRITICAL, "postgres", "");
    if (failing > BO_BRAKE_MANY) note(&view, BO_CRITICAL, why, "");
    bo_table_each(&gateway->rooms, look_at_room, &view);
    if (failing > BO_BRAKE_SOME) note(&view, BO_CAUTION, why, "");
    if (bo_metric_total(BO_METRIC_dead_letters_waiting)) note(&view, BO_CAUTION, "dead_letters", "");
    if (bo_metric_total(BO_METRIC_differences)) note(&view, BO_CAUTION, "differences", "");
    return view;
}

void bo_health_second(struct bo_gateway *gateway) {
    struct view view = look(gateway);
    const struct bo_config *config = &gateway->config;
    if (bo_health_look(&gateway->health, bo_loop_steady_ms(), view.state, config->health_worse_ms, config->health_better_ms)) {
        bo_log(view.state == BO_HEALTHY ? BO_LOG_INFO : BO_LOG_WARN, "health: %s%s%s%s%s", bo_health_name(view.state), *view.why ? ", " : "", view.why, *view.sale ? ", sale " : "", view.sale);
        bo_metric_add(BO_METRIC_health_changes, 1);
        bo_metric_set(BO_METRIC_gateways_caution, view.state == BO_CAUTION);
        bo_metric_set(BO_METRIC_gateways_critical, view.state == BO_CRITICAL);
        bo_hooks_health(gateway->hooks, bo_health_name(view.state), view.why, view.sale);
    }
}
