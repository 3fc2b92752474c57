/* SPDX-License-Identifier: Apache-2.0
 * Records of what is sold: settings, seats, places, orders, stock, lots. */
#include "base/buffer.h"
#include "base/memory.h"
#include "ledger/image_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_HEAD (-(INT64_C(1) << 46))
#define BIDDERS_MAX 20 /* lua/lib/auction.lua */

#define EACH_PAIR(list, i) for (size_t i = 0; i + 1 < json_array_size(list); i += 2)

static json_t *state_of(const struct bo_image *image) { return image->of[BO_IMAGE_STATE]; }
static int64_t at_of(const json_t *list, size_t i) { return json_integer_value(json_array_get(list, i)); }

static json_t *order_of(const struct bo_image *image, const json_t *body) {
    const char *order = json_string_value(json_object_get(body, "order"));
    return order ? json_object_get(image->of[BO_IMAGE_ORDERS], order) : NULL;
}

/* ---- the sale itself ---- */

static void load(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    (void)record;
    json_t *state = state_of(image);
    int64_t total = bo_image_number(body, "total");
    static const char *const counters[] = {"sold", "blocked", "seeking", "admitted", "handed_out", "next", "sold_out", "grants_left", "granted"};
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) bo_image_set(state, counters[i], 0);
    bo_image_set(state, "total", total);
    bo_image_set(state, "free", total);
    bo_image_set(state, "head", NO_HEAD);
    json_object_set(state, "seed", json_object_get(body, "seed"));
    json_object_set(state, "status", json_object_get(body, "status"));
    image->seats = total > 0 ? (size_t)total : 0;
    image->map = bo_realloc(image->map, image->seats + 1);
    memset(image->map, '0', image->seats);
    image->map[image->seats] = '\0';
}

static bool says_sold_out(const json_t *body) { return strcmp(bo_image_text(body, "status"), "sold_out") == 0; }

/* Whether something of it can be had; the status is the operator's and comes with the settings. */
static void status(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    (void)record;
    bo_image_set(state_of(image), "sold_out", says_sold_out(body));
}

/* 0.1.0 wrote "sold_out" in the place of the operator's status. */
static void settings(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    (void)record;
    json_t *state = state_of(image), *sold_out = json_object_get(body, "sold_out");
    bo_image_set(state, "sold_out", sold_out ? json_integer_value(sold_out) : says_sold_out(body));
    if (!says_sold_out(body)) json_object_set(state, "status", json_object_get(body, "status"));
}

/* ---- quotas ---- */

static void count_channel(struct bo_image *image, const json_t *of, int64_t by) {
    char field[BO_IMAGE_FIELD + BO_ID_MAX];
    if (!json_object_get(of, "c")) return;
    snprintf(field, sizeof(field), "used:%s", bo_image_text(of, "c"));
    bo_image_count(state_of(image), field, by);
}

static void count_tariff(struct bo_image *image, const char *tariff, int64_t by) {
    char field[BO_IMAGE_FIELD + 4 * BO_ID_MAX]; /* any text of 32 characters */
    snprintf(field, sizeof(field), "tariff:%s", tariff);
    bo_image_count(state_of(image), field, by);
}

static void give_back_tariffs(struct bo_image *image, const json_t *reduced) {
    const char *seat;
    json_t *tariff;
    json_object_foreach((json_t *)reduced, seat, tariff) count_tariff(image, json_string_value(tariff), -1);
}

/* ---- seats of people who choose ---- */

static json_t *word(int64_t number) {
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, number);
    return json_string(text);
}

static void hold(struct bo_image *image, const char *name, const json_t *seats, const json_t *reduced) {
    json_t *p = bo_image_person(image, name), *held = json_object_get(p, "h"), *mine = json_object_get(p, "r");
    if (!held) json_object_set_new(p, "h", held = json_array());
    int64_t count = (int64_t)json_array_size(seats) / 2;
    if (count && json_array_size(held) == 0) bo_image_count(state_of(image), "seeking", -1);
    EACH_PAIR(seats, i) {
        int64_t seat = at_of(seats, i);
        bo_image_own(image, seat, name, '1');
        if (seat >= BO_IMAGE_PLACES) bo_image_count_place(image, seat, name, 1);
        json_array_append_new(held, word(seat));
        json_array_append_new(held, word(at_of(seats, i + 1)));
    }
    const char *seat;
    json_t *tariff;
    if (!mine && json_object_size(reduced)) json_object_set_new(p, "r", mine = json_object());
    json_object_foreach((json_t *)reduced, seat, tariff) {
        json_object_set(mine, seat, tariff);
        count_tariff(image, json_string_value(tariff), 1);
    }
    bo_image_count(state_of(image), "free", -count);
    count_channel(image, p, count);
}

