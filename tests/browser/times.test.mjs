// SPDX-License-Identifier: Apache-2.0
// Times on the pages: by whose clock, and in whose zone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBrowser, shows } from '../lib/browser.mjs';
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
