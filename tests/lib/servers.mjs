// SPDX-License-Identifier: Apache-2.0
// Private servers for tests: Redis and PostgreSQL on unix sockets in a temporary folder, the payment service and boxoffice
// on free ports. Everything that was started is stopped, by its own handle, when the test ends.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import Redis from 'ioredis';
import pg from 'pg';

export const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../..');
export const binary = process.env.BOXOFFICE_BINARY ?? path.join(root, 'build/src/boxoffice');
export const SECRET = 'a secret for tests that is long enough 123';
export const JWT_KEY = 'the key of the site, for tests only';
export const PAYMENT_SECRET = 'payment secret for tests';
export const ADMIN_TOKEN = 'admin-token-for-tests';

// What a test started ends in reverse order: first who uses, then who is used.
const endings = new WeakMap();
export function atEnd(t, action) {
  if (!endings.has(t)) {
    endings.set(t, []);
    t.after(async () => {
      const problems = [];
      for (const one of endings.get(t).reverse()) await Promise.resolve().then(one).catch((error) => problems.push(error));
      if (problems.length) throw problems[0];
    });
  }
  endings.get(t).push(action);
}

export async function until(what, check, ms = 20000) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited ${ms} ms in vain: ${what}`);
    await new Promise((done) => setTimeout(done, 10));
  }
}

export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

export function temporaryFolder(t) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bo-'));
  fs.chmodSync(folder, 0o755);
  atEnd(t, () => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

// A child whose output is kept and that is stopped at the end of the test.
export function start(t, program, args, { env = {}, uid, gid, stopSignal = 'SIGTERM', ends = true } = {}) {
  const child = spawn(program, args, { env: { ...process.env, ...env }, uid, gid, stdio: ['ignore', 'pipe', 'pipe'] });
  child.output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => { child.output += part; });
  child.ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  child.stop = async (signal = stopSignal) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return child.ended;
  };
  if (ends) atEnd(t, () => child.stop());
  return child;
}

export async function startRedis(t, folder, env = {}) {
  const socket = path.join(folder, 'redis.sock');
  const run = () => start(t, 'redis-server', ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', '', '--appendonly', 'yes', '--loglevel', 'warning'], { env, ends: false });
  let child = run();
  atEnd(t, () => child.stop()); // the one that runs then: who uses it ends before
  const ready = async () => {
    await until('redis', () => fs.existsSync(socket));
    const client = new Redis(socket, { retryStrategy: () => 20 });
    client.on('error', () => {});
    await client.ping();
    return client;
  };
  const client = await ready();
  atEnd(t, () => client.disconnect());
  return {
    address: `unix:${socket}`, socket, client,
    get pids() { return [child.pid]; },
    async restart(signal = 'SIGTERM') {
      await child.stop(signal);
      child = run();
      await until('redis again', () => client.ping().catch(() => false));
    },
    stop: (signal) => child.stop(signal),
    async start() {
      child = run();
      await until('redis again', () => client.ping().catch(() => false));
    },
  };
}

function postgresBin() {
  const base = '/usr/lib/postgresql';
  const versions = fs.readdirSync(base).sort((a, b) => Number(a) - Number(b));
  return path.join(base, versions.at(-1), 'bin');
}

function otherUser() {
  if (process.getuid() !== 0) return {};
  return { uid: Number(execFileSync('id', ['-u', 'postgres'])), gid: Number(execFileSync('id', ['-g', 'postgres'])) };
}

// initdb takes seconds, a copy of its result does not: made once per run, in a folder the runner names and removes.
function templateFolder(user) {
  const base = process.env.BOXOFFICE_TEST_CACHE ?? path.join(os.tmpdir(), `bo-test-cache-${process.getuid()}`);
  const template = path.join(base, 'template');
  if (fs.existsSync(path.join(template, 'done'))) return template;
  fs.mkdirSync(base, { recursive: true, mode: 0o755 });
  fs.chmodSync(base, 0o755);
  const fresh = fs.mkdtempSync(path.join(base, 'fresh-'));
  if (user.uid) fs.chownSync(fresh, user.uid, user.gid);
  execFileSync(path.join(postgresBin(), 'initdb'), ['-D', path.join(fresh, 'data'), '-U', 'boxoffice', '--auth=trust', '--no-locale', '-E', 'UTF8',
    '--wal-segsize=1'], { ...user, stdio: 'ignore', cwd: '/' });
  fs.chmodSync(fresh, 0o755);
  fs.writeFileSync(path.join(fresh, 'done'), '');
  try {
    fs.renameSync(fresh, template);
  } catch {
    fs.rmSync(fresh, { recursive: true }); // another test was faster
  }
  return template;
}

// Everything a process has started, and what that has.
export function descendants(pid) {
  const children = execFileSync('sh', ['-c', `pgrep -P ${pid} || true`], { encoding: 'utf8' }).trim().split('\n').filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

export async function startPostgres(t, folder, more = [], prepare = () => {}) {
  const user = otherUser();
  const data = path.join(folder, 'data');
  execFileSync('cp', ['-a', path.join(templateFolder(user), 'data'), data]);
  if (user.uid) fs.chownSync(folder, user.uid, user.gid);
  prepare(data);
  const run = () => start(t, path.join(postgresBin(), 'postgres'), ['-D', data, '-k', folder, '-c', 'listen_addresses=', '-c', 'fsync=off',
    '-c', 'log_min_messages=fatal', '-c', 'max_connections=50', ...more], { ...user, stopSignal: 'SIGINT', ends: false });
  let child = run();
  atEnd(t, () => child.stop());
  const query = async (sql, params) => {
    const client = new pg.Client({ host: folder, user: 'boxoffice', database: 'postgres' });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query(sql, params)).rows;
    } finally {
      await client.end().catch(() => {});
    }
  };
  const ready = () => until('postgres', () => query('SELECT 1').catch(() => false));
  await ready();
  return {
    conninfo: `host=${folder} user=boxoffice dbname=postgres`, folder, query,
    get pids() { return [child.pid, ...descendants(child.pid)]; },
    stop: (signal) => child.stop(signal),
    async start() {
      child = run();
      await ready();
    },
  };
}

export async function startPayments(t, args = []) {
  const port = await freePort();
  const child = start(t, process.execPath, [path.join(root, 'examples/payment/server.mjs'), '--port', port, ...args], { env: { PAYMENT_SECRET } });
  await until('payment service', () => child.output.includes('payment service on'));
  return { url: `http://127.0.0.1:${port}`, child };
}

