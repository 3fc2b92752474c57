/* SPDX-License-Identifier: Apache-2.0
 * What an operator does when something was lost: rebuild, reconcile, replay, accept-gap. */
#include "base/log.h"
#include "base/text.h"
#include "command/command.h"
#include "ledger/fence.h"
#include "ledger/gaps.h"
#include "ledger/late.h"
#include "ledger/reconcile.h"
#include "ledger/scribe.h"
#include "ledger/shares.h"
#include "loop/loop.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOT_COMPARED 3
#define REBUILD_MS 300000
#define POLL_MS 50

/* ---- rebuild ---- */

static int is_known(struct bo_database *db, const char *sale) {
    struct bo_rows *rows = NULL;
    int err = bo_database_run(db, "SELECT 1 FROM sales WHERE id = $1", &sale, 1, &rows);
    if (!err && bo_rows_count(rows) == 0) err = BO_ERR_UNKNOWN_SALE;
    bo_rows_free(rows);
    return err;
}

/* A scribe does it, the one that carries the sale; where none is running, one runs here until the log is empty. */
static int wait_for_scribe(struct bo_database *db, struct bo_scripts *scripts, const struct bo_config *config, const char *sale) {
    static volatile sig_atomic_t at_once = 1;
    bo_ms until = bo_loop_steady_ms() + REBUILD_MS;
    const struct bo_arg epoch[] = {{"state", 5}, {"epoch", 5}};
    for (;;) {
        size_t scribes = 0;
        int err = bo_shares_scribes(db, &scribes);
        if (!err && scribes == 0 && bo_scribe_run(config, 0, &at_once) != 0) err = BO_ERR_UNAVAILABLE;
        if (!err) err = bo_scripts_run(scripts, "sale_look", sale, epoch, 2, NULL);
        if (err != BO_ERR_LOST_SALE || bo_loop_steady_ms() > until) return err;
        poll(NULL, 0, POLL_MS);
    }
}

int bo_command_rebuild(int argc, char **argv) {
    const char *path = bo_option(&argc, argv, "--config");
    if (bo_option_end(argc, argv, 1, "rebuild SALE [--config FILE]\nThrows away what Redis has of the sale and restores it from the ledger. Nothing is sold meanwhile; nobody loses his place."))
        return 2;
    const char *sale = argv[1];
    struct bo_config config;
    struct bo_database *db = NULL;
    struct bo_scripts *scripts = NULL;
    if (bo_command_config(path, "rebuild", &config)) return 2;
    int err = bo_database_open(config.postgres, &db);
    if (!err) err = is_known(db, sale);
    if (!err) err = bo_scripts_open(config.redis, config.redis_timeout_ms, &scripts);
    if (!err) err = bo_fence_check(db, sale, bo_scripts_server(scripts));
    if (!err) err = bo_gaps_check(db, scripts, sale);
    if (!err) err = bo_scripts_run(scripts, "sale_forget", sale, NULL, 0, NULL);
    bo_ms began = bo_loop_steady_ms();
    if (!err) err = wait_for_scribe(db, scripts, &config, sale);
    if (err)
        fprintf(stderr, "boxoffice: %s\n", bo_error_text(err));
    else
        printf("%s was restored from the ledger in %" PRId64 " ms\n", sale, bo_loop_steady_ms() - began);
    bo_scripts_close(scripts);
    bo_database_close(db);
    bo_config_free(&config);
    return err ? 1 : 0;
}

/* ---- reconcile ---- */

static void tell_difference(void *arg, const struct bo_difference *d) {
    printf("%s: %s %s: found \"%s\", has to be \"%s\"\n", (const char *)arg, d->where, d->what, d->found, d->wanted);
}

static int reconcile_sales(struct bo_reconcile *r, const char *only) {
    struct bo_rows *rows = NULL;
    int64_t left = 0;
    int err = bo_database_run(r->db, "SELECT id FROM sales WHERE $1::text IS NULL OR id = $1 ORDER BY id", &only, 1, &rows);
    if (!err && only && bo_rows_count(rows) == 0) err = BO_ERR_UNKNOWN_SALE;
    for (size_t i = 0; !err && i < bo_rows_count(rows); i++) {
        r->sale = bo_rows_text(rows, i, 0);
        r->arg = (void *)r->sale;
        err = bo_reconcile_sale(r);
        if (!err) printf("%s: %" PRId64 " differences up to record %" PRId64 ", %" PRId64 " repaired\n", r->sale, r->differences, r->seq, r->repaired);
        left += r->differences - r->repaired;
    }
    bo_rows_free(rows);
    if (err) fprintf(stderr, "boxoffice: %s\n", bo_error_text(err));
    return err ? NOT_COMPARED : left > 0;
}

