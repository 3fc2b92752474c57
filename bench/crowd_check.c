/* SPDX-License-Identifier: Apache-2.0
 * What everyone was told, held against itself and against PostgreSQL. */
#include "base/memory.h"
#include "base/table.h"
#include "bench/crowd.h"
#include "postgres/database.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the order of the line: whoever was told his number before another one asked has the smaller number ---- */

static int by_asked(const void *a, const void *b) {
    int64_t x = (*(struct crowd_person *const *)a)->join_sent_us, y = (*(struct crowd_person *const *)b)->join_sent_us;
    return (x > y) - (x < y);
}

static int by_told(const void *a, const void *b) {
    int64_t x = (*(struct crowd_person *const *)a)->joined_us, y = (*(struct crowd_person *const *)b)->joined_us;
    return (x > y) - (x < y);
}

static int64_t count_overtaken(struct crowd_person **joined, size_t count) {
    struct crowd_person **asked = bo_alloc(count * sizeof(*asked)), **told = bo_alloc(count * sizeof(*told));
    memcpy(asked, joined, count * sizeof(*asked));
    memcpy(told, joined, count * sizeof(*told));
    qsort(asked, count, sizeof(*asked), by_asked);
    qsort(told, count, sizeof(*told), by_told);
    int64_t violations = 0, highest = 0;
    for (size_t i = 0, t = 0; i < count; i++) {
        for (; t < count && told[t]->joined_us < asked[i]->join_sent_us; t++)
            if (told[t]->number > highest) highest = told[t]->number;
        if (asked[i]->number < highest) violations++;
    }
    free(asked);
    free(told);
    return violations;
}

/* ---- people by id ---- */

struct entry {
    struct bo_table_link link;
    struct crowd_person *person;
};

static const char *id_of(const struct bo_table_link *link) { return ((const struct entry *)link)->person->id; }

static struct crowd_person *find(struct bo_table *people, const char *id) {
    struct bo_table_link *link = bo_table_find(people, id);
    return link ? ((struct entry *)link)->person : NULL;
}

/* ---- the ledger's admissions: in order of the numbers, except for who was away when it was his turn ---- */

