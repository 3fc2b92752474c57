// SPDX-License-Identifier: Apache-2.0
// The whole line through sockets: opening, lots, lanes, what operators do, what keeps bots out.
import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { execSync } from 'node:child_process';
import http from 'node:http';
import { test } from 'node:test';
import { arrive, Person, siteToken } from '../lib/person.mjs';
import { admissionOf, keySet } from '../../examples/middleware/boxoffice.mjs';
import { solve as solveInPage } from '../../examples/client/puzzle.js';
import { ADMIN_TOKEN, createSale, startBoxoffice, until } from '../lib/servers.mjs';

const nobody = { capacity: 0, policy: 'capacity' };
const at = (ms) => new Date(ms).toISOString();

const solve = ({ challenge, bits }) => ({ challenge, nonce: solveInPage(challenge, bits) });

test('L4 the line opens at its time: who gathered hears his lot then, who comes after it stands behind', async (t) => {
  const world = await startBoxoffice(t, { settings: { ...nobody, lottery: true, opens_at: at(Date.now() + 3600000) }, config: { gateways: 3 } });
  const early = [];
  for (let i = 0; i < 12; i++) early.push(await new Person(world).connect());
  for (const person of early) {
    const joined = await person.join();
    assert.equal(joined.stage, 'gather');
    assert.equal(joined.number, null, 'the lot is secret');
    assert.ok(joined.opens_in_ms > 3000000 && joined.position === undefined);
  }
  const opens = Date.now() + 2000;
  await world.set({ opens_at: at(opens), policy: 'rate', rate_count: 5, rate_ms: 60000 });
  const back = await arrive(world, { resume: early[3].resume }); // on another device
  assert.equal(back.number, null);
  const places = await Promise.all(early.map(async (person) => (await person.next('position', 'admitted')).position ?? 0));
  assert.ok(Date.now() >= opens - 5);
  assert.equal(places.filter((p) => p === 0).length, 5, 'as many as the rate allows came in at once');
  const late = await arrive(world);
  assert.equal(late.number, 1, 'arrivals are numbered by their own counter');
  await until('behind the others', async () => (await late.next('position')).position === 8);
  const [{ at_ms: admitted }] = await until('the ledger', async () => {
    const rows = await world.postgres.query("SELECT at_ms::float8 FROM ledger WHERE kind = 'admit' ORDER BY seq");
    return rows.length && rows;
  });
  assert.ok(admitted >= opens, 'never before its time');
});

test('joining before the gathering, after the end, with a message that is wrong', async (t) => {
  const world = await startBoxoffice(t, { settings: { ...nobody, gathers_at: at(Date.now() + 3600000), opens_at: at(Date.now() + 7200000) } });
  const person = await new Person(world).connect();
  const early = await person.join();
  assert.equal(early.code, 'too_early');
  assert.ok(early.retry_ms > 3000000);
  await world.set({ gathers_at: null });
  assert.equal((await person.join()).stage, 'wait');
  assert.equal((await person.join()).code, 'already_joined');
  await world.admin('POST', '/api/sales/hall/close');
  await person.next('ended');
  const late = await new Person(world).connect();
  assert.equal((await late.join()).type, 'ended');
});

test('a guest may join by the address alone', async (t) => {
  const world = await startBoxoffice(t, { settings: nobody });
  const person = await new Person({ ...world, ws: `${world.ws}?sale=hall` }).connect();
  const joined = await person.next('joined');
  assert.equal(joined.stage, 'wait');
  assert.equal(joined.position, 1);
  const nowhere = await new Person({ ...world, ws: `${world.ws}?sale=nothing` }).connect();
  assert.equal((await nowhere.next('error')).code, 'unknown_sale');
  assert.equal((await nowhere.join()).position, 2, 'the connection lives on');
});

