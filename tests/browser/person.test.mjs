// SPDX-License-Identifier: Apache-2.0
// What people see, in a real browser.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { test } from 'node:test';
import { accessible, clickSeat, openBrowser, positionIs, seatBecomes, seatState, shows } from '../lib/browser.mjs';
import { childrenOf } from '../lib/parts.mjs';
import { arrive } from '../lib/person.mjs';
import { createSale, makePlan, startBoxoffice, until } from '../lib/servers.mjs';

const text = (page, id) => page.textContent(`#${id}`);

// Choosing, paying and the tickets, from the map on.
async function buy(context, page, guid) {
  await shows(page, 'choose');
  await seatBecomes(page, guid, 'free');
  await clickSeat(page, guid);
  await seatBecomes(page, guid, 'mine');
  await page.click('#checkout');
  await shows(page, 'pay');
  const [payment] = await Promise.all([context.waitForEvent('page'), page.click('#pay-link')]);
  await payment.click('#pay');
  await payment.waitForSelector('#result');
  await payment.close();
  await shows(page, 'bought');
}

test('the whole way: listing, line, map, pay, tickets; reloading keeps everything', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 1, title: 'The Great Concert', venue: 'Old Theatre', city: 'Vienna', time_zone: 'Europe/Vienna', starts_at: '2027-03-01T19:00:00Z', about: 'One evening only.', color: '#7a1f5c', welcome: 'Doors open at seven.' } });
  const ahead = await arrive(world);
  await ahead.enter();
  await ahead.hold('S-3');
  const { context, page } = await openBrowser(t);
  await page.goto(`${world.url}/`);
  await page.waitForSelector('text=Old Theatre');
  await page.picture('01-listing');
  await accessible(page);
  await page.click('text=Sale hall');
  await positionIs(page, 1);
  assert.match(await text(page, 'where'), /1 March 2027 at 20:00 \(Vienna time, CET\) · Old Theatre · Vienna/);
  assert.match(await page.title(), /^1 – The Great Concert/);
  await page.picture('02-line');
  await accessible(page);
  await page.reload();
  await positionIs(page, 1);
  ahead.send({ type: 'leave' });
  await shows(page, 'choose');
  await seatBecomes(page, 'S-3', 'free');
  await clickSeat(page, 'S-3');
  await seatBecomes(page, 'S-3', 'mine');
  await clickSeat(page, 'S-60');
  await seatBecomes(page, 'S-60', 'mine');
  assert.match(await text(page, 'basket'), /2 tickets, €80\.00/);
  await page.picture('03-seats');
  await accessible(page);
  await clickSeat(page, 'S-60'); // gives it back
  await seatBecomes(page, 'S-60', 'free');
  await page.reload(); // the seat is still his
  await seatBecomes(page, 'S-3', 'mine');
  await page.fill('#best-count', '2');
  await page.click('#best button');
  await page.waitForFunction(() => document.getElementById('hall').map.mine.size === 3);
  await page.click('#checkout');
  await shows(page, 'pay');
  await page.picture('04-pay');
  await accessible(page);
  await page.reload(); // and so is the order
  await shows(page, 'pay');
  const [payment] = await Promise.all([context.waitForEvent('page'), page.click('#pay-link')]);
  await payment.click('#pay');
  await payment.waitForSelector('#result');
  await shows(page, 'bought');
  assert.match(await text(page, 'tickets'), /row 1, seat 3 \(Front, €50\.00\)/);
  await page.picture('05-bought');
  await accessible(page);
  await page.reload();
  await shows(page, 'bought');
  await page.click('#tickets-link');
  await page.waitForFunction(() => document.querySelector('#cards img')?.naturalWidth > 0);
  assert.match(await text(page, 'cards'), /The Great Concert.*row 1, seat 3.*Front, €50\.00/);
  await page.picture('06-tickets');
  await accessible(page);
  await page.emulateMedia({ media: 'print' });
  assert.equal(await page.isVisible('#print'), false);
});

