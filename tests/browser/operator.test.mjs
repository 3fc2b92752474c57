// SPDX-License-Identifier: Apache-2.0
// The operator's panel, in a real browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessible, clickSeat, openBrowser, positionIs, shows } from '../lib/browser.mjs';
import { arrive } from '../lib/person.mjs';
import { ADMIN_TOKEN, startBoxoffice, until } from '../lib/servers.mjs';

const VIEWER = 'viewer-token-0123456789', OPERATOR = 'operator-token-0123456789';
const tokens = `tester:${ADMIN_TOKEN}, eva:${VIEWER}:viewer, otto:${OPERATOR}:operator`;

async function openPanel(t, world, token, options) {
  const { context, page } = await openBrowser(t, options);
  await page.goto(`http://127.0.0.1:${world.adminPort}/`);
  await page.fill('#token', token);
  await page.click('#login button');
  await page.waitForSelector('#numbers p');
  return { context, page };
}

const cell = (page, name, pattern) => page.waitForFunction(([wanted, source]) => [...document.querySelectorAll('#numbers p')].some((p) => p.firstChild.textContent === wanted && new RegExp(source).test(p.lastChild.textContent)), [name, pattern.source]);
const sureYes = (page) => page.click('#sure-yes');

test('A7 the operator changes the rate, and the waiting page shows it; every change can be undone and is audited', async (t) => {
  const world = await startBoxoffice(t, { config: { admin_tokens: tokens }, settings: { policy: 'rate', rate_count: 1, rate_ms: 3600000 } });
  await (await arrive(world)).next('admitted'); // the one of this hour
  for (let i = 0; i < 30; i++) await arrive(world);
  const person = await openBrowser(t);
  await person.page.goto(`${world.url}/?sale=hall`);
  await positionIs(person.page, 31);
  const { page } = await openPanel(t, world, OPERATOR);
  await cell(page, 'In line', /^31$/);
  await cell(page, 'Sold', /^0 \/ 100$/);
  await page.waitForFunction(() => document.querySelectorAll('#graphs canvas').length === 6);
  await page.picture('30-panel');
  await accessible(page);
  await page.fill('#message-text', 'Doors open at eight.');
  await page.click('#message button');
  await person.page.waitForFunction(() => document.getElementById('notice').textContent === 'Doors open at eight.');
  await page.click('#done button'); // undo
  await person.page.waitForFunction(() => document.getElementById('notice').hidden);
  await page.click('#actions >> text=Pause');
  await sureYes(page);
  await person.page.waitForFunction(() => /paused/.test(document.getElementById('wait-status').textContent));
  await page.waitForFunction(() => document.getElementById('status').textContent === 'paused');
  await page.click('#actions >> text=Resume');
  await person.page.waitForFunction(() => !/paused/.test(document.getElementById('wait-status').textContent));
  await page.evaluate(() => {
    const slider = document.getElementById('rate-slider');
    slider.value = 700;
    slider.dispatchEvent(new Event('input'));
  });
  assert.match(await page.textContent('#rate-effect'), /31 in line: at this rate the last of them comes in after about .* sec/);
  await page.fill('#capacity', '50');
  await page.picture('31-rate');
  await page.click('#apply');
  await sureYes(page);
  await person.page.waitForFunction(() => Number(document.getElementById('position').textContent) < 31 || !document.getElementById('choose').hidden);
  await shows(person.page, 'choose');
  await cell(page, 'In line', /^0$/);
  await page.waitForSelector('#done:not([hidden])');
  await page.click('#done button');
  await page.waitForFunction(() => /Undone/.test(document.getElementById('done').textContent));
  assert.equal((await world.admin('GET', '/api/sales/hall')).json.settings.rate_ms, 3600000);
  await page.click('#tab-audit');
  await page.waitForSelector('#audit-list tbody tr');
  assert.match(await page.textContent('#audit-list'), /otto.*pause.*hall/);
  await page.picture('32-audit');
  await accessible(page);
});

test('W2 who holds a seat, where somebody is, his order; seats kept back and put back', async (t) => {
  const world = await startBoxoffice(t, { config: { admin_tokens: tokens } });
  const [buyer, holder] = [await arrive(world), await arrive(world)];
  assert.equal((await buyer.buy('S-1')).type, 'bought');
  await holder.enter();
  await holder.hold('S-2', 'S-3');
  const { page } = await openPanel(t, world, OPERATOR);
  await page.click('#tab-seats');
  await page.waitForFunction(() => document.getElementById('hall').map?.states[1] === 1);
  await clickSeat(page, 'S-2');
  await page.waitForFunction((id) => document.getElementById('seat').textContent.includes(id), holder.person);
  assert.match(await page.textContent('#seat'), /State: held.*Stage: choose/);
  await page.picture('33-seats');
  await accessible(page);
  await page.click('#seat button');
  await page.waitForSelector('#person:not([hidden])');
  assert.match(await page.textContent('#person'), /choosing.*Holds: S-2, S-3/);
  const { orders } = (await world.admin('GET', `/api/search?q=${buyer.person}`)).json;
  await page.fill('#query', orders[0].order);
  await page.click('#search button');
  await page.click(`#found >> text=${buyer.person}`);
  await page.waitForFunction(() => /paid.*S-1/.test(document.getElementById('person').textContent));
  await page.picture('34-person');
  await accessible(page);
  await page.click('#tab-seats');
  await clickSeat(page, 'S-50');
  await page.click('#seat >> text=Keep back');
  await sureYes(page);
  await page.waitForFunction(() => /State: blocked/.test(document.getElementById('seat').textContent));
  await until('it counts', async () => (await world.counts()).blocked === 1);
  await page.click('#seat >> text=Put back into the sale');
  await sureYes(page);
  await page.waitForFunction(() => /State: free/.test(document.getElementById('seat').textContent));
});

