/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/late.h"

#include "base/memory.h"
#include "base/text.h"
#include "ledger/tables.h"
#include "ledger/writing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROBLEM_MAX 512
#define TRIES 5 /* when the scribe changed a row at the same moment */

struct letters { /* of one sale */
    struct bo_database *db;
    const char *sale;
    struct bo_rows *rows;
    struct bo_log_record *records;
    char (*problems)[PROBLEM_MAX]; /* "": none */
    size_t count;
};

static int read_letters(struct letters *l) {
    int err = bo_database_run(l->db, "SELECT seq, at_ms, kind, body, epoch FROM dead_letters WHERE sale = $1 ORDER BY seq", &l->sale, 1, &l->rows);
    if (err) return err;
    l->count = bo_rows_count(l->rows);
    l->records = bo_alloc((l->count + 1) * sizeof(*l->records));
    l->problems = bo_alloc((l->count + 1) * sizeof(*l->problems));
    for (size_t i = 0; i < l->count; i++) {
        const char *body = bo_rows_text(l->rows, i, 3);
        l->records[i] = (struct bo_log_record){.sale = l->sale, .seq = bo_rows_number(l->rows, i, 0), .at = bo_rows_number(l->rows, i, 1),
                                               .kind = bo_rows_text(l->rows, i, 2), .body = body, .body_length = strlen(body), .epoch = bo_rows_number(l->rows, i, 4)};
    }
    return 0;
}

static void free_letters(struct letters *l) {
    bo_rows_free(l->rows);
    free(l->records);
    free(l->problems);
}

static int move_to_ledger(struct letters *l, size_t i) {
    char seq[24];
    *bo_text_put_number(seq, l->records[i].seq) = '\0';
    int err = bo_ledger_append(l->db, &l->records[i], 1, l->records[i].seq - 1);
    if (err) return err;
    return bo_database_run(l->db, "DELETE FROM dead_letters WHERE sale = $1 AND seq = $2", (const char *const[]){l->sale, seq}, 2, NULL);
}

/* In a savepoint: one that the ledger itself refuses keeps no other one out. */
static int move_one(struct letters *l, size_t i) {
    int err = bo_database_script(l->db, "SAVEPOINT letter");
    if (!err) err = move_to_ledger(l, i);
    if (!err) return bo_database_script(l->db, "RELEASE SAVEPOINT letter");
    if (err != BO_ERR_BAD_MESSAGE) return err;
    snprintf(l->problems[i], PROBLEM_MAX, "%s", bo_database_problem(l->db));
    l->problems[i][strcspn(l->problems[i], "\n")] = '\0';
    return bo_database_script(l->db, "ROLLBACK TO SAVEPOINT letter");
}

/* Those from first to before end, in one transaction. BO_ERR_BAD_MESSAGE, and nothing is written: a table refuses what follows from them. */
static int write_once(struct letters *l, size_t first, size_t end, char problem[PROBLEM_MAX], bool *ret_again) {
    problem[0] = '\0';
    *ret_again = false;
    int err = bo_database_script(l->db, "BEGIN ISOLATION LEVEL REPEATABLE READ");
    for (size_t i = first; !err && i < end; i++) {
        l->problems[i][0] = '\0';
        err = move_one(l, i);
    }
    if (!err) err = bo_tables_settle(l->db, l->sale, problem);
    if (!err) err = bo_database_script(l->db, "COMMIT");
    if (!err) return 0;
    *ret_again = strncmp(bo_database_state(l->db), "40", 2) == 0;
    return bo_database_script(l->db, "ROLLBACK") == 0 ? err : BO_ERR_UNAVAILABLE;
}

static int write_some(struct letters *l, size_t first, size_t end, char problem[PROBLEM_MAX]) {
    bool again = true;
    int err = 0;
    for (int try = 0; again && try < TRIES; try++) err = write_once(l, first, end, problem, &again);
    return err;
}

static int write_sale(struct letters *l) {
    char problem[PROBLEM_MAX];
    int err = read_letters(l);
    if (!err) err = write_some(l, 0, l->count, problem);
    if (err != BO_ERR_BAD_MESSAGE) return err;
    err = 0;
    for (size_t i = 0; !err && i < l->count; i++) {
        err = write_some(l, i, i + 1, problem);
        if (err != BO_ERR_BAD_MESSAGE) continue;
        memcpy(l->problems[i], problem, PROBLEM_MAX);
        err = 0;
    }
    return err;
}

int bo_ledger_write_again(struct bo_database *db, const char *sale, void (*tell)(void *arg, const struct bo_log_record *record, const char *problem), void *arg) {
    struct bo_rows *sales = NULL;
    int err = bo_database_run(db, "SELECT DISTINCT sale FROM dead_letters WHERE $1::text IS NULL OR sale = $1 ORDER BY 1", &sale, 1, &sales);
    for (size_t s = 0; !err && s < bo_rows_count(sales); s++) {
        struct letters l = {.db = db, .sale = bo_rows_text(sales, s, 0)};
        err = write_sale(&l);
        for (size_t i = 0; !err && i < l.count; i++) tell(arg, &l.records[i], *l.problems[i] ? l.problems[i] : NULL);
        free_letters(&l);
    }
    bo_rows_free(sales);
    return err;
}
