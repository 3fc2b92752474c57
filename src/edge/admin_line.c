/* SPDX-License-Identifier: Apache-2.0
 * What an operator does with a line (rule A7): open, pause, resume, drain, close, let everyone through, turn everyone away, say
 * something to everyone, slow down for a while, and invite. */
#include "edge/admin.h"

#include "base/text.h"
#include "edge/room.h"
#include "edge/subjects.h"
#include "edge/token.h"
#include "loop/loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INVITATIONS_MAX 10000
#define HOURS_MAX 8760
#define SLOW_MS_MAX 600000

static bool is_post(struct bo_http *http) {
    if (strcmp(http->method, "POST") == 0) return true;
    bo_http_answer_error(http, BO_ERR_BAD_METHOD, NULL);
    return false;
}

static bool run_status(struct bo_http *http) {
    static const struct {
        const char *path, *action, *status, *from;
    } actions[] = {{"/api/sales/*/open", "open", "open", "{draft,paused,draining,through,away,closed}"},
                   {"/api/sales/*/pause", "pause", "paused", "{open,draining,through,away}"},
                   {"/api/sales/*/resume", "resume", "open", "{paused,draining,through,away}"},
                   {"/api/sales/*/drain", "drain", "draining", "{open,paused,through,away}"},
                   {"/api/sales/*/through", "through", "through", "{open,paused,draining,away}"},
                   {"/api/sales/*/away", "away", "away", "{open,paused,draining,through}"},
                   {"/api/sales/*/close", "close", "closed", "{draft,open,paused,draining,through,away}"}};
    char id[BO_ID_MAX + 1];
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (!bo_http_path_is(http, actions[i].path, id)) continue;
        if (is_post(http)) bo_admin_change_status(http, id, actions[i].status, actions[i].from, actions[i].action);
        return true;
    }
    return false;
}

static json_t *body_of(const struct bo_http *http) {
    return json_loadb(http->body.data ? http->body.data : "", http->body.length, 0, NULL);
}

/* ---- a message to everyone in line ---- */

static void say(struct bo_http *http, const char *id) {
    json_t *json = body_of(http), *text = json_object_get(json, "text");
    if (json_is_string(text) || json_is_null(text))
        bo_admin_change_settings(http, id, json_pack("{s:O}", "notice", text));
    else
        bo_http_answer_error(http, json ? BO_ERR_BAD_MESSAGE : BO_ERR_BAD_JSON, "text: what to say to everyone in line, or null for nothing");
    json_decref(json);
}

/* ---- somebody outside, a shop say, wishes that fewer come ---- */

static void slowed_down(void *arg, int err, const struct bo_value *v) {
    struct bo_http *http = arg;
    if (err)
        bo_http_answer_error(http, err, NULL);
    else
        bo_http_answer_json(http, 200, json_pack("{s:I, s:s}", "speed_percent", (json_int_t)bo_value_number(v, 1), "slowed_by", bo_value_text(v, 2)));
}

static void slow_down(struct bo_http *http, struct bo_room *room) {
    json_t *json = body_of(http);
    json_int_t percent, for_ms;
    const char *why = "asked_for";
    if (json_unpack(json, "{s:I, s:I, s?s}", "percent", &percent, "for_ms", &for_ms, "why", &why) != 0 || percent < 0 || percent > 100 || for_ms < 0 ||
        for_ms > SLOW_MS_MAX || !bo_text_is_id(why)) {
        bo_http_answer_error(http, json ? BO_ERR_BAD_MESSAGE : BO_ERR_BAD_JSON,
                             "percent: 0 to 100 of what the policy allows; for_ms: 0 to 600000; why: 1 to 64 characters of A-Z a-z 0-9 . _ : @ -");
    } else {
        char numbers[2][24];
        *bo_text_put_number(numbers[0], percent) = *bo_text_put_number(numbers[1], for_ms) = '\0';
        bo_room_run(room, "line_brake", (const char *[]){numbers[0], numbers[1], why}, 3, slowed_down, http);
    }
    json_decref(json);
}

/* ---- invitations ---- */

struct invited {
    struct bo_http *http;
    json_t *answer;
};

static void invitations_noted(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    (void)rows;
    struct invited *i = arg;
    if (err)
        bo_http_answer_error(i->http, BO_ERR_UNAVAILABLE, NULL);
    else
        bo_http_answer_json(i->http, 201, json_incref(i->answer));
    json_decref(i->answer);
    free(i);
}

