/* SPDX-License-Identifier: Apache-2.0
 * A gateway's part of one sale's waiting room: who of the sale is connected here, what the store last said about the
 * line, the map of seats, and who waits for a commit. Kept right by what the scripts publish (the feed) and, should a
 * message be missed, by the tick. */
#ifndef BO_EDGE_ROOM_H
#define BO_EDGE_ROOM_H

#include "base/heap.h"
#include "edge/entry.h"
#include "edge/session.h"
#include "line/estimate.h"
#include "line/position.h"
#include "order/commit.h"
#include "sale/best.h"
#include "sale/map.h"
#include "sale/plan.h"
#include "sale/settings.h"

#define BO_REASON_MAX 64

enum bo_room_state { BO_ROOM_LOADING, BO_ROOM_READY, BO_ROOM_LOST };

struct bo_sessions { /* a list with a reference on each */
    struct bo_session **items;
    size_t count, room;
};

struct bo_room {
    struct bo_table_link by_id;
    struct bo_gateway *gateway;
    char *id, *name;
    int64_t epoch;         /* of Redis' state of the sale; 0: not known yet */
    int64_t lowest_epoch;  /* that PostgreSQL has to give it; Redis has had this one */
    int64_t ledger_gap;    /* the first decision behind some that no store has any more; 0: none are missing */
    int64_t version;       /* of the settings, as PostgreSQL has them */
    int64_t told_version;  /* of those that Redis was told last, -1: none; while loading, that it is being told */
    struct bo_settings settings;
    struct bo_plan *plan;
    struct bo_buffer plan_gz; /* what a browser needs to draw it, compressed */
    char plan_etag[72];
    enum bo_room_state state;
    bool loading; /* sale_load is under way */

    char status[12]; /* "draft", "open", "paused", "draining", "through", "away", "closed" or "sold_out", as Redis says: that nothing is left goes before the operator's */
    bool opened;     /* the opening is past; until then the lottery is secret */
    bool announce;   /* just opened: everyone hears his position as soon as the view is here */
    int64_t head, total_waiting, active, free, sold, admitted, seq, opens_in_ms, handed_out, blocked;
    int64_t stock;   /* for how many there is something inside; 0 or less: nobody comes in before something is free again */
    int brake;       /* percent of what policy allows; 100: not slowed down */
    char brake_why[BO_REASON_MAX + 1];
    uv_timer_t *exact; /* ticks at a time that is known to the ms; NULL: there was none yet */
    int64_t clock_offset_ms; /* the sale's clock (lua/lib/sale.lua) minus ours */
    struct bo_entry_rate entries;
    struct bo_commits commits;
    struct bo_estimate estimate;
    struct bo_line_view view;
    struct bo_map map;
    struct bo_history *history; /* NULL: nothing noted yet */
    bo_ms seats_told_ms; /* steady clock */
    int64_t seats_told_bytes; /* by then, to all together */
    bool ticking, front_loading, map_loading;

    struct bo_table people; /* every session that has joined, by person */
    struct bo_visit *viewers; /* those who look at the map */
    struct bo_heap waiting; /* those in stage WAIT, by number */
    int64_t waiting_sessions;
    uint64_t head_events;
    struct bo_sessions joins, asks, returns;
    bool joins_under_way, asks_under_way, returns_under_way;
    bool asking_rests; /* Redis could not say; asked again with the next second */
    bo_ms joins_sent_ms; /* steady clock */
    struct bo_wish *wishes; /* for the best seats, that are tried just now (commands.c) */
    struct bo_item *items; /* of the stock, by index less one */
    size_t item_count;
    bool stock_loading;
    struct bo_asked_of_stock *grants; /* whose commit is awaited */
    struct bo_choice *choices, **choices_end; /* holds and releases that wait to be sent */
    size_t choice_count;
    int choices_under_way;
    char **drops;
    size_t drop_count, drop_room;
    struct bo_paid *paid;      /* committed, tickets to be read */
    struct bo_paid *awaiting;  /* paid, not committed yet */
    bool reading_tickets;
};

