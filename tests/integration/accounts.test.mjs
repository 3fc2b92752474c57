// SPDX-License-Identifier: Apache-2.0
// Built-in accounts (rule U1).
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import http from 'node:http';
import { test } from 'node:test';
import { arrive, Person } from '../lib/person.mjs';
import { atEnd, startBoxoffice, until } from '../lib/servers.mjs';

async function call(world, path, body, { cookie, bearer, method } = {}) {
  const response = await fetch(`${world.url}/api/accounts${path}`, { method: method ?? (body ? 'POST' : 'GET'), body: body && JSON.stringify(body),
    headers: { ...(cookie ? { cookie: `theme=dark; bo_session=${cookie}` } : {}), ...(bearer ? { authorization: `Bearer ${bearer}` } : {}) } });
  return { status: response.status, json: await response.json(), cookie: response.headers.get('set-cookie') };
}
const ada = { email: 'Ada@Example.org', password: 'correct horse' };

// A mail server, as far as it takes to be sent one mail after another.
async function startMail(t) {
  const mails = [];
  const server = net.createServer((socket) => {
    let body = null;
    socket.write('220 mail\r\n');
    socket.on('error', () => {});
    socket.on('data', (part) => {
      for (const line of part.toString().split('\r\n').slice(0, -1)) {
        if (body !== null && line !== '.') body.push(line);
        else if (body !== null) { mails.push(body.join('\n')); body = null; socket.write('250 ok\r\n'); }
        else if (line === 'DATA') { body = []; socket.write('354 go on\r\n'); }
        else if (line === 'QUIT') socket.end('221 bye\r\n');
        else socket.write('250 ok\r\n');
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(t, () => server.close());
  return { mails, url: `smtp://127.0.0.1:${server.address().port}` };
}

test('U1 sign up, log in, log out: a session ends for good, the password is kept by argon2id only', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 1 } });
  const made = await call(world, '', ada);
  assert.equal(made.status, 200);
  assert.match(made.cookie, /^bo_session=s:[\w-]+; HttpOnly; SameSite=Strict; Path=\/; Max-Age=2592000$/);
  assert.equal((await call(world, '', { ...ada, email: 'ada@example.ORG' })).json.error.code, 'account_exists', 'however it is written');
  const [{ password }] = await world.postgres.query('SELECT password FROM accounts');
  assert.match(password, /^\$argon2id\$v=19\$m=65536,t=2,p=1\$/);
  assert.doesNotMatch(JSON.stringify(await world.postgres.query('SELECT * FROM account_sessions')), new RegExp(made.json.session));
  assert.equal((await call(world, '/me', null, { cookie: made.json.session })).json.email, ada.email);
  const again = await call(world, '/login', { email: 'ada@example.org', password: ada.password });
  assert.equal(again.json.person, made.json.person);
  assert.equal((await call(world, '/me', null, { bearer: again.json.session })).json.sessions, 2);
  assert.equal((await call(world, '/login', { ...ada, password: 'correct hors' })).json.error.code, 'login_wrong');
  assert.equal((await call(world, '/login', { ...ada, email: 'bob@example.org' })).json.error.code, 'login_wrong', 'the same for who has none');
  assert.equal((await call(world, '/logout', {}, { cookie: made.json.session })).json.sessions_ended, 1);
  assert.equal((await call(world, '/me', null, { cookie: made.json.session })).status, 401);
  assert.equal((await call(world, '/logout', { all: true }, { bearer: again.json.session })).json.sessions_ended, 1);
  assert.equal((await call(world, '/me', null, { bearer: again.json.session })).status, 401);
  assert.equal((await call(world, '/me')).json.error.code, 'token_missing');
  for (const [code, path, body] of [['bad_message', '', { ...ada, email: 'ada' }], ['bad_message', '', { ...ada, email: 'a@b.c\r\nBcc: x@y.z' }], ['bad_message', '', { ...ada, password: 'short' }],
    ['bad_message', '', { ...ada, password: 'x'.repeat(257) }], ['bad_message', '/login', { email: ada.email }], ['bad_json', '/login', []]])
    assert.equal((await call(world, path, body)).json.error.code, code);
  assert.equal((await call(world, '/login', null, {})).status, 405);
});

test('U1 the password is changed with the old one, and every other session ends', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 1 } });
  const { json: { session } } = await call(world, '', ada), other = (await call(world, '/login', ada)).json.session;
  assert.equal((await call(world, '/password', { password: 'wrong one', new_password: 'battery staple' }, { bearer: session })).json.error.code, 'login_wrong');
  assert.equal((await call(world, '/password', { password: ada.password, new_password: 'battery staple' }, { bearer: session })).status, 200);
  assert.equal((await call(world, '/me', null, { bearer: session })).status, 200);
  assert.equal((await call(world, '/me', null, { bearer: other })).status, 401);
  assert.equal((await call(world, '/login', ada)).status, 401);
  assert.equal((await call(world, '/login', { ...ada, password: 'battery staple' })).status, 200);
});

