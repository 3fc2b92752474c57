// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { arrive } from '../lib/person.mjs';
import { ADMIN_TOKEN, createSale, makePlan, startBoxoffice, until } from '../lib/servers.mjs';

test('X2 without a right token nothing is told and nothing changed; the admin API is not on the public port', async (t) => {
  const world = await startBoxoffice(t);
  assert.equal((await world.admin('GET', '/api/sales', undefined, null)).json.error.code, 'token_missing');
  assert.equal((await world.admin('POST', '/api/sales/hall/close', undefined, 'wrong')).status, 401);
  assert.equal((await world.admin('GET', '/metrics', undefined, ADMIN_TOKEN + 'x')).status, 401);
  for (const [method, path] of [['POST', '/api/sales/hall/close'], ['PATCH', '/api/sales/hall'], ['GET', '/metrics'], ['GET', '/api/audit']]) {
    const response = await fetch(world.url + path, { method, body: method === 'GET' ? undefined : '{}', headers: { authorization: `Bearer ${ADMIN_TOKEN}`, host: `127.0.0.1:${world.adminPort}` } });
    assert.ok([404, 405].includes(response.status), `${method} ${path}: ${response.status}`);
  }
  assert.equal((await world.counts()).status, 'open');
});

test('sales are made, opened, paused, resumed and closed, and every change is audited with its author', async (t) => {
  const world = await startBoxoffice(t);
  for (const action of ['pause', 'resume', 'close', 'open']) {
    const answer = await world.admin('POST', `/api/sales/hall/${action}`);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.in_effect, true);
  }
  await world.set({ rate_count: 7 });
  const { audit } = (await world.admin('GET', '/api/audit')).json;
  assert.deepEqual(audit.map((a) => a.action).reverse(), ['create', 'open', 'pause', 'resume', 'close', 'open', 'settings']);
  assert.deepEqual(audit[0].detail, { rate_count: 7 });
  assert.ok(audit.every((a) => a.actor === 'tester' && a.sale === 'hall'));
  assert.equal((await world.admin('GET', '/api/sales/hall')).json.settings.rate_count, 7);
  assert.equal((await world.redis.client.hget('bo:{hall}:state', 'rate_count')), '7');
});

test('a change that is said to be in effect is in Redis, however quickly one follows another', async (t) => {
  const world = await startBoxoffice(t);
  for (let i = 1; i <= 25; i++) {
    await world.admin('POST', `/api/sales/hall/${i % 2 ? 'close' : 'open'}`);
    await world.set({ rate_count: i });
    assert.equal(await world.redis.client.hget('bo:{hall}:state', 'rate_count'), String(i));
  }
});

test('O7 what would re-interpret a decision is refused; what gets past the check by a hair is brought back in PostgreSQL', async (t) => {
  const world = await startBoxoffice(t, { settings: { lanes: [{ name: 'vip' }] } });
  const refusal = async (patch) => {
    const { status, json } = await world.admin('PATCH', '/api/sales/hall', patch);
    return status === 200 ? 'ok' : [status, json.error.code, json.error.detail];
  };
  const settings = async () => (await world.admin('GET', '/api/sales/hall')).json.settings;
  assert.equal(await refusal({ currency: 'USD' }), 'ok');
  assert.equal(await refusal({ lanes: [{ name: 'press' }, { name: 'vip' }] }), 'ok');
  const [{ invitation }] = (await world.admin('POST', '/api/sales/hall/invitations', { lane: 'vip', count: 1 })).json.invitations;
  const person = await arrive(world, { invitation });
  const [status, code, detail] = await refusal({ lanes: [{ name: 'vip' }, { name: 'press' }], rate_count: 9 });
  assert.deepEqual([status, code], [409, 'setting_fixed']);
  assert.match(detail, /"vip"/);
  assert.equal(await refusal({ lanes: [{ name: 'press' }, { name: 'vip' }, { name: 'fans' }] }), 'ok', 'added at the end');
  await person.enter();
  await person.hold('S-1');
  assert.match((await refusal({ currency: 'EUR', rate_count: 9 }))[2], /USD/);
  assert.notEqual((await settings()).rate_count, 9, 'nothing of it is changed');
  assert.equal(await refusal({ currency: 'USD', rate_count: 8 }), 'ok');
  // As when the hold came between the check and the change.
  await world.postgres.query(`UPDATE sales SET settings = settings || '{"currency": "EUR", "lanes": [{"name": "fans"}], "capacity": 77}', version = version + 1`);
  await world.admin('PATCH', '/api/sales/hall', { rate_count: 7 });
  await until('PostgreSQL is brought back', async () => (await settings()).currency === 'USD');
  assert.deepEqual((await settings()).lanes.map(({ name }) => name), ['press', 'vip', 'fans']);
  assert.equal(await refusal({ rate_count: 6 }), 'ok');
  const state = await world.redis.client.hmget('bo:{hall}:state', 'currency', 'rate_count', 'capacity');
  assert.deepEqual(state, ['USD', '6', '77']);
  assert.ok((await world.admin('GET', '/api/audit')).json.audit.some(({ action, actor }) => action === 'settings_brought_back' && actor === 'boxoffice'));
});

