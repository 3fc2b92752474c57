/* SPDX-License-Identifier: Apache-2.0
 * Time zones by their names in the IANA database, as the system has them (/usr/share/zoneinfo, or where TZDIR says). */
#ifndef BO_BASE_ZONE_H
#define BO_BASE_ZONE_H

#include "base/buffer.h"
#include "boxoffice/error.h"

#define BO_ZONE_MAX 64 /* bytes */

/* Is there a zone of this name? "" stands for UTC. On BO_ERR_BAD_SETTING problem says what is allowed. */
int bo_zone_check(const char *name, struct bo_buffer *problem) BO_CHECKED;

#endif
