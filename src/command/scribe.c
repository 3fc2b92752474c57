/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/scribe.h"

#include "command/command.h"

#include <signal.h>

static volatile sig_atomic_t stop;

static void on_stop(int signum) {
    (void)signum;
    stop = 1;
}

int bo_command_scribe(int argc, char **argv) {
    const char *path = bo_option(&argc, argv, "--config");
    if (bo_option_end(argc, argv, 0, "scribe [--config FILE]")) return 2;
    struct bo_config config;
    if (bo_command_config(path, "scribe", &config)) return 2;
    bo_command_end_with_supervisor();
    struct sigaction action = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGHUP, SIG_IGN);
    int status = bo_scribe_run(&config, &stop);
    bo_config_free(&config);
    return status;
}