test('two people want one seat: one has it, the other is told and sees it taken', async (t) => {
  const world = await startBoxoffice(t);
  const [one, two] = await Promise.all([openBrowser(t), openBrowser(t)]);
  for (const { page } of [one, two]) {
    await page.goto(`${world.url}/?sale=hall`);
    await shows(page, 'choose');
    await seatBecomes(page, 'S-5', 'free');
  }
  await Promise.all([clickSeat(one.page, 'S-5'), clickSeat(two.page, 'S-5')]);
  await Promise.race([seatBecomes(one.page, 'S-5', 'mine'), seatBecomes(two.page, 'S-5', 'mine')]);
  const [winner, loser] = await seatState(one.page, 'S-5') === 'mine' ? [one.page, two.page] : [two.page, one.page];
  await seatBecomes(loser, 'S-5', 'held');
  await loser.waitForFunction(() => /quicker|held by somebody/.test(document.getElementById('refusal').textContent));
  await loser.picture('07-taken');
  await clickSeat(winner, 'S-5');
  await seatBecomes(loser, 'S-5', 'free');
});

test('offline and back, asleep and back: the place is kept, and it is said', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 0 } });
  const { context, page } = await openBrowser(t, { allow: [/ERR_INTERNET_DISCONNECTED/, /ws' failed/] });
  await arrive(world);
  await page.goto(`${world.url}/?sale=hall`);
  await positionIs(page, 2);
  await context.setOffline(true);
  await page.waitForSelector('#connection:not([hidden])');
  assert.match(await text(page, 'connection'), /offline.*place is kept/);
  await page.picture('08-offline');
  await accessible(page);
  await context.setOffline(false);
  await page.waitForSelector('#connection[hidden]', { state: 'attached' });
  await positionIs(page, 2);
  await world.restart();
  await page.waitForSelector('#connection[hidden]', { state: 'attached' });
  await positionIs(page, 2);
  // After sleep a connection looks open and is dead: nobody answers on it.
  const gateways = childrenOf(world, 'gateway');
  for (const pid of gateways) process.kill(pid, 'SIGSTOP');
  await page.evaluate(() => globalThis.dispatchEvent(new Event('online')));
  await page.waitForSelector('#connection:not([hidden])');
  for (const pid of gateways) process.kill(pid, 'SIGCONT');
  await page.waitForSelector('#connection[hidden]', { state: 'attached' });
  await positionIs(page, 2);
  await until('one connection of each', async () => (await world.counts()).waiting === 2);
});

test('a second tab, and the back button: one person, one place', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 0 } });
  const { context, page } = await openBrowser(t);
  const second = await context.newPage();
  await Promise.all([page.goto(`${world.url}/?sale=hall`), second.goto(`${world.url}/?sale=hall`)]);
  await Promise.all([positionIs(page, 1), positionIs(second, 1)]);
  await world.countsBecome({ waiting: 1 });
  await page.click('.brand');
  await page.waitForSelector('#events li');
  await page.goBack();
  await positionIs(page, 1);
  await world.countsBecome({ waiting: 1 });
  await world.set({ capacity: 1 });
  await shows(second, 'choose');
});

test('on a phone: everything fits, and fingers move the map', async (t) => {
  const world = await startBoxoffice(t, { seats: 400, settings: { title: 'W'.repeat(150), venue: 'Ü'.repeat(60), notice: 'Have your card ready.' + '!'.repeat(200) } });
  const { context, page } = await openBrowser(t, { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true, colorScheme: 'dark' });
  const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
  await page.goto(`${world.url}/?sale=hall`);
  await shows(page, 'choose');
  await seatBecomes(page, 'S-1', 'free');
  assert.ok(await fits());
  await page.picture('09-phone-seats');
  await accessible(page);
  const whole = await page.evaluate(() => document.getElementById('hall').map.view.scale);
  await page.evaluate(() => document.getElementById('hall').scrollIntoView({ block: 'center' }));
  const box = await page.locator('#hall canvas').boundingBox(), x = box.x + box.width / 2, y = box.y + box.height / 2;
  await page.touchscreen.tap(x, y); // too small to hit: comes closer
  await page.waitForFunction((before) => document.getElementById('hall').map.view.scale > before, whole);
  const session = await context.newCDPSession(page);
  const touch = (type, ...points) => session.send('Input.dispatchTouchEvent', { type, touchPoints: points.map(([px, py], id) => ({ x: px, y: py, id })) });
  const near = await page.evaluate(() => ({ ...document.getElementById('hall').map.view }));
  await touch('touchStart', [x, y]);
  for (let i = 1; i <= 5; i++) await touch('touchMove', [x - i * 10, y - i * 10]);
  await touch('touchEnd');
  await page.waitForFunction((before) => document.getElementById('hall').map.view.x > before, near.x);
  await touch('touchStart', [x - 30, y], [x + 30, y]);
  for (let i = 1; i <= 5; i++) await touch('touchMove', [x - 30 - i * 10, y], [x + 30 + i * 10, y]);
  await touch('touchEnd');
  await page.waitForFunction((before) => document.getElementById('hall').map.view.scale > before * 1.5, near.scale);
  await page.tap('[aria-label="Show all"]');
  await page.fill('#best-count', '1');
  await page.tap('#best button');
  await page.waitForFunction(() => document.getElementById('hall').map.mine.size === 1);
  await page.tap('#checkout');
  await shows(page, 'pay');
  assert.ok(await fits());
  await page.picture('10-phone-pay');
  await page.goto(`${world.url}/`);
  await page.waitForSelector('#events li');
  assert.ok(await fits());
});

