/* SPDX-License-Identifier: Apache-2.0
 * The listing for the public: sales as shows of events. */
#ifndef BO_EDGE_EVENTS_H
#define BO_EDGE_EVENTS_H

#include "edge/http.h"

/* GET /api/events?q=…&city=…&from=…&to=…: events whose texts have every word of q, shows in that city and between these times (ms since 1970),
 * the first to begin first; sales that are drafts are left out. From memory: no question to a store. */
void bo_events_list(struct bo_http *http);

#endif
