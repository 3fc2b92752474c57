/* SPDX-License-Identifier: Apache-2.0
 * Orders that were paid: the buyer is told once the log is committed, with his tickets as PostgreSQL has them (O3, O4). */
#include "edge/room.h"

#include "base/currency.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/memory.h"
#include "edge/links.h"
#include "edge/tickets.h"
#include "metrics/metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct bo_paid {
    struct bo_commit_waiter waiter; /* first member */
    struct bo_paid *next, *prev;    /* in room->awaiting, then (next only) in room->paid */
    struct bo_room *room;
    char person[BO_ID_MAX + 1], order[BO_ID_MAX + 1];
    bo_money refund; /* how much was given back; -1: it was paid */
    bool not_booked; /* put aside, as far as is known here */
};

static void settle_session(struct bo_session *s, void *arg) {
    (void)arg;
    if (s->stage != BO_STAGE_JOINING) bo_session_set_stage(s, BO_STAGE_OUT, 0);
}

static void tell_refund(struct bo_session *s, void *arg) {
    const struct bo_paid *paid = arg;
    bo_session_printf(s, "{\"type\":\"refunded\",\"order\":\"%s\",\"amount\":%" PRId64 ",\"currency\":\"%s\",\"digits\":%d}",
                      paid->order, paid->refund, s->room->settings.currency, bo_currency_digits(s->room->settings.currency));
}

/* He was taken out when the order was paid, but that is not so any more. */
static void look_up_again(struct bo_session *s, void *arg) {
    bo_order_look_up(s, arg);
    bo_session_find_again(s);
}

static void tell_not_booked(struct bo_session *s, void *arg) { bo_session_error(s, BO_ERR_NOT_BOOKED, arg); }

static void committed(struct bo_commit_waiter *waiter, int err) {
    struct bo_paid *paid = (struct bo_paid *)waiter;
    struct bo_room *room = paid->room;
    if (paid->prev)
        paid->prev->next = paid->next;
    else
        room->awaiting = paid->next;
    if (paid->next) paid->next->prev = paid->prev;
    paid->not_booked = err == BO_ERR_NOT_BOOKED;
    if (err && (!paid->not_booked || paid->refund >= 0)) {
        bo_room_each_of(room, paid->person, paid->not_booked ? tell_not_booked : look_up_again, paid->order);
        free(paid);
        return;
    }
    if (paid->refund >= 0) {
        bo_room_each_of(room, paid->person, tell_refund, paid);
        free(paid);
        return;
    }
    paid->next = room->paid;
    room->paid = paid;
}

static void await_commit(struct bo_room *room, const char *person, const char *order, int64_t seq, bo_money refund) {
    struct bo_paid *paid = bo_alloc(sizeof(*paid));
    *paid = (struct bo_paid){.room = room, .refund = refund, .next = room->awaiting};
    memcpy(paid->person, person, strnlen(person, BO_ID_MAX));
    memcpy(paid->order, order, strnlen(order, BO_ID_MAX));
    if (paid->next) paid->next->prev = paid;
    room->awaiting = paid;
    bo_commits_await(&room->commits, &paid->waiter, seq, committed);
}

void bo_order_settled(struct bo_room *room, const char *person, const char *order, int64_t seq, bool of_lot) {
    if (!bo_table_find(&room->people, person) || strlen(person) > BO_ID_MAX || strlen(order) > BO_ID_MAX) return;
    if (!of_lot) bo_room_each_of(room, person, settle_session, NULL);
    await_commit(room, person, order, seq, -1);
}

void bo_order_refunded(struct bo_room *room, const char *person, const char *order, int64_t seq, bo_money amount) {
    if (bo_table_find(&room->people, person)) await_commit(room, person, order, seq, amount);
}

void bo_room_free_orders(struct bo_room *room) {
    for (struct bo_paid *lists[] = {room->awaiting, room->paid}, **list = lists; list < lists + 2; list++)
        for (struct bo_paid *paid = *list, *next; paid; paid = next) {
            next = paid->next;
            free(paid);
        }
    room->awaiting = room->paid = NULL;
}

struct telling {
    struct bo_room *room;
    struct bo_paid *paid;
};

struct bought {
    const char *json;
    size_t length;
};

static void tell_bought(struct bo_session *s, void *arg) {
    struct bought *bought = arg;
    bo_session_send(s, bought->json, bought->length);
    bo_metric_add(BO_METRIC_bought, 1);
}

/* Rows come in byte order of the order id; finds those of one order. */
static bool find_rows(const struct bo_rows *rows, const char *order, size_t *ret_from, size_t *ret_to) {
    size_t low = 0, count = bo_rows_count(rows), high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(bo_rows_text(rows, middle, 1), order) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_from = *ret_to = low;
    while (*ret_to < count && strcmp(bo_rows_text(rows, *ret_to, 1), order) == 0) ++*ret_to;
    return *ret_to > *ret_from;
}

