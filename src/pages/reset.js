// SPDX-License-Identifier: Apache-2.0
// The end of the link in the mail: /reset.html#token. The token does not stay in the history.
const $ = (id) => document.getElementById(id);
const reset = location.hash.slice(1);
history.replaceState(null, '', location.pathname);
if (!reset) $('word').textContent = 'Open the link from the mail.';

$('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const answer = await fetch('/api/accounts/reset/confirm', { method: 'POST', body: JSON.stringify({ reset, password: $('password').value }) }).catch(() => null);
  const { error } = answer ? await answer.json() : { error: { code: 'offline' } };
  const words = { token_expired: 'This link was used already, or is older than an hour. Ask for a new one.', offline: 'The server cannot be reached. Try again in a moment.' };
  $('word').textContent = error ? words[error.code] ?? error.message : 'Your new password is set. You can log in with it now.';
  $('form').hidden = !error;
});
