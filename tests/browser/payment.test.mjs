// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessible, clickSeat, openBrowser, seatBecomes, shows } from '../lib/browser.mjs';
import { event, startWithStripe } from '../lib/stripe.mjs';

// What the page uses of Stripe's own script, which only Stripe may serve.
const STRIPE_JS = `globalThis.Stripe = (key) => ({
  elements: ({ clientSecret }) => ({ create: () => ({ mount: (where) => { document.querySelector(where).textContent = key + ' ' + clientSecret; } }) }),
  confirmPayment: async () => { globalThis.tries = (globalThis.tries ?? 0) + 1; return globalThis.tries === 1 ? { error: { message: 'Your card was declined.' } } : {}; },
});`;

test('paying with Stripe\'s elements on the page: declined, then paid', async (t) => {
  const { stripe, all, send } = await startWithStripe(t);
  const { page } = await openBrowser(t);
  await page.route('https://js.stripe.com/v3/', (route) => route.fulfill({ contentType: 'text/javascript', body: STRIPE_JS }));
  await page.goto(`${all.url}/?sale=hall`);
  await shows(page, 'choose');
  await seatBecomes(page, 'S-1', 'free');
  await clickSeat(page, 'S-1');
  await seatBecomes(page, 'S-1', 'mine');
  await page.click('#checkout');
  await page.waitForSelector('#stripe:not([hidden])');
  assert.equal(await page.textContent('#stripe-element'), 'pk_test_x pi_1_secret_x');
  assert.equal(await page.isVisible('#pay-link'), false);
  await page.picture('19-stripe');
  await accessible(page);
  await page.click('#stripe button');
  await page.waitForFunction(() => /declined/.test(document.getElementById('pay-refusal').textContent));
  await page.click('#stripe button');
  await page.waitForFunction(() => /looked at/.test(document.getElementById('pay-refusal').textContent));
  assert.equal((await send(event('payment_intent.succeeded', [...stripe.intents.values()][0]))).status, 200);
  await shows(page, 'bought');
});
