/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/entry.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "edge/limits.h"
#include "edge/lookup.h"
#include "edge/room.h"
#include "edge/token.h"
#include "loop/loop.h"
#include "metrics/metrics.h"

#include <openssl/sha.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BURST_MS 1000 /* what the entry cap lets through at once after a quiet time */
#define NONCE_MAX 64
#define PUZZLE_BITS_MAX 28

struct request {
    const char *sale, *token, *account, *resume, *invitation, *challenge, *nonce, *trace;
    int64_t shown;
    bool again;
};

/* ---- reading ---- */

static const char *text_of(const json_t *message, const char *name) { return json_string_value(json_object_get(message, name)); }

/* An optional text: false when it is there and no text. */
static bool optional_text(const json_t *message, const char *name, const char **ret) {
    json_t *value = json_object_get(message, name);
    *ret = value ? json_string_value(value) : NULL;
    return !value || *ret;
}

static int read_request(const json_t *message, struct request *r) {
    const json_t *shown = json_object_get(message, "shown");
    *r = (struct request){.sale = text_of(message, "sale"), .again = json_is_true(json_object_get(message, "again"))};
    if (!r->sale || !optional_text(message, "token", &r->token) || !optional_text(message, "account", &r->account) ||
        !optional_text(message, "resume", &r->resume) ||
        !optional_text(message, "invitation", &r->invitation) || !optional_text(message, "challenge", &r->challenge) ||
        !optional_text(message, "nonce", &r->nonce) || !optional_text(message, "trace", &r->trace) || (r->trace && !bo_text_to_trace(r->trace, &(uint64_t){0})) || (shown && (!json_is_integer(shown) || json_integer_value(shown) < 1 || json_integer_value(shown) > UINT32_MAX)))
        return BO_ERR_BAD_MESSAGE;
    r->shown = json_integer_value(shown);
    return 0;
}

/* ---- the cap: nothing else is touched by who does not fit ---- */

/* This gateway's share of the server's cap, as the time between two people. 0: he may pass; else after how many ms it is
 * worth trying again: those sent back are given times one behind the other, so that they do not all return at once. */
static bo_ms cap(struct bo_room *room, double now) {
    if (!room->settings.entry_per_s) return 0;
    struct bo_entry_rate *rate = &room->entries;
    double interval = 1000.0 * (double)room->gateway->config.gateways / (double)room->settings.entry_per_s;
    double burst = interval > BURST_MS ? interval : BURST_MS;
    if (rate->next_ms < now) rate->next_ms = now;
    if (rate->next_ms - now < burst) {
        rate->next_ms += interval;
        return 0;
    }
    if (rate->back_ms < rate->next_ms) rate->back_ms = rate->next_ms;
    rate->back_ms += interval;
    return (bo_ms)(rate->back_ms - now) + 1;
}

static void count_join(struct bo_entry_rate *rate, bo_ms now) {
    bo_ms second = now / 1000;
    if (second != rate->second) {
        rate->joins_before = second == rate->second + 1 ? rate->joins : 0;
        rate->joins = 0;
        rate->second = second;
    }
    rate->joins++;
}

/* ---- who is it? By resume token the same as before, by the token of the site or of his account, else a new guest ---- */

static int identify(const struct bo_room *room, const struct request *r, char ret_person[BO_ID_MAX + 1], char ret_lane[BO_ID_MAX + 1]) {
    const struct bo_config *config = &room->gateway->config;
    char by_token[BO_ID_MAX + 1] = "";
    bo_ms now = bo_loop_wall_ms();
    *ret_lane = '\0';
    if (r->token) {
        struct bo_site_claim claim;
        int err = room->settings.site_tokens ? bo_token_read_site(config, r->token, now, &claim) : BO_ERR_TOKEN_FOREIGN;
        if (err) return err;
        if (*claim.subject) bo_subjects_remember(room->gateway->subjects, claim.person, claim.subject);
        memcpy(by_token, claim.person, sizeof(claim.person));
        memcpy(ret_lane, claim.lane, sizeof(claim.lane));
    } else if (r->account) {
        int err = room->settings.accounts ? bo_token_read_account(config, r->account, now, by_token) : BO_ERR_TOKEN_FOREIGN;
        if (err) return err;
    }
    if (r->resume) {
        struct bo_place_claim claim;
        int err = bo_token_read_place(config, r->resume, now, &claim);
        if (err) return err;
        if (strcmp(claim.sale, room->id) != 0 || (*by_token && strcmp(by_token, claim.person) != 0)) return BO_ERR_TOKEN_FOREIGN;
        memcpy(ret_person, claim.person, sizeof(claim.person));
    } else if (*by_token) {
        memcpy(ret_person, by_token, sizeof(by_token));
    } else {
        if (!room->settings.guests) return BO_ERR_GUESTS_REFUSED;
        bo_text_random_id("g:", ret_person);
    }
    return 0;
}

