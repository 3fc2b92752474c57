/* SPDX-License-Identifier: Apache-2.0
 * Runs the ledger's code for the model test, one step at a time, as the test says on standard input: a command per line, words with one space
 * between them; each is answered by one line of JSON.
 *
 *   migrate                  makes the tables: {"err"}
 *   redis ADDRESS            use this Redis from now on; the scribe keeps the one it is connected to until "drop"
 *   scribe                   rounds of the scribe until the logs are empty: {"err", "records"}
 *   drop                     the scribe loses its connections
 *   reconcile SALE [repair]  {"err", "differences": [[where, what, found, wanted], …], "repaired"}
 *   rebuild SALE             {"err"}
 *   replay SALE              {"err", "written", "left": [problem, …]}
 *   image SALE               what the ledger says: {"err", "seq", "image": {section: …}}
 *   check JSON               may an operator make {"settings", "plan"}: {"err", "problem"}
 *   settings JSON            what the scripts are given: {"err", "problem", "fields": [name, value, …]} */
#include "base/buffer.h"
#include "base/log.h"
#include "base/memory.h"
#include "config/config.h"
#include "ledger/reconcile.h"
#include "ledger/rebuild.h"
#include "ledger/scribe.h"
#include "ledger/late.h"
#include "ledger/writing.h"
#include "sale/check.h"
#include "sale/settings.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS_MAX 1000

struct driver {
    struct bo_config config, scribe_config;
    struct bo_scribe *scribe;
    struct bo_database *db;
    struct bo_scripts *scripts, *mender;
};

static json_t *answer_of(int err) { return json_pack("{s:s}", "err", bo_error_name(err)); }

static void set_redis(struct bo_config *config, const char *address) {
    free(config->redis);
    config->redis = bo_strdup(address);
}

/* ---- stores, for what is no scribe ---- */

static void disconnect(struct driver *d) {
    bo_scripts_close(d->scripts);
    bo_scripts_close(d->mender);
    d->scripts = d->mender = NULL;
}

static int connect_stores(struct driver *d) {
    int err = d->db ? 0 : bo_database_open(d->config.postgres, &d->db);
    if (!err && !d->scripts) err = bo_scripts_open(d->config.redis, d->config.redis_timeout_ms, &d->scripts);
    if (!err && !d->mender) err = bo_scripts_open(d->config.redis, d->config.redis_timeout_ms, &d->mender);
    return err;
}

/* ---- commands ---- */

static json_t *run_migrate(struct driver *d, char *rest) {
    (void)rest;
    int err = d->db ? 0 : bo_database_open(d->config.postgres, &d->db);
    return answer_of(err ? err : bo_database_migrate(d->db));
}

static json_t *run_redis(struct driver *d, char *address) {
    disconnect(d);
    set_redis(&d->config, address);
    return answer_of(0);
}

static json_t *run_drop(struct driver *d, char *rest) {
    (void)rest;
    bo_scribe_close(d->scribe);
    d->scribe = NULL;
    return answer_of(0);
}

static json_t *run_scribe(struct driver *d, char *rest) {
    (void)rest;
    if (!d->scribe) {
        set_redis(&d->scribe_config, d->config.redis);
        d->scribe = bo_scribe_open(&d->scribe_config);
    }
    size_t records = 0, count = 1;
    int rest_ms, err = 0, rounds = 0;
    bo_scribe_look_again(d->scribe);
    while (!err && count > 0 && rounds++ < ROUNDS_MAX) {
        err = bo_scribe_step(d->scribe, 0, &count, &rest_ms);
        records += count;
    }
    json_t *answer = answer_of(err);
    json_object_set_new(answer, "records", json_integer((json_int_t)records));
    return answer;
}

static void add_difference(void *arg, const struct bo_difference *d) {
    json_array_append_new(arg, json_pack("[s,s,s,s]", d->where, d->what, d->found, d->wanted));
}

static json_t *run_reconcile(struct driver *d, char *rest) {
    char *sale = strtok(rest, " "), *repair = strtok(NULL, " ");
    json_t *differences = json_array();
    int err = sale ? connect_stores(d) : BO_ERR_BAD_MESSAGE;
    struct bo_reconcile r = {.db = d->db, .scripts = d->scripts, .mender = d->mender, .sale = sale, .actor = "model", .repair = repair != NULL,
                             .tell = add_difference, .arg = differences};
    if (!err) err = bo_reconcile_sale(&r);
    if (err) disconnect(d);
    json_t *answer = answer_of(err);
    json_object_set_new(answer, "differences", differences);
    json_object_set_new(answer, "repaired", json_integer(r.repaired));
    return answer;
}

static json_t *run_rebuild(struct driver *d, char *sale) {
    int err = connect_stores(d);
    if (!err) err = bo_rebuild(d->db, d->scripts, sale, "model");
    if (err) disconnect(d);
    return answer_of(err);
}

