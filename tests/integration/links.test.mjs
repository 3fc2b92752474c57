// SPDX-License-Identifier: Apache-2.0
// Ticket links and keys: how long they last, what they open, and what they do not (rule U2).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrive, Person, siteToken } from '../lib/person.mjs';
import { ADMIN_TOKEN, createSale, SECRET, startBoxoffice, until } from '../lib/servers.mjs';

const DAY_MS = 86400000;
const SHOW = Date.UTC(2099, 5, 12, 18, 30);

async function buyer(world, sale, ...seats) {
  const person = await new Person(world).connect();
  await person.join({ sale });
  await person.enter();
  await person.hold(...seats);
  await person.settle(await person.checkout());
  return Object.assign(person, { bought: await person.next('bought') });
}

const tokenOf = (link) => link.split('#link=')[1];
const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
const own = (claims, sub, key = SECRET) => siteToken(sub, claims, key); // as the server signs for itself

// A call with this bearer's token; what is asked for may be a picture.
async function ask(world, bearer, what, body, sale = 'hall') {
  const answer = await fetch(`${world.url}/api/sales/${sale}/${what}`, { method: body ? 'POST' : 'GET', body: body && JSON.stringify(body), headers: { authorization: `Bearer ${bearer}` } });
  const text = await answer.text();
  return { status: answer.status, type: answer.headers.get('content-type'), text, json: text.startsWith('{') ? JSON.parse(text) : null };
}

const codeOf = (answer) => answer.json.error?.code;
const seatsOf = (answer) => answer.json.tickets.map(({ seat }) => seat);

test('U2 "bought" tells a link that opens the order\'s tickets, draws and hands them on, until 30 days after the show', async (t) => {
  const world = await startBoxoffice(t, { settings: { starts_at: new Date(SHOW).toISOString() } });
  const { bought, person, resume } = await buyer(world, 'hall', 'S-1', 'S-2'), link = tokenOf(bought.link);
  assert.ok(bought.link.startsWith(`${world.url}/tickets.html#link=`));
  assert.equal(bought.link_expires_ms, SHOW + 30 * DAY_MS);
  assert.deepEqual(claimsOf(link), { typ: 'link', sale: 'hall', order: bought.order, sub: person, exp: bought.link_expires_ms / 1000 });
  const list = await ask(world, link, 'tickets');
  assert.deepEqual([seatsOf(list), list.json.gone], [['S-1', 'S-2'], []]);
  assert.deepEqual(list.json.links.map(({ order }) => order), [bought.order]);
  assert.equal(list.json.tickets[0].code, bought.tickets[0].code);
  assert.match((await ask(world, link, 'tickets/qr', { seat: 'S-1' })).text, /^<svg/);
  assert.match((await ask(world, link, 'tickets/link', {})).text, /^<svg/);
  assert.equal((await ask(world, link, 'tickets/link', { format: 'png' })).type, 'image/png');
  assert.equal((await ask(world, link, 'tickets/link', { format: 'gif' })).status, 400);
  assert.equal((await ask(world, resume, 'tickets/link', {})).status, 403, 'a key of a place is no link');
  assert.deepEqual((await ask(world, resume, 'tickets')).json.links.map((one) => [one.order, claimsOf(tokenOf(one.link)).sub]), [[bought.order, person]]);
});

