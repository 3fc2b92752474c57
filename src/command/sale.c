/* SPDX-License-Identifier: Apache-2.0
 * sale import, export, list: straight into PostgreSQL; a running server takes it over within a second. */
#include "base/log.h"
#include "base/text.h"
#include "base/utf8.h"
#include "command/command.h"
#include "command/new_sale.h"
#include "postgres/database.h"
#include "sale/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int insert(struct bo_database *db, const struct bo_new_sale *sale, bool keep_existing) {
    char *plan = json_dumps(sale->plan, JSON_COMPACT), *settings = json_dumps(sale->settings, JSON_COMPACT);
    const char *params[] = {sale->id, sale->name, sale->open ? "open" : "draft", settings, plan};
    int err = bo_database_run(db,
                              "WITH made AS (INSERT INTO sales (id, name, status, settings, plan) VALUES ($1, $2, $3, $4, $5) RETURNING id)"
                              " INSERT INTO audit (actor, action, sale, detail) SELECT 'command line', 'create', id, $4::jsonb FROM made",
                              params, 5, NULL);
    free(plan);
    free(settings);
    if (err && strcmp(bo_database_state(db), "23505") == 0) {
        if (!keep_existing) fprintf(stderr, "boxoffice: %s\n", bo_error_text(BO_ERR_SALE_EXISTS));
        return keep_existing ? 0 : BO_ERR_SALE_EXISTS;
    }
    if (err) fprintf(stderr, "boxoffice: %s\n", bo_database_problem(db));
    return err;
}

int bo_sale_insert(struct bo_database *db, const struct bo_new_sale *sale, bool stripe, bool keep_existing) {
    struct bo_buffer problem = {0};
    int err = bo_sale_check(sale->settings, NULL, sale->plan, stripe, &problem);
    if (err)
        fprintf(stderr, "boxoffice: %s %s\n", bo_error_text(err), problem.data);
    else
        err = insert(db, sale, keep_existing);
    bo_buffer_free(&problem);
    return err;
}

static json_t *load_file(const char *path) {
    json_error_t error;
    json_t *json = json_load_file(path, 0, &error);
    if (!json) fprintf(stderr, "boxoffice: %s line %d: %s\n", path, error.line, error.text);
    return json;
}

static int import(struct bo_database *db, bool stripe, int argc, char **argv) {
    struct bo_new_sale sale = {.id = bo_option(&argc, argv, "--sale"), .name = bo_option(&argc, argv, "--name")};
    const char *plan = bo_option(&argc, argv, "--plan"), *settings = bo_option(&argc, argv, "--settings");
    sale.open = bo_option_flag(&argc, argv, "--open");
    if (argc != 1 || !sale.id || !bo_text_is_id(sale.id) || !sale.name || !bo_utf8_is_text(sale.name, 1, 200, false) || !plan || !settings) {
        fprintf(stderr, "usage: boxoffice sale import --sale ID --name NAME --plan FILE --settings FILE [--open] [--config FILE]\n");
        return 2;
    }
    sale.plan = load_file(plan);
    sale.settings = load_file(settings);
    int err = sale.plan && sale.settings ? bo_sale_insert(db, &sale, stripe, false) : BO_ERR_BAD_JSON;
    json_decref(sale.plan);
    json_decref(sale.settings);
    return err ? 1 : 0;
}

static int print_query(struct bo_database *db, const char *sql, const char *const *params, int count) {
    struct bo_rows *rows = NULL;
    int err = bo_database_run(db, sql, params, count, &rows);
    if (err) fprintf(stderr, "boxoffice: %s\n", bo_database_problem(db));
    for (size_t i = 0; i < bo_rows_count(rows); i++) puts(bo_rows_text(rows, i, 0));
    size_t found = bo_rows_count(rows);
    bo_rows_free(rows);
    return err || found == 0;
}

static int export(struct bo_database *db, int argc, char **argv) {
    const char *id = bo_option(&argc, argv, "--sale");
    if (argc != 1 || !id) {
        fprintf(stderr, "usage: boxoffice sale export --sale ID [--config FILE]\n");
        return 2;
    }
    return print_query(db, "SELECT json_build_object('sale', id, 'name', name, 'settings', settings, 'plan', plan)::text FROM sales"
                           " WHERE id = $1",
                       &id, 1);
}

int bo_command_sale(int argc, char **argv) {
    const char *path = bo_option(&argc, argv, "--config"), *verb = argc > 1 ? argv[1] : "";
    struct bo_config config;
    struct bo_database *db;
    int status;
    if (strcmp(verb, "import") != 0 && strcmp(verb, "export") != 0 && strcmp(verb, "list") != 0) {
        fprintf(stderr, "usage: boxoffice sale import|export|list …\n");
        return 2;
    }
    if (bo_command_config(path, "sale", &config)) return 2;
    if (bo_database_open(config.postgres, &db) != 0) {
        status = 1;
    } else {
        status = verb[0] == 'i'   ? import(db, bo_config_is_stripe(&config), argc - 1, argv + 1)
                 : verb[0] == 'e' ? export(db, argc - 1, argv + 1)
                                  : print_query(db, "SELECT id || ' ' || status || ' ' || name FROM sales ORDER BY id", NULL, 0);
        bo_database_close(db);
    }
    bo_config_free(&config);
    return status;
}