static void release(struct bo_image *image, const char *name, const json_t *seats) {
    json_t *p = bo_image_person(image, name), *held = json_object_get(p, "h"), *kept = json_array();
    int64_t count = (int64_t)json_array_size(seats) / 2;
    EACH_PAIR(held, i) {
        bool back = false;
        int64_t seat = atoll(bo_image_text_at(held, i));
        EACH_PAIR(seats, k) back |= at_of(seats, k) == seat;
        if (back) continue;
        json_array_append(kept, json_array_get(held, i));
        json_array_append(kept, json_array_get(held, i + 1));
    }
    EACH_PAIR(seats, i) {
        char field[BO_IMAGE_FIELD];
        int64_t seat = at_of(seats, i);
        bo_image_disown(image, seat);
        if (seat >= BO_IMAGE_PLACES) bo_image_count_place(image, seat, name, -1);
        const char *tariff = json_string_value(json_object_get(json_object_get(p, "r"), bo_image_field(field, "", seat)));
        if (tariff) count_tariff(image, tariff, -1);
        if (tariff) json_object_del(json_object_get(p, "r"), field);
    }
    if (count && json_array_size(kept) == 0) bo_image_count(state_of(image), "seeking", 1);
    json_object_set_new(p, "h", kept);
    bo_image_count(state_of(image), "free", count);
    count_channel(image, p, -count);
}

/* ["hold", person, [seat, price, …], {seat: tariff, …}, token] and ["release", person, [seat, price, …], token]; without reduced prices, and by
 * 0.1.0, the last ones are left out */
static void seats(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    (void)record;
    size_t i;
    json_t *act;
    json_array_foreach(json_object_get(body, "acts"), i, act) {
        const char *name = bo_image_text_at(act, 1);
        bo_image_remember(bo_image_person(image, name), json_array_get(act, json_array_size(act) - 1));
        if (strcmp(bo_image_text_at(act, 0), "hold") == 0)
            hold(image, name, json_array_get(act, 2), json_array_get(act, 3));
        else
            release(image, name, json_array_get(act, 2));
    }
}

static void keep_back(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    bool block = strcmp(record->kind, "block") == 0;
    const json_t *list = json_object_get(body, "seats");
    int64_t by = (int64_t)json_array_size(list) * (block ? 1 : -1);
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (block)
            bo_image_own(image, at_of(list, i), "-", '3');
        else
            bo_image_disown(image, at_of(list, i));
    }
    bo_image_count(state_of(image), "free", -by);
    bo_image_count(state_of(image), "blocked", by);
}

/* ---- orders ---- */

static void award(struct bo_image *image, const json_t *body) {
    char field[BO_IMAGE_FIELD];
    int64_t index = at_of(json_object_get(body, "seats"), 0) / BO_IMAGE_PLACES;
    json_t *lot = json_object_get(image->of[BO_IMAGE_STOCK], bo_image_field(field, "bids:", index)), *bids = json_object_get(lot, "bids");
    for (int i = 0; i < 2 && json_array_size(bids); i++) json_array_remove(bids, json_array_size(bids) - 1);
    bo_image_count(lot, "awarded", 1);
    json_object_set(lot, "order", json_object_get(body, "order"));
    bo_image_set(lot, "till", bo_image_number(body, "deadline"));
    bo_image_set(image->of[BO_IMAGE_STOCK], bo_image_field(field, "given:", index), 1);
    bo_image_set(order_of(image, body), "lot", index);
}

