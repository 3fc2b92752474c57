/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/scribe.h"

#include "base/text.h"
#include "command/command.h"
#include "metrics/metrics.h"

#include <signal.h>
#include <stdio.h>

static volatile sig_atomic_t stop;

static void on_stop(int signum) {
    (void)signum;
    stop = 1;
}

int bo_command_scribe(int argc, char **argv) {
    const char *path = bo_option(&argc, argv, "--config"), *number = bo_option(&argc, argv, "--index");
    int64_t index = 0;
    if (number && !bo_text_to_number(number, 0, BO_METRICS_SCRIBES - 1, &index)) argc = 0; /* nothing is right then */
    if (bo_option_end(argc, argv, 0, "scribe [--index 0 to 31] [--config FILE]")) return 2;
    char process[32];
    snprintf(process, sizeof(process), "scribe %d", (int)index);
    struct bo_config config;
    if (bo_command_config(path, process, &config)) return 2;
    bo_command_end_with_supervisor();
    struct sigaction action = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR2, SIG_IGN); /* it is for the supervisor, and may be sent to all */
    int status = bo_scribe_run(&config, (int)index, &stop);
    bo_config_free(&config);
    return status;
}