test('U2 a link opens its own order and nothing else, and no other token is taken for one', async (t) => {
  const world = await startBoxoffice(t, { settings: { starts_at: new Date(SHOW).toISOString(), limit: 3 } });
  await createSale(world, 'other', { starts_at: new Date(SHOW).toISOString() });
  const one = await buyer(world, 'hall', 'S-1'), friend = await buyer(world, 'hall', 'S-7'), elsewhere = await buyer(world, 'other', 'S-1');
  await one.join({ again: true });
  await one.enter();
  await one.hold('S-3');
  await one.settle(await one.checkout());
  const second = await one.next('bought'), link = tokenOf(one.bought.link), { order } = one.bought;
  assert.deepEqual(seatsOf(await ask(world, link, 'tickets')), ['S-1']);
  assert.deepEqual(seatsOf(await ask(world, tokenOf(second.link), 'tickets')), ['S-3']);
  assert.deepEqual(seatsOf(await ask(world, one.resume, 'tickets')).sort(), ['S-1', 'S-3']);
  for (const what of ['tickets/qr', 'tickets/transfer']) assert.equal(codeOf(await ask(world, link, what, { seat: 'S-3' })), 'unknown_ticket', `${what} of another order of his`);
  assert.equal(codeOf(await ask(world, link, 'tickets/qr', { seat: 'S-7' })), 'unknown_ticket');
  assert.equal(codeOf(await ask(world, link, 'tickets', undefined, 'other')), 'token_foreign');
  assert.equal(codeOf(await ask(world, tokenOf(elsewhere.bought.link), 'tickets')), 'token_foreign');
  assert.equal(codeOf(await ask(world, link, 'grants')), 'token_foreign', 'a link is not who somebody is');
  const { transfer } = (await ask(world, friend.resume, 'tickets/transfer', { seat: 'S-7' })).json;
  assert.equal(codeOf(await ask(world, link, 'tickets/accept', { transfer })), 'token_foreign');
  assert.equal((await arrive(world, false).then((p) => p.join({ resume: link }))).code, 'token_foreign', 'nor a place in line');
  assert.equal((await arrive(world, false).then((p) => p.join({ account: link }))).code, 'token_foreign');

  const claims = { typ: 'link', sale: 'hall', order, exp: SHOW / 1000 };
  assert.deepEqual(seatsOf(await ask(world, own(claims, one.person), 'tickets')), ['S-1'], 'as the server makes them');
  assert.deepEqual((await ask(world, own(claims, friend.person), 'tickets')).json, { tickets: [], gone: [], links: [] }, 'somebody else\'s order');
  for (const [name, token, code] of [['forged', own(claims, one.person, 'another secret, just as long as it is'), 'token_forged'], ['changed', link.replace(/.(?=.{50}$)/, (c) => (c === 'A' ? 'B' : 'A')), 'token_forged'],
    ['an invitation', own({ ...claims, typ: 'invite', lane: 'x', jti: 'i' }, one.person), 'token_foreign'], ['a transfer', transfer, 'token_foreign'], ['without an order', own({ ...claims, order: undefined }, one.person), 'token_foreign'],
    ['without a purpose', own({ ...claims, typ: undefined }, one.person), 'token_foreign'], ['a ticket\'s code', one.bought.tickets[0].code, 'token_forged'], ['an admission', one.access, 'token_forged']])
    assert.equal(codeOf(await ask(world, token, 'tickets')), code, name);
  assert.equal(codeOf(await ask(world, '', 'tickets')), 'token_missing');
});

test('U2 what expired: a link, and the key of a place; a postponed show keeps both, without a date they last a year', async (t) => {
  const world = await startBoxoffice(t, { settings: { starts_at: '2020-06-12T18:30:00Z' } });
  await createSale(world, 'undated');
  const one = await buyer(world, 'hall', 'S-1'), { order } = one.bought, now = Date.now();
  assert.ok(one.bought.link_expires_ms > now + 29 * DAY_MS, 'bought after the show began');
  const link = (ms) => own({ typ: 'link', sale: 'hall', order, exp: Math.floor(ms / 1000) }, one.person);
  const key = (ms, sale = 'hall', sub = one.person) => own({ typ: 'place', sale, exp: Math.floor(ms / 1000) }, sub);
  assert.equal(codeOf(await ask(world, link(now - 1000), 'tickets')), 'token_expired');
  assert.deepEqual(seatsOf(await ask(world, link(now + 60000), 'tickets')), ['S-1']);
  assert.equal(codeOf(await ask(world, key(now - 31 * DAY_MS), 'tickets')), 'token_expired');
  assert.deepEqual(seatsOf(await ask(world, key(now - 29 * DAY_MS), 'tickets')), ['S-1']);
  await world.set({ starts_at: new Date(now - 29 * DAY_MS).toISOString() }); // it was put off
  await until('every gateway knows', async () => (await Promise.all(Array.from({ length: 8 }, () => ask(world, link(now - 400 * DAY_MS), 'tickets')))).every(({ status }) => status === 200));
  assert.deepEqual(seatsOf(await ask(world, key(now - 400 * DAY_MS), 'tickets')), ['S-1']);
  assert.equal((await arrive(world, false).then((p) => p.join({ resume: key(now - 1000) }))).code, 'token_expired', 'in line an old key is worth nothing');
  const two = await buyer(world, 'undated', 'S-1');
  assert.ok(Math.abs(two.bought.link_expires_ms - (now + 365 * DAY_MS)) < DAY_MS);
  assert.deepEqual(seatsOf(await ask(world, key(now - 364 * DAY_MS, 'undated', two.person), 'tickets', undefined, 'undated')), ['S-1']);
  assert.equal(codeOf(await ask(world, key(now - 366 * DAY_MS, 'undated', two.person), 'tickets', undefined, 'undated')), 'token_expired');
  const old = own({ typ: 'link', sale: 'undated', order: two.bought.order, exp: Math.floor((now + DAY_MS) / 1000) }, two.person);
  const renewed = claimsOf(tokenOf((await ask(world, old, 'tickets', undefined, 'undated')).json.links[0].link));
  assert.ok(renewed.exp * 1000 > now + 364 * DAY_MS, 'renewed when it is used');
});

