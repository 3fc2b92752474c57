/* SPDX-License-Identifier: Apache-2.0
 * Records of the line: who joined, left, was let in, entered, ran out of time. Numbers and lanes as lua/lib/line.lua has them. */
#include "ledger/image_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LANE (INT64_C(1) << 42)
#define DRAW (INT64_C(1) << 40)
#define DRAW_BUCKET (INT64_C(1) << 30)
#define BUCKET 1024

static int64_t lane_of(int64_t number) { return (LANE / 2 - number) / LANE; }

static const char *lane_field(char *ret, const char *name, int64_t lane) {
    snprintf(ret, BO_IMAGE_FIELD, lane ? "%s:%" PRId64 : "%s", name, lane);
    return ret;
}

static const char *drawn_field(char *ret, int64_t lane, int64_t place) {
    snprintf(ret, BO_IMAGE_FIELD, "d%" PRId64 ":%" PRId64, lane, (place + DRAW) / DRAW_BUCKET);
    return ret;
}

/* Positions behind him count with it only while the head is not past him. */
static void count_gone(struct bo_image *image, int64_t number) {
    char field[BO_IMAGE_FIELD];
    int64_t lane = lane_of(number), place = number + lane * LANE;
    const json_t *head = json_object_get(image->of[BO_IMAGE_STATE], lane_field(field, "lane_head", lane));
    if (head && number <= json_integer_value(head)) return;
    if (place <= 0) {
        bo_image_count(image->of[BO_IMAGE_LANES], drawn_field(field, lane, place), -1);
    } else {
        snprintf(field, sizeof(field), "%" PRId64 ":%" PRId64, lane, place / BUCKET);
        bo_image_count(image->of[BO_IMAGE_GONE], field, 1);
    }
}

static void stand(struct bo_image *image, const char *name, int64_t number) {
    char field[BO_IMAGE_FIELD];
    int64_t lane = lane_of(number), place = number + lane * LANE;
    const json_t *before = json_object_get(image->of[BO_IMAGE_LINE], name);
    if (before) count_gone(image, json_integer_value(before)); /* into a better lane */
    bo_image_set(image->of[BO_IMAGE_LINE], name, number);
    bo_image_count(image->of[BO_IMAGE_STATE], "handed_out", 1);
    lane_field(field, "next", lane);
    if (place <= 0)
        bo_image_count(image->of[BO_IMAGE_LANES], drawn_field(field, lane, place), 1);
    else if (place > bo_image_number(image->of[BO_IMAGE_STATE], field))
        bo_image_set(image->of[BO_IMAGE_STATE], field, place);
}

/* once: a lane's quota counts a person once (0.1.0: each time). */
static void invite(struct bo_image *image, const char *name, const char *invitation, bool once) {
    char field[BO_IMAGE_FIELD + BO_ID_MAX];
    json_t *lanes = image->of[BO_IMAGE_LANES];
    bool by_token = strcmp(invitation, "-") == 0; /* his site's says the lane */
    snprintf(field, sizeof(field), "i%s", invitation);
    if (!by_token && json_object_get(lanes, field)) return;
    if (!by_token) json_object_set_new(lanes, field, json_string(name));
    int64_t lane = lane_of(bo_image_number(image->of[BO_IMAGE_LINE], name));
    snprintf(field, sizeof(field), "m%" PRId64 ":%s", lane, name);
    if (once && json_object_get(lanes, field)) return;
    if (once) bo_image_set(lanes, field, 1);
    bo_image_count(lanes, bo_image_field(field, "n", lane), 1);
}

#define EACH_PAIR(list, i) for (size_t i = 0; i + 1 < json_array_size(list); i += 2)

static void count_in_bucket(struct bo_image *image, int64_t lane, int64_t bucket, int64_t by) {
    char field[BO_IMAGE_FIELD];
    snprintf(field, sizeof(field), "%" PRId64 ":%" PRId64, lane, bucket);
    bo_image_count(image->of[BO_IMAGE_GONE], field, by);
}

/* {lane: the number given out last, from now on}: those between are left out and count as gone (lua/lib/epoch.lua). */
static void epoch(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    (void)record;
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(body, "next"), name, value) {
        char field[BO_IMAGE_FIELD];
        int64_t lane = atoll(name), last = json_integer_value(value), at = bo_image_number(image->of[BO_IMAGE_STATE], lane_field(field, "next", lane)) + 1;
        while (at <= last) {
            int64_t final = at / BUCKET * BUCKET + BUCKET - 1;
            if (final > last) final = last;
            count_in_bucket(image, lane, at / BUCKET, final - at + 1);
            at = final + 1;
        }
        bo_image_set(image->of[BO_IMAGE_STATE], lane_field(field, "next", lane), last);
    }
}

