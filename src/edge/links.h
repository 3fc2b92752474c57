/* SPDX-License-Identifier: Apache-2.0
 * A right to a ticket lasts as long as what it is for (rule U2): until 30 days after the show, or, where none is dated, for a year. It is proven
 * by the key of a place, or by a ticket link: an address that holds all of one person's tickets of one order, in any browser. */
#ifndef BO_EDGE_LINKS_H
#define BO_EDGE_LINKS_H

#include "edge/http.h"
#include "edge/room.h"
#include "edge/token.h"

/* When a right ends that was given at this time. */
bo_ms bo_right_end(const struct bo_room *room, bo_ms given);

/* The address of somebody's tickets of an order, on the public pages; free() it. Made again it lasts at least as long. */
char *bo_link_make(const struct bo_room *room, const char *order, const char *person, bo_ms *ret_expires);

/* Adds ,"link":"…","link_expires_ms":…. */
void bo_link_print(const struct bo_room *room, const char *order, const char *person, struct bo_buffer *out);

/* What the bearer's token is a link to. BO_ERR_TOKEN_FOREIGN: not one of this sale, or no link; a postponed show keeps its links. */
int bo_link_read(const struct bo_http *http, const struct bo_room *room, struct bo_link_claim *ret) BO_CHECKED;

#endif
