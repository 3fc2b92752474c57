/* SPDX-License-Identifier: Apache-2.0
 * Where somebody comes from, as limits count it (rule X5). */
#ifndef BO_EDGE_ADDRESS_H
#define BO_EDGE_ADDRESS_H

#define BO_ADDRESS_MAX 48 /* bytes, with the NUL */

/* An IPv4 address as it is, also one that is written as IPv6 (::ffff:192.0.2.1); of an IPv6 address its network, 2001:db8:1:2::/64: a
 * household or a rented server has all of it. Brackets and a port, which some proxies write, are left out. What is no address stays. */
void bo_address_group(const char *text, char ret[BO_ADDRESS_MAX]);

/* The last entry of X-Forwarded-For, which one's own proxy has written. */
const char *bo_address_last(const char *forwarded);

#endif
