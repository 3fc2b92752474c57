// SPDX-License-Identifier: Apache-2.0
// What somebody keeps: his tickets, wherever he opens them, and the keys to them (rule U2).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessible, clickSeat, openBrowser, seatBecomes, shows } from '../lib/browser.mjs';
import { arrive, Person, siteToken } from '../lib/person.mjs';
import { createSale, SECRET, startBoxoffice } from '../lib/servers.mjs';

const show = { title: 'Concert', venue: 'Great Hall', city: 'Vienna', time_zone: 'Europe/Vienna', starts_at: '2099-06-12T18:30:00Z' };

async function buy({ context, page }, world, seat, sale = 'hall') {
  await page.goto(`${world.url}/?sale=${sale}`);
  await shows(page, 'choose');
  await seatBecomes(page, seat, 'free');
  await clickSeat(page, seat);
  await seatBecomes(page, seat, 'mine');
  await page.click('#checkout');
  await shows(page, 'pay');
  const [payment] = await Promise.all([context.waitForEvent('page'), page.click('#pay-link')]);
  await payment.click('#pay');
  await payment.waitForSelector('#result');
  await payment.close();
  await shows(page, 'bought');
}

const linkOn = (page) => page.inputValue('.keep input');
const cards = (page, n) => page.waitForFunction((wanted) => document.querySelectorAll('#cards li').length === wanted && [...document.querySelectorAll('#cards img')].every((img) => img.naturalWidth > 0), n);
const says = (page, selector, pattern) => page.waitForFunction(([where, source]) => new RegExp(source).test(document.querySelector(where)?.textContent), [selector, pattern.source]);

// A browser that lets no page keep anything.
async function openForgetful(t, options) {
  const browser = await openBrowser(t, options);
  await browser.context.addInitScript(() => {
    for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(globalThis, name, { get() { throw new DOMException('Access is denied', 'SecurityError'); } });
  });
  return browser;
}

test('U2 the ticket link: shown with "bought", copied, drawn; it opens the tickets in a fresh browser, in Korean, too', async (t) => {
  const world = await startBoxoffice(t, { settings: show });
  const one = await openBrowser(t);
  await buy(one, world, 'S-1');
  const link = await linkOn(one.page);
  assert.match(link, /^http:\/\/127\.0\.0\.1:\d+\/tickets\.html#link=[\w.-]+$/);
  assert.match(await one.page.textContent('.keep'), /Keep this link.*until Sunday,? 12 July 2099 at 20:30 \(Vienna time, CEST\)/);
  await one.context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: world.url });
  await one.page.click('.keep button');
  await says(one.page, '.keep [role=status]', /Copied/);
  assert.equal(await one.page.evaluate(() => navigator.clipboard.readText()), link);
  await one.page.click('.keep summary');
  await one.page.waitForFunction(() => document.querySelector('.keep img')?.naturalWidth > 0);
  await one.page.picture('41-bought-link');
  await accessible(one.page);
  const fresh = await openBrowser(t, { locale: 'ko-KR', timezoneId: 'Asia/Seoul' });
  await fresh.page.goto(link);
  await cards(fresh.page, 1);
  await says(fresh.page, '#cards', /오스트리아 시간/);
  assert.equal(await linkOn(fresh.page), link);
  await fresh.page.picture('42-link-korean');
  await accessible(fresh.page);
  await fresh.page.reload();
  await cards(fresh.page, 1);
  assert.equal(await fresh.page.evaluate(() => Object.keys(localStorage).some((name) => /keys|resume/.test(name))), false, 'a link that is opened is not kept there');
  await fresh.page.goto(`${world.url}/tickets.html?sale=hall`);
  await says(fresh.page, '#word', /티켓 링크를 여세요/);
  await fresh.page.setViewportSize({ width: 360, height: 740 });
  await fresh.page.goto(link);
  await cards(fresh.page, 1);
  assert.ok(await fresh.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await fresh.page.picture('43-link-phone');
});

test('U2 where nothing may be stored: bought, reached from the page, reloaded, and opened by the link', async (t) => {
  const world = await startBoxoffice(t, { settings: show });
  const one = await openForgetful(t);
  await buy(one, world, 'S-1');
  const link = await linkOn(one.page);
  await one.page.click('#tickets-link');
  await cards(one.page, 1);
  await one.page.reload();
  await cards(one.page, 1);
  const two = await openForgetful(t);
  await two.page.goto(link);
  await cards(two.page, 1);
});

