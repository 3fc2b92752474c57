// SPDX-License-Identifier: Apache-2.0
// Headless Chromium for tests. Every page notes what goes wrong on it, and no test of a page ends well when something did.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { atEnd, root, temporaryFolder } from './servers.mjs';

const axe = fs.readFileSync(path.join(root, 'tests/node_modules/axe-core/axe.min.js'), 'utf8');

// A browser of its own, with nothing kept from before. options: those of playwright's contexts. allow: problems that belong to the test.
export async function openBrowser(t, { allow = [], ...options } = {}) {
  const context = await chromium.launchPersistentContext(temporaryFolder(t), { executablePath: '/usr/bin/chromium', headless: true, viewport: { width: 1200, height: 900 }, locale: 'en-GB', timezoneId: 'Europe/Berlin',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'], ...options });
  const problems = [];
  atEnd(t, async () => {
    await context.close();
    assert.deepEqual(problems.filter((text) => !allow.some((pattern) => pattern.test(text))), [], 'nothing went wrong on any page');
  });
  const watch = (page) => {
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && problems.push(`${message.text()} ${message.location().url}`));
    page.picture = (name) => picture(page, name);
    page.on('dialog', (dialog) => dialog.accept());
  };
  context.on('page', watch);
  const page = await context.newPage();
  return { context, page };
}

// For people to look at: SCREENSHOTS names the folder.
async function picture(page, name) {
  if (!process.env.SCREENSHOTS) return;
  fs.mkdirSync(process.env.SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: path.join(process.env.SCREENSHOTS, `${name}.png`) });
}

// Nothing serious for people who see, hear or move differently.
export async function accessible(page) {
  await page.evaluate(axe); // as the developer tools do: the page's own policy would refuse a script element
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] }));
  const found = violations.filter(({ impact }) => ['serious', 'critical', 'moderate'].includes(impact));
  assert.deepEqual(found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`), []);
}

// Where a seat is on the screen, once the map has drawn.
export const seatPoint = (page, guid) => page.evaluate((name) => {
  const { map } = document.getElementById('hall'), i = map.plan.seats.findIndex(([g]) => g === name), box = map.canvas.getBoundingClientRect();
  return { x: box.left + ((map.x[i] - map.view.x) * map.view.scale) / map.ratio, y: box.top + ((map.y[i] - map.view.y) * map.view.scale) / map.ratio };
}, guid);

export async function clickSeat(page, guid) {
  const { x, y } = await seatPoint(page, guid);
  await page.mouse.click(x, y);
}

// What the map shows of a seat: "free", "held", "sold", "blocked" or "mine".
export const seatState = (page, guid) => page.evaluate((name) => {
  const { map } = document.getElementById('hall'), i = map.plan.seats.findIndex(([g]) => g === name);
  return map.mine.has(i) ? 'mine' : ['free', 'held', 'sold', 'blocked'][map.states[i]];
}, guid);

export const seatBecomes = (page, guid, state) => page.waitForFunction(([name, wanted]) => {
  const { map } = document.getElementById('hall'), i = map?.plan.seats.findIndex(([g]) => g === name) ?? -1;
  return i >= 0 && (map.mine.has(i) ? 'mine' : ['free', 'held', 'sold', 'blocked'][map.states[i]]) === wanted;
}, [guid, state]);

export const shows = (page, section) => page.waitForSelector(`#${section}:not([hidden])`);
export const positionIs = (page, n) => page.waitForFunction((wanted) => document.getElementById('position').textContent === wanted, String(n));