test('lanes: invitations are signed, serve one person, and stand before others; a forged one gets nowhere', async (t) => {
  const world = await startBoxoffice(t, { settings: { ...nobody, lanes: [{ name: 'vip', quota: 2 }, { name: 'fans' }] } });
  const guest = await arrive(world);
  const invite = async (body) => (await world.admin('POST', '/api/sales/hall/invitations', body));
  const { json: { invitations } } = await invite({ lane: 'vip', count: 3 });
  const { json: { invitations: [forAda] } } = await invite({ lane: 'fans', persons: ['u:ada'] });
  const vip = await arrive(world, { invitation: invitations[0].invitation });
  await until('the guest moves back of nobody: his place is shown as it was', async () => (await guest.next('position')).position === 1);
  assert.equal((await vip.next('position')).position, 1);
  const second = await new Person(world).connect();
  assert.equal((await second.join({ invitation: invitations[0].invitation })).code, 'invitation_used');
  assert.equal((await second.join({ invitation: invitations[1].invitation })).type, 'joined');
  const third = await new Person(world).connect();
  assert.equal((await third.join({ invitation: invitations[2].invitation })).code, 'lane_full');
  assert.equal((await third.join({ invitation: `${forAda.invitation.slice(0, -3)}xxx` })).code, 'token_forged');
  assert.equal((await third.join({ invitation: forAda.invitation })).code, 'token_foreign', 'it is for somebody else');
  assert.equal((await third.join({ invitation: vip.resume })).code, 'token_foreign');
  assert.equal((await third.join()).type, 'joined');
  await arrive(world, { token: siteToken('ada'), invitation: forAda.invitation });
  const bob = await new Person(world).connect();
  assert.equal((await bob.join({ token: siteToken('bob', { lane: 'fans' }) })).position, 4, 'his site says so');
  const order = (await world.redis.client.zrange('bo:{hall}:line', 0, -1)).slice(2, 4);
  assert.deepEqual(order, ['u:ada', 'u:bob']);
  assert.equal((await invite({ lane: 'nobility', count: 1 })).status, 400);
  const audit = (await world.admin('GET', '/api/audit')).json.audit.filter(({ action }) => action === 'invite');
  assert.deepEqual(audit.map(({ detail }) => detail), [{ lane: 'fans', count: 1 }, { lane: 'vip', count: 3 }]);
});

test('A7 drain, through, away, message: told within a second on every gateway, and audited', async (t) => {
  const world = await startBoxoffice(t, { settings: nobody, config: { gateways: 3 } });
  const people = [];
  for (let i = 0; i < 6; i++) people.push(await arrive(world));
  const began = Date.now();
  await world.admin('POST', '/api/sales/hall/message', { text: 'The band is "late" – <b>please</b> wait' });
  for (const person of people) assert.equal((await person.next('notice')).text, 'The band is "late" – <b>please</b> wait');
  assert.ok(Date.now() - began < 5000);
  const newcomer = await arrive(world);
  assert.match((await newcomer.next('notice')).text, /late/);
  await world.admin('POST', '/api/sales/hall/drain');
  for (const person of people) assert.equal((await person.next('status')).status, 'draining');
  const refused = await new Person(world).connect();
  assert.equal((await refused.join()).code, 'draining');
  await world.admin('POST', '/api/sales/hall/away');
  for (const person of people) {
    assert.equal((await person.next('error')).code, 'turned_away');
    assert.equal((await person.closed).code, 4005);
  }
  await world.admin('POST', '/api/sales/hall/resume');
  const back = await arrive(world, { resume: people[4].resume });
  assert.equal(back.number, people[4].number, 'his place was kept');
  await world.admin('POST', '/api/sales/hall/through');
  await back.next('admitted');
  await (await arrive(world)).next('admitted');
  const actions = (await world.admin('GET', '/api/audit')).json.audit.map(({ action }) => action).reverse();
  assert.deepEqual(actions.slice(2), ['settings', 'drain', 'away', 'resume', 'through']);
});

