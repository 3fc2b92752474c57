// SPDX-License-Identifier: Apache-2.0
// Amounts on the pages: with as many digits as the server says the currency has, whatever the browser thinks of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clickSeat, openBrowser, seatBecomes, shows } from '../lib/browser.mjs';
import { ADMIN_TOKEN, createSale, startBoxoffice, until } from '../lib/servers.mjs';

const says = (page, selector, pattern) => page.waitForFunction(([where, source]) => new RegExp(source).test(document.querySelector(where)?.textContent), [selector, pattern.source]);
// A browser writes a space that does not break between code and sum.
const sums = { huf: /HUF\s5,000\.00/, jpy: /JP¥5,000(?![.\d])/, bhd: /BHD\s5,000\.125/ };

test('O6 500000 in HUF is 5,000.00 everywhere, JPY has no digits, BHD three: listing, seats, basket, payment, ticket, panel', async (t) => {
  const world = await startBoxoffice(t, { sale: false });
  for (const [sale, currency, price] of [['huf', 'HUF', 500000], ['jpy', 'JPY', 5000], ['bhd', 'BHD', 5000125]]) await createSale(world, sale, { currency, prices: { Front: price, Back: price } });
  const { context, page } = await openBrowser(t);
  assert.equal(await page.evaluate(() => new Intl.NumberFormat('en', { style: 'currency', currency: 'HUF' }).resolvedOptions().maximumFractionDigits), 0, 'this browser has another idea of HUF');
  for (const [sale, sum] of Object.entries(sums)) {
    await page.goto(`${world.url}/`);
    await says(page, '#events', new RegExp(`from ${sum.source}`));
    await page.goto(`${world.url}/?sale=${sale}`);
    await shows(page, 'choose');
    await seatBecomes(page, 'S-1', 'free');
    await says(page, '#legend', sum);
    await clickSeat(page, 'S-1');
    await seatBecomes(page, 'S-1', 'mine');
    await says(page, '#basket', new RegExp(`1 ticket, ${sum.source}`));
    await page.click('#checkout');
    await says(page, '#sum', sum);
    const [payment] = await Promise.all([context.waitForEvent('page'), page.click('#pay-link')]);
    await payment.click('#pay');
    await says(page, '#tickets', sum);
    await page.click('#tickets-link');
    await says(page, '#cards', sum);
  }
  const panel = await openBrowser(t);
  await panel.page.goto(`http://127.0.0.1:${world.adminPort}/?sale=huf`);
  await panel.page.fill('#token', ADMIN_TOKEN);
  await panel.page.click('#login button');
  await says(panel.page, '#numbers', new RegExp(`Revenue${sums.huf.source}`));
  await says(panel.page, '#sold', sums.huf);
});

test('O6 a bid is read with the digits of the currency: 212.50 HUF is 21250; more digits than there are is no amount', async (t) => {
  const world = await startBoxoffice(t, { settings: { currency: 'HUF', prices: { Front: 500000, Back: 500000 }, choose_ms: 600000 } });
  const soon = (ms) => new Date(Date.now() + ms).toISOString();
  assert.equal((await world.admin('POST', '/api/sales/hall/lots', { item: 'guitar', price: 20000, step: 50, opens_at: soon(-1000), closes_at: soon(3600000) })).status, 200);
  const highest = async () => (await (await fetch(`${world.url}/api/sales/hall/stock`)).json()).stock?.find(({ item }) => item === 'guitar')?.highest;
  const { page } = await openBrowser(t);
  await page.goto(`${world.url}/?sale=hall`);
  await shows(page, 'choose');
  await says(page, '#stock', /next bid from HUF\s200\.00/);
  const amount = page.locator('#stock li:has(input[step="0.01"]) input'), bid = page.locator('#stock li:has(input[step="0.01"]) button');
  assert.equal(await amount.inputValue(), '200.00');
  await amount.fill('212.505');
  await bid.click();
  await says(page, '#refusal', /amount like HUF\s125\.00/);
  await amount.fill('212.50');
  await bid.click();
  await says(page, '#stock', /next bid from HUF\s213\.00.*Your bid is the highest/);
  await until('it counts', async () => (await highest()) === 21250);
  await amount.fill('250');
  await bid.click();
  await until('it counts, too', async () => (await highest()) === 25000);
});
