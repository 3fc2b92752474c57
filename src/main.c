/* SPDX-License-Identifier: Apache-2.0 */
#include "command/command.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"dev", bo_command_dev, "everything on this machine with nothing set up, to try it out"},
    {"serve", bo_command_serve, "the server, against the Redis and PostgreSQL of the configuration"},
    {"gateway", bo_command_gateway, "one gateway alone (serve starts as many as configured)"},
    {"scribe", bo_command_scribe, "the scribe alone (serve starts one)"},
    {"migrate", bo_command_migrate, "brings the tables in PostgreSQL up to date (serve does it, too)"},
    {"sale", bo_command_sale, "import, export and list sales"},
    {"rebuild", bo_command_rebuild, "restores a sale in Redis from the ledger (a scribe does it by itself when Redis has lost one)"},
    {"reconcile", bo_command_reconcile, "compares Redis, orders and tickets with the ledger, and repairs them if asked to"},
    {"accept-gap", bo_command_accept_gap, "goes on with a sale without decisions that no store has any more"},
    {"replay", bo_command_replay, "tries again to write log records that were put aside"},
    {"story", bo_command_story, "tells what happened to one person, from the ledger and the logs"},
    {"token", bo_command_token, "prints a signed place token for a person"},
    {"size", bo_command_size, "what to set for a downstream that takes so many calls, and what a line of so many people needs"},
    {"check-config", bo_command_check_config, "says what is wrong with a configuration file"},
    {"default-config", bo_command_default_config, "prints a commented configuration file"},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static int usage(FILE *out, int status) {
    fprintf(out, "boxoffice " BO_VERSION ": a waiting room and a box office\n\nusage: boxoffice COMMAND [options]\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) fprintf(out, "  %-15s %s\n", commands[i].name, commands[i].help);
    return status;
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) return usage(stderr, 2);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) return usage(stdout, 0);
    if (strcmp(argv[1], "--version") == 0) {
        puts("boxoffice " BO_VERSION);
        return 0;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(argv[1], commands[i].name) == 0) return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "boxoffice: there is no command \"%s\"\n\n", argv[1]);
    return usage(stderr, 2);
}
