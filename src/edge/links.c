/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/links.h"

#include "loop/loop.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS 86400000LL
#define AFTER_SHOW_MS (30 * DAY_MS)
#define UNDATED_MS (365 * DAY_MS)

/* Counted from the purchase if that is later than the show: an exhibition that began months ago still sells tickets. */
bo_ms bo_right_end(const struct bo_room *room, bo_ms given) {
    bo_ms show = room->settings.starts_at;
    if (!show) return given + UNDATED_MS;
    return (show > given ? show : given) + AFTER_SHOW_MS;
}

char *bo_link_make(const struct bo_room *room, const char *order, const char *person, bo_ms *ret_expires) {
    const struct bo_config *config = &room->gateway->config;
    struct bo_link_claim claim = {.expires = bo_right_end(room, bo_loop_wall_ms())};
    snprintf(claim.sale, sizeof(claim.sale), "%s", room->id);
    snprintf(claim.order, sizeof(claim.order), "%s", order);
    snprintf(claim.person, sizeof(claim.person), "%s", person);
    char *token = bo_token_link(config, &claim);
    struct bo_buffer address = {0};
    bo_buffer_printf(&address, "%s/tickets.html#link=%s", config->public_url, token);
    free(token);
    *ret_expires = claim.expires;
    return address.data;
}

void bo_link_print(const struct bo_room *room, const char *order, const char *person, struct bo_buffer *out) {
    bo_ms expires;
    char *link = bo_link_make(room, order, person, &expires);
    bo_buffer_add_text(out, ",\"link\":\"");
    bo_buffer_add_json(out, link);
    bo_buffer_printf(out, "\",\"link_expires_ms\":%" PRId64, expires);
    free(link);
}

int bo_link_read(const struct bo_http *http, const struct bo_room *room, struct bo_link_claim *ret) {
    int err = bo_token_read_link(&http->gateway->config, http->bearer, ret);
    if (!err && strcmp(ret->sale, room->id) != 0) err = BO_ERR_TOKEN_FOREIGN;
    bo_ms now = bo_loop_wall_ms(), show = room->settings.starts_at;
    bool holds = !err && (now < ret->expires || (show && now < show + AFTER_SHOW_MS));
    return err || holds ? err : BO_ERR_TOKEN_EXPIRED;
}
