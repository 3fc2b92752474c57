/* SPDX-License-Identifier: Apache-2.0
 * What all commands share, and the small ones: check-config, default-config, token, migrate. */
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "command/command.h"
#include "edge/token.h"
#include "loop/loop.h"
#include "metrics/metrics.h"
#include "postgres/database.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

static void take_out(int *argc, char **argv, int at, int count) {
    memmove(argv + at, argv + at + count, (size_t)(*argc - at - count + 1) * sizeof(*argv));
    *argc -= count;
}

const char *bo_option(int *argc, char **argv, const char *name) {
    for (int i = 1; i + 1 < *argc; i++) {
        if (strcmp(argv[i], name) != 0) continue;
        const char *value = argv[i + 1];
        take_out(argc, argv, i, 2);
        return value;
    }
    return NULL;
}

bool bo_option_flag(int *argc, char **argv, const char *name) {
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], name) != 0) continue;
        take_out(argc, argv, i, 1);
        return true;
    }
    return false;
}

int bo_option_end(int argc, char **argv, int count, const char *usage) {
    if (argc == count + 1) return 0;
    if (argc > count + 1) fprintf(stderr, "boxoffice %s: \"%s\" is not understood\n", argv[0], argv[count + 1]);
    fprintf(stderr, "usage: boxoffice %s\n", usage);
    return 2;
}

int bo_command_config(const char *path, const char *process, struct bo_config *ret) {
    struct bo_buffer problem = {0};
    int err = bo_config_read(path, ret, &problem);
    if (!err && (err = bo_config_check(ret, &problem))) bo_config_free(ret);
    if (err)
        fprintf(stderr, "boxoffice: %s\n", problem.data);
    else
        bo_log_setup(process, (enum bo_log_level)bo_log_level_from_name(ret->log_level));
    bo_buffer_free(&problem);
    return err ? 2 : 0;
}

void bo_command_end_with_supervisor(void) {
    if (getenv(BO_METRICS_FD_VARIABLE)) prctl(PR_SET_PDEATHSIG, SIGTERM);
}

int bo_command_check_config(int argc, char **argv) {
    int wrong = bo_option_end(argc, argv, 1, "check-config FILE");
    struct bo_config config;
    if (wrong || bo_command_config(argv[1], "check-config", &config)) return 2;
    bo_config_free(&config);
    printf("%s is right.\n", argv[1]);
    return 0;
}

int bo_command_default_config(int argc, char **argv) {
    bool markdown = bo_option_flag(&argc, argv, "--markdown"), metrics = bo_option_flag(&argc, argv, "--metrics");
    if (bo_option_end(argc, argv, 0, "default-config [--markdown | --metrics]\nA commented configuration file; the same as a table; or the table of all metrics.")) return 2;
    struct bo_buffer out = {0};
    (metrics ? bo_metrics_print_doc : markdown ? bo_config_print_markdown : bo_config_print_sample)(&out);
    fwrite(out.data, 1, out.length, stdout);
    bo_buffer_free(&out);
    return 0;
}

int bo_command_token(int argc, char **argv) {
    const char *path = bo_option(&argc, argv, "--config"), *sale = bo_option(&argc, argv, "--sale"),
               *person = bo_option(&argc, argv, "--person"), *hours = bo_option(&argc, argv, "--hours");
    static const char usage[] = "token --sale SALE --person PERSON [--hours 24] [--config FILE]\n"
                                "Prints a place token: whoever joins with it as \"resume\" is this person in this sale.";
    int64_t valid = 24;
    if (!sale || !person || !bo_text_is_id(sale) || !bo_text_is_id(person) ||
        (hours && !bo_text_to_number(hours, 1, 8760, &valid)) || argc != 1) {
        fprintf(stderr, "usage: boxoffice %s\n", usage);
        return 2;
    }
    struct bo_config config;
    if (bo_command_config(path, "token", &config)) return 2;
    char token[BO_PLACE_TOKEN_MAX];
    struct bo_keys *keys = bo_keys_new(config.secret, config.key_rotation_h);
    bo_token_place(keys, sale, person, bo_loop_wall_ms() + valid * 3600000, token);
    puts(token);
    bo_keys_free(keys);
    bo_config_free(&config);
    return 0;
}

int bo_command_migrate(int argc, char **argv) {
    const char *path = bo_option(&argc, argv, "--config");
    if (bo_option_end(argc, argv, 0, "migrate [--config FILE]")) return 2;
    struct bo_config config;
    if (bo_command_config(path, "migrate", &config)) return 2;
    struct bo_database *db;
    int err = bo_database_open(config.postgres, &db);
    if (!err) {
        err = bo_database_migrate(db);
        bo_database_close(db);
    }
    bo_config_free(&config);
    return err ? 1 : 0;
}
