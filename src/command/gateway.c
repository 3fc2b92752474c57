/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/text.h"
#include "command/command.h"
#include "edge/gateway.h"

#include <signal.h>
#include <stdio.h>

int bo_command_gateway(int argc, char **argv) {
    const char *path = bo_option(&argc, argv, "--config"), *number = bo_option(&argc, argv, "--index"),
               *sockets = bo_option(&argc, argv, "--sockets"); /* "3 4": those of the supervisor */
    int64_t index = 0;
    int public_fd = -1, admin_fd = -1;
    if (number && !bo_text_to_number(number, 0, 255, &index)) argc = 0; /* nothing is right then */
    if (sockets && sscanf(sockets, "%d %d", &public_fd, &admin_fd) != 2) argc = 0;
    if (bo_option_end(argc, argv, 0, "gateway [--index 0 to 255] [--config FILE]")) return 2;
    char process[32];
    snprintf(process, sizeof(process), "gateway %d", (int)index);
    struct bo_config config;
    if (bo_command_config(path, process, &config)) return 2;
    bo_command_end_with_supervisor();
    signal(SIGUSR2, SIG_IGN); /* it is for the supervisor, and may be sent to all */
    return bo_gateway_run(&config, path, (int)index, public_fd, admin_fd);
}
