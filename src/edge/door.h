/* SPDX-License-Identifier: Apache-2.0
 * The door: what a ticket's code is, letting it in once, and undoing that (rule O4). */
#ifndef BO_EDGE_DOOR_H
#define BO_EDGE_DOOR_H

#include "edge/http.h"

/* POST /api/tickets/check (lets_in false) and /api/check-in. */
void bo_door_run(struct bo_http *http, bool lets_in);

#endif