test('by keyboard alone: from the listing to the payment', async (t) => {
  const world = await startBoxoffice(t);
  const { page } = await openBrowser(t);
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
  const tabTo = async (wanted) => {
    for (let i = 0; i < 150; i++) {
      await page.keyboard.press('Tab');
      if (await focused() === wanted) return;
    }
    assert.fail(`${wanted} cannot be reached`);
  };
  await page.goto(`${world.url}/`);
  await page.waitForSelector('#events li');
  await tabTo('Sale hall');
  await page.keyboard.press('Enter');
  await shows(page, 'choose');
  await seatBecomes(page, 'S-1', 'free');
  await page.focus('#as-list');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'CANVAS');
  await page.keyboard.press('ArrowRight'); // the nearest to the upper left
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowDown');
  const words = await page.textContent('#hall [aria-live]');
  assert.match(words, /^Floor, row 2, seat 2 · Front €50\.00 · free$/);
  await page.keyboard.press('Enter');
  await seatBecomes(page, 'S-12', 'mine');
  await page.waitForFunction(() => /yours$/.test(document.querySelector('#hall [aria-live]').textContent));
  await page.keyboard.press('0');
  await page.keyboard.press('+');
  await page.focus('#as-list');
  await page.keyboard.press('Space'); // the list instead of the map
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#seat-list button');
  await page.picture('11-list');
  await accessible(page);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await seatBecomes(page, 'S-1', 'mine');
  await page.waitForFunction(() => document.querySelector('#seat-list button').getAttribute('aria-pressed') === 'true');
  await tabTo('checkout');
  await page.keyboard.press('Enter');
  await shows(page, 'pay');
  await tabTo('pay-link');
});

test('the time runs out and the line can be joined again; what is not there says what to do', async (t) => {
  const world = await startBoxoffice(t, { settings: { choose_ms: 3000 } });
  const { page } = await openBrowser(t, { allow: [/status of 404.*api\/sales\/none/] });
  await page.goto(`${world.url}/?sale=hall`);
  await shows(page, 'choose');
  await shows(page, 'over');
  assert.match(await text(page, 'over-title'), /time has run out/);
  await page.picture('12-over');
  await accessible(page);
  await page.click('#again');
  await shows(page, 'choose');
  await page.click('#leave-choose');
  await shows(page, 'over');
  assert.match(await text(page, 'over-title'), /You have left/);
  await page.goto(`${world.url}/?sale=none`);
  await shows(page, 'over');
  assert.match(await text(page, 'over-title'), /no such sale/);
  assert.match(await text(page, 'over-text'), /other events/);
});

test('sold out is said, and the buyer still finds his tickets', async (t) => {
  const world = await startBoxoffice(t, { seats: 1, settings: { policy: 'capacity', capacity: 1 } });
  const [one, two] = await Promise.all([openBrowser(t), openBrowser(t)]);
  await one.page.goto(`${world.url}/?sale=hall`);
  await shows(one.page, 'choose');
  await two.page.goto(`${world.url}/?sale=hall`);
  await positionIs(two.page, 1);
  await buy(one.context, one.page, 'S-1');
  await shows(two.page, 'over');
  assert.equal(await text(two.page, 'over-title'), 'Sold out');
  await one.page.reload();
  await shows(one.page, 'bought');
});

test('a puzzle solved in a worker, gathering until the opening, then a place by lot', async (t) => {
  const settings = { policy: 'capacity', capacity: 0, lottery: true, puzzle_bits: 14, opens_at: new Date(Date.now() + 3600000).toISOString() };
  const world = await startBoxoffice(t, { settings });
  const { page } = await openBrowser(t);
  await page.goto(`${world.url}/?sale=hall`);
  await shows(page, 'gather');
  await page.waitForFunction(() => /^59:[0-5]\d$/.test(document.getElementById('opens').textContent));
  assert.match(await text(page, 'opens-when'), /at \d\d:\d\d \(UTC\)/);
  assert.equal(await text(page, 'gathered'), '1');
  await page.picture('13-gathering');
  await accessible(page);
  await page.reload(); // keeps the lot, and solves nothing again
  await shows(page, 'gather');
  await world.countsBecome({ waiting: 1 });
  await world.set({ opens_at: new Date(Date.now() + 1500).toISOString() });
  await positionIs(page, 1);
  assert.match((await world.admin('GET', '/metrics')).text, /^boxoffice_puzzles_total 1$/m);
});

