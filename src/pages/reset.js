// SPDX-License-Identifier: Apache-2.0
// The end of the link in the mail: /reset.html#token. The token does not stay in the history.
import { fragment as reset } from './address.js';
import { $ } from './dom.js';
import { problem, t } from './words.js';

document.title = t('reset.title');
if (!reset) $('word').textContent = t('reset.open');

$('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const answer = await fetch('/api/accounts/reset/confirm', { method: 'POST', body: JSON.stringify({ reset, password: $('password').value }) }).catch(() => null);
  const { error } = answer ? await answer.json() : { error: { code: 'offline' } };
  $('word').textContent = !error ? t('reset.done') : error.code === 'token_expired' ? t('reset.used') : problem(error);
  $('form').hidden = !error;
});