int bo_command_reconcile(int argc, char **argv) {
    const char *path = bo_option(&argc, argv, "--config"), *sale = bo_option(&argc, argv, "--sale");
    struct bo_reconcile r = {.actor = "command line", .repair = bo_option_flag(&argc, argv, "--repair"), .tell = tell_difference};
    if (bo_option_end(argc, argv, 0, "reconcile [--sale SALE] [--repair] [--config FILE]\nCompares Redis and the tables of PostgreSQL with the ledger while sales go on. refund_missing: money that was to be given back and is in no table; --repair makes it due. Status: 0 nothing differs any"
                                     " more, 1 something does, 3 it could not be told."))
        return 2;
    struct bo_config config;
    if (bo_command_config(path, "reconcile", &config)) return 2;
    int status = NOT_COMPARED, err = bo_database_open(config.postgres, &r.db);
    if (!err) err = bo_scripts_open(config.redis, config.redis_timeout_ms, &r.scripts);
    if (!err) err = bo_scripts_open(config.redis, config.redis_timeout_ms, &r.mender);
    if (!err) status = reconcile_sales(&r, sale);
    bo_scripts_close(r.mender);
    bo_scripts_close(r.scripts);
    bo_database_close(r.db);
    bo_config_free(&config);
    return status;
}

/* ---- accept-gap ---- */

static void tell_gap(void *arg, int64_t first, int64_t last) {
    printf("%s: goes on without records %" PRId64 " to %" PRId64 "\n", (const char *)arg, first, last);
}

int bo_command_accept_gap(int argc, char **argv) {
    const char *path = bo_option(&argc, argv, "--config"), *sale = bo_option(&argc, argv, "--sale");
    if (bo_option_end(argc, argv, sale ? 0 : -1, "accept-gap --sale SALE [--config FILE]\nGoes on without decisions that are neither in PostgreSQL nor in Redis' log any more. What was sold in them is in no"
                                              " table; reconcile says what differs afterwards."))
        return 2;
    struct bo_config config;
    struct bo_database *db = NULL;
    struct bo_scripts *scripts = NULL;
    if (bo_command_config(path, "accept-gap", &config)) return 2;
    int err = bo_database_open(config.postgres, &db);
    if (!err) err = is_known(db, sale);
    if (!err) err = bo_scripts_open(config.redis, config.redis_timeout_ms, &scripts);
    if (!err) err = bo_fence_check(db, sale, bo_scripts_server(scripts));
    if (!err) err = bo_gaps_accept(db, scripts, sale, "command line", tell_gap, (void *)sale);
    if (err)
        fprintf(stderr, "boxoffice: %s\n", bo_error_text(err));
    else
        printf("%s: nothing else is missing\n", sale);
    bo_scripts_close(scripts);
    bo_database_close(db);
    bo_config_free(&config);
    return err ? 1 : 0;
}

/* ---- replay ---- */

static void tell_letter(void *arg, const struct bo_log_record *record, const char *problem) {
    int64_t *left = arg;
    *left += problem != NULL;
    printf("%s: record %" PRId64 " (%s): %s\n", record->sale, record->seq, record->kind, problem ? problem : "written");
}

int bo_command_replay(int argc, char **argv) {
    const char *path = bo_option(&argc, argv, "--config"), *sale = bo_option(&argc, argv, "--sale");
    if (bo_option_end(argc, argv, 0, "replay [--sale SALE] [--config FILE]\nTries again to write the log records that PostgreSQL refused, and brings the tables to what the whole ledger says then. Status: 0 none is left, 1 some are.")) return 2;
    struct bo_config config;
    struct bo_database *db = NULL;
    int64_t left = 0;
    if (bo_command_config(path, "replay", &config)) return 2;
    int err = bo_database_open(config.postgres, &db);
    if (!err) err = bo_ledger_write_again(db, sale, tell_letter, &left);
    if (err) fprintf(stderr, "boxoffice: %s\n", bo_error_text(err));
    bo_database_close(db);
    bo_config_free(&config);
    return err || left ? 1 : 0;
}