test('U2 a ticket that was handed on is reached by its new owner\'s link; the old link shows it as handed on, and one given back as void', async (t) => {
  const world = await startBoxoffice(t, { settings: { starts_at: new Date(SHOW).toISOString() } });
  const one = await buyer(world, 'hall', 'S-1', 'S-2', 'S-3'), friend = await arrive(world), third = await arrive(world), link = tokenOf(one.bought.link);
  const give = async (from, to, seat) => (await ask(world, to, 'tickets/accept', { transfer: (await ask(world, from, 'tickets/transfer', { seat })).json.transfer })).json;
  const gone = (answer) => answer.json.gone.map(({ seat, state }) => `${seat} ${state}`).sort();
  const accepted = await give(link, friend.resume, 'S-1');
  assert.deepEqual(accepted.links.map(({ order }) => order), [one.bought.order]);
  const friends = tokenOf(accepted.links[0].link);
  assert.deepEqual(seatsOf(await ask(world, friends, 'tickets')), ['S-1'], 'of the order only what is his');
  assert.equal(codeOf(await ask(world, friends, 'tickets/qr', { seat: 'S-2' })), 'unknown_ticket');
  const list = await ask(world, link, 'tickets');
  assert.deepEqual([seatsOf(list), gone(list)], [['S-2', 'S-3'], ['S-1 handed_on']]);
  assert.equal(codeOf(await ask(world, link, 'tickets/qr', { seat: 'S-1' })), 'unknown_ticket');
  assert.equal((await world.admin('POST', '/api/sales/hall/refund', { order: one.bought.order, refund: 'r1', seats: ['S-2'] })).status, 200);
  const after = await ask(world, link, 'tickets');
  assert.deepEqual([seatsOf(after), gone(after)], [['S-3'], ['S-1 handed_on', 'S-2 void']]);
  assert.deepEqual(gone(await ask(world, one.resume, 'tickets')), ['S-1 handed_on', 'S-2 void']);
  await give(friends, third.resume, 'S-1');
  assert.deepEqual((await ask(world, friends, 'tickets')).json, { tickets: [], gone: [], links: [] }, 'handed on, too');
  assert.equal((await world.admin('POST', '/api/sales/hall/refund', { order: one.bought.order, refund: 'r2', seats: ['S-1', 'S-3'] })).status, 200);
  assert.deepEqual(gone(await ask(world, link, 'tickets')), ['S-1 void', 'S-2 void', 'S-3 void']);
  assert.deepEqual(gone(await ask(world, third.resume, 'tickets')), ['S-1 void']);
});

