/* SPDX-License-Identifier: Apache-2.0
 * What this gateway sees of how things are: each change is logged, counted and told to the subscribers of webhooks (rule X4). */
#ifndef BO_EDGE_HEALTH_H
#define BO_EDGE_HEALTH_H

#include "edge/gateway.h"

void bo_health_second(struct bo_gateway *gateway); /* every second */

#endif