test('U2 lost tickets: found, shown, checked in by hand, and a new link made; a viewer only sees them', async (t) => {
  const world = await startBoxoffice(t, { config: { admin_tokens: tokens }, settings: { starts_at: '2099-06-12T18:30:00Z', time_zone: 'Europe/Vienna' } });
  const buyer = await arrive(world);
  const { order, tickets } = await buyer.buy('S-1', 'S-2');
  const find = async (page) => {
    await page.click('#tab-find');
    await page.fill('#query', order);
    await page.click('#search button');
    await page.click(`#found >> text=${order}`);
    await page.waitForFunction(() => /hall · paid · €100\.00.*S-1.*the buyer's.*S-2/.test(document.getElementById('order').textContent));
  };
  const { page } = await openPanel(t, world, OPERATOR);
  await find(page);
  await page.click('#order >> text=Ticket link for the buyer');
  await page.waitForSelector('#order-link input');
  await page.picture('37-order');
  await accessible(page);
  const customer = await openBrowser(t);
  await customer.page.goto(await page.inputValue('#order-link input'));
  await customer.page.waitForFunction(() => document.querySelectorAll('#cards img').length === 2);
  await page.click('#order tr:nth-child(2) >> text=Let in');
  await sureYes(page);
  await page.waitForFunction(() => /S-2.*used .*UndoTicket link/.test(document.getElementById('order').textContent));
  assert.equal((await world.admin('POST', '/api/check-in', { code: tickets.find(({ seat }) => seat === 'S-2').code })).json.checked_in_by, 'otto');
  await page.click('#order tr:nth-child(2) >> text=Undo');
  await sureYes(page);
  await page.waitForFunction(() => !/used/.test(document.getElementById('order').textContent));
  const viewer = await openPanel(t, world, VIEWER);
  await find(viewer.page);
  assert.equal(await viewer.page.locator('#order button').count(), 0);
});

test('X2 a viewer sees everything and can change nothing; a wrong token gets nowhere; on a phone', async (t) => {
  const world = await startBoxoffice(t, { config: { admin_tokens: tokens } });
  const { page } = await openPanel(t, world, VIEWER, { viewport: { width: 390, height: 800 }, colorScheme: 'dark' });
  assert.equal(await page.isVisible('#controls'), false);
  assert.match(await page.textContent('#who'), /eva \(viewer\)/);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await page.picture('35-phone');
  await accessible(page);
  await page.reload(); // still logged in, in this tab
  await page.waitForSelector('#numbers p');
  await page.click('#logout');
  await page.waitForSelector('#login:not([hidden])');
  const other = await openBrowser(t, { allow: [/status of 401/] });
  await other.page.goto(`http://127.0.0.1:${world.adminPort}/`);
  await accessible(other.page);
  await other.page.fill('#token', 'not-a-token-at-all-0');
  await other.page.click('#login button');
  await other.page.waitForFunction(() => document.getElementById('login-word').textContent !== '');
  await other.page.picture('36-login');
  for (const [token, method, where, status] of [
    [VIEWER, 'GET', '/api/audit', 200], [VIEWER, 'POST', '/api/sales/hall/pause', 403], [VIEWER, 'PATCH', '/api/sales/hall', 403], [VIEWER, 'POST', '/api/check-in', 403], [VIEWER, 'DELETE', '/api/hooks/1', 403],
    [OPERATOR, 'POST', '/api/sales/hall/pause', 200], [OPERATOR, 'POST', '/api/sales/hall/refund', 403], [OPERATOR, 'POST', '/api/sales', 403], [OPERATOR, 'POST', '/api/hooks', 403], [OPERATOR, 'POST', '/api/sales/hall/stock', 403],
    [ADMIN_TOKEN, 'POST', '/api/sales/hall/resume', 200], [`${OPERATOR}:operator`, 'GET', '/api/me', 401], ['', 'GET', '/api/me', 401]]) {
    const answer = await world.admin(method, where, method === 'GET' ? undefined : {}, token);
    assert.equal(answer.status, status, `${token} ${method} ${where}: ${answer.text}`);
    if (status === 403) assert.equal(answer.json.error.code, 'role_too_low');
  }
});
