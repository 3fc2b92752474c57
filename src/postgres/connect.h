/* SPDX-License-Identifier: Apache-2.0
 * How connections to PostgreSQL are made: the operator's connection string, with limits where it names none. libpq's own defaults wait
 * for ever for a server that accepts a connection and then says nothing. Inside src/postgres only. */
#ifndef BO_POSTGRES_CONNECT_H
#define BO_POSTGRES_CONNECT_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Blocking; bounded by the connection string's connect_timeout, else 5 s for each host. */
PGconn *bo_connect(const char *conninfo);

/* The first step of a connection made by PQconnectPoll. libpq begins with the first host each time, and keeps no time in this mode: the
 * caller gives up after bo_connect_within_ms and tries again with the next turn, which begins with the next host. */
PGconn *bo_connect_start(const char *conninfo, size_t turn);

/* 0: without a limit, as the connection string says. */
int64_t bo_connect_within_ms(const char *conninfo);

/* Does this SQLSTATE say that the server is not ready, rather than that the statement is wrong? */
bool bo_sqlstate_is_passing(const char *state);

/* A server that was the primary and is a standby now: another connection finds the one that took over. */
#define BO_SQLSTATE_READ_ONLY "25006"

#endif