test('U1 a forgotten password is reset by a link that works once; nobody learns who has an account', async (t) => {
  const mail = await startMail(t);
  const world = await startBoxoffice(t, { config: { gateways: 1, mail_url: mail.url, mail_from: 'box@example.org' } });
  const { json: { session } } = await call(world, '', ada);
  const asked = await call(world, '/reset', { email: 'ada@example.org' }), nobody = await call(world, '/reset', { email: 'nobody@example.org' });
  assert.deepEqual([asked.status, asked.json], [nobody.status, nobody.json]);
  await until('mail', () => mail.mails.length === 1);
  assert.match(mail.mails[0], /^From: box@example\.org\nTo: Ada@Example\.org\nSubject: Reset your password/);
  const [, reset] = mail.mails[0].match(/reset\.html#(\S+)/);
  const confirm = (body) => call(world, '/reset/confirm', body);
  assert.equal((await confirm({ reset: 'r:wrong', password: 'battery staple' })).json.error.code, 'token_expired');
  assert.equal((await confirm({ reset, password: 'battery staple' })).status, 200);
  assert.equal((await confirm({ reset, password: 'another one' })).json.error.code, 'token_expired');
  assert.equal((await call(world, '/me', null, { bearer: session })).status, 401, 'sessions end');
  assert.equal((await call(world, '/login', { ...ada, password: 'battery staple' })).status, 200);
});

test('X1 who guesses passwords is stopped, and without a mail server there is no reset', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 1, login_per_min: 3 } });
  await call(world, '', ada);
  const codes = [];
  for (let i = 0; i < 5; i++) codes.push((await call(world, '/login', { ...ada, password: `guess ${i}` })).json.error.code);
  assert.deepEqual(codes, ['login_wrong', 'login_wrong', 'too_many', 'too_many', 'too_many'], 'signing up counts, too');
  assert.equal((await call(world, '/login', ada)).json.error.code, 'too_many', 'right or wrong');
  assert.equal((await call(world, '/login', { ...ada, email: 'ADA@example.ORG' })).json.error.code, 'too_many', 'in any letters');
  const late = await fetch(`${world.url}/api/accounts/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(ada) });
  const { error: { retry_ms: wait } } = await late.json();
  assert.ok(wait > 1000 && wait <= 60000, `${wait}`);
  assert.equal(Number(late.headers.get('retry-after')), Math.ceil(wait / 1000));
  for (let i = 0; i < 30; i++) assert.equal((await call(world, '/reset/confirm', { reset: `r:${i}`, password: 'battery staple' })).json.error.code, 'token_expired', 'nobody blocks all resets');
  assert.equal((await call(world, '/reset', { email: 'bob@example.org' })).json.error.code, 'mail_unavailable');
});

test('X5 attempts count over all gateways; a school behind one address logs in; an IPv6 network is one address', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 3, login_per_min: 4, login_address_per_min: 12, address_from: 'x-forwarded-for' } });
  const from = (address, email) => new Promise((done, fail) => {
    const body = JSON.stringify({ email, password: 'a wrong one' });
    http.request(`${world.url}/api/accounts/login`, { method: 'POST', agent: false, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), 'x-forwarded-for': address } }, async (response) => {
      let text = '';
      for await (const part of response) text += part;
      done(JSON.parse(text).error.code);
    }).on('error', fail).end(body);
  });
  const count = async (n, address, email) => {
    const codes = await Promise.all(Array.from({ length: n }, (_, i) => from(address(i), email(i))));
    return codes.filter((code) => code === 'login_wrong').length;
  };
  assert.equal(await count(12, (i) => `198.51.100.${i}`, () => 'one@example.org'), 4, 'one account, from everywhere');
  assert.equal(await count(15, () => '192.0.2.1', (i) => `pupil-${i}@example.org`), 12, 'many accounts, from one address');
  assert.equal(await count(15, (i) => `2001:db8:7:1:${i}::1`, (i) => `six-${i}@example.org`), 12, 'an IPv6 /64');
  assert.equal(await count(15, (i) => `2001:db8:8:${i}::1`, (i) => `other-${i}@example.org`), 15, 'networks of their own');
  assert.equal(await count(15, (i) => (i % 2 ? '::ffff:192.0.2.9' : '192.0.2.9'), (i) => `mapped-${i}@example.org`), 12, 'IPv4 written as IPv6');
  assert.equal(await count(15, (i) => `${`203.0.113.${i}, `.repeat(60)}192.0.2.77`, (i) => `long-${i}@example.org`), 12, 'the last entry, however long it is');
});

test('X5 a proxy that is not looked at is warned of', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 1 } });
  await fetch(`${world.url}/api/sales`, { headers: { 'x-forwarded-for': '192.0.2.1' } });
  await until('it is counted', async () => /^boxoffice_forwarded_ignored_total [1-9]/m.test((await world.admin('GET', '/metrics')).text));
});

test('U1 L7 an account has one place on every device, its orders and tickets with it; a sale says whether it takes accounts', async (t) => {
  const world = await startBoxoffice(t, { settings: { guests: false } });
  assert.equal((await (await arrive(world, false)).join()).code, 'guests_refused');
  const { json: { account, person, session } } = await call(world, '', ada);
  const phone = await arrive(world, { account }), laptop = await arrive(world, { account });
  assert.deepEqual([phone.person, phone.number], [person, laptop.number]);
  await phone.enter();
  await phone.hold('S-1');
  await phone.settle(await phone.checkout());
  assert.equal((await laptop.next('bought')).tickets.length, 1, 'told on every device');
  const mine = (await call(world, '/orders', null, { cookie: session })).json;
  assert.deepEqual([mine.orders.map(({ status, sale }) => [status, sale]), mine.tickets.map(({ seat }) => seat)], [[['paid', 'hall']], ['S-1']]);
  const tickets = await fetch(`${world.url}/api/sales/hall/tickets`, { headers: { authorization: `Bearer ${account}` } });
  assert.equal((await tickets.json()).tickets[0].seat, 'S-1');
  assert.equal((await (await arrive(world, false)).join({ account: `${account}x` })).code, 'token_forged');
  assert.equal((await (await arrive(world, false)).join({ account: phone.resume })).code, 'token_foreign');
  await world.set({ accounts: false });
  await until('refused', async () => (await (await new Person(world).connect()).join({ account })).code === 'token_foreign');
});