test('a line by order of arrival before its opening says when it begins', async (t) => {
  const world = await startBoxoffice(t, { settings: { opens_at: new Date(Date.now() + 90000).toISOString() } });
  const { page } = await openBrowser(t);
  await page.goto(`${world.url}/`);
  await page.waitForFunction(() => /^on sale in 1:[0-2]\d$/.test(document.querySelector('#events [data-opens]')?.textContent));
  await page.goto(`${world.url}/?sale=hall`);
  await positionIs(page, 1);
  await page.waitForFunction(() => /^It begins in 1:[0-2]\d, on .*\(UTC\)/.test(document.getElementById('wait-opens').textContent));
});

test('before the doors open a clock runs down, and the page goes in by itself', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 0, gathers_at: new Date(Date.now() + 5000).toISOString() } });
  const { page } = await openBrowser(t);
  await page.goto(`${world.url}/?sale=hall`);
  await shows(page, 'early');
  await page.picture('14-early');
  await accessible(page);
  await positionIs(page, 1);
});

test('the turn comes while another tab is looked at: called, not taken up; taken up on coming back', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 0 } });
  const { page } = await openBrowser(t);
  await page.addInitScript(() => {
    globalThis.hiddenNow = false;
    Object.defineProperty(Document.prototype, 'visibilityState', { get: () => (globalThis.hiddenNow ? 'hidden' : 'visible') });
  });
  await page.goto(`${world.url}/?sale=hall`);
  await positionIs(page, 1);
  await page.check('#sound');
  await page.evaluate(() => { globalThis.hiddenNow = true; });
  await world.set({ capacity: 1 });
  await shows(page, 'claim');
  await page.waitForFunction(() => /Your turn!/.test(document.title));
  await page.picture('15-turn');
  await accessible(page);
  assert.match(await text(page, 'claim'), /0:5\d|1:00/);
  await page.evaluate(() => {
    globalThis.hiddenNow = false;
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await shows(page, 'choose');
  await page.waitForFunction(() => !/Your turn/.test(document.title));
});

test('in Korean by the browser\'s wish, and in English by the visitor\'s', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 0 } });
  const { page } = await openBrowser(t, { locale: 'ko-KR', timezoneId: 'Asia/Seoul' });
  await page.goto(`${world.url}/?sale=hall`);
  await positionIs(page, 1);
  assert.match(await text(page, 'wait'), /대기 중입니다/);
  assert.equal(await page.getAttribute('html', 'lang'), 'ko');
  await page.picture('16-korean');
  await accessible(page);
  await page.selectOption('#language', 'en');
  await page.waitForFunction(() => /You are in line/.test(document.getElementById('wait').textContent));
});

test('names and messages with markup are text, and what opens doors does not stay in the address', async (t) => {
  const evil = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 0, title: evil, about: evil, welcome: evil, venue: evil, lanes: [{ name: 'vip' }] } });
  const { json } = await world.admin('POST', '/api/sales/hall/invitations', { lane: 'vip', count: 1 });
  await world.admin('POST', '/api/sales/hall/message', { text: evil });
  await arrive(world);
  const { page } = await openBrowser(t);
  await page.goto(`${world.url}/`);
  await page.waitForSelector('#events li');
  await page.goto(`${world.url}/?sale=hall&invitation=${encodeURIComponent(json.invitations[0].invitation)}`);
  await positionIs(page, 1); // the invitation counted
  await page.waitForSelector('#notice:not([hidden])');
  assert.equal(new URL(page.url()).search, '?sale=hall');
  assert.equal(await page.textContent('#title'), evil);
  assert.equal(await page.textContent('#notice'), evil);
  assert.equal(await page.evaluate(() => document.querySelectorAll('main img[src="x"], main script').length), 0);
  assert.doesNotMatch(await page.title(), /^owned/);
  await createSale(world, 'tokens', { policy: 'capacity', capacity: 0, guests: false });
  await page.goto(`${world.url}/?sale=tokens#token=abc.def.ghi`);
  await page.waitForFunction(() => !location.hash);
});

