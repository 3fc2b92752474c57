/* SPDX-License-Identifier: Apache-2.0
 * What a sale was like during the last quarter of an hour, as each gateway remembers it: an operator who opens his panel in the middle of a rush sees
 * how it came to this. */
#ifndef BO_EDGE_HISTORY_H
#define BO_EDGE_HISTORY_H

#include "edge/http.h"

#define BO_HISTORY_EVERY_S 5
#define BO_HISTORY_MAX 180

struct bo_history;
struct bo_room;

void bo_history_second(struct bo_room *room); /* every second; notes something every BO_HISTORY_EVERY_S */
/* {"every_ms":…,"fields":[…],"samples":[[…],…]}, the oldest first. */
json_t *bo_history_print(const struct bo_room *room);

#endif
