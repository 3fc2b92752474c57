/* SPDX-License-Identifier: Apache-2.0
 * What a gateway knows of a sale's counted stock and lots (rules S5-S7; lua/lib/stock.lua, lua/lib/auction.lua), and what people do with it.
 * A place of an area, and a lot, is a seat with an index from BO_PLACES on: item * BO_PLACES + number, named "item-number". */
#ifndef BO_EDGE_STOCK_H
#define BO_EDGE_STOCK_H

#include "edge/http.h"
#include "edge/room.h"

#define BO_PLACES 1000000
#define BO_ITEM_NAME_MAX 48 /* bytes of any text: with a number behind it, it is as long as a seat_guid may be */

struct bo_item {
    char name[BO_ITEM_NAME_MAX + 1], kind[8], state[8]; /* state: of a lot, "open", "closed", "sold" or "unsold" */
    int64_t total, left, limit;
    bo_money price; /* of a lot: the first bid that counts */
    bo_money step, most, highest; /* of a lot; highest 0: nobody has bidden */
    bo_ms opens, closes;
};

/* Both kinds of seats by what they are called. */
struct bo_seat_words {
    char guid[BO_ID_MAX + 1];
    const char *zone, *row, *number, *category; /* valid until the room's plan or stock changes; number perhaps in guid */
};
bool bo_room_seat_words(const struct bo_room *room, int64_t index, struct bo_seat_words *ret); /* false: there is none */
bool bo_room_find_seat(const struct bo_room *room, const char *guid, uint32_t *ret_index);
/* A seat of the plan that a place of a new item of this name would be called like; NULL: none, or there is such an item already. */
const char *bo_room_seat_like_item(const struct bo_room *room, const char *name);

void bo_room_load_stock(struct bo_room *room);              /* reads it from Redis, as it is now */
void bo_room_heard_stock(struct bo_room *room, char *words); /* of the feed: "stock", "lot", "won" and "lapsed", without that word */
void bo_room_heard_lot(struct bo_room *room, char *words);
void bo_room_heard_won(struct bo_room *room, char *words);
void bo_room_heard_lapsed(struct bo_room *room, char *words);
void bo_room_free_stock(struct bo_room *room);

/* Whether every area and lot may have its price in this currency (rule O6), by Stripe too where it is Stripe that charges; on an error problem names the item. */
int bo_room_check_items(const struct bo_room *room, const char *currency, struct bo_buffer *problem);

/* Messages of people who are inside; key and texts are checked. */
int bo_session_take(struct bo_session *session, const char *key, const char *item, int64_t count);
void bo_session_bid(struct bo_session *session, const char *key, const char *lot, bo_money amount, const char *currency);

/* GET stock, GET grants of a sale; what: the rest of the path. False: none of these. */
bool bo_stock_run(struct bo_http *http, struct bo_room *room, const char *what);

#endif
