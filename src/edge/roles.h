/* SPDX-License-Identifier: Apache-2.0
 * Who may do what on the admin port. A viewer reads; an operator runs the day: line, admission, words, seats kept back, the door; an
 * admin also makes sales, stock and hooks, and gives money back. */
#ifndef BO_EDGE_ROLES_H
#define BO_EDGE_ROLES_H

#include "edge/http.h"

enum bo_role { BO_ROLE_VIEWER, BO_ROLE_OPERATOR, BO_ROLE_ADMIN };

/* By the bearer's token (option admin_tokens): fills in http->actor and http->role, or says token_missing, token_forged or role_too_low. */
int bo_roles_check(struct bo_http *http) BO_CHECKED;
const char *bo_role_name(int role);

#endif
