/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/reconcile.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "ledger/compare.h"
#include "ledger/fence.h"
#include "ledger/gaps.h"
#include "ledger/rebuild.h"
#include "ledger/tables.h"
#include "loop/loop.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ABOUT "200"         /* fields read at a time, */
#define BETWEEN_MS 2        /* and the pause for others then */
#define LOOK_MAX 100        /* fields looked at in one call */
#define CATCH_UP_MS 20000   /* PostgreSQL has so long to get to where Redis is */
#define POLL_MS 20

static const char *const keys[] = {"state", "line", "active", "people", "seats", "orders", "gone", "lanes", "stock", "grants"}; /* state: how far the lanes have got */
#define KEYS (sizeof(keys) / sizeof(keys[0]))

struct job {
    struct bo_reconcile *r;
    struct bo_image *image;
    json_t *suspects; /* {"key field": [key, field]} */
};

static struct bo_arg arg_of(const char *text) { return (struct bo_arg){text, strlen(text)}; }

static void suspect(struct job *j, const char *key, const char *field) {
    struct bo_buffer name = {0};
    if (strcmp(key, "line") == 0 || strcmp(key, "active") == 0) key = "people";
    bo_buffer_printf(&name, "%s %s", key, field);
    json_object_set_new(j->suspects, name.data, json_pack("[s,s]", key, field));
    bo_buffer_free(&name);
}

/* ---- first: everything, while it goes on ---- */

static int scan_key(struct job *j, const char *key) {
    json_t *seen = json_object();
    char cursor[24] = "0";
    int err = 0;
    do {
        const struct bo_value *v = NULL;
        const struct bo_arg args[] = {arg_of(key), arg_of(cursor), arg_of(ABOUT)};
        err = bo_scripts_run(j->r->scripts, "sale_scan", j->r->sale, args, 3, &v);
        const struct bo_value *list = err ? NULL : bo_value_item(v, 2);
        for (size_t i = 0; list && i + 1 < list->length; i += 2) {
            const char *field = bo_value_text(list, i);
            json_object_set_new(seen, field, json_true());
            if (!bo_compare_scanned(j->image, key, field, bo_value_text(list, i + 1))) suspect(j, key, field);
        }
        if (!err) snprintf(cursor, sizeof(cursor), "%" PRId64, bo_value_number(v, 1));
        if (!err && strcmp(cursor, "0") != 0) poll(NULL, 0, BETWEEN_MS);
    } while (!err && strcmp(cursor, "0") != 0);
    const char *field;
    json_t *value;
    json_object_foreach(bo_compare_section(j->image, key), field, value)
        if (!err && !json_object_get(seen, field) && !bo_compare_scanned(j->image, key, field, "")) suspect(j, key, field);
    json_decref(seen);
    return err;
}

static int scan_map(struct job *j) {
    const struct bo_value *v = NULL;
    const struct bo_arg args[] = {arg_of("map"), arg_of("0"), arg_of(ABOUT)};
    int err = bo_scripts_run(j->r->scripts, "sale_scan", j->r->sale, args, 3, &v);
    const char *states = err ? "" : bo_value_text(bo_value_item(v, 2), 0);
    size_t length = strlen(states);
    for (size_t seat = 0; !err && seat < j->image->seats; seat++) {
        char field[24];
        if (seat < length && states[seat] == j->image->map[seat]) continue;
        snprintf(field, sizeof(field), "%zu", seat);
        suspect(j, "map", field);
    }
    return err;
}

/* ---- then: what seems to differ, at a known moment ---- */

static int position(struct job *j, int64_t *ret) {
    struct bo_rows *rows = NULL;
    int err = bo_database_run(j->r->db, "SELECT coalesce((SELECT seq FROM log_position WHERE sale = $1), 0)", &j->r->sale, 1, &rows);
    if (!err) *ret = bo_rows_number(rows, 0, 0);
    bo_rows_free(rows);
    return err;
}

static int catch_up(struct job *j, int64_t seq) {
    bo_ms until = bo_loop_steady_ms() + CATCH_UP_MS;
    int64_t written = 0;
    int err = position(j, &written);
    while (!err && written < seq && bo_loop_steady_ms() < until) {
        poll(NULL, 0, POLL_MS);
        err = position(j, &written);
    }
    if (!err && written < seq) err = BO_ERR_UNAVAILABLE;
    return err ? err : bo_ledger_replay(j->r->db, j->image, seq);
}

static void tell(struct job *j, const char *key, const char *field, const char *found, const char *wanted) {
    j->r->differences++;
    j->r->tell(j->r->arg, &(struct bo_difference){key, field, found, wanted});
}

static int mend(struct job *j, const struct bo_arg *args, size_t count) {
    const struct bo_value *v = NULL;
    int err = bo_scripts_run(j->r->mender, "sale_mend", j->r->sale, args, count, &v);
    if (!err) j->r->repaired += bo_value_number(v, 1);
    return err;
}

