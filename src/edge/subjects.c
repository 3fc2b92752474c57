/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/subjects.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAITING_MAX (4 * 1024 * 1024) /* bytes; while PostgreSQL is away no more is kept. Whoever comes again is kept then. */
#define RECENT 4096

struct bo_subjects {
    struct bo_buffer waiting, sending; /* [["x:…","auth0|…"],…] without the last bracket; sending: under way, or to be sent again */
    bool under_way;
    uint64_t recent[RECENT];
};

bool bo_subject_person(const char *subject, char ret_person[BO_ID_MAX + 1]) {
    char person[BO_SUBJECT_MAX + 4];
    unsigned char digest[SHA256_DIGEST_LENGTH];
    snprintf(person, sizeof(person), "u:%s", subject);
    if (strlen(subject) <= BO_SUBJECT_MAX && bo_text_is_id(person)) {
        strcpy(ret_person, person);
        return false;
    }
    SHA256((const unsigned char *)subject, strlen(subject), digest);
    memcpy(ret_person, "x:", 2);
    bo_text_base64url(digest, sizeof(digest), ret_person + 2);
    return true;
}

bool bo_subject_named(const char *text, char ret_person[BO_ID_MAX + 1]) {
    if (bo_text_is_id(text))
        strcpy(ret_person, text);
    else if (!*text || strlen(text) > BO_SUBJECT_MAX || !bo_subject_person(text, ret_person))
        return false;
    return true;
}

struct bo_subjects *bo_subjects_new(void) {
    struct bo_subjects *subjects = bo_alloc(sizeof(*subjects));
    return subjects;
}

void bo_subjects_remember(struct bo_subjects *s, const char *person, const char *subject) {
    uint64_t hash = bo_text_hash(person);
    if (s->recent[hash % RECENT] == hash || s->waiting.length > WAITING_MAX) return;
    s->recent[hash % RECENT] = hash;
    bo_buffer_printf(&s->waiting, "%s[\"%s\",\"", s->waiting.length ? "," : "[", person);
    bo_buffer_add_json(&s->waiting, subject);
    bo_buffer_add_text(&s->waiting, "\"]");
}

static void written(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    (void)rows;
    struct bo_subjects *s = arg;
    s->under_way = false;
    if (!err || err == BO_ERR_BAD_MESSAGE) bo_buffer_clear(&s->sending);
}

void bo_subjects_second(struct bo_subjects *s, struct bo_queue *postgres) {
    if (s->under_way || !bo_queue_is_up(postgres) || (!s->sending.length && !s->waiting.length)) return;
    if (!s->sending.length) {
        struct bo_buffer empty = s->sending;
        s->sending = s->waiting;
        s->waiting = empty;
        bo_buffer_add_text(&s->sending, "]");
    }
    s->under_way = true;
    const char *params[] = {s->sending.data};
    bo_queue_run(postgres,
                 "INSERT INTO subjects (person, subject) SELECT x->>0, x->>1 FROM jsonb_array_elements($1::jsonb) x"
                 " ON CONFLICT (person) DO NOTHING",
                 params, 1, written, s);
}

void bo_subjects_free(struct bo_subjects *s) {
    bo_buffer_free(&s->waiting);
    bo_buffer_free(&s->sending);
    free(s);
}
