/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Without brackets, port and zone. */
static void bare(const char *text, char ret[BO_ADDRESS_MAX]) {
    bool bracket = *text == '[';
    size_t n = bracket ? strcspn(++text, "]") : strcspn(text, "% \t");
    const char *colon = memchr(text, ':', n);
    if (!bracket && colon && !memchr(colon + 1, ':', n - (size_t)(colon + 1 - text))) n = (size_t)(colon - text); /* 192.0.2.1:4711 */
    snprintf(ret, BO_ADDRESS_MAX, "%.*s", (int)n, text);
}

void bo_address_group(const char *text, char ret[BO_ADDRESS_MAX]) {
    char address[BO_ADDRESS_MAX], network[INET6_ADDRSTRLEN];
    struct in6_addr six;
    bare(text, address);
    if (inet_pton(AF_INET6, address, &six) != 1) {
        memcpy(ret, address, sizeof(address));
    } else if (IN6_IS_ADDR_V4MAPPED(&six)) {
        inet_ntop(AF_INET, &six.s6_addr[12], ret, BO_ADDRESS_MAX);
    } else {
        memset(&six.s6_addr[8], 0, 8);
        inet_ntop(AF_INET6, &six, network, sizeof(network));
        snprintf(ret, BO_ADDRESS_MAX, "%.43s/64", network);
    }
}

const char *bo_address_last(const char *forwarded) {
    const char *last = strrchr(forwarded, ',');
    last = last ? last + 1 : forwarded;
    return last + strspn(last, " \t");
}