test('A7 a word to everyone reaches the front at once, and who is far behind with his next news', async (t) => {
  const world = await startBoxoffice(t, { reconcile: false, settings: nobody, config: { gateways: 1, news_back_ms: 5000 } });
  const front = await arrive(world);
  const client = world.redis.client, [key] = await client.keys('bo:{hall}:line');
  for (let i = 0; i < 30; i++) await client.zadd(key, ...Array.from({ length: 1000 }, (_, k) => [2 + i * 1000 + k, `g:${i}-${k}`]).flat());
  await client.hset('bo:{hall}:state', 'next', 30001);
  const back = await arrive(world);
  await world.admin('POST', '/api/sales/hall/pause');
  await world.admin('POST', '/api/sales/hall/message', { text: 'Doors open at eight.' });
  assert.equal((await front.next('status')).status, 'paused');
  await front.next('notice');
  assert.ok(!back.messages.some(({ type }) => type === 'status' || type === 'notice'));
  await back.next('notice');
  assert.equal((await back.next('status')).status, 'paused');
  await back.next('position');
});

test('A8 admission slows down when payments fail or somebody outside asks for it, says why, and recovers', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 100 }, config: { gateways: 2 } });
  const slow = await world.admin('POST', '/api/sales/hall/brake', { percent: 2, for_ms: 600000, why: 'shop_is_slow' });
  assert.deepEqual(slow.json, { speed_percent: 2, slowed_by: 'shop_is_slow' });
  await until('slowed down', async () => {
    const { speed_percent: percent, slowed_by: why } = await world.counts();
    return percent === 2 && why === 'shop_is_slow';
  });
  const people = [];
  for (let i = 0; i < 5; i++) people.push(await arrive(world));
  await people[1].next('admitted');
  await until('two are inside', async () => (await world.counts()).active === 2);
  await new Promise((done) => http.request(`http://127.0.0.1:${world.adminPort}/api/sales/hall/brake`, { method: 'POST', agent: false, headers: { authorization: `Bearer ${ADMIN_TOKEN}` } }, done)
    .end('{"percent":100,"for_ms":0}')); // at whichever gateway
  await people[4].next('admitted');
  assert.match(world.child.output, /slowed down to 2 %: shop_is_slow/);
  await world.payments.child.stop();
  await people[0].enter();
  await people[0].hold('S-1');
  for (let i = 0; i < 12; i++) await people[0].checkout();
  await until('slowed down by itself', async () => (await world.counts()).slowed_by === 'payment_errors');
  assert.equal((await world.admin('POST', '/api/sales/hall/brake', { percent: 101, for_ms: 1 })).status, 400);
});

test('L5 no estimate while every free seat is looked for by somebody inside', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 50, choose_ms: 600000 }, config: { gateways: 1, news_front_ms: 300 }, seats: 20 });
  const people = [];
  for (let i = 0; i < 30; i++) people.push(await arrive(world));
  await people[19].next('admitted');
  const last = people[29];
  await until('told that nobody knows', async () => (await last.next('position')).eta_s === null);
  await people[0].enter();
  await people[0].ask({ type: 'leave' }, 'left');
  await people[20].next('admitted');
});

test('A8 admission slows down when people are told late that they may come in', async (t) => {
  const world = await startBoxoffice(t, { settings: nobody, config: { gateways: 2, brake_telling_latency_ms: 100 } });
  for (let i = 0; i < 60; i++) await arrive(world);
  const stopped = Number(execSync(`pgrep -P ${world.child.pid} -f ' gateway'`).toString().trim().split('\n')[0]);
  process.kill(stopped, 'SIGSTOP');
  await world.redis.client.hset('bo:{hall}:state', 'capacity', 100);
  await until('all are admitted', async () => (await world.redis.client.zcard('bo:{hall}:active')) === 60);
  const admitted = Date.now();
  await until('half a second has passed', () => Date.now() - admitted > 500);
  process.kill(stopped, 'SIGCONT');
  await until('slowed down', async () => {
    const { speed_percent: percent, slowed_by: why } = await world.counts();
    return percent === 10 && why === 'telling_latency';
  });
});