static int compare_double(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double p99(double *values, size_t count) {
    if (!count) return 0;
    qsort(values, count, sizeof(*values), compare_double);
    return values[(size_t)((double)(count - 1) * 0.99)];
}

static int check_admissions(struct bo_database *db, const char *sale, struct bo_table *people, int64_t steady_until_ms, struct crowd_verdict *v) {
    struct bo_rows *rows = NULL;
    int err = bo_database_run(db, "SELECT at_ms, body->>'people' FROM ledger WHERE sale = $1 AND kind = 'admit' ORDER BY seq", &sale, 1, &rows);
    if (err) return err;
    double *told = bo_alloc((people->count + 1) * sizeof(*told));
    size_t told_count = 0, steady_count = 0;
    int64_t highest = INT64_MIN, steady_admitted = 0, first = bo_rows_count(rows) ? bo_rows_number(rows, 0, 0) : 0, last = first;
    for (size_t i = 0; i < bo_rows_count(rows); i++) {
        int64_t at = bo_rows_number(rows, i, 0);
        json_t *list = json_loads(bo_rows_text(rows, i, 1), 0, NULL);
        for (size_t k = 0; k + 1 < json_array_size(list); k += 2) {
            struct crowd_person *person = find(people, json_string_value(json_array_get(list, k)));
            int64_t number = json_integer_value(json_array_get(list, k + 1));
            if (number < highest && person && !person->disconnected && !person->admitted) v->order_violations++;
            if (person) person->admitted = true; /* who is admitted again was taken back, and that is counted by itself */
            if (number > highest) highest = number;
            if (person && person->admitted_ms && !person->disconnected && told_count < people->count)
                told[told_count++] = (double)(person->admitted_ms - at);
        }
        if (!steady_until_ms || at <= steady_until_ms) {
            steady_count = told_count;
            steady_admitted += (int64_t)json_array_size(list) / 2;
            last = at;
        }
        json_decref(list);
    }
    v->admit_to_told_p99_ms = p99(told, steady_count);
    v->admit_to_told_p99_ms_all = p99(told, told_count);
    v->admissions_per_s = last > first ? (double)steady_admitted * 1000 / (double)(last - first) : 0;
    free(told);
    bo_rows_free(rows);
    err = bo_database_run(db, "SELECT count(*) FROM ledger WHERE sale = $1 AND kind = 'aside'", &sale, 1, &rows);
    if (err) return err;
    v->taken_back = bo_rows_number(rows, 0, 0);
    bo_rows_free(rows);
    return 0;
}

/* ---- never more than the rate in any interval, never more inside than the capacity: by the ledger ---- */

static int check_bounds(const struct crowd_options *options, struct bo_database *db, struct crowd_verdict *v) {
    struct bo_rows *rows = NULL;
    int err = bo_database_run(db,
                              "SELECT at_ms, CASE kind WHEN 'admit' THEN jsonb_array_length(body->'people') / 2 ELSE -1 END FROM ledger WHERE sale = $1"
                              " AND kind IN ('admit', 'end', 'paid', 'aside') ORDER BY seq",
                              &options->sale, 1, &rows);
    if (err) return err;
    int64_t inside = 0, within = 0;
    for (size_t i = 0, first = 0; i < bo_rows_count(rows); i++) {
        int64_t change = bo_rows_number(rows, i, 1), at = bo_rows_number(rows, i, 0);
        inside += change;
        if (options->capacity >= 0 && inside > options->capacity) v->capacity_overruns++;
        if (change < 0) continue;
        for (; bo_rows_number(rows, first, 0) + options->rate_ms <= at; first++)
            if (bo_rows_number(rows, first, 1) > 0) within -= bo_rows_number(rows, first, 1);
        within += change;
        if (options->rate && within > options->rate) v->rate_overruns++;
    }
    bo_rows_free(rows);
    return 0;
}

/* ---- tickets: everyone has in PostgreSQL exactly what he was told ---- */

static int check_tickets(const struct crowd_options *options, struct bo_database *db, struct bo_table *people, struct crowd_verdict *v) {
    struct bo_rows *rows = NULL;
    int err = bo_database_run(db, "SELECT person, seat, order_id FROM tickets WHERE sale = $1", &options->sale, 1, &rows);
    if (err) return err;
    v->tickets_kept = (int64_t)bo_rows_count(rows);
    if (v->tickets_kept > options->seat_count) v->oversold += v->tickets_kept - options->seat_count;
    for (size_t i = 0; i < bo_rows_count(rows); i++) {
        struct crowd_person *person = find(people, bo_rows_text(rows, i, 0));
        bool told = false;
        for (int k = 0; person && k < person->seat_count; k++)
            told |= person->seats[k] == (uint32_t)bo_rows_number(rows, i, 1) && strcmp(person->order, bo_rows_text(rows, i, 2)) == 0;
        if (!told) v->untold_orders++;
    }
    bo_rows_free(rows);
    err = bo_database_run(db, "SELECT count(*) FROM (SELECT person FROM tickets WHERE sale = $1 GROUP BY person HAVING count(*) > 3) x",
                          &options->sale, 1, &rows);
    if (err) return err;
    v->limit_violations += bo_rows_number(rows, 0, 0);
    bo_rows_free(rows);
    return 0;
}

static int check_orders(const struct crowd_options *options, struct bo_database *db, struct crowd_person **joined, size_t count,
                        struct crowd_verdict *v) {
    for (size_t i = 0; i < count; i++) {
        if (joined[i]->fate != CROWD_BOUGHT) continue;
        struct bo_rows *rows = NULL;
        const char *params[] = {joined[i]->order, options->sale};
        int err = bo_database_run(db, "SELECT count(*) FROM tickets t JOIN orders o ON o.sale = t.sale AND o.id = t.order_id WHERE o.id = $1 AND o.sale = $2"
                                      " AND o.status = 'paid'", params, 2, &rows);
        if (err) return err;
        if (bo_rows_number(rows, 0, 0) != joined[i]->seat_count) v->lost_orders++;
        bo_rows_free(rows);
    }
    v->seats_free = options->seat_count - v->tickets_kept;
    return 0;
}

int crowd_check(const struct crowd_options *options, struct crowd_shared *shared, struct crowd_verdict *v) {
    size_t count = 0;
    struct crowd_person **joined = bo_alloc((size_t)options->people * sizeof(*joined));
    struct entry *entries = bo_alloc((size_t)options->people * sizeof(*entries));
    char *sold = bo_alloc((size_t)options->seat_count);
    int64_t first = INT64_MAX, last = 0;
    struct bo_table people;
    bo_table_init(&people, id_of);
    *v = (struct crowd_verdict){.limit_violations = shared->limit_violations, .admitted = shared->admitted};
    for (int i = 0; i < options->people; i++) {
        struct crowd_person *p = &shared->people[i];
        if (!p->joined_us) {
            v->lost_people += p->fate == CROWD_NONE;
            continue;
        }
        entries[count].person = p;
        bo_table_add(&people, &entries[count].link);
        joined[count++] = p;
        if (p->join_sent_us < first) first = p->join_sent_us;
        if (p->joined_us > last) last = p->joined_us;
        v->untold_people += p->fate == CROWD_NONE;
        v->bought += p->fate == CROWD_BOUGHT;
        for (int k = 0; k < p->seat_count; k++) {
            v->tickets_told++;
            if (p->seats[k] < (uint32_t)options->seat_count && sold[p->seats[k]]++) v->double_tickets++;
        }
    }
    v->joined = (int64_t)count;
    v->joins_per_s = last > first ? (double)count * 1e6 / (double)(last - first) : 0;
    v->order_violations = count_overtaken(joined, count);
    if (v->tickets_told > options->seat_count) v->oversold = v->tickets_told - options->seat_count;
    struct bo_database *db;
    int err = bo_database_open(options->postgres, &db);
    if (!err) {
        err = check_admissions(db, options->sale, &people, shared->steady_until_ms, v);
        if (!err) err = check_bounds(options, db, v);
        if (!err) err = check_tickets(options, db, &people, v);
        if (!err) err = check_orders(options, db, joined, count, v);
        bo_database_close(db);
    }
    bo_table_free(&people);
    free(sold);
    free(entries);
    free(joined);
    return err;
}

/* ---- memory ---- */

static int64_t private_memory(int pid) {
    char path[64], line[256];
    int64_t kb = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "RssAnon: %ld", &kb) == 1) break;
    if (f) fclose(f);
    return kb * 1024;
}

static bool is_gateway_of(int pid, int supervisor) {
    char path[64], text[512] = "";
    int parent = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *f = fopen(path, "r");
    if (!f) return false;
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    const char *behind = n ? strrchr(text, ')') : NULL;
    if (!behind || sscanf(behind + 1, " %*c %d", &parent) != 1 || parent != supervisor) return false;
    snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
    f = fopen(path, "r");
    if (!f) return false;
    n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[n] = '\0';
    return strcmp(text + strlen(text) + 1, "gateway") == 0;
}

int64_t crowd_gateway_memory(int supervisor) {
    int64_t sum = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc && (entry = readdir(proc));) {
        int pid = atoi(entry->d_name);
        if (pid > 0 && is_gateway_of(pid, supervisor)) sum += private_memory(pid);
    }
    if (proc) closedir(proc);
    return sum;
}
