// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { arrive, Person } from '../lib/person.mjs';
import { startBoxoffice } from '../lib/servers.mjs';

test('every wrong message gets its code and a sentence, and the connection lives on', async (t) => {
  const world = await startBoxoffice(t, { config: { messages_per_10s: 10000 } });
  const person = await new Person(world).connect();
  const before = [
    ['bad_json', 'nonsense'], ['bad_json', '{"type":"join"'], ['bad_json', '\u0000'], ['bad_json', '{"type":"ping","type":"ping"}'], ['bad_json', '['.repeat(3000)],
    ['bad_message', '[]'], ['bad_json', '7'], ['bad_message', '{}'], ['bad_message', '{"type":5}'], ['unknown_type', '{"type":"dance"}'],
    ['bad_message', '{"type":"join"}'], ['bad_message', '{"type":"join","sale":5}'], ['unknown_sale', '{"type":"join","sale":"none"}'],
    ['unknown_sale', '{"type":"join","sale":"{hall}"}'], ['unknown_sale', `{"type":"join","sale":"${'x'.repeat(2000)}"}`],
    ['bad_message', '{"type":"join","sale":"hall","shown":-5}'], ['bad_message', '{"type":"join","sale":"hall","shown":1e400}'.replace('1e400', '"9"')],
    ['bad_message', '{"type":"join","sale":"hall","resume":5}'], ['token_forged', `{"type":"join","sale":"hall","resume":"${'y'.repeat(3000)}"}`],
    ['not_joined', '{"type":"map"}'], ['not_joined', '{"type":"enter","access":"x"}'], ['not_joined', '{"type":"hold","key":"k","seats":["S-1"]}'],
    ['not_in_line', '{"type":"leave"}'], ['too_large', `{"type":"ping","x":"${'z'.repeat(100000)}"}`], ['too_large', 'q'.repeat(4097)],
  ];
  for (const [code, text] of before) {
    const error = await person.ask(text, 'error');
    assert.equal(error.code, code, text.slice(0, 80));
    assert.ok(error.message.length > 15);
  }
  person.socket.send(Buffer.from([1, 2, 3]));
  assert.equal((await person.next('error')).code, 'binary_frame');
  assert.equal((await person.join()).type, 'joined');
  await person.enter();
  const inside = [
    ['already_joined', { type: 'join', sale: 'hall' }],
    ['bad_message', { type: 'hold', seats: ['S-1'] }], ['bad_message', { type: 'hold', key: 'k' }], ['bad_message', { type: 'hold', key: 'k', seats: [] }],
    ['bad_message', { type: 'hold', key: 'k', seats: 'S-1' }], ['bad_message', { type: 'hold', key: 'k', seats: [-1] }], ['bad_message', { type: 'hold', key: 'k', seats: [1e300] }],
    ['unknown_seat', { type: 'hold', key: 'k', seats: ['S-0'] }], ['unknown_seat', { type: 'hold', key: 'k', seats: ['-1'] }],
    ['seat_twice', { type: 'hold', key: 'k', seats: ['S-1', 'S-1'] }], ['too_large', { type: 'hold', key: 'k', seats: Array(21).fill('S-1') }],
    ['bad_message', { type: 'hold', key: 'a b', seats: ['S-1'] }], ['bad_message', { type: 'hold', key: 'k'.repeat(65), seats: ['S-1'] }],
    ['too_large', { type: 'hold', key: 'k', seats: Array.from({ length: 100000 }, (_, i) => `S-${i}`) }],
    ['nothing_held', { type: 'checkout', key: 'k' }], ['bad_message', { type: 'checkout' }],
  ];
  for (const [code, message] of inside) assert.equal((await person.ask(message, 'error')).code, code, JSON.stringify(message));
  assert.equal((await person.ask({ type: 'release', key: 'r', seats: ['S-1'] }, 'refused')).code, 'seat_not_yours');
  assert.equal((await person.hold('S-1')).type, 'held');
  assert.deepEqual((await person.ask({ type: 'hold', key: 'again', seats: ['S-1'] }, 'held', 'refused')).seats, ['S-1'], 'what is held is held');
  assert.equal((await world.counts()).sold, 0);
});

test('X1 too many messages are refused for a while, and a message in parts is put together', async (t) => {
  const world = await startBoxoffice(t, { config: { messages_per_10s: 5 } });
  const person = await arrive(world, false);
  person.socket.send('{"type":', { fin: false });
  person.socket.send(' "ping"}', { fin: true });
  await person.next('pong');
  for (let i = 0; i < 4; i++) await person.ask({ type: 'ping' }, 'pong');
  const error = await person.ask({ type: 'ping' }, 'error');
  assert.equal(error.code, 'too_fast');
  assert.ok(error.retry_ms > 0 && error.retry_ms <= 10000, `${error.retry_ms}`);
});

test('who connects and says nothing is closed; a full gateway refuses politely', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 1, max_connections: 2, join_timeout_ms: 300 } });
  const silent = await new Person(world).connect();
  assert.equal((await silent.closed).code, 4003);
  await arrive(world);
  await arrive(world);
  const answer = await new Promise((done) => {
    const socket = net.connect(world.port, '127.0.0.1');
    let text = '';
    socket.on('data', (part) => { text += part; });
    socket.on('close', () => done(text));
    socket.write('GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n');
  });
  assert.match(answer, /^HTTP\/1\.1 503 /);
  assert.match(answer, /retry-after: \d/i);
  assert.equal(JSON.parse(answer.split('\r\n\r\n')[1]).error.code, 'overloaded');
});

test('wrong HTTP requests: each its code, and the server lives on', async (t) => {
  const world = await startBoxoffice(t);
  const code = async (path, options) => {
    const response = await fetch(world.url + path, options);
    const text = await response.text();
    return [response.status, text && JSON.parse(text).error?.code];
  };
  assert.deepEqual(await code('/api/sales/none'), [404, 'unknown_sale']);
  assert.deepEqual(await code('/api/sales/none/plan'), [404, 'unknown_sale']);
  assert.deepEqual(await code('/nothing'), [404, 'not_found']);
  assert.deepEqual(await code('/../../etc/passwd'), [404, 'not_found']);
  assert.deepEqual(await code('/api/sales', { method: 'DELETE' }), [405, 'bad_method']);
  for (const [length, status] of [[1020, 200], [1025, 400], [1085, 400], [1200, 400]]) // each character twice where it is escaped
    assert.equal((await world.admin('GET', `/api/search?q=${'_'.repeat(length)}`)).status, status, `${length} characters`);
  assert.deepEqual(await code('/webhook/payment', { method: 'POST', body: 'x'.repeat(70000) }), [413, 'too_large']);
  for (const garbage of ['\u0000\u0001\u0002', 'GET\r\n\r\n', `GET /${'a'.repeat(20000)} HTTP/1.1\r\n\r\n`, 'GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n'])
    await new Promise((done) => {
      const socket = net.connect(world.port, '127.0.0.1', () => socket.end(garbage));
      socket.on('error', () => {});
      socket.resume();
      socket.on('close', done);
    });
  assert.equal((await fetch(`${world.url}/api/sales`)).status, 200);
});