/* room.c */
struct bo_room *bo_room_new(struct bo_gateway *gateway, const char *id);
void bo_room_free(struct bo_room *room);
void bo_room_heard(struct bo_room *room, char *text); /* messages of the feed, cut up in place */
void bo_room_tick(struct bo_room *room);                                   /* every tick_ms */
void bo_room_second(struct bo_room *room);
void bo_room_tell_notice(struct bo_room *room); /* to everyone in line */
void bo_room_turn_end(struct bo_room *room); /* sends what was gathered in this turn of the loop */
void bo_room_resync(struct bo_room *room);   /* messages may have been missed */
void bo_room_reload(struct bo_room *room);   /* whatever Redis has now of line, stock and map counts */
bo_ms bo_room_now(const struct bo_room *room);   /* by the sale's clock, as far as known */
/* Until a deadline of the sale's clock: 0 to most. Our idea of that clock may be some ms behind, but nobody is told more than there is. */
int64_t bo_room_left_ms(const struct bo_room *room, bo_ms deadline, int64_t most);
bool bo_room_admits(const struct bo_room *room); /* is the line moving, or will it when the sale opens? */
void bo_room_set_status(struct bo_room *room, const char *status);
void bo_room_has_told(struct bo_room *room, struct bo_session *session); /* what it awaited: it parts if the sale is sold out meanwhile */
void bo_room_stage_changes(struct bo_room *room, struct bo_session *session, enum bo_stage to);
void bo_room_enroll(struct bo_room *room, struct bo_session *session); /* session->person is set */
void bo_room_forget(struct bo_room *room, struct bo_session *session); /* its connection is gone */
void bo_room_watch_map(struct bo_room *room, struct bo_session *session); /* from now on it hears seat changes */
/* Calls cb for every session of a person; cb may change its stage. */
void bo_room_each_of(struct bo_room *room, const char *person, void (*cb)(struct bo_session *, void *), void *arg);
void bo_room_run(struct bo_room *room, const char *script, const char *const *args, size_t count, bo_store_cb cb, void *arg);
void bo_room_load_map(struct bo_room *room);
/* Reads it from Redis, as it is now; cb is called when room->map has it, or with an error. */
void bo_room_read_map(struct bo_room *room, void (*cb)(void *arg, int err), void *arg);
void bo_sessions_add(struct bo_sessions *list, struct bo_session *session); /* takes a reference */

/* returning.c */
/* Redis' state of the sale is another one than before when its epoch is: another server decides it, or it was restored from the ledger. Then everyone connected
 * here is found again, and hears where he stands when that is not where he was. */
void bo_room_set_epoch(struct bo_room *room, int64_t epoch);
void bo_room_send_returns(struct bo_room *room);
bool bo_room_finds_again(const struct bo_room *room); /* it is not known yet where everybody stands */
void bo_session_find_again(struct bo_session *session); /* he may be inside or in line again, though he was told that he is out */
/* Redis may not have all of it: nothing is decided here until PostgreSQL was asked. */
void bo_room_doubt(struct bo_room *room);

