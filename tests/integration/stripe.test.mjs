// SPDX-License-Identifier: Apache-2.0
// Payments by Stripe's API: what it would be asked, and what its webhooks lead to. Its side is played here as its documents have it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrive, newKey } from '../lib/person.mjs';
import { createSale, makePlan, until } from '../lib/servers.mjs';
import { event, startWithStripe } from '../lib/stripe.mjs';

test('Stripe: an intent is made for the order, its webhook sells, a refund goes back by it', async (t) => {
  const { stripe, all, send } = await startWithStripe(t);
  const person = await arrive(all);
  await person.enter();
  await person.hold('S-1', 'S-60');
  const pay = await person.checkout();
  assert.deepEqual([pay.amount, pay.client_secret, pay.publishable_key, pay.url], [8000, 'pi_1_secret_x', 'pk_test_x', undefined]);
  const intent = [...stripe.intents.values()][0];
  const { key, ...asked } = stripe.asked[0], boxoffice = asked.form['metadata[boxoffice]'];
  assert.deepEqual(asked, { path: '/v1/payment_intents', user: 'sk_test_x:',
    form: { amount: '8000', currency: 'eur', 'payment_method_types[]': 'card', 'metadata[order]': pay.order, 'metadata[sale]': 'hall', 'metadata[boxoffice]': boxoffice } });
  assert.ok(key.startsWith(`${pay.order}/`));
  assert.match(boxoffice, /^[0-9a-f]{16}$/);
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

test('Stripe: events of others in the same account are answered with success, and change nothing', async (t) => {
  const { stripe, all, send } = await startWithStripe(t, { gateways: 1 });
  const person = await arrive(all);
  await person.enter();
  await person.hold('S-1');
  await person.checkout();
  const intent = [...stripe.intents.values()][0], paid = (metadata, more = {}) => event('payment_intent.succeeded', intent, { metadata, ...more });
  const { 'metadata[order]': order, 'metadata[boxoffice]': boxoffice } = intent.form;
  for (const [what, one] of Object.entries({
    'no metadata': paid(undefined), 'none of ours': paid({ cart: '7' }), 'of another boxoffice': paid({ order, sale: 'hall', boxoffice: '0123456789abcdef' }),
    'ids of another form': paid({ order: 'Order No. 7', sale: 'hall' }), 'a sale that is not there': paid({ order, sale: 'elsewhere' }),
    'an order that nobody knows, and it does not say of which boxoffice': paid({ order: 'o:elsewhere', sale: 'hall' }), 'the same, of ours': paid({ order, sale: 'elsewhere', boxoffice }), 'another type': { id: 'evt_9', type: 'checkout.session.completed', data: { object: { id: 'cs_1' } } },
    processing: event('payment_intent.processing', intent) })) assert.deepEqual(await send(one), { status: 200, json: { order: 'none' } }, what);
  assert.equal((await all.counts()).sold, 0);
  assert.equal((await send(paid({ order: 'o:lost', sale: 'hall', boxoffice }, { id: 'pi_lost' }))).json.order, 'refund_due', 'ours, and lost');
  for (const amount_received of [0, -1]) assert.equal((await send(paid({ order, sale: 'hall' }, { amount_received }))).json.error.code, 'bad_message');
  assert.equal((await send(paid({ order, sale: 'hall' }))).json.order, 'paid', 'made by 0.1.0, which did not say by which boxoffice');
});

test('Stripe: sums are told and read as Stripe counts the currency, there, in its webhook, and back', async (t) => {
  const { stripe, all, send } = await startWithStripe(t, { gateways: 1 });
  const refunds = () => stripe.asked.filter(({ path }) => path === '/v1/refunds');
  for (const [currency, price, there, back, backThere] of [['ISK', 5000, 500000, 1000, 100000], ['UGX', 5000, 500000, 1, 100], ['MGA', 500000, 5000, 100, 1], ['KWD', 5120, 5120, 10, 10], ['JPY', 5000, 5000, 1, 1]]) {
    const sale = currency.toLowerCase();
    await createSale(all, sale, { currency, prices: { Front: price, Back: price } });
    const person = await arrive(all, { sale });
    await person.enter();
    await person.hold('S-1');
    const pay = await person.checkout(), intent = [...stripe.intents.values()].at(-1);
    assert.deepEqual([pay.amount, pay.currency, intent.form.amount, intent.form.currency], [price, currency, String(there), sale]);
    assert.equal((await send(event('payment_intent.succeeded', { ...intent, id: 'pi_less' }, { amount_received: there / 10 }))).json.order, 'refund_due', currency);
    assert.deepEqual((await send(event('payment_intent.succeeded', intent))).json, { order: 'paid' }, currency);
    assert.equal((await all.admin('POST', `/api/sales/${sale}/refund`, { order: pay.order, refund: 'r:1', amount: back })).json.amount, back);
    const key = `${sale}/${pay.order}/r:1`, made = await until('asked', () => refunds().find((one) => one.key === key));
    assert.equal(made.form.amount, String(backThere), currency);
  }
});

test('Stripe: what it cannot charge or give back is refused for good, before it is asked', async (t) => {
  const { stripe, all, send } = await startWithStripe(t, { gateways: 1 });
  const settings = { currency: 'KWD', prices: { Front: 5125, Back: 3000 } };
  const made = await all.admin('POST', '/api/sales', { sale: 'gulf', name: 'Gulf', plan: makePlan(2), settings });
  assert.deepEqual([made.status, made.json.error.code], [400, 'bad_setting']);
  assert.match(made.json.error.detail, /category "Front": 5125 cannot be charged by Stripe, which takes multiples of 10 in KWD/);
  await createSale(all, 'gulf', { ...settings, prices: { Front: 5120, Back: 3000 } });
  const item = await all.admin('POST', '/api/sales/gulf/stock', { item: 'Standing', kind: 'area', total: 5, price: 1001 });
  assert.match(item.json.error.detail, /price: 1001 cannot be charged/);
  const lot = { item: 'guitar', price: 1000, opens_at: '2026-01-01T00:00:00Z', closes_at: '2030-01-01T00:00:00Z' };
  assert.match((await all.admin('POST', '/api/sales/gulf/lots', { ...lot, step: 5 })).json.error.detail, /step: 5 cannot be charged/);
  const person = await arrive(all, { sale: 'gulf' });
  await person.enter();
  await person.hold('S-1');
  const pay = await person.checkout(), [intent] = stripe.intents.values();
  assert.equal((await send(event('payment_intent.succeeded', intent))).json.order, 'paid');
  await all.admin('POST', '/api/sales/gulf/refund', { order: pay.order, refund: 'r:1', amount: 5 });
  const [refund] = await until('refused', async () => {
    const { refunds } = (await all.admin('GET', '/api/sales/gulf/refunds?status=refused')).json;
    return refunds.length && refunds;
  });
  assert.match(refund.problem, /Stripe cannot move 5 KWD .*multiples of 10/);
  assert.ok(!stripe.asked.some(({ path }) => path === '/v1/refunds'), 'not asked');
  await all.postgres.query(`UPDATE sales SET version = version + 1, settings = settings || '{"prices":{"Front":5125,"Back":3000}}' WHERE id = 'gulf'`); // of before
  await until('it is read', async () => (await (await fetch(`${all.url}/api/sales/gulf/plan`)).text()).includes('5125'));
  const late = await arrive(all, { sale: 'gulf' });
  await late.enter();
  await late.hold('S-2');
  assert.equal((await late.ask({ type: 'checkout', key: newKey() }, 'error')).code, 'payment_refused');
  assert.equal(stripe.intents.size, 1);
});

test('O5 Stripe: money that is no whole sum here is given back as it came, never taken for a price', async (t) => {
  const { stripe, all, send } = await startWithStripe(t, { gateways: 1 });
  await createSale(all, 'iceland', { currency: 'ISK', prices: { Front: 5000, Back: 3000 } });
  const person = await arrive(all, { sale: 'iceland' });
  await person.enter();
  await person.hold('S-1');
  const pay = await person.checkout(), [intent] = stripe.intents.values();
  const odd = event('payment_intent.succeeded', { ...intent, id: 'pi_odd' }, { amount_received: 499950 });
  assert.deepEqual(await send(odd), { status: 200, json: { order: 'refund_due' } });
  assert.deepEqual(await send(odd), { status: 200, json: { order: 'refund_due' } }, 'told twice');
  const refund = await until('asked', () => stripe.asked.find(({ path }) => path === '/v1/refunds'));
  assert.deepEqual([refund.form.payment_intent, 'amount' in refund.form], ['pi_odd', false], 'all of it');
  assert.match(all.child.output, /payment pi_odd of order .* is of 499950 ISK as Stripe counts/);
  const [booked] = (await all.admin('GET', `/api/orders/${pay.order}`)).json.refunds;
  assert.deepEqual([booked.amount, booked.reason], [5000, 'wrong sum']);
  assert.deepEqual((await send(event('payment_intent.succeeded', intent))).json, { order: 'paid' });
});

test('Stripe: a payment whose order has ended is cancelled, also when that does not go well at once', async (t) => {
  const { stripe, all, send } = await startWithStripe(t);
  const order = async () => {
    const person = await arrive(all);
    await person.enter();
    await person.hold('S-1');
    await person.checkout();
    return { person, intent: [...stripe.intents.values()].at(-1) };
  };
  const first = await order();
  stripe.refuse = { [`/v1/payment_intents/${first.intent.id}/cancel`]: [500, { message: 'not now' }] };
  await first.person.ask({ type: 'leave' }, 'left');
  await until('asked in vain', () => stripe.asked.some(({ path }) => path.endsWith(`${first.intent.id}/cancel`)));
  assert.equal(stripe.states.get(first.intent.id), undefined);
  stripe.refuse = null;
  await all.restart(); // what is to be cancelled is in PostgreSQL
  await all.postgres.query('UPDATE payment_attempts SET next_at = now()'); // instead of waiting for the pause
  await until('cancelled', () => stripe.states.get(first.intent.id) === 'canceled');
  const second = await order();
  stripe.states.set(second.intent.id, 'processing'); // cannot be cancelled just now
  await second.person.ask({ type: 'leave' }, 'left');
  const cancels = () => stripe.asked.filter(({ path }) => path.endsWith(`${second.intent.id}/cancel`));
  await until('asked', () => cancels().length === 1);
  stripe.states.set(second.intent.id, 'succeeded');
  await until('noted', async () => (await all.postgres.query(`SELECT 1 FROM payment_attempts WHERE payment = '${second.intent.id}' AND attempts > 0`)).length === 1);
  await all.postgres.query('UPDATE payment_attempts SET next_at = now()');
  await until('asked again', () => cancels().length === 2);
  assert.notEqual(cancels()[0].key, cancels()[1].key);
  assert.equal((await send(event('payment_intent.succeeded', second.intent))).json.order, 'refund_due', 'paid at the last moment');
  const third = await order();
  await send(event('payment_intent.succeeded', third.intent));
  await third.person.next('bought');
  await until('all done', async () => (await all.postgres.query("SELECT 1 FROM payment_attempts WHERE status <> 'done'")).length === 0);
  assert.ok(!stripe.asked.some(({ path }) => path.endsWith(`${third.intent.id}/cancel`)), 'what was paid is not');
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