/* counted: the numbers of those who stand again under one that had counted as gone. */
static void count_back(struct bo_image *image, const json_t *counted) {
    for (size_t i = 0; i < json_array_size(counted); i++) {
        int64_t number = json_integer_value(json_array_get(counted, i)), lane = lane_of(number);
        count_in_bucket(image, lane, (number + lane * LANE) / BUCKET, -1);
    }
}

static void join(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    (void)record;
    const json_t *people = json_object_get(body, "people"), *invited = json_object_get(body, "invited");
    count_back(image, json_object_get(body, "counted"));
    EACH_PAIR(people, i) stand(image, bo_image_text_at(people, i), json_integer_value(json_array_get(people, i + 1)));
    EACH_PAIR(invited, i) invite(image, bo_image_text_at(invited, i), bo_image_text_at(invited, i + 1), json_object_get(body, "once") != NULL);
}

static void leave(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    (void)record;
    const json_t *people = json_object_get(body, "people");
    EACH_PAIR(people, i) {
        json_object_del(image->of[BO_IMAGE_LINE], bo_image_text_at(people, i));
        count_gone(image, json_integer_value(json_array_get(people, i + 1)));
    }
}

static void admit_one(struct bo_image *image, const char *name, int64_t number) {
    char field[BO_IMAGE_FIELD];
    json_t *state = image->of[BO_IMAGE_STATE], *p = bo_image_person(image, name);
    json_object_del(image->of[BO_IMAGE_LINE], name);
    json_object_set_new(p, "st", json_string("claim"));
    json_object_set_new(p, "h", json_array());
    bo_image_set(p, "n", number);
    bo_image_set(p, "d", image->at + BO_IMAGE_TOLD_WITHIN_MS);
    json_object_del(p, "o");
    json_object_del(p, "e");
    if (number > bo_image_number(state, "head")) bo_image_set(state, "head", number);
    const json_t *head = json_object_get(state, lane_field(field, "lane_head", lane_of(number)));
    if (!head || number > json_integer_value(head)) bo_image_set(state, field, number);
}

static void admit(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    const json_t *people = json_object_get(body, "people");
    int64_t count = (int64_t)json_array_size(people) / 2;
    EACH_PAIR(people, i) admit_one(image, bo_image_text_at(people, i), json_integer_value(json_array_get(people, i + 1)));
    bo_image_count(image->of[BO_IMAGE_STATE], "seeking", count);
    bo_image_count(image->of[BO_IMAGE_STATE], "admitted", count);
    bo_image_note_rate(image->admissions, record->at, count);
}

static void aside(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    (void)record;
    const char *name = bo_image_text(body, "person");
    json_object_set_new(bo_image_person(image, name), "st", json_string("out"));
    bo_image_set(image->of[BO_IMAGE_LINE], name, bo_image_number(body, "number"));
    bo_image_count(image->of[BO_IMAGE_STATE], "seeking", -1);
}

static void enter(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    (void)record;
    json_t *p = bo_image_person(image, bo_image_text(body, "person"));
    json_object_set_new(p, "st", json_string("choose"));
    bo_image_set(p, "d", bo_image_number(body, "deadline"));
}

static void extend(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    (void)record;
    json_t *p = bo_image_person(image, bo_image_text(body, "person"));
    bo_image_count(p, "e", 1);
    bo_image_remember(p, json_object_get(body, "token"));
    bo_image_set(p, "d", bo_image_number(body, "deadline"));
}

static void channel(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    (void)record;
    char field[BO_IMAGE_FIELD + BO_ID_MAX];
    const char *name = bo_image_text(body, "person");
    json_object_set(bo_image_person(image, name), "c", json_object_get(body, "channel"));
    bo_image_remember(bo_image_person(image, name), json_object_get(body, "token"));
    snprintf(field, sizeof(field), "i%s", bo_image_text(body, "invitation"));
    json_object_set_new(image->of[BO_IMAGE_LANES], field, json_string(name));
}

static void opened(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    (void)body;
    (void)record;
    bo_image_set(image->of[BO_IMAGE_STATE], "opened", 1);
}

/* What somebody asked for, till when (lua/line_brake.lua). */
static void brake(struct bo_image *image, const json_t *body, const struct bo_log_record *record) {
    json_t *state = image->of[BO_IMAGE_STATE];
    bo_image_set(state, "asked", bo_image_number(body, "percent"));
    json_object_set(state, "asked_why", json_object_get(body, "why"));
    bo_image_set(state, "asked_until", record->at + bo_image_number(body, "for_ms"));
}

bo_image_replay bo_image_replay_line(const char *kind) {
    static const struct {
        const char *kind;
        bo_image_replay replay;
    } kinds[] = {{"join", join}, {"leave", leave}, {"admit", admit}, {"aside", aside}, {"enter", enter}, {"extend", extend}, {"channel", channel}, {"opened", opened}, {"epoch", epoch}, {"brake", brake}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].kind, kind) == 0) return kinds[i].replay;
    return NULL;
}