/* waiting.c */
enum bo_stage bo_stage_from(const char *name); /* as the scripts name them */
/* Some sessions of one room whose people a script was asked about; each holds a reference. */
#define BO_BATCH_MAX 500
struct bo_batch {
    struct bo_room *room;
    uint64_t head_events;
    size_t count;
    struct bo_session *sessions[BO_BATCH_MAX];
};
struct bo_batch *bo_batch_take(struct bo_room *room, struct bo_sessions *from);
void bo_batch_free(struct bo_batch *batch);
void bo_session_admit(struct bo_session *session, enum bo_stage stage, int64_t number, bo_ms deadline); /* he is inside, and hears it */
void bo_session_wait(struct bo_session *session); /* under session->number */
/* With his position, so that one message says it all; fresh_position: of who has just been put at the end of the line, else 0. */
void bo_session_tell_joined(struct bo_session *session, const char *stage, int64_t fresh_position);
void bo_session_end_inside(struct bo_session *session); /* he was inside and is not any more */
void bo_room_join(struct bo_room *room, struct bo_session *session); /* with the next batch */
void bo_room_send_joins(struct bo_room *room);
void bo_room_refuse_joins(struct bo_room *room, int err); /* tells those who wait to be sent */
/* Notes that somebody who waits has no connection here any more; takes person over. Told with the next turn, again until Redis has it. */
void bo_room_add_drop(struct bo_room *room, char *person);
void bo_room_send_drops(struct bo_room *room);
void bo_room_send_asks(struct bo_room *room);
void bo_room_head_moved(struct bo_room *room, int64_t head);
void bo_room_load_front(struct bo_room *room);
void bo_room_heard_view(struct bo_room *room, char *words); /* without the first, "view" */
void bo_room_set_opened(struct bo_room *room);
void bo_session_tell_position(struct bo_session *session);
/* A word to everyone in line is a million frames: who is far behind hears it with his next news. */
bool bo_session_hears_later(const struct bo_session *session);
void bo_session_tell_status(struct bo_session *session);
void bo_session_tell_notice(struct bo_session *session); /* the operator's words to everyone in line */
/* The last word to who waits or wants to, and the end of the connection. status: "sold_out", "closed" or "away". */
void bo_session_dismiss(struct bo_session *session, const char *status);
void bo_session_tell_time(struct bo_session *session);
void bo_session_timer(struct bo_session *session); /* its timer is due */

/* commands.c: answers to messages of people who are inside */
void bo_session_enter(struct bo_session *session); /* with the number of an access token that was checked */
/* What became of a hold or release: its part of the script's answer; done is the type of the answer when it went well. */
void bo_session_tell_choice(struct bo_session *session, int err, const struct bo_value *answer, const char *key, const char *done);
/* The best seats together that fit; wish is copied, its stage comes from the sale's settings. */
void bo_session_best(struct bo_session *session, const char *key, const struct bo_best_wish *wish);
void bo_session_extend(struct bo_session *session, const char *key); /* more time for choosing */
void bo_session_take_channel(struct bo_session *session, const char *key, const char *channel, const char *invitation); /* both ids, checked */
void bo_session_checkout(struct bo_session *session, const char *key, const char *won); /* won: an order of a lot; NULL: of what he holds */
void bo_session_leave(struct bo_session *session);
void bo_session_send_map(struct bo_session *session);
void bo_room_print_map(const struct bo_room *room, struct bo_buffer *out); /* the message "map" */

/* choosing.c */
struct bo_pick {
    uint32_t index;
    const struct bo_seat *seat;     /* NULL: a place of an area (stock.h) */
    const struct bo_tariff *tariff; /* NULL: the full price */
};
void bo_session_choose(struct bo_session *session, bool hold, const char *key, const struct bo_pick *picks, size_t count); /* hold or release */
void bo_room_send_choices(struct bo_room *room, bool all); /* all: whatever is under way, because something has to come behind them */
void bo_room_free_choices(struct bo_room *room);

/* orders.c */
/* It is paid; told after the commit. Who has won a lot stays where he is, everyone else is out. */
void bo_order_settled(struct bo_room *room, const char *person, const char *order, int64_t seq, bool of_lot);
void bo_order_refunded(struct bo_room *room, const char *person, const char *order, int64_t seq, bo_money amount);
void bo_order_look_up(struct bo_session *session, const char *order);                             /* how did it end? */
void bo_room_read_tickets(struct bo_room *room);
void bo_room_free_orders(struct bo_room *room);

/* rooms.c */
struct bo_room *bo_rooms_find(struct bo_gateway *gateway, const char *id);
void bo_rooms_load(struct bo_gateway *gateway); /* what is new or changed in PostgreSQL */
void bo_rooms_stop_loading(struct bo_gateway *gateway);
void bo_rooms_check_fences(struct bo_gateway *gateway); /* has another Redis taken sales over from this one? */
void bo_room_load_settings(struct bo_room *room);
/* An answer setting_fixed (lua/sale_check.lua, sale_load.lua) in words. */
void bo_room_print_fixed(const struct bo_value *answer, struct bo_buffer *out);

#endif