static void checkout(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    (void)record;
    json_t *order = json_pack("{s:s, s:O, s:O, s:O, s:O}", "st", "paying", "person", json_object_get(body, "person"), "seats", json_object_get(body, "seats"),
                              "amount", json_object_get(body, "amount"), "d", json_object_get(body, "deadline"));
    if (!order) return;
    if (json_object_get(body, "currency")) json_object_set(order, "cur", json_object_get(body, "currency"));
    if (json_object_get(body, "channel")) json_object_set(order, "c", json_object_get(body, "channel"));
    if (json_object_get(body, "reduced")) json_object_set_new(order, "r", json_deep_copy(json_object_get(body, "reduced")));
    json_object_set_new(image->of[BO_IMAGE_ORDERS], bo_image_text(body, "order"), order);
    if (json_object_get(body, "lot")) {
        award(image, body);
        return;
    }
    json_t *p = bo_image_person(image, bo_image_text(body, "person"));
    json_object_set_new(p, "st", json_string("pay"));
    json_object_set(p, "o", json_object_get(body, "order"));
    json_object_set(p, "d", json_object_get(body, "deadline"));
}

static void go_out(json_t *p, const json_t *order) {
    json_object_set_new(p, "st", json_string("out"));
    json_object_set_new(p, "h", json_array());
    bo_image_set(p, "d", 0);
    json_object_del(p, "o");
    json_object_del(p, "r");
    if (order)
        json_object_set(p, "last", (json_t *)order);
    else
        json_object_del(p, "last");
}

/* What lua/lib/ticket.lua counts: by is 1 for tickets that are sold, -1 for those given back. A lot counts as none. */
static void count_tickets(struct bo_image *image, const json_t *order, int64_t tickets, const json_t *reduced, int by) {
    json_t *p = bo_image_person(image, bo_image_text(order, "person")), *bought = json_object_get(p, "rb"), *tariff;
    const char *seat;
    int64_t before = bo_image_number(p, "b");
    bo_image_count(state_of(image), "sold", by * tickets);
    bo_image_set(p, "b", before + by * tickets > 0 ? before + by * tickets : 0);
    if (!bought && json_object_size(reduced)) json_object_set_new(p, "rb", bought = json_object());
    json_object_foreach((json_t *)reduced, seat, tariff) {
        const char *name = json_string_value(tariff);
        if (by > 0 || bo_image_number(bought, name) > 0) bo_image_count(bought, name, by);
    }
}

static void paid(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    char field[BO_IMAGE_FIELD];
    json_t *order = order_of(image, body), *list = json_object_get(body, "seats");
    const char *name = bo_image_text(body, "person");
    json_object_set_new(order, "st", json_string("paid"));
    json_object_set(order, "payment", json_object_get(body, "payment"));
    bo_image_set(order, "seq", record->seq);
    EACH_PAIR(list, i) {
        bo_image_own(image, at_of(list, i), name, '2');
        json_object_set(image->tickets, bo_image_field(field, "", at_of(list, i)), json_object_get(body, "order"));
    }
    if (json_object_get(order, "lot")) return;
    count_tickets(image, order, (int64_t)json_array_size(list) / 2, json_object_get(order, "r"), 1);
    go_out(bo_image_person(image, name), json_object_get(body, "order"));
}

static void end(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    (void)record;
    json_t *order = order_of(image, body), *list = json_object_get(body, "seats");
    const char *name = bo_image_text(body, "person");
    if (order && strcmp(bo_image_text(order, "st"), "paying") == 0) json_object_set(order, "st", json_object_get(body, "reason"));
    if (json_object_get(body, "lot")) return; /* the next bidder's turn is a record of its own */
    json_t *p = bo_image_person(image, name);
    int64_t count = (int64_t)json_array_size(list) / 2;
    EACH_PAIR(list, i) {
        bo_image_disown(image, at_of(list, i));
        if (at_of(list, i) >= BO_IMAGE_PLACES) bo_image_count_place(image, at_of(list, i), name, -1);
    }
    bo_image_count(state_of(image), count ? "free" : "seeking", count ? count : -1);
    if (count) count_channel(image, p, -count);
    if (count) give_back_tariffs(image, json_object_get(p, "r"));
    go_out(p, json_object_get(body, "order"));
}

static void note_refund(json_t *order, const char *id, int64_t amount, int64_t seq, const char *of) {
    json_t *refunds = json_object_get(order, "refunds"), *one = json_pack("{s:I, s:I}", "amount", (json_int_t)amount, "seq", (json_int_t)seq);
    if (of) json_object_set_new(one, "of", json_string(of));
    if (!refunds) json_object_set_new(order, "refunds", refunds = json_object());
    json_object_set_new(refunds, id, one);
}