test('the entry cap sends back who comes too fast, before anything is touched, with a time that spreads them', async (t) => {
  const world = await startBoxoffice(t, { settings: { ...nobody, entry_per_s: 10 }, config: { gateways: 1 } });
  const people = await Promise.all(Array.from({ length: 40 }, () => new Person(world).connect()));
  const answers = await Promise.all(people.map((person) => person.join()));
  const back = answers.filter(({ code }) => code === 'try_later');
  assert.ok(back.length >= 20 && back.length <= 30, `${back.length} were sent back`);
  assert.ok(back.every(({ retry_ms: ms }) => ms > 0 && ms < 5000));
  assert.ok(new Set(back.map(({ retry_ms: ms }) => Math.floor(ms / 100))).size > 10, 'not all at the same moment');
  assert.equal(await world.redis.client.zcard('bo:{hall}:line'), 40 - back.length);
  const first = people[answers.findIndex(({ type }) => type === 'joined')];
  const resumed = await new Person(world).connect();
  assert.equal((await resumed.join({ resume: first.resume })).type, 'joined', 'who has a place is not sent back');
});

test('the puzzle: solved once, by this connection, and never ahead; harder when many join', async (t) => {
  const world = await startBoxoffice(t, { settings: { ...nobody, puzzle_bits: 8, puzzle_rise_per_s: 2 }, config: { gateways: 1 } });
  const person = await new Person(world).connect();
  const ask = async (who, more = {}) => {
    who.send({ type: 'join', sale: 'hall', ...more });
    return who.next('puzzle', 'joined', 'error');
  };
  const puzzle = await ask(person);
  assert.equal(puzzle.type, 'puzzle');
  assert.equal((await ask(person, { challenge: puzzle.challenge, nonce: 'no' })).code, 'puzzle_wrong');
  assert.equal((await ask(person, solve(puzzle))).code, 'puzzle_wrong', 'a challenge is used up by the first answer');
  const solution = solve(await ask(person));
  const thief = await new Person(world).connect();
  assert.equal((await ask(thief, solution)).code, 'puzzle_wrong', 'solved by another one, or yesterday');
  const joined = await ask(person, solution);
  assert.equal(joined.type, 'joined');
  const back = await new Person(world).connect();
  assert.equal((await ask(back, { resume: joined.resume })).type, 'joined', 'who was in line has solved one');
  const bits = [];
  for (let i = 0; i < 30; i++) bits.push((await ask(await new Person(world).connect())).bits);
  assert.ok(Math.max(...bits) >= 10, `${bits}`);
});

test('the page solves puzzles as SHA-256 has them', () => {
  for (const [challenge, bits] of [['a', 1], ['pXk2', 12], ['0123456789abcdefghij', 16]]) {
    const digest = createHash('sha256').update(`${challenge}:${solveInPage(challenge, bits)}`).digest();
    assert.equal(digest.readUInt32BE(0) >>> (32 - bits), 0);
  }
});

test('X1 limits per address and per person', async (t) => {
  const world = await startBoxoffice(t, { settings: nobody, config: { gateways: 1, address_connections: 6, address_joins_per_min: 5, person_connections: 2, address_from: 'x-forwarded-for' } });
  const token = siteToken('ada');
  await arrive(world, { token });
  await arrive(world, { token });
  const third = await new Person(world).connect();
  assert.equal((await third.join({ token })).code, 'too_many');
  await arrive(world);
  await arrive(world);
  const sixth = await new Person(world).connect();
  const refused = await sixth.join();
  assert.equal(refused.code, 'too_many');
  assert.ok(refused.retry_ms > 10000);
  const seventh = new Person(world);
  await seventh.connect().catch(() => {});
  assert.equal((await seventh.closed).code, 1006, 'too many connections from one address');
});

