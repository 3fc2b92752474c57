/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BO_EDGE_REFUNDS_H
#define BO_EDGE_REFUNDS_H

#include "edge/gateway.h"

void bo_refunds_make(struct bo_gateway *gateway); /* once a second */

#endif
