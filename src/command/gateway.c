/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "command/command.h"
#include "edge/gateway.h"
#include "base/log.h"

#include <stdio.h>

int bo_command_gateway(int argc, char **argv) {
    const char *path = bo_option(&argc, argv, "--config"), *number = bo_option(&argc, argv, "--index");
    int64_t index = 0;
    int wrong = bo_option_end(argc, argv, 0, "gateway [--index N] [--config FILE]");
    if (wrong || (number && !bo_text_to_number(number, 0, 255, &index))) return 2;
    char process[32];
    snprintf(process, sizeof(process), "gateway %d", (int)index);
    struct bo_config config;
    if (bo_command_config(path, process, &config)) return 2;
    return bo_gateway_run(&config, path, (int)index);
}
