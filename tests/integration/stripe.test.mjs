// SPDX-License-Identifier: Apache-2.0
// Payments by Stripe's API: what it would be asked, and what its webhooks lead to. Its side is played here as its documents have it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrive, newKey } from '../lib/person.mjs';
import { until } from '../lib/servers.mjs';
import { event, startWithStripe } from '../lib/stripe.mjs';

test('Stripe: an intent is made for the order, its webhook sells, a refund goes back by it', async (t) => {
  const { stripe, all, send } = await startWithStripe(t);
  const person = await arrive(all);
  await person.enter();
  await person.hold('S-1', 'S-60');
  const pay = await person.checkout();
  assert.deepEqual([pay.amount, pay.client_secret, pay.publishable_key, pay.url], [8000, 'pi_1_secret_x', 'pk_test_x', undefined]);
  const intent = [...stripe.intents.values()][0];
  assert.deepEqual(stripe.asked[0], { path: '/v1/payment_intents', key: pay.order, user: 'sk_test_x:',
    form: { amount: '8000', currency: 'eur', 'automatic_payment_methods[enabled]': 'true', 'metadata[order]': pay.order, 'metadata[sale]': 'hall' } });
  assert.equal((await person.checkout()).client_secret, 'pi_1_secret_x', 'the same intent');
  assert.equal((await send(event('payment_intent.payment_failed', intent))).status, 200);
  assert.equal((await send({ id: 'evt_2', type: 'charge.updated', data: { object: {} } })).status, 200, 'not about an order');
  assert.deepEqual((await send(event('payment_intent.succeeded', intent))).json, { order: 'paid' });
  assert.equal((await send(event('payment_intent.succeeded', intent))).status, 200, 'told twice');
  assert.equal((await person.next('bought')).tickets.length, 2);
  assert.equal((await all.admin('POST', '/api/sales/hall/refund', { order: pay.order, refund: 'r:1', seats: ['S-60'] })).json.amount, 3000);
  const refund = await until('asked', () => stripe.asked.find(({ path }) => path === '/v1/refunds'));
  assert.deepEqual([refund.form.payment_intent, refund.form.amount, refund.key], ['pi_1', '3000', `hall/${pay.order}/r:1`]);
});

test('Stripe: wrong, old or missing signatures, and a wrong sum or currency sell nothing', async (t) => {
  const { stripe, all, send } = await startWithStripe(t);
  const person = await arrive(all);
  await person.enter();
  await person.hold('S-1');
  await person.checkout();
  const intent = [...stripe.intents.values()][0], paid = event('payment_intent.succeeded', intent), now = Math.floor(Date.now() / 1000);
  for (const how of [{ secret: 'whsec_other' }, { time: now - 400 }, { time: now + 400 }, { header: null }, { header: '' }, { header: 't=,v1=' }, { header: `t=${now},v0=00` }])
    assert.deepEqual(await send(paid, how).then(({ status, json }) => [status, json.error.code]), [401, 'webhook_forged']);
  assert.equal((await all.counts()).sold, 0);
  for (const more of [{ amount_received: 4999 }, { currency: 'usd' }]) assert.equal((await send(event('payment_intent.succeeded', { ...intent, id: `pi_${Object.keys(more)[0]}` }, more))).json.order, 'refund_due');
  assert.equal((await all.counts()).sold, 0);
  assert.equal((await send(event('payment_intent.canceled', intent))).json.order, 'declined');
  assert.equal((await person.next('order_failed')).reason, 'declined');
});

test('X1 a payment service that fails is left alone for a moment, and asked again later', async (t) => {
  const { stripe, all } = await startWithStripe(t);
  const person = await arrive(all);
  await person.enter();
  await person.hold('S-1');
  stripe.broken = true;
  for (let i = 0; i < 8; i++) assert.equal((await person.ask({ type: 'checkout', key: newKey() }, 'error')).code, 'payment_unavailable');
  assert.ok(stripe.asked.length < 8, `the breaker opened after ${stripe.asked.length}`);
  stripe.broken = false;
  await until('asked again', async () => (await person.checkout()).type === 'pay');
});