test('U2 no page takes a key away: not an old one, not another person\'s place, in two sales; all tickets are found again', async (t) => {
  const world = await startBoxoffice(t, { settings: { ...show, limit: 1 } });
  await createSale(world, 'other', show);
  const one = await openBrowser(t, { allow: [/status of 40[13]/] }), { page } = one;
  await buy(one, world, 'S-1');
  await buy(one, world, 'S-2', 'other');
  const keys = await page.evaluate(() => ({ ...localStorage }));
  const person = JSON.parse(Buffer.from(keys['boxoffice.hall.resume'].split('.')[1], 'base64url')).sub;
  const old = siteToken(person, { typ: 'place', sale: 'hall', exp: Math.floor(Date.now() / 1000) - 86400 }, SECRET);
  // As it is a week later in a browser that was bought with before there were links: only a key that has expired.
  await page.evaluate((key) => {
    localStorage.removeItem('boxoffice.hall.keys');
    localStorage.setItem('boxoffice.hall.resume', key);
  }, old);
  await page.goto(`${world.url}/tickets.html?sale=hall`);
  await cards(page, 1);
  await page.evaluate(() => localStorage.removeItem('boxoffice.hall.keys')); // the page had renewed it
  await page.goto(`${world.url}/?sale=hall`);
  await shows(page, 'bought');
  await says(page, '#tickets', /seat 1/);
  await page.goto(`${world.url}/tickets.html?sale=hall`);
  await cards(page, 1);
  await page.goto(`${world.url}/tickets.html?sale=other`);
  await cards(page, 1);
  // Another person's place is taken over in this browser: a key handed over by a page of the house, and an account's.
  const stranger = await arrive(world);
  await page.evaluate((key) => localStorage.setItem('boxoffice.hall.resume', key), keys['boxoffice.hall.resume']);
  await page.evaluate(() => localStorage.removeItem('boxoffice.hall.keys'));
  await page.evaluate(async ([key]) => {
    const { Boxoffice } = await import('/client/boxoffice.js');
    new Boxoffice({ sale: 'hall' }).resume = key;
  }, [stranger.resume]);
  await page.goto(`${world.url}/tickets.html?sale=hall`);
  await cards(page, 1);
  // Garbage in the storage stands in nobody's way.
  await page.evaluate(() => localStorage.setItem('boxoffice.other.keys', '{not json'));
  await page.goto(`${world.url}/tickets.html?sale=other`);
  await cards(page, 1);
});

test('U2 a link that opens nothing says why: transferred, refunded, expired, incomplete, and what to do', async (t) => {
  const world = await startBoxoffice(t, { settings: show });
  const person = await new Person(world).connect(), friend = await arrive(world);
  const { link, order } = await person.buy('S-1', 'S-2'), token = link.split('#link=')[1];
  const ask = async (bearer, what, body) => (await fetch(`${world.url}/api/sales/hall/tickets/${what}`, { method: 'POST', body: JSON.stringify(body), headers: { authorization: `Bearer ${bearer}` } })).json();
  const { links } = await ask(friend.resume, 'accept', { transfer: (await ask(token, 'transfer', { seat: 'S-1' })).transfer });
  const { page } = await openBrowser(t, { allow: [/status of 40[134]/] });
  await page.goto(link);
  await says(page, '#gone', /seat 1: transferred/);
  await cards(page, 1);
  await page.goto(links[0].link); // pasted over the other one
  await says(page, '#cards', /seat 1/);
  await world.admin('POST', '/api/sales/hall/refund', { order, refund: 'r1', seats: ['S-2'] });
  await page.goto(link);
  await says(page, '#gone', /seat 2: refunded. This ticket is void/);
  await page.picture('44-gone');
  await accessible(page);
  const third = await arrive(world);
  await ask(third.resume, 'accept', { transfer: (await ask(links[0].link.split('#link=')[1], 'transfer', { seat: 'S-1' })).transfer });
  await page.goto(links[0].link);
  await says(page, '#word', /transferred. The new owner/);
  const expired = siteToken(person.person, { typ: 'link', sale: 'hall', order, exp: 1600000000 }, SECRET);
  await world.set({ starts_at: null });
  await page.goto(`${world.url}/tickets.html#link=${expired}`);
  await says(page, '#word', /has expired: it works until 30 days after the show/);
  const undated = siteToken(person.person, { typ: 'link', sale: 'hall', order, exp: Math.floor(Date.now() / 1000) + 86400 }, SECRET);
  await page.goto(`${world.url}/tickets.html#link=${undated}`);
  await says(page, '#gone', /seat 2/);
  await page.goto(`${world.url}/tickets.html#link=${token.slice(0, -5)}`);
  await says(page, '#word', /not valid. Copy it whole/);
  await page.goto(`${world.url}/tickets.html#link=nonsense`);
  await says(page, '#word', /not valid. Copy it whole/);
  await page.goto(`${world.url}/tickets.html`);
  await says(page, '#word', /Open your ticket link/);
});

test('U2 the link of a sale without a date is renewed in the address whenever it is opened; an account opens its tickets without one', async (t) => {
  const world = await startBoxoffice(t);
  const person = await new Person(world).connect(), { order } = await person.buy('S-1');
  const old = siteToken(person.person, { typ: 'link', sale: 'hall', order, exp: Math.floor(Date.now() / 1000) + 86400 }, SECRET);
  const { page } = await openBrowser(t, { allow: [/status of 401/] });
  await page.goto(`${world.url}/tickets.html#link=${old}`);
  await cards(page, 1);
  await page.waitForFunction((before) => location.hash.startsWith('#link=') && !location.hash.includes(before), old);
  assert.equal(await linkOn(page), page.url());
  await page.reload();
  await cards(page, 1);
  // An account that bought elsewhere, in a browser that has a guest's key of this sale without tickets.
  const account = await (await fetch(`${world.url}/api/accounts`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ email: 'ada@example.org', password: 'correct horse' }) })).json();
  const ada = await arrive(world, { account: account.account });
  await ada.enter();
  await ada.hold('S-2', 'S-3');
  await ada.settle(await ada.checkout());
  await ada.next('bought');
  const guest = await arrive(world), home = await openBrowser(t);
  await home.page.goto(`${world.url}/account.html`);
  await home.page.fill('#email', 'ada@example.org');
  await home.page.fill('#password', 'correct horse');
  await home.page.click('#outside button[value=login]');
  await home.page.waitForSelector('#inside:not([hidden])');
  await home.page.evaluate((key) => localStorage.setItem('boxoffice.hall.resume', key), guest.resume);
  await home.page.goto(`${world.url}/tickets.html?sale=hall`);
  await cards(home.page, 2);
});
