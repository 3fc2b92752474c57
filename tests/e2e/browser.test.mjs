// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { arrive } from '../lib/person.mjs';
import { atEnd, startBoxoffice, temporaryFolder } from '../lib/servers.mjs';

async function openBrowser(t) {
  const profile = temporaryFolder(t);
  const context = await chromium.launchPersistentContext(profile, { executablePath: '/usr/bin/chromium', headless: true, viewport: { width: 1200, height: 1000 },
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
  atEnd(t, () => context.close());
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && page.problems.push(message.text()));
  page.picture = async (name) => {
    if (!process.env.SCREENSHOTS) return;
    fs.mkdirSync(process.env.SCREENSHOTS, { recursive: true });
    await page.screenshot({ path: path.join(process.env.SCREENSHOTS, `${name}.png`) });
  };
  return { context, page };
}

test('in a browser: line, map, pay, tickets', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 1 } });
  const ahead = await arrive(world);
  await ahead.enter();
  await ahead.hold('S-3');
  const { context, page } = await openBrowser(t);
  await page.goto(`${world.url}/`);
  await page.click('text=Sale hall');
  await page.waitForSelector('#wait:not([hidden])');
  await page.waitForFunction(() => document.getElementById('position').textContent === '1');
  await page.picture('1-line');
  await page.reload(); // keeps the place
  await page.waitForFunction(() => document.getElementById('position').textContent === '1');
  ahead.send({ type: 'leave' });
  await page.waitForSelector('#choose:not([hidden])');
  await page.click('[data-seat="S-3"]');
  await page.waitForFunction(() => document.querySelectorAll('.seat.mine').length === 1);
  await page.click('[data-seat="S-60"]');
  await page.waitForFunction(() => document.querySelectorAll('.seat.mine').length === 2);
  assert.match(await page.textContent('#basket'), /2 seats.*€80\.00/);
  await page.click('[data-seat="S-60"]'); // gives it back
  await page.waitForFunction(() => document.querySelectorAll('.seat.mine').length === 1);
  await page.picture('2-map');
  await page.reload(); // the seats are still his
  await page.waitForFunction(() => document.querySelectorAll('.seat.mine').length === 1);
  await page.click('#checkout');
  await page.waitForSelector('#pay:not([hidden])');
  await page.picture('3-pay');
  const [payment] = await Promise.all([context.waitForEvent('page'), page.click('#pay-link')]);
  await payment.click('#pay');
  await payment.waitForSelector('#result');
  await page.waitForSelector('#bought:not([hidden])');
  assert.match(await page.textContent('#tickets'), /row 1, seat 3 \(Front, €50\.00\)/);
  await page.picture('4-tickets');
  await page.reload(); // and comes back to his tickets
  await page.waitForSelector('#bought:not([hidden])');
  await page.click('#tickets-link'); // with QR codes, to print
  await page.waitForFunction(() => document.querySelector('#cards img')?.naturalWidth > 0);
  assert.match(await page.textContent('#cards'), /Sale hall.*row 1, seat 3.*Front, €50\.00/);
  await page.picture('5-to-print');
  await page.emulateMedia({ media: 'print' });
  assert.equal(await page.isVisible('#print'), false);
  await page.emulateMedia({ media: null });
  assert.deepEqual(page.problems, []);
});

test('in a browser: the link of the mail sets a new password, once, and does not stay in the history', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 1 } });
  await fetch(`${world.url}/api/accounts`, { method: 'POST', body: JSON.stringify({ email: 'ada@example.org', password: 'correct horse' }) });
  await world.postgres.query("INSERT INTO password_resets (token, account) SELECT encode(sha256('r:link'), 'hex'), id FROM accounts");
  const { page } = await openBrowser(t);
  for (const [word, link] of [[/is set/, '#r:link'], [/used already/, '?again#r:link']]) {
    await page.goto(`${world.url}/reset.html${link}`);
    assert.equal(new URL(page.url()).hash, '');
    await page.fill('#password', 'battery staple');
    await page.click('button');
    await page.waitForFunction(() => document.getElementById('word').textContent !== '');
    assert.match(await page.textContent('#word'), word);
  }
  await page.picture('6-reset');
});

test('in a browser: a seat that another one takes is shown taken; time runs out; the line can be joined again', async (t) => {
  const world = await startBoxoffice(t, { settings: { choose_ms: 3000 } });
  const { page } = await openBrowser(t);
  await page.goto(`${world.url}/?sale=hall`);
  await page.waitForSelector('#choose:not([hidden])');
  const other = await arrive(world);
  await other.enter();
  await other.hold('S-5');
  await page.waitForSelector('[data-seat="S-5"].held');
  await page.waitForSelector('#over:not([hidden])');
  assert.match(await page.textContent('#over-title'), /time has run out/);
  await page.click('#again');
  await page.waitForSelector('#choose:not([hidden])');
  await page.goto(`${world.url}/?sale=none`);
  await page.waitForSelector('#over:not([hidden])');
  assert.match(await page.textContent('#over-text'), /no sale of this name/);
});

test('in a browser: sold out is said, and the buyer still finds his tickets', async (t) => {
  const world = await startBoxoffice(t, { seats: 1, settings: { policy: 'capacity', capacity: 1 } });
  const buyer = await arrive(world);
  await buyer.enter();
  const { page } = await openBrowser(t);
  await page.goto(`${world.url}/?sale=hall`);
  await page.waitForSelector('#wait:not([hidden])');
  await buyer.hold('S-1');
  await buyer.settle(await buyer.checkout());
  await page.waitForSelector('#over:not([hidden])');
  assert.equal(await page.textContent('#over-title'), 'Sold out');
  assert.deepEqual(page.problems, []);
});

test('in a browser: a puzzle solved in a worker, gathering until the opening, then a place by lot', async (t) => {
  const settings = { policy: 'capacity', capacity: 0, lottery: true, puzzle_bits: 14, opens_at: new Date(Date.now() + 3600000).toISOString() };
  const world = await startBoxoffice(t, { settings });
  const { page } = await openBrowser(t);
  await page.goto(`${world.url}/?sale=hall`);
  await page.waitForSelector('#gather:not([hidden])');
  assert.match(await page.textContent('#opens'), /^00:59:[0-5]\d$/);
  assert.equal(await page.textContent('#gathered'), '1');
  await page.picture('5-gathering');
  await page.reload(); // keeps the lot, and solves nothing again
  await page.waitForSelector('#gather:not([hidden])');
  const { json: counts } = await world.admin('GET', '/api/sales/hall/counts');
  assert.equal(counts.waiting, 1);
  await world.set({ opens_at: new Date(Date.now() + 1500).toISOString() });
  await page.waitForSelector('#wait:not([hidden])');
  await page.waitForFunction(() => document.getElementById('position').textContent === '1');
  assert.match((await world.admin('GET', '/metrics')).text, /^boxoffice_puzzles_total 1$/m);
  assert.deepEqual(page.problems, []);
});
