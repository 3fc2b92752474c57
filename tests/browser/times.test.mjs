// SPDX-License-Identifier: Apache-2.0
// Times on the pages: by whose clock, and in whose zone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clickSeat, openBrowser, seatBecomes, shows } from '../lib/browser.mjs';
import { createSale, startBoxoffice } from '../lib/servers.mjs';

const HOUR_MS = 3600000;

// A browser whose clock is wrong by so much; globalThis.setClock moves it on.
async function openWrong(t, wrong, options) {
  const browser = await openBrowser(t, options);
  await browser.context.addInitScript((by) => {
    const right = Date.now.bind(Date);
    let off = by;
    globalThis.setClock = (ms) => { off = ms; };
    globalThis.Date = class extends Date {
      constructor(...given) { super(...(given.length ? given : [right() + off])); }

      static now() { return right() + off; }
    };
  }, wrong);
  return browser;
}

const says = (page, selector, pattern) => page.waitForFunction(([where, source]) => new RegExp(source).test(document.querySelector(where)?.textContent), [selector, pattern.source]);

test('U3 countdowns go by the server\'s clock, also where the visitor\'s is an hour off or is set meanwhile', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 0, opens_at: new Date(Date.now() + 600000).toISOString() } });
  await createSale(world, 'early', { gathers_at: new Date(Date.now() + 600000).toISOString() });
  for (const wrong of [HOUR_MS, -HOUR_MS]) {
    const { page } = await openWrong(t, wrong);
    await page.goto(`${world.url}/`);
    await says(page, '#events [data-opens]', /^on sale in (9:[0-5]\d|10:00)$/);
    await page.evaluate((off) => globalThis.setClock(off), -wrong);
    await says(page, '#events [data-opens]', /^on sale in (9:[0-5]\d|8:\d\d)$/);
    await page.goto(`${world.url}/?sale=hall`);
    await shows(page, 'wait');
    await says(page, '#wait-opens', /^It begins in (9:|8:)/);
    await page.evaluate((off) => globalThis.setClock(off), 3 * wrong);
    await says(page, '#wait-opens', /^It begins in (9:|8:)/);
    await page.goto(`${world.url}/?sale=early`);
    await shows(page, 'early');
    await says(page, '#early-left', /^(9:|8:)/);
  }
});

// A show in Vienna: in summer, when Vienna is two hours ahead of UTC and Seoul nine.
const vienna = { title: 'Concert', venue: 'Great Hall', city: 'Vienna', time_zone: 'Europe/Vienna', starts_at: '2027-06-12T18:30:00Z' };
const ko = '2027년 6월 12일 토요일 (오후|PM) 8:30 \\(오스트리아 시간, GMT\\+2\\)';
const en = 'Saturday,? 12 June 2027 at 20:30 \\(Vienna time, CEST\\)';

test('U3 a visitor in Seoul reads the Vienna time with its name: listing, line, and the printed ticket, in Korean and in English', async (t) => {
  const opens = { gathers_at: new Date(Date.UTC(2099, 0, 1)).toISOString() };
  const world = await startBoxoffice(t, { settings: vienna });
  await createSale(world, 'early', { ...vienna, ...opens });
  for (const [locale, when, doors] of [['ko-KR', ko, /2099년 1월 1일 목요일 (오전|AM) 1:00 \(오스트리아 시간, GMT\+1\)/], ['en-GB', en, /Thursday,? 1 January 2099 at 01:00 \(Vienna time, CET\)/]]) {
    const { context, page } = await openBrowser(t, { locale, timezoneId: 'Asia/Seoul' });
    await page.goto(`${world.url}/`);
    await says(page, '#events', new RegExp(when));
    await page.goto(`${world.url}/?sale=early`);
    await says(page, '#early-when', doors);
    await page.goto(`${world.url}/?sale=hall`);
    await says(page, '#where', new RegExp(when));
    await shows(page, 'choose');
    const seat = locale === 'en-GB' ? 'S-1' : 'S-12';
    await seatBecomes(page, seat, 'free');
    await clickSeat(page, seat);
    await seatBecomes(page, seat, 'mine');
    await page.click('#checkout');
    await shows(page, 'pay');
    const [payment] = await Promise.all([context.waitForEvent('page'), page.click('#pay-link')]);
    await payment.click('#pay');
    await shows(page, 'bought');
    await page.goto(`${world.url}/tickets.html?sale=hall`);
    await says(page, '#cards', new RegExp(when));
    await page.emulateMedia({ media: 'print' });
    await page.picture(`40-vienna-${locale}`);
  }
});