static struct bo_entry *entry_of(struct bo_session *s) {
    if (!s->entry) s->entry = bo_alloc(sizeof(*s->entry));
    return s->entry;
}

static int take_invitation(struct bo_session *s, const struct bo_room *room, const struct request *r, const char *person, const char *lane) {
    struct bo_invitation_claim claim = {.id = "-"};
    if (r->invitation) {
        int err = bo_token_read_invitation(&s->gateway->config, r->invitation, bo_loop_wall_ms(), &claim);
        if (err) return err;
        if (strcmp(claim.sale, room->id) != 0 || (*claim.person && strcmp(claim.person, person) != 0)) return BO_ERR_TOKEN_FOREIGN;
        lane = claim.lane;
    }
    if (r->invitation && !*claim.lane) return 0; /* only to a channel: that is asked for inside */
    bool known = *lane && bo_settings_has_lane(&room->settings, lane);
    if (!known && r->invitation) return BO_ERR_TOKEN_FOREIGN; /* a lane that is no more */
    if (!known) return 0;
    struct bo_entry *entry = entry_of(s);
    snprintf(entry->lane, sizeof(entry->lane), "%.*s", BO_NAME_MAX, lane);
    memcpy(entry->invitation, claim.id, sizeof(entry->invitation));
    return 0;
}

/* ---- the puzzle ---- */

bool bo_entry_puzzle_solved(const char *challenge, const char *nonce, int bits) {
    char text[BO_CHALLENGE_MAX + NONCE_MAX + 2];
    unsigned char digest[SHA256_DIGEST_LENGTH];
    int n = snprintf(text, sizeof(text), "%s:%s", challenge, nonce);
    if (n < 0 || (size_t)n >= sizeof(text)) return false;
    SHA256((unsigned char *)text, (size_t)n, digest);
    for (int i = 0; i < bits; i++)
        if (digest[i / 8] & (0x80 >> i % 8)) return false;
    return true;
}

/* The sale's own difficulty, and a bit more for every doubling of the join rate above the one the operator allows. */
static int puzzle_bits(const struct bo_room *room) {
    int64_t bits = room->settings.puzzle_bits, from = room->settings.puzzle_rise_per_s;
    int64_t rate = room->entries.joins > room->entries.joins_before ? room->entries.joins : room->entries.joins_before;
    for (; bits && from && rate >= from && bits < PUZZLE_BITS_MAX; rate /= 2) bits++;
    return (int)bits;
}

static void give_puzzle(struct bo_session *s, const struct bo_room *room) {
    struct bo_entry *entry = entry_of(s);
    char id[BO_ID_MAX + 1];
    bo_text_random_id("", id);
    snprintf(entry->challenge, sizeof(entry->challenge), "%.*s", BO_CHALLENGE_MAX - 1, id);
    entry->bits = puzzle_bits(room);
    bo_session_printf(s, "{\"type\":\"puzzle\",\"challenge\":\"%s\",\"bits\":%d}", entry->challenge, entry->bits);
    bo_metric_add(BO_METRIC_puzzles, 1);
}

/* 1: solved or none to solve; 0: one was given to him; else an error. A challenge belongs to one connection and is used up by
 * the first answer, so none can be solved ahead or twice. Who was in line already has solved one. */
static int check_puzzle(struct bo_session *s, const struct bo_room *room, const struct request *r) {
    if (!room->settings.puzzle_bits || r->resume) return 1;
    if (!r->nonce || !r->challenge) {
        give_puzzle(s, room);
        return 0;
    }
    struct bo_entry *entry = entry_of(s);
    bool right = *entry->challenge && strcmp(entry->challenge, r->challenge) == 0 && bo_entry_puzzle_solved(r->challenge, r->nonce, entry->bits);
    *entry->challenge = '\0';
    if (!right) bo_metric_add(BO_METRIC_puzzles_wrong, 1);
    return right ? 1 : BO_ERR_PUZZLE_WRONG;
}

/* ---- limits ---- */

static bool over_limits(struct bo_session *s, bo_ms now) {
    int64_t per_minute = s->gateway->config.address_joins_per_min;
    bo_ms wait = s->address && per_minute ? bo_limits_join(s->address, per_minute, now) : 0;
    if (!wait) return false;
    bo_session_refuse(s, BO_ERR_TOO_MANY, wait);
    return true;
}