/* An order's rows come in byte order of their owner. The buyer is not told the codes of tickets that were transferred (rule O4). */
static void keep_own(const struct bo_rows *rows, const char *person, size_t *from, size_t *to) {
    while (*from < *to && strcmp(bo_rows_text(rows, *from, 0), person) != 0) ++*from;
    while (*to > *from && strcmp(bo_rows_text(rows, *to - 1, 0), person) != 0) --*to;
}

static void tell_tickets(const struct bo_paid *paid, const struct bo_rows *rows, size_t from, size_t to) {
    struct bo_buffer b = {0};
    keep_own(rows, paid->person, &from, &to);
    bo_buffer_printf(&b, "{\"type\":\"bought\",\"order\":\"%s\",\"tickets\":", paid->order);
    bo_tickets_print(paid->room, rows, from, to, &b);
    bo_link_print(paid->room, paid->order, paid->person, &b);
    bo_buffer_add_text(&b, "}");
    bo_room_each_of(paid->room, paid->person, tell_bought, &(struct bought){b.data, b.length});
    bo_buffer_free(&b);
}

static void tickets_read(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct telling *telling = arg;
    struct bo_room *room = telling->room;
    room->reading_tickets = false;
    if (!err) BO_CRASH_POINT(tickets_read);
    for (struct bo_paid *paid = telling->paid, *next; paid; paid = next) {
        next = paid->next;
        size_t from, to;
        if (err) { /* again in the next turn */
            paid->next = room->paid;
            room->paid = paid;
            continue;
        }
        if (find_rows(rows, paid->order, &from, &to)) {
            tell_tickets(paid, rows, from, to);
        } else if (paid->not_booked) { /* what was put aside may have been written a moment ago, so the tables are asked first */
            bo_room_each_of(room, paid->person, tell_not_booked, paid->order);
        } else {
            bo_log_error("sale %s: order %s is committed as paid but has no tickets", room->id, paid->order);
        }
        free(paid);
    }
    free(telling);
}

void bo_room_read_tickets(struct bo_room *room) {
    if (!room->paid || room->reading_tickets || !bo_queue_is_up(room->gateway->postgres)) return;
    struct telling *telling = bo_alloc(sizeof(*telling));
    *telling = (struct telling){room, room->paid};
    struct bo_buffer orders = {0};
    for (struct bo_paid *paid = room->paid; paid; paid = paid->next)
        bo_buffer_printf(&orders, "%s\"%s\"", orders.length ? "," : "{", paid->order);
    bo_buffer_add_text(&orders, "}");
    room->paid = NULL;
    room->reading_tickets = true;
    const char *params[] = {room->id, orders.data};
    bo_queue_run(room->gateway->postgres,
                 "SELECT " BO_TICKET_COLUMNS " FROM tickets WHERE sale = $1 AND order_id = ANY($2::text[])"
                 " ORDER BY order_id COLLATE \"C\", person COLLATE \"C\", seat",
                 params, 2, tickets_read, telling);
    bo_buffer_free(&orders);
}

/* ---- how did it end? ---- */

struct look_up {
    struct bo_session *session;
    char order[BO_ID_MAX + 1];
};

/* Each state by its name: what is none of these is no failure. A buyer keeps what was not refunded. */
static const struct ending {
    const char *state;
    bool bought;
    const char *message; /* NULL: nothing ended */
} endings[] = {
    {"paying", false, NULL},
    {"paid", true, NULL},
    {"part_refunded", true, NULL},
    {"refunded", false, "This order was refunded. Its tickets are no longer valid."},
    {"declined", false, "The payment was declined. The seats of this order are free again."},
    {"expired", false, "The time to pay for this order ran out. Its seats are free again."},
    {"left", false, "This order was given up before it was paid. Its seats are free again."},
    {"lost", false, "This order was not completed. Its seats are free again."},
};

static const struct ending *find_ending(const char *state) {
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
        if (strcmp(endings[i].state, state) == 0) return &endings[i];
    return NULL;
}

static void looked_up(void *arg, int err, const struct bo_value *v) {
    struct look_up *l = arg;
    struct bo_session *s = l->session;
    const char *state = err ? "lost" : bo_value_text(v, 1);
    const struct ending *ending = find_ending(state);
    if (err && err != BO_ERR_UNKNOWN_ORDER)
        bo_session_error(s, err, NULL);
    else if (ending && ending->bought)
        bo_order_settled(s->room, s->person, l->order, bo_value_number(v, 4), false);
    else if (ending && ending->message)
        bo_session_printf(s, "{\"type\":\"order_failed\",\"order\":\"%s\",\"reason\":\"%s\",\"message\":\"%s\"}", l->order, state, ending->message);
    else if (strcmp(state, "paying") == 0) /* what ended it is lost: the buyer may pay again, or has paid and the service says so once more */
        bo_session_find_again(s);
    bo_session_release(s);
    free(l);
}

void bo_order_look_up(struct bo_session *s, const char *order) {
    struct look_up *l = bo_alloc(sizeof(*l));
    l->session = s;
    bo_session_hold(s);
    memcpy(l->order, order, strnlen(order, BO_ID_MAX));
    const char *args[] = {l->order};
    bo_room_run(s->room, "order_read", args, 1, looked_up, l);
}
