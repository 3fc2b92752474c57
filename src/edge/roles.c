/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/roles.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

static const char *const names[] = {"viewer", "operator", "admin"};

const char *bo_role_name(int role) { return names[role]; }

/* Cuts the role off "token:role"; without one it is an admin's. */
static int take_role(char *token) {
    char *colon = strrchr(token, ':');
    for (int role = BO_ROLE_VIEWER; colon && role <= BO_ROLE_ADMIN; role++) {
        if (strcmp(colon + 1, names[role]) != 0) continue;
        *colon = '\0';
        return role;
    }
    return BO_ROLE_ADMIN;
}

static int authenticate(struct bo_http *http) {
    if (!*http->bearer) return BO_ERR_TOKEN_MISSING;
    const char *p = http->gateway->config.admin_tokens;
    int err = BO_ERR_TOKEN_FORGED;
    while (*p) {
        p += strspn(p, ", ");
        size_t length = strcspn(p, ", ");
        char entry[256];
        snprintf(entry, sizeof(entry), "%.*s", (int)(length < 255 ? length : 255), p);
        char *colon = strchr(entry, ':');
        int role = colon ? take_role(colon + 1) : BO_ROLE_VIEWER;
        if (colon && bo_text_same_secret(colon + 1, http->bearer)) {
            *colon = '\0';
            snprintf(http->actor, sizeof(http->actor), "%.*s", BO_ID_MAX, entry);
            http->role = role;
            err = 0;
        }
        p += length;
    }
    return err;
}

/* What an operator changes; everything else that changes something is an admin's. */
static int needed_role(const struct bo_http *http) {
    static const char *const posts[] = {"/api/sales/*/open",    "/api/sales/*/pause", "/api/sales/*/resume", "/api/sales/*/drain",   "/api/sales/*/through",     "/api/sales/*/away", "/api/sales/*/close",
                                        "/api/sales/*/message", "/api/sales/*/brake", "/api/sales/*/block",  "/api/sales/*/unblock", "/api/sales/*/invitations", "/api/check-in",     "/api/tickets/check", "/api/sales/*/orders/*/link"};
    char id[BO_ID_MAX + 1];
    if (strcmp(http->method, "GET") == 0 || strcmp(http->method, "HEAD") == 0) return BO_ROLE_VIEWER;
    if (strcmp(http->method, "PATCH") == 0 && bo_http_path_is(http, "/api/sales/*", id)) return BO_ROLE_OPERATOR;
    for (size_t i = 0; strcmp(http->method, "POST") == 0 && i < sizeof(posts) / sizeof(posts[0]); i++)
        if (bo_http_path_is(http, posts[i], id)) return BO_ROLE_OPERATOR;
    return BO_ROLE_ADMIN;
}

int bo_roles_check(struct bo_http *http) {
    int err = authenticate(http);
    return err ? err : http->role < needed_role(http) ? BO_ERR_ROLE_TOO_LOW : 0;
}
