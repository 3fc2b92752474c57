/* SPDX-License-Identifier: Apache-2.0
 * The subcommands of the program. Each takes its own arguments (argv[0] is the command's name) and returns an exit status:
 * 0 done, 1 failed, 2 called or configured wrongly. */
#ifndef BO_COMMAND_COMMAND_H
#define BO_COMMAND_COMMAND_H

#include "config/config.h"

#include <stdbool.h>
#include <uv.h>

struct bo_supervisor;

int bo_command_dev(int argc, char **argv);
int bo_command_serve(int argc, char **argv);
int bo_command_gateway(int argc, char **argv);
int bo_command_scribe(int argc, char **argv);
int bo_command_migrate(int argc, char **argv);
int bo_command_rebuild(int argc, char **argv);
int bo_command_accept_gap(int argc, char **argv);
int bo_command_reconcile(int argc, char **argv);
int bo_command_story(int argc, char **argv);
int bo_command_replay(int argc, char **argv);
int bo_command_sale(int argc, char **argv);
int bo_command_token(int argc, char **argv);
int bo_command_size(int argc, char **argv);
int bo_command_check_config(int argc, char **argv);
int bo_command_default_config(int argc, char **argv);

/* "--name VALUE" or NULL; a flag without value is found with bo_option_flag. Each option found is taken out of argv. */
const char *bo_option(int *argc, char **argv, const char *name);
bool bo_option_flag(int *argc, char **argv, const char *name);
/* Complains about what is left and returns 2, or 0 when argv holds just its name and count more words. */
int bo_option_end(int argc, char **argv, int count, const char *usage);
/* Reads and checks --config FILE and the environment; on failure says why on standard error and returns 2. */
int bo_command_config(const char *path, const char *process, struct bo_config *ret);

/* A process the supervisor started ends in order when the supervisor is killed; one started by hand stays. */
void bo_command_end_with_supervisor(void);

/* Starts gateways and scribes of this program under this supervisor (serve.c). Returns -1, logged, when a port cannot be listened on. */
int bo_serve_start(struct bo_supervisor *supervisor, const char *program, const struct bo_config *config, const char *config_path);
#endif
