/* SPDX-License-Identifier: Apache-2.0
 * What both ports answer. */
#ifndef BO_EDGE_ROUTES_H
#define BO_EDGE_ROUTES_H

#include "edge/http.h"

struct bo_room;

void bo_routes_answer_plan(struct bo_http *http, const struct bo_room *room); /* what a browser needs to draw and price the map */

#endif