test('a page from yesterday says what to do', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 0, grace_ms: 0 } });
  const { page } = await openBrowser(t);
  await page.goto(`${world.url}/?sale=hall`);
  await positionIs(page, 1);
  await page.goto('about:blank');
  while ((await world.counts()).waiting) await page.waitForTimeout(50);
  await arrive(world);
  await page.goto(`${world.url}/?sale=hall`);
  await page.waitForSelector('#notice:not([hidden])');
  assert.match(await text(page, 'notice'), /this is a new one/);
  await page.picture('17-yesterday');
  await page.evaluate(() => localStorage.setItem('boxoffice.hall.resume', 'eyJhbGciOiJIUzI1NiJ9.e30.x'));
  await page.reload();
  await shows(page, 'over');
  assert.match(await text(page, 'over-title'), /not in line/);
  await page.click('#again');
  await shows(page, 'wait');
});

test('without JavaScript the page says what is needed', async (t) => {
  const world = await startBoxoffice(t);
  const { page } = await openBrowser(t, { javaScriptEnabled: false });
  for (const where of ['/', '/?sale=hall', '/tickets.html', '/account.html', '/reset.html']) {
    await page.goto(`${world.url}${where}`);
    assert.match(await page.textContent('noscript'), /needs JavaScript/);
    assert.ok(await page.isVisible('noscript'));
  }
});

test('the waiting room in a page of another site; his turn leads on to the sale, with his place', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 0 } });
  const site = http.createServer((request, answer) => {
    answer.setHeader('content-type', 'text/html');
    answer.end(`<!doctype html><html lang="en"><title>A site</title><link rel="icon" href="data:,"><script type="module" src="${world.url}/client/embed.js"></script><boxoffice-line sale="hall"></boxoffice-line></html>`);
  }).listen(0, '127.0.0.1');
  t.after(() => site.close());
  await once(site, 'listening');
  const origin = `http://127.0.0.1:${site.address().port}`;
  world.writeConfig({ sites: origin });
  await world.restart();
  const { page } = await openBrowser(t);
  await page.goto(origin);
  const says = (pattern) => page.waitForFunction((source) => new RegExp(source).test(document.querySelector('boxoffice-line')?.shadowRoot?.querySelector('p').textContent), pattern.source);
  await says(/You are number 1; 0 are behind you/);
  await page.picture('18-embedded');
  await world.set({ capacity: 1 });
  await says(/your turn/i);
  await page.click('boxoffice-line button');
  await shows(page, 'choose');
  assert.equal(new URL(page.url()).hash, '');
  await world.countsBecome({ admitted: 1 }); // he is the same person
  // From anywhere else a place in the address counts for nothing.
  const stranger = await openBrowser(t), resume = await page.evaluate(() => localStorage.getItem('boxoffice.hall.resume'));
  await stranger.page.goto(`${world.url}/?sale=hall#resume=${resume}`);
  await positionIs(stranger.page, 1);
  assert.equal(new URL(stranger.page.url()).hash, '');
});

test('wheelchair places and companions: shown, found by wish, and taken together', async (t) => {
  const world = await startBoxoffice(t, { sale: false });
  const plan = makePlan(20);
  plan.zones[0].rows[1].seats[0].kind = plan.zones[0].rows[1].seats[8].kind = 'accessible';
  plan.zones[0].rows[1].seats[1].kind = plan.zones[0].rows[1].seats[9].kind = 'companion';
  await createSale(world, 'hall', { limit: 3 }, 20, plan);
  const { page } = await openBrowser(t);
  await page.goto(`${world.url}/?sale=hall`);
  await shows(page, 'choose');
  await seatBecomes(page, 'S-11', 'free');
  await page.picture('23-accessible');
  await page.check('#best-accessible');
  await page.fill('#best-count', '1');
  await page.click('#best button');
  await page.waitForFunction(() => document.getElementById('hall').map.mine.size === 1);
  await page.click('[aria-label="Show all"]');
  const mine = await seatState(page, 'S-11') === 'mine' ? ['S-11', 'S-12'] : ['S-19', 'S-20'];
  await clickSeat(page, mine[1]); // the companion's, beside the one he has
  await seatBecomes(page, mine[1], 'mine');
  await seatBecomes(page, mine[0], 'mine');
  await page.click('#as-list');
  await page.click('#seat-list summary');
  await page.waitForSelector(`#seat-list [aria-label*="wheelchair place"]`);
});
