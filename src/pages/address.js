// SPDX-License-Identifier: Apache-2.0
// What the address says. What opens doors does not stay in it, where histories and screenshots keep it: ?invitation=…, and behind the #
// token=… (the site's), resume=… (a place), or the token of a mail. Imported first, so that it is gone before anything else happens.
const address = new URL(location.href);

export const sale = address.searchParams.get('sale');
export const invitation = address.searchParams.get('invitation') ?? undefined;
export const fragment = address.hash.slice(1);

if (invitation || fragment) {
  address.searchParams.delete('invitation');
  address.hash = '';
  history.replaceState(null, '', address.pathname + address.search);
}
