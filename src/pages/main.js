// SPDX-License-Identifier: Apache-2.0
// The public page: the listing, or with ?sale=… the way through that sale.
import { fragment, invitation, sale } from './address.js';
import { storage } from './client/boxoffice.js';
import { say } from './dom.js';
import { showListing } from './listing.js';
import { Sale } from './sale.js';
import { t } from './words.js';

// Logged in here before: the account's own token, fresh each time.
async function accountToken() {
  const answer = await fetch('/api/accounts/me');
  if (answer.ok) return (await answer.json()).account;
  if (answer.status === 401) storage.remove('boxoffice.account');
  return undefined;
}

const handed = new URLSearchParams(fragment), secrets = { invitation, token: handed.get('token') ?? undefined, resume: handed.get('resume') ?? undefined };
if (storage.get('boxoffice.account') && !secrets.token) secrets.account = accountToken;

(sale ? new Sale(sale, secrets).start() : showListing()).catch(() => say('connection', t('over.broken.text')));
