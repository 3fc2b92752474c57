/* SPDX-License-Identifier: Apache-2.0
 * Access to tickets lasts as long as they are needed (rule U2): until 30 days after the show, or for a year if the sale has no date. It is
 * granted by a resume token, or by a ticket link: an address that opens one person's tickets of one order in any browser. */
#ifndef BO_EDGE_LINKS_H
#define BO_EDGE_LINKS_H

#include "edge/http.h"
#include "edge/room.h"
#include "edge/token.h"

/* When access that is granted at this time ends. */
bo_ms bo_right_end(const struct bo_room *room, bo_ms given);

/* The link to a person's tickets of an order, on the public pages; free() it. A link made later never expires earlier. */
char *bo_link_make(const struct bo_room *room, const char *order, const char *person, bo_ms *ret_expires);

/* Adds ,"link":"…","link_expires_ms":…. */
void bo_link_print(const struct bo_room *room, const char *order, const char *person, struct bo_buffer *out);

/* Reads the bearer token as a link of this sale; BO_ERR_TOKEN_FOREIGN if it is not one. Links stay valid when a show is postponed. */
int bo_link_read(const struct bo_http *http, const struct bo_room *room, struct bo_link_claim *ret) BO_CHECKED;

#endif