test('A5 an admission is a standard token: any origin checks it with the published keys, without asking', async (t) => {
  const world = await startBoxoffice(t);
  const person = await arrive(world);
  const { access } = await person.next('admitted');
  const [head, claims, signature] = access.split('.');
  const header = JSON.parse(Buffer.from(head, 'base64url')), said = JSON.parse(Buffer.from(claims, 'base64url'));
  const response = await fetch(`${world.url}/.well-known/jwks.json`);
  assert.match(response.headers.get('cache-control'), /max-age=300/);
  const { keys } = await response.json();
  assert.equal(keys.filter(({ alg }) => alg === 'ES256').length, 3);
  const key = createPublicKey({ key: keys.find(({ kid }) => kid === header.kid), format: 'jwk' });
  assert.ok(verify('sha256', Buffer.from(`${head}.${claims}`), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')));
  assert.equal(said.aud, 'hall');
  assert.equal(said.sub, person.person);
  assert.ok(said.exp * 1000 > Date.now() && said.iss === world.url);
  const keysOf = keySet(world.url);
  assert.equal((await admissionOf(access, { sale: 'hall', keys: keysOf })).sub, person.person);
  assert.equal(await admissionOf(access, { sale: 'another', keys: keysOf }), null);
  assert.equal(await admissionOf(`${head}.${claims}.${signature[0] === 'A' ? 'B' : 'A'}${signature.slice(1)}`, { sale: 'hall', keys: keysOf }), null);
  assert.equal(await admissionOf(person.resume, { sale: 'hall', keys: keysOf }), null);
  const asked = await fetch(`${world.url}/api/access?sale=hall`, { headers: { authorization: `Bearer ${access}` } });
  assert.equal(asked.status, 200);
  assert.equal(asked.headers.get('x-boxoffice-person'), person.person);
  assert.equal((await fetch(`${world.url}/api/access`)).status, 401);
  assert.equal((await fetch(`${world.url}/api/access?sale=x`, { headers: { authorization: `Bearer ${access}` } })).status, 403);
});

test('L5 positions are exact within the first 1,000 and within 1 % or 100 behind', async (t) => {
  const world = await startBoxoffice(t, { settings: nobody, config: { news_back_ms: 1000 } });
  const keys = ['line', 'active', 'state', 'people', 'seats', 'map', 'absent', 'gone', 'orders', 'log', 'feed', 'news', 'lanes'].map((name) => `bo:{hall}:${name}`);
  const { loadScript } = await import('../lib/scripts.mjs');
  const run = (script, ...args) => world.redis.client.eval(loadScript(script), keys.length, ...keys, ...args);
  const crowd = async (from, count) => run('line_join', '0'.repeat(count), count, ...Array.from({ length: count }, (_, i) => `x:${from + i}`));
  const real = [];
  for (let i = 0; i < 30; i++) {
    await crowd(i * 500, 500);
    real.push(await arrive(world));
  }
  for (let i = 0; i < 15000; i += 3) await run('line_leave', `x:${i}`); // a third leaves
  await until('all know', async () => {
    const told = await Promise.all(real.map(async (person) => {
      for (let next = await person.next('position'); ; next = person.messages.find(({ type }) => type === 'position') && (await person.next('position'))) {
        if (next) person.told = next.position;
        else return person.told;
      }
    }));
    const true_places = await Promise.all(real.map(async ({ person }) => (await world.redis.client.zrank(keys[0], person)) + 1));
    return told.every((position, i) => Math.abs(position - true_places[i]) <= (true_places[i] <= 1000 ? 0 : Math.max(100, true_places[i] / 100)));
  });
});

test('several sales at once, each with its own line and its own rules', async (t) => {
  const world = await startBoxoffice(t, { settings: nobody });
  await createSale(world, 'second', { policy: 'capacity', capacity: 1 });
  await createSale(world, 'third', { ...nobody, lottery: true, opens_at: at(Date.now() + 3600000) });
  const join = async (sale) => (await new Person({ ...world, ws: `${world.ws}?sale=${sale}` }).connect()).next('joined');
  assert.deepEqual([(await join('hall')).stage, (await join('third')).stage], ['wait', 'gather']);
  const person = await new Person({ ...world, ws: `${world.ws}?sale=second` }).connect();
  await person.next('admitted');
  await world.admin('POST', '/api/sales/hall/pause');
  assert.equal((await world.counts('second')).status, 'open');
  const answer = await new Promise((done) => http.get(`${world.url}/api/sales`, { agent: false }, (response) => {
    let text = '';
    response.on('data', (part) => { text += part; }).on('end', () => done(JSON.parse(text)));
  }));
  assert.deepEqual(answer.sales.map(({ sale }) => sale).toSorted(), ['hall', 'second', 'third']);
});