static void refund_due(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    json_t *order = order_of(image, body);
    if (!order) { /* one that nobody knows (lua/order_pay.lua) */
        order = json_pack("{s:s, s:s, s:[], s:I, s:O}", "st", "expired", "person", "", "seats", "amount", (json_int_t)bo_image_number(body, "amount"), "cur",
                          json_object_get(body, "currency"));
        json_object_set_new(image->of[BO_IMAGE_ORDERS], bo_image_text(body, "order"), order);
    }
    const char *id = bo_image_text(body, "refund");
    note_refund(order, *id ? id : bo_image_text(body, "payment"), bo_image_number(body, "amount"), record->seq, NULL);
}

/* It is as if nobody had bidden enough. */
static void unsell_lot(struct bo_image *image, int64_t index) {
    char field[BO_IMAGE_FIELD];
    json_t *lot = json_object_get(image->of[BO_IMAGE_STOCK], bo_image_field(field, "bids:", index));
    json_object_set_new(lot, "over", json_string("unsold"));
    json_object_del(lot, "order");
    bo_image_count(state_of(image), "granted", -1);
    bo_image_set(image->of[BO_IMAGE_STOCK], bo_image_field(field, "given:", index), 0);
}

/* One seat of nobody any more; returns 1 when it is kept back. reduced: gets its tariff. */
static int void_ticket(struct bo_image *image, json_t *order, int64_t seat, bool block, json_t *reduced) {
    char field[BO_IMAGE_FIELD];
    bool place = seat >= BO_IMAGE_PLACES;
    const json_t *lot = json_object_get(order, "lot");
    if (lot)
        unsell_lot(image, json_integer_value(lot));
    else if (place)
        bo_image_count_place(image, seat, bo_image_text(order, "person"), -1);
    if (block && !place)
        bo_image_own(image, seat, "-", '3');
    else
        bo_image_disown(image, seat);
    bo_image_field(field, "", seat);
    json_t *tariff = json_object_get(json_object_get(order, "r"), field);
    if (tariff) json_object_set(reduced, field, tariff);
    static const char *const of_seats[] = {"r", "s", "i"};
    for (size_t i = 0; i < sizeof(of_seats) / sizeof(of_seats[0]); i++) json_object_del(json_object_get(order, of_seats[i]), field);
    json_object_del(image->tickets, field);
    return block && !place;
}

static void take_back_tickets(struct bo_image *image, json_t *order, const json_t *back, bool block) {
    int64_t count = (int64_t)json_array_size(back) / 2, blocked = 0;
    json_t *reduced = json_object();
    EACH_PAIR(back, i) blocked += void_ticket(image, order, at_of(back, i), block, reduced);
    if (count && !json_object_get(order, "lot")) {
        bo_image_count(state_of(image), "blocked", blocked);
        bo_image_count(state_of(image), "free", count - blocked);
        count_channel(image, order, -count);
        give_back_tariffs(image, reduced);
        count_tickets(image, order, count, reduced, -1);
    }
    json_decref(reduced);
}