static int judge_person(struct job *j, const char *field, const struct bo_value *found) {
    char line[24], active[24];
    char *wanted = bo_compare_person(j->image, field, bo_value_text(found, 0), bo_value_text(found, 1), bo_value_text(found, 2), line, active);
    if (!wanted) return 0;
    struct bo_buffer is = {0}, has_to_be = {0};
    bo_buffer_printf(&is, "in line %s, inside until %s, %s", bo_value_text(found, 0), bo_value_text(found, 1), bo_value_text(found, 2));
    bo_buffer_printf(&has_to_be, "in line %s, inside until %s, %s", line, active, wanted);
    tell(j, "people", field, is.data, has_to_be.data);
    const struct bo_arg args[] = {arg_of(j->r->actor), arg_of("people"), arg_of(field), arg_of("set"), arg_of(bo_value_text(found, 0)), arg_of(bo_value_text(found, 1)),
                                  arg_of(bo_value_text(found, 2)), arg_of(line), arg_of(active), arg_of(wanted)};
    int err = j->r->repair ? mend(j, args, sizeof(args) / sizeof(args[0])) : 0;
    bo_buffer_free(&is);
    bo_buffer_free(&has_to_be);
    free(wanted);
    return err;
}

static int judge_field(struct job *j, const char *key, const char *field, const char *found) {
    int64_t off;
    char by[24];
    char *wanted = bo_compare_field(j->image, key, field, found, &off);
    if (!wanted) return 0;
    tell(j, key, field, found, wanted);
    *bo_text_put_number(by, off) = '\0';
    const struct bo_arg set[] = {arg_of(j->r->actor), arg_of(key), arg_of(field), arg_of("set"), arg_of(found), arg_of(wanted)},
                        add[] = {arg_of(j->r->actor), arg_of(key), arg_of(field), arg_of("add"), arg_of(by)};
    int err = !j->r->repair ? 0 : off ? mend(j, add, sizeof(add) / sizeof(add[0])) : mend(j, set, sizeof(set) / sizeof(set[0]));
    free(wanted);
    return err;
}

static int judge(struct job *j, json_t *const *batch, const struct bo_value *v, size_t count) {
    int err = 0;
    for (size_t i = 0; !err && i < count; i++) {
        const char *key = json_string_value(json_array_get(batch[i], 0)), *field = json_string_value(json_array_get(batch[i], 1));
        err = strcmp(key, "people") == 0 ? judge_person(j, field, bo_value_item(v, 2 + i)) : judge_field(j, key, field, bo_value_text(v, 2 + i));
    }
    return err;
}

static int look_at(struct job *j, json_t *const *batch, size_t count) {
    struct bo_arg args[LOOK_MAX * 2];
    for (size_t i = 0; i < count * 2; i++) args[i] = arg_of(json_string_value(json_array_get(batch[i / 2], i % 2)));
    const struct bo_value *v = NULL;
    int err = bo_scripts_run(j->r->scripts, "sale_look", j->r->sale, args, count * 2, &v);
    if (!err) err = catch_up(j, bo_value_number(v, 1));
    return err ? err : judge(j, batch, v, count);
}

static int look_again(struct job *j) {
    json_t *batch[LOOK_MAX], *one;
    const char *name;
    size_t count = 0;
    int err = 0;
    json_object_foreach(j->suspects, name, one) {
        batch[count++] = one;
        if (err || count < LOOK_MAX) continue;
        err = look_at(j, batch, count);
        count = 0;
    }
    if (!err && count) err = look_at(j, batch, count);
    return err;
}

static int look_for_gap(struct job *j) {
    int64_t written = 0;
    int err = position(j, &written);
    return err ? err : bo_gaps_look(j->r->scripts, j->r->sale, written, NULL);
}

static int note(const struct bo_reconcile *r) {
    char seq[24], differences[24];
    *bo_text_put_number(seq, r->seq) = *bo_text_put_number(differences, r->differences - r->repaired) = '\0';
    return bo_database_run(r->db,
                           "INSERT INTO reconciled (sale, seq, differences) VALUES ($1, $2, $3) ON CONFLICT (sale) DO UPDATE SET seq = excluded.seq, differences = excluded.differences,"
                           " at = now()",
                           (const char *const[]){r->sale, seq, differences}, 3, NULL);
}

int bo_reconcile_sale(struct bo_reconcile *r) {
    struct job j = {.r = r, .image = bo_image_new(r->sale), .suspects = json_object()};
    r->seq = r->differences = r->repaired = 0;
    int err = bo_fence_check(r->db, r->sale, bo_scripts_server(r->scripts));
    if (!err) err = look_for_gap(&j);
    if (!err) err = bo_tables_compare(r, j.image);
    for (size_t i = 0; !err && i < KEYS; i++) err = scan_key(&j, keys[i]);
    if (!err) err = scan_map(&j);
    if (!err) err = look_again(&j);
    r->seq = j.image->seq;
    if (!err) err = note(r);
    json_decref(j.suspects);
    bo_image_free(j.image);
    return err;
}
