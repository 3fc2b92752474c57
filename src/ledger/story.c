/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/story.h"

#include "base/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* ---- whom a word means ---- */

static const char people_sql[] =
    "SELECT DISTINCT person FROM (SELECT person FROM orders WHERE id = $1 OR payment = $1 UNION ALL SELECT id FROM accounts WHERE lower(email) = lower($1)"
    " UNION ALL SELECT (SELECT body->'traces'->>(n - 2)::integer FROM jsonb_array_elements_text(body->'traces') WITH ORDINALITY t(word, n) WHERE word = $1 LIMIT 1) FROM ledger"
    " WHERE $2::boolean AND kind = 'join' AND body->'traces' ? $1) p WHERE person IS NOT NULL ORDER BY 1 LIMIT 20";

int bo_story_people(struct bo_database *db, const char *word, char *ret_people[BO_STORY_PEOPLE_MAX], size_t *ret_count) {
    struct bo_rows *rows = NULL;
    const char *params[] = {word, bo_text_to_trace(word, &(uint64_t){0}) ? "true" : "false"};
    int err = bo_database_run(db, people_sql, params, 2, &rows);
    *ret_count = 0;
    for (size_t i = 0; !err && i < bo_rows_count(rows) && i < BO_STORY_PEOPLE_MAX; i++) ret_people[(*ret_count)++] = strdup(bo_rows_text(rows, i, 0));
    if (!err && *ret_count == 0) ret_people[(*ret_count)++] = strdup(word); /* a person who has not bought is nowhere but in the ledger */
    bo_rows_free(rows);
    return err;
}

/* ---- his part of a record ---- */

static bool is_his(const json_t *value, const char *person) { return json_is_string(value) && strcmp(json_string_value(value), person) == 0; }

/* Lists go "person, value, person, value, …", or each item is about somebody. NULL: nothing of it is about him. */
static json_t *his_part_of_list(const json_t *list, const char *person) {
    json_t *part = json_array();
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *item = json_array_get(list, i);
        bool about_him = is_his(item, person);
        for (size_t k = 0; !about_him && json_is_array(item) && k < json_array_size(item); k++) about_him = is_his(json_array_get(item, k), person);
        if (!about_him) continue;
        if (json_is_array(item))
            json_array_append(part, item);
        else if (i + 1 < json_array_size(list))
            json_array_append(part, json_array_get(list, i + 1));
    }
    if (json_array_size(part)) return part;
    json_decref(part);
    return NULL;
}

static bool mentions_people(const json_t *body) {
    return json_object_get(body, "people") || json_object_get(body, "acts");
}

/* Of a record about many, what is his; of one about him, all of it but his name. */
static json_t *his_part(json_t *body, const char *person) {
    json_t *part = json_object(), *value;
    const char *name;
    json_object_foreach(body, name, value) {
        if (is_his(value, person)) continue;
        json_t *his = json_is_array(value) && mentions_people(body) ? his_part_of_list(value, person) : json_incref(value);
        if (his) json_object_set_new(part, name, his);
    }
    return part;
}

/* ---- telling ---- */

static const char ledger_sql[] =
    "SELECT at_ms, sale, seq, kind, body::text FROM ledger WHERE ($2::text IS NULL OR sale = $2) AND (strpos(body::text, to_json($1::text)::text) > 0 OR EXISTS (SELECT 1 FROM orders o WHERE"
    " o.person = $1 AND o.sale = ledger.sale AND o.id = body->>'order')) ORDER BY at_ms, sale, seq";

int bo_story_tell(struct bo_database *db, const char *person, const char *sale, void (*tell)(void *, bo_ms, const char *, int64_t, const char *, const char *), void *arg) {
    struct bo_rows *rows = NULL;
    int err = bo_database_run(db, ledger_sql, (const char *const[]){person, sale}, 2, &rows);
    for (size_t i = 0; !err && i < bo_rows_count(rows); i++) {
        json_t *body = json_loads(bo_rows_text(rows, i, 4), 0, NULL), *part = body ? his_part(body, person) : NULL;
        char *text = part ? json_dumps(part, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
        tell(arg, bo_rows_number(rows, i, 0), bo_rows_text(rows, i, 1), bo_rows_number(rows, i, 2), bo_rows_text(rows, i, 3), text ? text : "{}");
        free(text);
        json_decref(part);
        json_decref(body);
    }
    bo_rows_free(rows);
    return err;
}