static json_t *make_invitation(const struct bo_http *http, const struct bo_room *room, const char *lane, const char *channel, const char *person, bo_ms expires) {
    struct bo_invitation_claim claim = {0};
    snprintf(claim.channel, sizeof(claim.channel), "%s", channel);
    snprintf(claim.sale, sizeof(claim.sale), "%s", room->id);
    snprintf(claim.lane, sizeof(claim.lane), "%s", lane);
    if (*person && !bo_subject_named(person, claim.person)) *claim.person = '\0'; /* persons_are_right has seen to that */
    bo_text_random_id("i:", claim.id);
    char *token = bo_token_invitation(&http->gateway->config, &claim, expires);
    json_t *json = json_pack("{s:s, s:s}", "id", claim.id, "invitation", token);
    if (*person) json_object_set_new(json, "person", json_string(person));
    free(token);
    return json;
}

static bool persons_are_right(const json_t *persons) {
    size_t i;
    json_t *person;
    json_array_foreach((json_t *)persons, i, person) {
        char id[BO_ID_MAX + 1];
        if (!json_is_string(person) || !bo_subject_named(json_string_value(person), id)) return false;
    }
    return json_array_size(persons) <= INVITATIONS_MAX;
}

static void invite(struct bo_http *http, struct bo_room *room) {
    json_t *json = body_of(http), *persons = NULL;
    const char *lane = "", *channel = "";
    json_int_t count = 0, hours = 24 * 7;
    if (json_unpack(json, "{s?s, s?s, s?I, s?o, s?I}", "lane", &lane, "channel", &channel, "count", &count, "persons", &persons, "hours", &hours) != 0 ||
        (!*lane && !*channel) || (*lane && !bo_settings_has_lane(&room->settings, lane)) || (*channel && !bo_settings_channel(&room->settings, channel)) || count < 0 || count > INVITATIONS_MAX || hours < 1 || hours > HOURS_MAX ||
        (persons && (!json_is_array(persons) || count || !persons_are_right(persons))) || (!persons && !count)) {
        bo_http_answer_error(http, json ? BO_ERR_BAD_MESSAGE : BO_ERR_BAD_JSON,
                             "lane: one of the sale's lanes, or channel: one of its channels, or both; either count: 1 to 10000, for whoever has the invitation, or persons: a list of at most 10000 "
                             "people like u:ada; hours: 1 to 8760");
    } else {
        struct invited *invited = calloc(1, sizeof(*invited));
        json_t *list = json_array();
        bo_ms expires = bo_loop_wall_ms() + hours * 3600000;
        size_t all = persons ? json_array_size(persons) : (size_t)count;
        for (size_t i = 0; i < all; i++)
            json_array_append_new(list, make_invitation(http, room, lane, channel, persons ? json_string_value(json_array_get(persons, i)) : "", expires));
        if (!invited || !list) abort(); /* no memory */
        *invited = (struct invited){http, json_pack("{s:o}", "invitations", list)};
        char number[24];
        snprintf(number, sizeof(number), "%zu", all);
        const char *params[] = {http->actor, room->id, lane, number, channel};
        bo_queue_run(http->gateway->postgres,
                     "INSERT INTO audit (actor, action, sale, detail) VALUES ($1, 'invite', $2, jsonb_strip_nulls(jsonb_build_object('lane', nullif($3::text, ''), 'count', $4::int, 'channel', nullif($5::text, ''))))",
                     params, 5, invitations_noted, invited);
    }
    json_decref(json);
}

bool bo_admin_line_run(struct bo_http *http) {
    char id[BO_ID_MAX + 1];
    if (run_status(http)) return true;
    bool message = bo_http_path_is(http, "/api/sales/*/message", id), brake = !message && bo_http_path_is(http, "/api/sales/*/brake", id);
    if (!message && !brake && !bo_http_path_is(http, "/api/sales/*/invitations", id)) return false;
    struct bo_room *room = bo_rooms_find(http->gateway, id);
    if (!is_post(http)) return true;
    if (!room)
        bo_http_answer_error(http, http->missing, NULL);
    else if (message)
        say(http, id);
    else if (brake)
        slow_down(http, room);
    else
        invite(http, room);
    return true;
}
