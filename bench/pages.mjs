// SPDX-License-Identifier: Apache-2.0
// What people feel of the pages, in headless Chromium beside everything else on this machine.
// usage: bench/run.sh pages [--people N] [--seats N] [--changes N]
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from '../tests/node_modules/playwright-core/index.mjs';
import { root, startBoxoffice, temporaryFolder, until } from '../tests/lib/servers.mjs';

const { values: o } = parseArgs({ options: { people: { type: 'string', default: '20000' }, seats: { type: 'string', default: '50000' }, changes: { type: 'string', default: '200' } } });
const [PEOPLE, SEATS, CHANGES] = [Number(o.people), Number(o.seats), Number(o.changes)];
const PER_PROCESS = 10000, LOADS = 7, PAN_STEPS = 240, LATE_MS = 25;

const ends = [], t = { after: (end) => ends.push(end) };
const sorted = (list) => [...list].sort((a, b) => a - b);
const at = (list, part) => sorted(list)[Math.min(list.length - 1, Math.floor(list.length * part))];
const say = (text) => process.stderr.write(`${text}\n`);

async function browse(args = []) {
  const context = await chromium.launchPersistentContext(temporaryFolder(t), { executablePath: '/usr/bin/chromium', headless: true, viewport: { width: 1280, height: 900 }, locale: 'en-GB',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', ...args] });
  return { context, page: await context.newPage() };
}

// Zones of fifty rows of fifty seats, side by side and one behind the other.
function bigPlan(count) {
  const zones = [];
  for (let z = 0; z * 2500 < count; z++) {
    const rows = Array.from({ length: 50 }, (_, r) => ({ row_number: String(r + 1), position: { x: 0, y: r * 22 },
      seats: Array.from({ length: 50 }, (_, s) => ({ seat_guid: `Z${z}-${r}-${s}`, seat_number: String(s + 1), position: { x: s * 22, y: 0 }, category: ['Gold', 'Silver', 'Bronze'][Math.floor(z / 5) % 3] })) }));
    zones.push({ name: `Block ${z + 1}`, position: { x: (z % 5) * 1200, y: Math.floor(z / 5) * 1250 }, rows });
  }
  return { name: 'Stadium', categories: [{ name: 'Gold', color: '#c9a227' }, { name: 'Silver', color: '#6c8ebf' }, { name: 'Bronze', color: '#b5651d' }], zones, size: { width: 6200, height: 6400 } };
}

async function makeSales(world) {
  for (const [sale, settings] of [['line', { policy: 'capacity', capacity: 0 }], ['big', { policy: 'capacity', capacity: 10000, limit: 20 }]]) {
    const made = await world.admin('POST', '/api/sales', { sale, name: 'The Great Concert', plan: bigPlan(sale === 'big' ? SEATS : 2500), settings: { ...settings, prices: { Gold: 9000, Silver: 7000, Bronze: 5000 } } });
    if (made.status > 202) throw new Error(made.text);
    await world.admin('POST', `/api/sales/${sale}/open`);
    await until('the sale is known', async () => (await fetch(`${world.url}/api/sales/${sale}`)).ok);
  }
}

async function fillLine(world) {
  for (let left = PEOPLE; left > 0; left -= PER_PROCESS) {
    const crowd = spawn(path.join(root, 'build/bench/crowd'), ['--people', String(Math.min(left, PER_PROCESS)), '--port', String(world.port), '--sale', 'line', '--wait', '--limit', '900', '--ramp', '5000'], { stdio: 'ignore' });
    t.after(() => crowd.kill());
  }
  await until('everyone is in line', async () => (await world.counts('line')).waiting >= PEOPLE, 120000);
}

// From the click on the link until the place is on the screen; a browser that was never here.
async function firstPaint(world) {
  const took = [], bytes = [];
  for (let i = 0; i < LOADS; i++) {
    const { context, page } = await browse();
    await page.goto('about:blank');
    await page.goto(`${world.url}/?sale=line`, { waitUntil: 'commit' });
    took.push(await page.evaluate(() => new Promise((done) => {
      const look = () => (/\d/.test(document.getElementById('position')?.textContent ?? '') ? requestAnimationFrame(() => done(performance.now())) : setTimeout(look, 5));
      look();
    })));
    bytes.push(await page.evaluate(() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].filter(({ name }) => !name.endsWith('/plan')).reduce((sum, one) => sum + one.transferSize, 0)));
    await context.close();
  }
  say(`first paint of the waiting room, ms: ${sorted(took).map(Math.round).join(' ')}`);
  return { first_paint_ms: at(took, 0.5), first_load_bytes: Math.max(...bytes) };
}

async function inside(page, world) {
  await page.goto(`${world.url}/?sale=big`);
  await page.waitForFunction(() => document.getElementById('hall').map?.states.some((state) => state === 0));
  await page.waitForFunction(() => !document.getElementById('hall').map.frame);
}

// Frames as fast as they come (no vsync), while a hand drags the plan: each frame hears one movement. Beside it the same without anything that moves.
async function pan(world) {
  const { context, page } = await browse(['--disable-frame-rate-limit', '--disable-gpu-vsync']);
  await inside(page, world);
  const medians = [];
  for (const [name, zoom] of [['still', 0], ['whole', 1], ['near', 6]]) {
    await page.evaluate((factor) => factor && document.getElementById('hall').map.zoom(factor), zoom);
    await page.waitForTimeout(1500);
    const frames = await page.evaluate(([steps, moves]) => new Promise((done) => {
      const { canvas } = document.getElementById('hall').map, box = canvas.getBoundingClientRect(), found = [];
      const hand = (type, x, y) => canvas.dispatchEvent(new PointerEvent(type, { pointerId: 1, clientX: x, clientY: y, bubbles: true }));
      canvas.setPointerCapture = () => {};
      const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
      if (moves) hand('pointerdown', x, y);
      let last = performance.now(), n = 0;
      requestAnimationFrame(function next(now) {
        found.push(now - last);
        last = now;
        if (moves) hand('pointermove', x + 200 * Math.sin(++n / 20), y + 140 * Math.sin(n / 13));
        if (found.length < steps) return void requestAnimationFrame(next);
        if (moves) hand('pointerup', x, y);
        done(found.slice(5));
      });
    }), [PAN_STEPS * 2, zoom > 0]);
    say(`frames of ${SEATS} seats, ${name}: median ${at(frames, 0.5).toFixed(1)} ms, 95 of 100 within ${at(frames, 0.95).toFixed(1)} ms`);
    if (zoom) medians.push(at(frames, 0.5));
  }
  await context.close();
  return { pan_frame_p50_ms: Math.max(...medians), pan_late_percent: await panByHand(world) };
}

// The same as it is in daily use, 60 frames a second and a mouse: how many frames come late?
async function panByHand(world) {
  const { context, page } = await browse();
  await inside(page, world);
  const box = await page.locator('#hall canvas').boundingBox(), x = box.x + box.width / 2, y = box.y + Math.min(box.height, 700 - box.y) / 2;
  await page.evaluate(() => {
    let last = performance.now();
    globalThis.found = [];
    requestAnimationFrame(function next(now) {
      globalThis.found.push(now - last);
      last = now;
      requestAnimationFrame(next);
    });
  });
  await page.mouse.move(x, y);
  await page.mouse.down();
  for (let i = 1; i <= PAN_STEPS; i++) await page.mouse.move(x + 150 * Math.sin(i / 20), y + 100 * Math.sin(i / 13));
  await page.mouse.up();
  const frames = await page.evaluate(() => globalThis.found.slice(5)), late = (100 * frames.filter((ms) => ms > LATE_MS).length) / frames.length;
  say(`frames at 60 Hz while a mouse drags the plan: ${frames.length}, ${late.toFixed(1)} % later than ${LATE_MS} ms`);
  await context.close();
  return late;
}

// One takes and gives back a seat; when does the other one's map show it?
async function seatChange(world) {
  const [one, two] = [await browse(), await browse()];
  for (const { page } of [one, two]) await inside(page, world);
  const seat = await one.page.evaluate(() => document.getElementById('hall').map.plan.seats.findIndex(([guid]) => guid === 'Z1-25-25'));
  await two.page.evaluate((i) => {
    const { map } = document.getElementById('hall'), change = map.change.bind(map);
    globalThis.seen = [];
    map.change = (index, state) => {
      change(index, state);
      if (index === i) requestAnimationFrame(() => globalThis.seen.push(Date.now()));
    };
  }, seat);
  const took = [];
  for (let n = 1; n <= CHANGES; n++) {
    const clicked = await one.page.evaluate(async (i) => {
      const { map } = document.getElementById('hall'), now = Date.now();
      map.dispatchEvent(Object.assign(new Event('pick'), { seat: i }));
      return now;
    }, seat);
    await two.page.waitForFunction((count) => globalThis.seen.length >= count, n);
    took.push(await two.page.evaluate((count) => globalThis.seen[count - 1], n) - clicked);
    await one.page.waitForFunction((mine) => document.getElementById('hall').map.mine.size === mine, n % 2);
    await one.page.waitForTimeout(20 + (n * 37) % 100); // not in step with the server's ticks
  }
  say(`a change of a seat is seen in another browser, ms: median ${at(took, 0.5)}, 95 of 100 within ${at(took, 0.95)}, slowest ${Math.max(...took)}`);
  for (const { context } of [one, two]) await context.close();
  return { seat_change_seen_p50_ms: at(took, 0.5), seat_change_seen_p95_ms: at(took, 0.95) };
}

process.env.BOXOFFICE_BINARY ??= path.join(root, 'build/src/boxoffice');
let status = 0;
try {
  const world = await startBoxoffice(t, { sale: false, reconcile: false, config: { news_front_ms: 1000, person_connections: 0 } });
  await makeSales(world);
  await fillLine(world);
  const found = { people: PEOPLE, seats: SEATS, ...await firstPaint(world), ...await pan(world), ...await seatChange(world) };
  const bounds = { first_paint_ms: 1000, pan_frame_p50_ms: 16, seat_change_seen_p95_ms: 300, first_load_bytes: 60000 };
  for (const [key, most] of Object.entries(bounds)) say(`  ${key.padEnd(28)} ${String(Math.round(found[key] * 10) / 10).padStart(10)}   <= ${most}${found[key] <= most ? '' : '   MISSED'}`);
  status = Object.entries(bounds).some(([key, most]) => found[key] > most) ? 1 : 0;
  fs.mkdirSync(path.join(root, 'bench/results'), { recursive: true });
  fs.writeFileSync(path.join(root, 'bench/results/pages.json'), JSON.stringify(found));
  console.log(JSON.stringify(found, (_, v) => (typeof v === 'number' ? Math.round(v * 10) / 10 : v)));
} finally {
  for (const end of ends.reverse()) await end();
}
process.exit(status);
