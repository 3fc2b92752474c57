/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/server.h"

#include <stdio.h>
#include <string.h>

/* The value of a line "name:value"; "" where there is none. */
static void find(const char *info, const char *name, char ret[48]) {
    char head[32];
    snprintf(head, sizeof(head), "\n%s:", name);
    const char *at = strstr(info, head);
    ret[0] = '\0';
    if (at && sscanf(at + strlen(head), "%47[a-z0-9]", ret) != 1) ret[0] = '\0';
}

bool bo_redis_server_read(const char *info, struct bo_redis_server *ret) {
    char run_id[48], replication_id[48], role[48], loading[48];
    find(info, "run_id", run_id);
    find(info, "master_replid", replication_id);
    find(info, "role", role);
    find(info, "loading", loading);
    if (!*run_id || !*replication_id || strcmp(loading, "1") == 0) return false;
    snprintf(ret->identity, sizeof(ret->identity), "%s:%s", run_id, replication_id);
    ret->is_primary = strcmp(role, "slave") != 0;
    return true;
}

bool bo_redis_is_readonly(const char *error) { return strstr(error, "READONLY") != NULL; }