static bool too_many_devices(struct bo_room *room, const char *person) {
    int64_t max = room->gateway->config.person_connections, count = 0;
    if (!max) return false;
    for (struct bo_table_link *link = bo_table_find(&room->people, person); link; link = bo_table_find_next(&room->people, link)) count++;
    return count >= max;
}

/* ---- join ---- */

static int find_room(struct bo_session *s, const char *sale, struct bo_room **ret) {
    struct bo_room *room = bo_rooms_find(s->gateway, sale);
    if (!room) return BO_ERR_UNKNOWN_SALE;
    if (s->room && s->room != room) return BO_ERR_ALREADY_JOINED;
    if (room->state == BO_ROOM_LOST) return BO_ERR_LOST_SALE;
    if (room->state != BO_ROOM_READY || s->gateway->draining) return BO_ERR_UNAVAILABLE;
    *ret = room;
    return 0;
}

/* Gives the session its person; it keeps him. */
static int become(struct bo_session *s, struct bo_room *room, const struct request *r) {
    char person[BO_ID_MAX + 1], lane[BO_ID_MAX + 1];
    if (s->person && !r->resume && !r->token && !r->account && !r->invitation) return 0;
    int err = identify(room, r, person, lane);
    if (err) return err;
    if (s->person && (r->resume || r->token || r->account) && strcmp(s->person, person) != 0) return BO_ERR_TOKEN_FOREIGN;
    if (!s->person && too_many_devices(room, person)) return BO_ERR_TOO_MANY;
    err = take_invitation(s, room, r, s->person ? s->person : person, lane);
    if (err || s->person) return err;
    s->person = bo_strdup(person);
    bo_room_enroll(room, s);
    return 0;
}

static int join(struct bo_session *s, const struct request *r) {
    struct bo_room *room = NULL;
    bo_ms now = bo_loop_steady_ms();
    if (s->stage != BO_STAGE_NEW && s->stage != BO_STAGE_OUT) return BO_ERR_ALREADY_JOINED;
    int err = find_room(s, r->sale, &room);
    if (err) return err;
    bo_ms wait = r->resume ? 0 : cap(room, (double)bo_loop_steady_us() / 1000);
    if (wait) {
        bo_metric_add(BO_METRIC_sent_back, 1);
        bo_session_refuse(s, BO_ERR_TRY_LATER, wait);
        return 0;
    }
    if (over_limits(s, now)) return 0;
    count_join(&room->entries, now);
    int passed = check_puzzle(s, room, r);
    if (passed <= 0) return passed;
    err = become(s, room, r);
    if (err) return err;
    s->again = r->again;
    if (r->trace && bo_text_to_trace(r->trace, &s->trace)) bo_log_traced(BO_LOG_DEBUG, s->trace, "sale %s: %s joins as %s", room->id, r->resume ? "with his place" : "anew", s->person);
    s->shown = (uint32_t)r->shown;
    bo_session_set_stage(s, BO_STAGE_JOINING, 0);
    bo_room_join(room, s);
    return 0;
}

/* ---- of a sale that is not known here, yet ---- */

struct later {
    struct bo_session *session; /* holds a reference */
    json_t *message;
};

static void looked_up(void *arg, int err, struct bo_room *room) {
    (void)room;
    struct later *later = arg;
    struct bo_session *s = later->session;
    struct request r;
    if (!err) err = read_request(later->message, &r);
    if (!err && s->wsi) err = join(s, &r);
    if (err) bo_session_error(s, err, NULL);
    bo_session_release(s);
    json_decref(later->message);
    free(later);
}

int bo_entry_join(struct bo_session *s, const json_t *message) {
    struct request r;
    int err = read_request(message, &r);
    if (err || bo_rooms_find(s->gateway, r.sale)) return err ? err : join(s, &r);
    struct later *later = bo_alloc(sizeof(*later));
    *later = (struct later){s, json_deep_copy(message)};
    bo_session_hold(s);
    bo_lookup_sale(s->gateway, r.sale, looked_up, later);
    return 0;
}

void bo_entry_join_sale(struct bo_session *s, const char *sale) {
    json_t *message = json_pack("{s:s, s:s}", "type", "join", "sale", sale);
    int err = message ? bo_entry_join(s, message) : BO_ERR_BAD_MESSAGE; /* what is not UTF-8 cannot be packed */
    if (err) bo_session_error(s, err, NULL);
    json_decref(message);
}
