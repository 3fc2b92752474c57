/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres/connect.h"

#include "base/buffer.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define CONNECT_TIMEOUT_S 5
#define CONNECT_TIMEOUT_MAX_S 86400

/* In front of the connection string, which goes over them. A peer that is gone is noticed within 15 s. */
static const struct {
    const char *name, *value, *variable;
} defaults[] = {
    {"connect_timeout", "5", "PGCONNECT_TIMEOUT"}, {"keepalives_idle", "5", NULL}, {"keepalives_interval", "3", NULL},
    {"keepalives_count", "3", NULL},               {"tcp_user_timeout", "15000", NULL},
};
#define DEFAULTS (sizeof(defaults) / sizeof(defaults[0]))

/* Those that are lists with an entry for each host. */
static const char *const lists[] = {"host", "hostaddr", "port"};
#define LISTS (sizeof(lists) / sizeof(lists[0]))

struct parameters {
    const char *names[DEFAULTS + LISTS + 2], *values[DEFAULTS + LISTS + 2];
    size_t count;
};

static void add(struct parameters *p, const char *name, const char *value) {
    p->names[p->count] = name;
    p->values[p->count++] = value;
}

static void add_defaults(struct parameters *p) {
    for (size_t i = 0; i < DEFAULTS; i++)
        if (!defaults[i].variable || !getenv(defaults[i].variable)) add(p, defaults[i].name, defaults[i].value);
}

PGconn *bo_connect(const char *conninfo) {
    struct parameters p = {.count = 0};
    add_defaults(&p);
    add(&p, "dbname", conninfo);
    add(&p, NULL, NULL);
    return PQconnectdbParams(p.names, p.values, 1);
}

/* "" where the connection string does not name it. */
static const char *value_of(const PQconninfoOption *options, const char *name) {
    for (const PQconninfoOption *o = options; o && o->keyword; o++)
        if (strcmp(o->keyword, name) == 0 && o->val) return o->val;
    return "";
}

static size_t entries(const char *list) {
    size_t count = *list ? 1 : 0;
    for (const char *c = list; *c; c++) count += *c == ',';
    return count;
}

/* The entries from number first on, then those before it. */
static void rotate(const char *list, size_t first, struct bo_buffer *ret) {
    const char *from = list;
    for (size_t i = 0; i < first; i++) from = strchr(from, ',') + 1;
    bo_buffer_add_text(ret, from);
    if (from > list) bo_buffer_printf(ret, ",%.*s", (int)(from - list - 1), list);
}

PGconn *bo_connect_start(const char *conninfo, size_t turn) {
    struct parameters p = {.count = 0};
    struct bo_buffer rotated[LISTS] = {{0}};
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    size_t named = entries(value_of(options, "host")), numeric = entries(value_of(options, "hostaddr"));
    size_t hosts = named > numeric ? named : numeric;
    add_defaults(&p);
    add(&p, "dbname", conninfo);
    for (size_t i = 0; i < LISTS && hosts > 1; i++) {
        const char *list = value_of(options, lists[i]);
        if (entries(list) != hosts) continue; /* one port for all of them */
        rotate(list, turn % hosts, &rotated[i]);
        add(&p, lists[i], rotated[i].data);
    }
    add(&p, NULL, NULL);
    PGconn *connection = PQconnectStartParams(p.names, p.values, 1);
    PQconninfoFree(options);
    for (size_t i = 0; i < LISTS; i++) bo_buffer_free(&rotated[i]);
    return connection;
}

int64_t bo_connect_within_ms(const char *conninfo) {
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    const char *said = value_of(options, "connect_timeout"), *variable = getenv("PGCONNECT_TIMEOUT");
    int64_t seconds = CONNECT_TIMEOUT_S;
    if (!*said && variable) said = variable;
    if (*said && !bo_text_to_number(said, 0, CONNECT_TIMEOUT_MAX_S, &seconds)) seconds = CONNECT_TIMEOUT_S;
    PQconninfoFree(options);
    return seconds * 1000;
}

bool bo_sqlstate_is_passing(const char *state) {
    /* Classes 08 connection, 40 rollback, 53 resources, 55 not in the right state, 57 intervention, 58 system. */
    static const char *const passing[] = {"08", "40", "53", "55", "57", "58", BO_SQLSTATE_READ_ONLY};
    for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
        if (strncmp(state, passing[i], strlen(passing[i])) == 0) return true;
    return false;
}