static int by_number(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* What a refund is of, as lua/order_refund.lua writes it; to be freed. */
static char *print_of(const json_t *back, const char *become) {
    size_t count = json_array_size(back) / 2;
    if (count == 0) return bo_strdup("-");
    int64_t *seats = bo_alloc(count * sizeof(*seats));
    struct bo_buffer text = {0};
    EACH_PAIR(back, i) seats[i / 2] = at_of(back, i);
    qsort(seats, count, sizeof(*seats), by_number);
    bo_buffer_add_text(&text, become);
    for (size_t i = 0; i < count; i++) bo_buffer_printf(&text, " %" PRId64, seats[i]);
    free(seats);
    return text.data;
}

static json_t *without(const json_t *all, const json_t *back) {
    json_t *kept = json_array();
    EACH_PAIR(all, i) {
        bool gone = false;
        EACH_PAIR(back, k) gone |= at_of(back, k) == at_of(all, i);
        if (gone) continue;
        json_array_append(kept, json_array_get(all, i));
        json_array_append(kept, json_array_get(all, i + 1));
    }
    return kept;
}

static void refund(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    json_t *order = order_of(image, body), *back = json_object_get(body, "seats");
    const char *become = bo_image_text(body, "seats_become");
    char *of = print_of(back, become);
    take_back_tickets(image, order, back, strcmp(become, "block") == 0);
    json_object_set_new(order, "seats", without(json_object_get(order, "seats"), back));
    json_object_set(order, "st", json_object_get(body, "status"));
    bo_image_count(order, "refunded", bo_image_number(body, "amount"));
    note_refund(order, bo_image_text(body, "refund"), bo_image_number(body, "amount"), record->seq, of);
    free(of);
}

/* ---- tickets ---- */

/* {seat -> …} of a ticket's order, made where there is none; field: the seat. NULL: nobody has such a ticket. */
static json_t *of_ticket(struct bo_image *image, const json_t *body, const char *name, char field[BO_IMAGE_FIELD]) {
    bo_image_field(field, "", bo_image_number(body, "seat"));
    json_t *order = json_object_get(image->of[BO_IMAGE_ORDERS], bo_image_text(image->tickets, field)), *list = json_object_get(order, name);
    if (order && !list) json_object_set_new(order, name, list = json_object());
    return list;
}

static void transfer(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    char field[BO_IMAGE_FIELD];
    bo_image_own(image, bo_image_number(body, "seat"), bo_image_text(body, "to"), '2');
    bo_image_set(of_ticket(image, body, "s", field), field, record->seq);
}

static void check_in(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    char field[BO_IMAGE_FIELD];
    json_t *used = of_ticket(image, body, "i", field);
    if (strcmp(record->kind, "check_in") == 0)
        json_object_set_new(used, field, json_pack("{s:O, s:O}", "at", json_object_get(body, "at"), "by", json_object_get(body, "by")));
    else
        json_object_del(used, field);
}

/* ---- stock and lots ---- */

/* A lot that is set again: nobody had bidden, or it was over and is offered again (lua/lib/auction.lua). */
static void set_lot(struct bo_image *image, int64_t index, const json_t *item) {
    char field[BO_IMAGE_FIELD];
    json_t *items = image->of[BO_IMAGE_STOCK], *lot = json_object_get(items, bo_image_field(field, "bids:", index));
    const char *over = bo_image_text(lot, "over");
    if (!lot) return;
    if (*over) {
        char given[BO_IMAGE_FIELD];
        bo_image_count(state_of(image), "lots", 1);
        if (strcmp(over, "sold") == 0) bo_image_count(state_of(image), "granted", -1);
        bo_image_set(items, bo_image_field(given, "given:", index), 0);
    }
    int64_t awarded = bo_image_number(lot, "awarded");
    json_object_set_new(items, field, json_pack("{s:[], s:O, s:I}", "bids", "closes", json_object_get(item, "closes"), "awarded", (json_int_t)awarded));
}

static void stock(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    (void)record;
    char field[BO_IMAGE_FIELD + BO_ID_MAX];
    json_t *items = image->of[BO_IMAGE_STOCK], *item = json_object_get(body, "item");
    int64_t index = bo_image_number(body, "index");
    bo_image_field(field, "i:", index);
    const json_t *before = json_object_get(items, field);
    int64_t more = bo_image_number(item, "total") - bo_image_number(before, "total");
    const char *kind = bo_image_text(item, "kind");
    if (strcmp(kind, "area") == 0) bo_image_count(state_of(image), "free", more);
    if (strcmp(kind, "area") == 0) bo_image_count(state_of(image), "total", more);
    if (strcmp(kind, "area") != 0 && strcmp(kind, "lot") != 0) bo_image_count(state_of(image), "grants_left", more);
    if (strcmp(kind, "lot") == 0 && !before) bo_image_count(state_of(image), "lots", 1);
    if (strcmp(kind, "lot") == 0 && before) set_lot(image, index, item);
    json_object_set(items, field, item);
    snprintf(field, sizeof(field), "n:%s", bo_image_text(item, "name"));
    bo_image_set(items, field, index);
    if (index > bo_image_number(items, "items")) bo_image_set(items, "items", index);
}

static void count_granted(struct bo_image *image, int64_t by) {
    bo_image_count(state_of(image), "granted", by);
    bo_image_count(state_of(image), "grants_left", -by);
}

static void grant(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    char field[BO_IMAGE_FIELD + BO_ID_MAX];
    snprintf(field, sizeof(field), "n:%s", bo_image_text(body, "item"));
    int64_t index = bo_image_number(image->of[BO_IMAGE_STOCK], field), count = bo_image_number(body, "count"), last = bo_image_number(body, "number") + count - 1;
    bo_image_count_item(image, index, bo_image_text(body, "person"), count);
    count_granted(image, count);
    bo_image_field(field, "next:", index);
    bo_image_set(image->of[BO_IMAGE_STOCK], field, last);
    snprintf(field, sizeof(field), "g:%s", bo_image_text(body, "grant"));
    json_object_set_new(image->of[BO_IMAGE_GRANTS], field,
                        json_pack("{s:O, s:O, s:O, s:O, s:I}", "person", json_object_get(body, "person"), "item", json_object_get(body, "item"), "count",
                                  json_object_get(body, "count"), "number", json_object_get(body, "number"), "seq", (json_int_t)record->seq));
}

static void take_back_grant(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    char field[BO_IMAGE_FIELD + BO_ID_MAX];
    snprintf(field, sizeof(field), "n:%s", bo_image_text(body, "item"));
    bo_image_count_item(image, bo_image_number(image->of[BO_IMAGE_STOCK], field), bo_image_text(body, "person"), -bo_image_number(body, "count"));
    count_granted(image, -bo_image_number(body, "count"));
    snprintf(field, sizeof(field), "g:%s", bo_image_text(body, "grant"));
    json_t *g = json_object_get(image->of[BO_IMAGE_GRANTS], field);
    json_object_set_new(g, "back", json_true());
    bo_image_set(g, "seq", record->seq);
}

static json_t *lot_of(struct bo_image *image, const json_t *body) {
    char field[BO_IMAGE_FIELD + BO_ID_MAX];
    snprintf(field, sizeof(field), "n:%s", bo_image_text(body, "lot"));
    int64_t index = bo_image_number(image->of[BO_IMAGE_STOCK], field);
    json_t *lot = json_object_get(image->of[BO_IMAGE_STOCK], bo_image_field(field, "bids:", index));
    if (lot) return lot;
    char item[BO_IMAGE_FIELD];
    lot = json_pack("{s:[], s:I}", "bids", "closes", (json_int_t)bo_image_number(json_object_get(image->of[BO_IMAGE_STOCK], bo_image_field(item, "i:", index)), "closes"));
    json_object_set_new(image->of[BO_IMAGE_STOCK], field, lot);
    return lot;
}

static void bid(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    (void)record;
    json_t *lot = lot_of(image, body), *bids = json_object_get(lot, "bids");
    EACH_PAIR(bids, i) {
        if (!json_equal(json_array_get(bids, i), json_object_get(body, "person"))) continue;
        json_array_remove(bids, i);
        json_array_remove(bids, i);
        break;
    }
    json_array_append(bids, json_object_get(body, "person"));
    json_array_append(bids, json_object_get(body, "amount"));
    while (json_array_size(bids) > BIDDERS_MAX * 2) json_array_remove(bids, 0);
    json_object_set(lot, "closes", json_object_get(body, "closes"));
    bo_image_remember(bo_image_person(image, bo_image_text(body, "person")), json_object_get(body, "token"));
}

static void lot_over(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    (void)record;
    char field[BO_IMAGE_FIELD];
    json_t *lot = lot_of(image, body);
    json_object_set(lot, "over", json_object_get(body, "over"));
    bo_image_count(state_of(image), "lots", -1);
    if (strcmp(bo_image_text(body, "over"), "sold") == 0) bo_image_count(state_of(image), "granted", 1);
    if (strcmp(bo_image_text(body, "over"), "unsold") != 0) return;
    json_object_del(lot, "order");
    bo_image_set(image->of[BO_IMAGE_STOCK], bo_image_field(field, "given:", bo_image_number(body, "index")), 0);
}

bo_image_replay bo_image_replay_sale(const char *kind) {
    static const struct {
        const char *kind;
        bo_image_replay replay;
    } kinds[] = {{"load", load}, {"settings", settings}, {"status", status}, {"seats", seats}, {"block", keep_back}, {"unblock", keep_back},
                 {"transfer", transfer}, {"check_in", check_in}, {"check_out", check_in}, {"checkout", checkout}, {"paid", paid}, {"end", end}, {"refund_due", refund_due}, {"refund", refund},
                 {"stock", stock}, {"grant", grant}, {"take_back", take_back_grant}, {"bid", bid}, {"lot_over", lot_over}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].kind, kind) == 0) return kinds[i].replay;
    return NULL;
}