static void add_letter(void *arg, const struct bo_log_record *record, const char *problem) {
    (void)record;
    if (problem) json_array_append_new(json_object_get(arg, "left"), json_string(problem));
    if (!problem) json_object_set_new(arg, "written", json_integer(json_integer_value(json_object_get(arg, "written")) + 1));
}

static json_t *run_replay(struct driver *d, char *sale) {
    json_t *answer = json_pack("{s:[], s:i}", "left", "written", 0);
    int err = connect_stores(d);
    if (!err) err = bo_ledger_write_again(d->db, sale, add_letter, answer);
    json_object_set_new(answer, "err", json_string(bo_error_name(err)));
    return answer;
}

static int read_position(struct driver *d, const char *sale, int64_t *ret_seq) {
    struct bo_rows *rows = NULL;
    int err = bo_database_run(d->db, "SELECT coalesce((SELECT seq FROM log_position WHERE sale = $1), 0)", &sale, 1, &rows);
    if (!err) *ret_seq = bo_rows_number(rows, 0, 0);
    bo_rows_free(rows);
    return err;
}

static json_t *run_image(struct driver *d, char *sale) {
    struct bo_image *image = bo_image_new(sale);
    int64_t seq = 0;
    int err = connect_stores(d);
    if (!err) err = read_position(d, sale, &seq);
    if (!err) err = bo_ledger_replay(d->db, image, seq);
    json_t *answer = answer_of(err), *sections = json_object();
    for (int i = 0; i < BO_IMAGE_SECTIONS; i++) json_object_set(sections, bo_image_names[i], image->of[i]);
    json_object_set_new(sections, "map", json_string(image->map ? image->map : ""));
    json_object_set_new(answer, "seq", json_integer(seq));
    json_object_set_new(answer, "image", sections);
    bo_image_free(image);
    return answer;
}

static void add_field(void *arg, const char *field, const char *value) {
    json_array_append_new(arg, json_string(field));
    json_array_append_new(arg, json_string(value));
}

static json_t *run_settings(struct driver *d, char *text) {
    (void)d;
    struct bo_settings settings;
    struct bo_buffer problem = {0};
    json_t *json = json_loads(text, 0, NULL), *fields = json_array();
    int err = bo_settings_read(json, &settings, &problem);
    if (!err) bo_settings_each(&settings, add_field, fields);
    json_t *answer = answer_of(err);
    json_object_set_new(answer, "problem", json_string(problem.length ? problem.data : ""));
    json_object_set_new(answer, "fields", fields);
    json_decref(json);
    bo_buffer_free(&problem);
    return answer;
}

static json_t *run_check(struct driver *d, char *text) {
    (void)d;
    struct bo_buffer problem = {0};
    json_t *json = json_loads(text, 0, NULL);
    int err = bo_sale_check(json_object_get(json, "settings"), NULL, json_object_get(json, "plan"), false, &problem);
    json_t *answer = answer_of(err);
    json_object_set_new(answer, "problem", json_string(problem.length ? problem.data : ""));
    json_decref(json);
    bo_buffer_free(&problem);
    return answer;
}

static const struct {
    const char *name;
    json_t *(*run)(struct driver *d, char *rest);
} commands[] = {{"migrate", run_migrate}, {"redis", run_redis},   {"scribe", run_scribe}, {"drop", run_drop},   {"reconcile", run_reconcile},
                {"rebuild", run_rebuild}, {"replay", run_replay}, {"image", run_image}, {"settings", run_settings},
                {"check", run_check}};

static json_t *run_line(struct driver *d, char *line) {
    char *space = strchr(line, ' ');
    if (space) *space = '\0';
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(commands[i].name, line) == 0) return commands[i].run(d, space ? space + 1 : line + strlen(line));
    return answer_of(BO_ERR_BAD_MESSAGE);
}

int main(void) {
    struct driver d = {0};
    struct bo_buffer problem = {0};
    bo_log_setup("model", getenv("MODEL_LOG") ? BO_LOG_INFO : BO_LOG_ERROR);
    if (bo_config_read(NULL, &d.config, &problem) != 0 || bo_config_read(NULL, &d.scribe_config, &problem) != 0) {
        fprintf(stderr, "%s\n", problem.data);
        return 2;
    }
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        line[strcspn(line, "\n")] = '\0';
        json_t *answer = run_line(&d, line);
        char *text = json_dumps(answer, JSON_COMPACT);
        printf("%s\n", text);
        fflush(stdout);
        free(text);
        json_decref(answer);
    }
    free(line);
    bo_scribe_close(d.scribe);
    disconnect(&d);
    bo_database_close(d.db);
    bo_config_free(&d.config);
    bo_config_free(&d.scribe_config);
    return 0;
}
