/* SPDX-License-Identifier: Apache-2.0
 * Built-in accounts (rule U1): sign up, log in and out, change and reset of the password, and what belongs to an account. A session is a random token
 * in a cookie that scripts cannot read (or a bearer's token, for apps); from it follows an account token for ten minutes, with which one joins
 * sales, so that nobody who joins costs a question to PostgreSQL. */
#ifndef BO_EDGE_ACCOUNTS_H
#define BO_EDGE_ACCOUNTS_H

#include "edge/http.h"

/* /api/accounts and below, on the public port. False: another address. */
bool bo_accounts_run(struct bo_http *http);

#endif
