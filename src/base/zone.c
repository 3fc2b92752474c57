/* SPDX-License-Identifier: Apache-2.0 */
#include "base/zone.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "/usr/share/zoneinfo"
#define MAGIC "TZif" /* RFC 8536 */

static const char *folder(void) {
    const char *set = getenv("TZDIR");
    return set && *set ? set : FOLDER;
}

/* A name that browsers know, too: no path out of the folder, none of the other tables that lie in it. */
static bool is_name(const char *name) {
    static const char *const others[] = {"posix/", "right/", "posixrules", "localtime", "Factory"};
    if (strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") != strlen(name)) return false;
    if (strlen(name) > BO_ZONE_MAX || name[0] == '/') return false;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (strncmp(name, others[i], strlen(others[i])) == 0) return false;
    return true;
}

static bool is_zone_file(const char *path) {
    char head[sizeof(MAGIC) - 1];
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    bool right = fread(head, sizeof(head), 1, file) == 1 && memcmp(head, MAGIC, sizeof(head)) == 0;
    fclose(file);
    return right;
}

int bo_zone_check(const char *name, struct bo_buffer *problem) {
    char path[512];
    int n = snprintf(path, sizeof(path), "%s/%s", folder(), name);
    if (!*name || (is_name(name) && n > 0 && (size_t)n < sizeof(path) && is_zone_file(path))) return 0;
    bo_buffer_printf(problem,
                     "time_zone: allowed is a name of the IANA time zone database like Europe/Vienna, which has to be in %s (Debian's package"
                     " tzdata), or an empty text for UTC",
                     folder());
    return BO_ERR_BAD_SETTING;
}