test('what cannot be done is refused with a reason, and changes nothing', async (t) => {
  const world = await startBoxoffice(t);
  const cases = [
    ['POST', '/api/sales/hall/resume', undefined, 409, 'not_open', /status/],
    ['POST', '/api/sales/none/open', undefined, 404, 'unknown_sale'],
    ['GET', '/api/sales/none/counts', undefined, 404, 'unknown_sale'],
    ['PATCH', '/api/sales/none', {}, 404, 'unknown_sale'],
    ['PATCH', '/api/sales/hall', { rate_count: -1 }, 400, 'bad_setting', /rate_count.*1 to/],
    ['PATCH', '/api/sales/hall', { rate_count: 1e30 }, 400, 'bad_setting'],
    ['PATCH', '/api/sales/hall', { speed: 1 }, 400, 'bad_setting', /speed/],
    ['PATCH', '/api/sales/hall', { prices: {} }, 400, 'bad_plan', /prices/],
    ['PATCH', '/api/sales/hall', 'nonsense', 400, 'bad_json'],
    ['POST', '/api/sales', { sale: 'x' }, 400, 'bad_message', /plan/],
    ['POST', '/api/sales', { sale: 'a b', name: 'x', plan: makePlan(), settings: {} }, 400, 'bad_message'],
    ['POST', '/api/sales', { sale: 'hall', name: 'x', plan: makePlan(), settings: { prices: { Front: 100, Back: 100 } } }, 409, 'sale_exists'],
    ['POST', '/api/sales', { sale: 'new', name: 'x', plan: { zones: 5 }, settings: {} }, 400, 'bad_plan', /categories/],
    ['POST', '/api/tickets/check', { code: 'nonsense' }, 401, 'token_forged'],
    ['GET', '/api/nothing', undefined, 404, 'not_found'],
    ['GET', '/api/sales/hall/open', undefined, 405, 'bad_method'],
  ];
  for (const [method, path, body, status, code, detail] of cases) {
    const answer = await world.admin(method, path, body);
    assert.deepEqual([answer.status, answer.json.error.code], [status, code], `${method} ${path}: ${answer.text}`);
    assert.ok(answer.json.error.message.length > 15);
    if (detail) assert.match(answer.json.error.detail, detail);
  }
  assert.equal((await world.admin('GET', '/api/audit')).json.audit.length, 2);
  assert.equal((await world.counts()).status, 'open');
});

test('counts, health and Prometheus metrics of all processes', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 1 } });
  for (let i = 0; i < 3; i++) await arrive(world);
  await createSale(world, 'other');
  for (let i = 0; i < 5; i++) { // whichever gateway answers
    const { text } = await world.admin('GET', '/metrics');
    assert.match(text, /^boxoffice_joins_total 3$/m);
    assert.match(text, /^boxoffice_connections 3$/m);
    assert.match(text, /^boxoffice_sale_waiting\{sale="hall"\} \d$/m);
  }
  assert.deepEqual((await world.admin('GET', '/health', undefined, null)).json.health, 'healthy');
  await world.redis.stop();
  await until('every gateway says that it is ill', async () => {
    const sick = await world.admin('GET', '/health', undefined, null);
    return sick.status === 503 && sick.json.health === 'critical' && sick.json.redis === false;
  });
  await world.redis.start();
  await world.healthy();
});

test('O3 blocks, items and lots are told once PostgreSQL has them', async (t) => {
  const world = await startBoxoffice(t);
  const now = Date.now(), post = (path, body) => world.admin('POST', `/api/sales/hall/${path}`, body);
  const changes = [['block', { seats: ['S-1'] }], ['stock', { item: 'floor', kind: 'area', total: 5, price: 2000 }],
    ['lots', { item: 'guitar', price: 1000, step: 100, opens_at: new Date(now).toISOString(), closes_at: new Date(now + 3600000).toISOString() }]];
  const keeper = new pg.Client({ host: world.postgres.folder, user: 'boxoffice', database: 'postgres' });
  await keeper.connect();
  await keeper.query('BEGIN');
  await keeper.query('LOCK TABLE ledger IN EXCLUSIVE MODE');
  const early = await Promise.all(changes.map(([path, body]) => post(path, body)));
  assert.deepEqual(early.map(({ status, json }) => [status, json.error?.code]), changes.map(() => [503, 'unavailable']));
  await keeper.query('ROLLBACK');
  await keeper.end();
  await until('they are in the ledger', async () => (await world.postgres.query("SELECT count(*)::int AS n FROM ledger WHERE kind IN ('block', 'stock')"))[0].n === 3);
  assert.equal((await post('unblock', { seats: ['S-1'] })).status, 200);
});