test('U2 an operator makes a new link for the buyer or a present ticket holder; a viewer may not, and it is audited', async (t) => {
  const VIEWER = 'viewer-token-0123456789', OPERATOR = 'operator-token-0123456789';
  const world = await startBoxoffice(t, { config: { admin_tokens: `tester:${ADMIN_TOKEN}, eva:${VIEWER}:viewer, otto:${OPERATOR}:operator` }, settings: { starts_at: new Date(SHOW).toISOString() } });
  await createSale(world, 'other');
  const one = await buyer(world, 'hall', 'S-1', 'S-2'), friend = await arrive(world), { order } = one.bought;
  const make = (body = {}, { id = order, sale = 'hall', token = OPERATOR, method = 'POST' } = {}) =>
    world.admin(method, `/api/sales/${sale}/orders/${encodeURIComponent(id)}/link`, method === 'GET' ? undefined : body, token);
  const made = await make();
  assert.deepEqual([made.status, made.json.order, made.json.person, made.json.link_expires_ms], [200, order, one.person, SHOW + 30 * DAY_MS]);
  assert.deepEqual(seatsOf(await ask(world, tokenOf(made.json.link), 'tickets')), ['S-1', 'S-2']);
  assert.equal((await make({ person: friend.person })).json.error.code, 'unknown_ticket', 'he has none of it');
  const { transfer } = (await ask(world, one.resume, 'tickets/transfer', { seat: 'S-1' })).json;
  await ask(world, friend.resume, 'tickets/accept', { transfer });
  assert.deepEqual(seatsOf(await ask(world, tokenOf((await make({ person: friend.person })).json.link), 'tickets')), ['S-1']);
  for (const [name, code, ...given] of [['a viewer', 'role_too_low', {}, { token: VIEWER }], ['nobody', 'token_missing', {}, { token: '' }], ['an order of another sale', 'unknown_order', {}, { sale: 'other' }],
    ['no order', 'unknown_order', {}, { id: 'o:none' }], ['no sale', 'unknown_sale', {}, { sale: 'none' }], ['reading', 'bad_method', {}, { method: 'GET' }], ['a wrong person', 'bad_message', { person: 7 }],
    ['no object', 'bad_json', []], ['no JSON', 'bad_json', '{']]) assert.equal((await make(...given)).json.error.code, code, name);
  const choosing = await arrive(world);
  await choosing.enter();
  await choosing.hold('S-9');
  const { order: unpaid } = await choosing.checkout();
  await until('its order is known', async () => (await make({}, { id: unpaid })).json.error.code === 'not_paid');
  const { audit } = (await world.admin('GET', '/api/audit')).json;
  assert.deepEqual(audit.filter(({ action }) => action === 'ticket_link').map(({ actor, sale, detail }) => [actor, sale, detail]), [['otto', 'hall', { order, person: friend.person }], ['otto', 'hall', { order, person: one.person }]]);
});

test('U2 a ticket is checked in by order and seat when its code is lost, once, for its present owner', async (t) => {
  const world = await startBoxoffice(t);
  const one = await buyer(world, 'hall', 'S-1', 'S-2'), friend = await arrive(world), { order } = one.bought;
  const door = (body, what = 'check-in') => world.admin('POST', `/api/${what}`, body);
  const first = await door({ sale: 'hall', order, seat: 'S-1', gate: 'desk' });
  assert.deepEqual([first.status, first.json.valid, first.json.person, first.json.zone], [200, true, one.person, 'Floor']);
  const again = await door({ sale: 'hall', order, seat: 'S-1' });
  assert.deepEqual([again.json.error.code, again.json.checked_in_by], ['already_checked_in', 'desk']);
  assert.equal((await door({ code: one.bought.tickets[0].code })).json.error.code, 'already_checked_in', 'the code has been used by it');
  assert.equal((await door({ sale: 'hall', order, seat: 'S-1', undo: true })).status, 200);
  assert.equal((await door({ code: one.bought.tickets[0].code })).status, 200);
  const { transfer } = (await ask(world, one.resume, 'tickets/transfer', { seat: 'S-2' })).json;
  await ask(world, friend.resume, 'tickets/accept', { transfer });
  const look = await door({ sale: 'hall', order, seat: 'S-2' }, 'tickets/check');
  assert.deepEqual([look.status, look.json.person, look.json.checked_in_at], [200, friend.person, null]);
  assert.equal((await door({ sale: 'hall', order, seat: 'S-2' })).json.person, friend.person);
  for (const [code, body] of [['unknown_ticket', { sale: 'hall', order, seat: 'S-3' }], ['unknown_ticket', { sale: 'hall', order: 'o:none', seat: 'S-1' }], ['unknown_ticket', { sale: 'none', order, seat: 'S-1' }],
    ['bad_message', { sale: 'hall', order }], ['bad_message', { order, seat: 'S-1' }], ['bad_message', { sale: 'hall', order, seat: 'x'.repeat(65) }], ['bad_message', { sale: 'hall', order: 7, seat: 'S-1' }],
    ['bad_message', { code: 7, sale: 'hall', order, seat: 'S-1' }], ['bad_message', {}]]) assert.equal((await door(body)).json.error.code, code, JSON.stringify(body));
  assert.match((await door({})).json.error.detail, /or sale, order and seat if it is lost/);
});
