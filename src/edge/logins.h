/* SPDX-License-Identifier: Apache-2.0
 * Limits of attempts to log in (rules X1, X5): for one account, and from one address as a high bound. They are counted in Redis by
 * lua/limit_count.lua, so all gateways of all servers count together; a log-in costs a tenth of a second of hashing, beside which the
 * two calls are nothing. While Redis is away each gateway counts for itself. */
#ifndef BO_EDGE_LOGINS_H
#define BO_EDGE_LOGINS_H

#include "edge/http.h"

typedef void (*bo_login_cb)(void *arg, bo_ms wait);

/* cb hears 0, or after how many ms the next attempt is allowed. account: what it is for, an address or a session; perhaps "". */
void bo_logins_count(struct bo_http *http, const char *account, bo_login_cb cb, void *arg);

#endif
