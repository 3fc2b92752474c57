/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/events.h"

#include "base/currency.h"
#include "base/memory.h"
#include "base/text.h"
#include "edge/room.h"
#include "loop/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct search {
    const char *q, *city;
    bo_ms from, to;
    struct bo_room **found;
    size_t count, room;
};

/* ---- what fits ---- */

static bool has_word(const struct bo_room *room, const char *word) {
    const struct bo_settings *s = &room->settings;
    const char *const texts[] = {room->name, s->title, s->venue, s->city, s->about, s->event, room->id};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (strcasestr(texts[i], word)) return true;
    return false;
}

static bool fits(const struct bo_room *room, const struct search *search) {
    char words[BO_HTTP_ARGUMENT_MAX + 1], *rest = words, *word;
    bo_ms at = room->settings.starts_at;
    if (strcmp(room->status, "draft") == 0 || (*search->city && strcasecmp(room->settings.city, search->city) != 0) || at < search->from || at > search->to) return false;
    snprintf(words, sizeof(words), "%s", search->q);
    while ((word = strsep(&rest, " +"))) /* a form writes a space as "+" */
        if (*word && !has_word(room, word)) return false;
    return true;
}

static void look_at(void *arg, struct bo_table_link *link) {
    struct bo_room *room = (struct bo_room *)link;
    struct search *search = arg;
    if (!fits(room, search)) return;
    if (search->count == search->room) {
        search->room = search->room ? search->room * 2 : 16;
        search->found = bo_realloc(search->found, search->room * sizeof(*search->found));
    }
    search->found[search->count++] = room;
}

/* ---- the listing ---- */

static const char *event_of(const struct bo_room *room) { return *room->settings.event ? room->settings.event : room->id; }

static int by_start(const void *a, const void *b) {
    const struct bo_room *one = *(struct bo_room *const *)a, *two = *(struct bo_room *const *)b;
    bo_ms x = one->settings.starts_at, y = two->settings.starts_at;
    return x != y ? (x < y ? -1 : 1) : strcmp(one->id, two->id);
}

static json_t *describe_show(const struct bo_room *room) {
    const struct bo_plan *plan = room->plan;
    bo_money least = plan->categories[0].price, most = least;
    for (size_t i = 1; i < plan->category_count; i++) {
        if (plan->categories[i].price < least) least = plan->categories[i].price;
        if (plan->categories[i].price > most) most = plan->categories[i].price;
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:i}", "sale", room->id, "name", room->name, "status", room->status, "venue", room->settings.venue, "city",
                     room->settings.city, "time_zone", bo_settings_zone(&room->settings), "starts_at_ms", (json_int_t)room->settings.starts_at, "opens_at_ms", (json_int_t)room->settings.opens_at, "price_from", (json_int_t)least,
                     "price_to", (json_int_t)most, "currency", room->settings.currency, "digits", bo_currency_digits(room->settings.currency));
}

static json_t *find_event(json_t *events, const char *id) {
    size_t i;
    json_t *event;
    json_array_foreach(events, i, event) {
        if (strcmp(json_string_value(json_object_get(event, "event")), id) == 0) return event;
    }
    return NULL;
}

void bo_events_list(struct bo_http *http) {
    struct search search = {.to = INT64_MAX, .q = bo_http_argument(http, "q"), .city = bo_http_argument(http, "city")};
    const char *from = bo_http_argument(http, "from"), *to = bo_http_argument(http, "to");
    if ((*from && !bo_text_to_number(from, 0, INT64_MAX / 2, &search.from)) || (*to && !bo_text_to_number(to, 0, INT64_MAX / 2, &search.to))) {
        bo_http_answer_error(http, BO_ERR_BAD_MESSAGE, "from and to: ms since 1970");
        return;
    }
    bo_table_each(&http->gateway->rooms, look_at, &search);
    if (search.count) qsort(search.found, search.count, sizeof(*search.found), by_start);
    json_t *events = json_array();
    for (size_t i = 0; i < search.count; i++) {
        const struct bo_room *room = search.found[i];
        json_t *event = find_event(events, event_of(room));
        if (!event) {
            event = json_pack("{s:s, s:s, s:s, s:[]}", "event", event_of(room), "title", *room->settings.title ? room->settings.title : room->name, "about", room->settings.about, "shows");
            json_array_append_new(events, event);
        }
        json_array_append_new(json_object_get(event, "shows"), describe_show(room));
    }
    free(search.found);
    http->any_origin = true;
    bo_http_answer_json(http, 200, json_pack("{s:I, s:o}", "now_ms", (json_int_t)bo_loop_wall_ms(), "events", events));
}