// A connection of its own each time, so that each of the gateways is among those who answer (the kernel spreads them at
// random; with three gateways, one is left out of 30 once in 200,000 times).
async function everyGateway(url) {
  const status = () => new Promise((done) => {
    http.get(url, { agent: false }, (response) => {
      response.resume();
      done(response.statusCode);
    }).on('error', () => done(0));
  });
  for (let i = 0; i < 30; i++) if ((await status()) !== 200) return false;
  return true;
}

// Everything at once. options: settings (of the sale), config (lines for the INI file), payments (arguments), sales.
export async function startBoxoffice(t, options = {}) {
  const folder = temporaryFolder(t);
  fs.mkdirSync(path.join(folder, 'pg'));
  options.prepare?.(folder);
  const [redis, postgres, payments, port, adminPort] = await Promise.all([
    startRedis(t, folder, options.redisEnv?.(folder)), startPostgres(t, path.join(folder, 'pg')), startPayments(t, options.payments), freePort(), freePort()]);
  const config = {
    listen_host: '127.0.0.1', listen_port: port, admin_port: adminPort, gateways: 2, redis: redis.address, postgres: postgres.conninfo,
    secret: SECRET, admin_tokens: `tester:${ADMIN_TOKEN}`, public_url: `http://127.0.0.1:${port}`, payment_url: payments.url,
    payment_secret: PAYMENT_SECRET, jwt_algorithm: 'HS256', jwt_key: JWT_KEY, news_front_ms: 100, drain_ms: 5000, ...options.config,
  };
  const file = path.join(folder, 'boxoffice.ini'), toolsFile = path.join(folder, 'tools.ini');
  const asIni = (values) => Object.entries(values).map(([name, value]) => `${name} = ${value}\n`).join('');
  fs.writeFileSync(toolsFile, asIni(config)); // straight to the stores, whatever lies between them and the servers
  await options.rewire?.(config, { folder, redis, postgres });
  const writeConfig = (changes = {}) => {
    Object.assign(config, changes);
    fs.writeFileSync(file, asIni(config));
  };
  writeConfig();
  const program = options.binary?.(folder) ?? binary;
  const run = () => start(t, program, ['serve', '--config', file], { env: { ASAN_OPTIONS: 'abort_on_error=0', UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1', ...options.env?.(folder) } });
  let child = run();

  const admin = async (method, where, body, token = ADMIN_TOKEN) => {
    const response = await fetch(`http://127.0.0.1:${adminPort}${where}`, {
      method, body: typeof body === 'string' || body === undefined ? body : JSON.stringify(body), headers: token ? { authorization: `Bearer ${token}` } : {} });
    const text = await response.text();
    let json;
    try { json = JSON.parse(text); } catch { json = null; }
    return { status: response.status, json, text };
  };
  const healthy = () => until('boxoffice healthy', () => {
    if (child.exitCode !== null) throw new Error(`boxoffice ended: ${child.output}`);
    return child.output.split('gateway serves').length > config.gateways && everyGateway(`http://127.0.0.1:${adminPort}/health`);
  });
  await healthy();

  const world = {
    folder, redis, postgres, payments, port, adminPort, admin, config, file, writeConfig, healthy,
    url: `http://127.0.0.1:${port}`, ws: `ws://127.0.0.1:${port}/ws`,
    get child() { return child; },
    async stop() {
      const { code, signal } = await child.stop();
      const bad = child.output.match(/.*(AddressSanitizer|LeakSanitizer|runtime error|event loop still had|died \(status \d+, signal (?!9\))).*/);
      if (bad || code !== 0) throw new Error(`boxoffice ended with ${code ?? signal}: ${bad ? child.output : child.output.slice(-3000)}`);
    },
    startAgain() {
      child = run();
    },
    async restart() {
      await this.stop();
      this.startAgain();
      await healthy();
    },
    run: (...args) => spawnSync(binary, [...args, '--config', toolsFile], { encoding: 'utf8' }),
    reconcile(...args) {
      const { status, stdout, stderr } = this.run('reconcile', ...args);
      if (status !== 0) throw new Error(`Redis is not what the ledger says (${status}): ${stdout}${stderr}`);
    },
    counts: async (sale = 'hall') => (await admin('GET', `/api/sales/${sale}/counts`)).json,
    // A gateway's counts are as old as its last tick: waits until they say this.
    async countsBecome(expected, sale = 'hall') {
      let last;
      await until(`counts of ${sale} become ${JSON.stringify(expected)}`, async () => {
        last = await this.counts(sale);
        return Object.entries(expected).every(([name, value]) => last[name] === value);
      }).catch((error) => { throw new Error(`${error.message}; they are ${JSON.stringify(last)}`); });
    },
    set: async (settings, sale = 'hall') => {
      const answer = await admin('PATCH', `/api/sales/${sale}`, settings);
      if (answer.status !== 200) throw new Error(`settings refused: ${answer.text}`);
    },
  };
  if (options.sale !== false) await createSale(world, 'hall', options.settings, options.seats);
  // Only clean when the test itself went well: Redis and the tables are what the ledger says, and every server process ends without a complaint of the
  // sanitizers.
  atEnd(t, async () => {
    if (options.reconcile !== false && child.exitCode === null) world.reconcile();
    await world.stop();
  });
  return world;
}

// A plan of rows of ten seats "S-1", "S-2", … in two categories.
export function makePlan(seats = 100) {
  const rows = [];
  for (let i = 0; i < seats; i++) {
    if (i % 10 === 0) rows.push({ row_number: String(i / 10 + 1), position: { x: 0, y: i * 2 }, seats: [] });
    rows.at(-1).seats.push({ seat_guid: `S-${i + 1}`, seat_number: String((i % 10) + 1), position: { x: (i % 10) * 20, y: 0 }, category: i < seats / 2 ? 'Front' : 'Back' });
  }
  return { name: 'Small hall', categories: [{ name: 'Front', color: '#a00' }, { name: 'Back', color: '#00a' }],
    zones: [{ name: 'Floor', position: { x: 20, y: 20 }, rows }], size: { width: 240, height: seats * 2 + 40 } };
}

export async function createSale(world, id, settings = {}, seats = 100, plan = makePlan(seats)) {
  const body = { sale: id, name: `Sale ${id}`, plan,
    settings: { policy: 'both', rate_count: 1000, rate_ms: 1000, capacity: 1000, prices: { Front: 5000, Back: 3000 }, ...settings } };
  const made = await world.admin('POST', '/api/sales', body);
  if (made.status !== 201 && made.status !== 202) throw new Error(`sale not made: ${made.text}`);
  const opened = await world.admin('POST', `/api/sales/${id}/open`);
  if (opened.status !== 200) throw new Error(`sale not opened: ${opened.text}`);
  await until('every gateway knows the sale', () => everyGateway(`${world.url}/api/sales/${id}`));
}
