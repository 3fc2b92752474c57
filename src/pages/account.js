// SPDX-License-Identifier: Apache-2.0
// Sign up, log in, log out, and what one has bought. The session is a cookie that scripts cannot read; here is only kept that there is one.
import { storage } from './client/boxoffice.js';
import { $, make, say } from './dom.js';
import { money, moment, ownZone, problem, t } from './words.js';

const back = new URLSearchParams(location.search).get('back');

async function ask(what, body) {
  const answer = await fetch(`/api/accounts${what}`, body ? { method: 'POST', body: JSON.stringify(body) } : {}).catch(() => null);
  const json = answer ? await answer.json() : { error: { code: 'offline' } };
  if (json.error) throw json.error;
  return json;
}

const order = ({ order: id, sale, status, amount, currency, digits, at_ms: at }) => make('li', { class: 'event card' },
  make('strong', {}, sale), ` ${money(amount, { currency, digits })} · ${t(`order.${status}`)} · ${moment(at, ownZone)} `, make('span', { class: 'soft' }, id), ' ',
  ['paid', 'part_refunded'].includes(status) ? make('a', { href: `/tickets.html?sale=${encodeURIComponent(sale)}` }, t('tickets.title')) : null);

async function show() {
  document.title = t('account.title');
  const me = storage.get('boxoffice.account') ? await ask('/me').catch((error) => (error.code === 'offline' ? Promise.reject(error) : null)) : null;
  if (!me) storage.remove('boxoffice.account');
  $('outside').hidden = Boolean(me);
  $('inside').hidden = !me;
  if (!me) return;
  $('hello').textContent = t('account.hello', { email: me.email });
  $('back').hidden = !back;
  if (back) $('back').href = `/?sale=${encodeURIComponent(back)}`;
  const { orders } = await ask('/orders');
  $('orders').replaceChildren(...(orders.length ? orders.map(order) : [make('li', { class: 'hint' }, t('account.orders.none'))]));
}

const told = (action) => async (event) => {
  event.preventDefault();
  say('word', '');
  try {
    say('word', await action(event));
  } catch (error) {
    say('word', problem(error));
  }
};

$('outside').addEventListener('submit', told(async ({ submitter }) => {
  await ask(submitter?.value === 'signup' ? '' : '/login', { email: $('email').value, password: $('password').value });
  storage.set('boxoffice.account', '1');
  $('password').value = '';
  await show();
}));

$('forgot').addEventListener('click', told(async () => {
  if (!$('email').value) return t('account.forgot.email');
  await ask('/reset', { email: $('email').value });
  return t('account.forgot.sent');
}));

$('change').addEventListener('submit', told(async () => {
  await ask('/password', { password: $('old').value, new_password: $('new').value });
  $('old').value = $('new').value = '';
  return t('account.changed');
}));

for (const [id, all] of [['logout', false], ['logout-all', true]]) {
  $(id).addEventListener('click', told(async () => {
    await ask('/logout', { all });
    storage.remove('boxoffice.account');
    await show();
  }));
}

show().catch((error) => say('word', problem(error)));
