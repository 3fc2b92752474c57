// SPDX-License-Identifier: Apache-2.0
// The real side: Redis with its clock standing still, PostgreSQL with the real tables, the ledger's own code in a process that does one step when
// it is told to (driver.c), and a payment service that is a few maps.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import pg from 'pg';
import { root, startPostgres, startRedis, temporaryFolder } from '../lib/servers.mjs';
import { Sale, defineScripts } from '../lib/scripts.mjs';

const build = process.env.MODEL_BUILD ?? path.join(root, 'build-test');
const DRIVER = process.env.MODEL_DRIVER ?? path.join(build, 'tests/model_driver');
const CLOCK_LIBRARY = process.env.FAKE_CLOCK_LIBRARY ?? path.join(build, 'tests/libfake_clock.so');
const BEGINS_MS = 1800000000000;

// What a sale has in Redis, everything that is packed unpacked, at one moment.
const DUMP = `
local function hash(key, unpacks)
  local all, flat = {}, redis.call('HGETALL', key)
  for i = 1, #flat, 2 do
    local value = flat[i + 1]
    if unpacks == true or unpacks and flat[i]:find(unpacks) then value = cmsgpack.unpack(value) end
    if type(value) == 'table' then value.k = nil end
    all[flat[i]] = value
  end
  return all
end
local function scores(key)
  local all, flat = {}, redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  for i = 1, #flat, 2 do all[flat[i]] = tonumber(flat[i + 1]) end
  return all
end
local state, packed = hash(KEYS[3]), redis.call('HGET', KEYS[3], 'window')
local window, flat = {}, packed and cmsgpack.unpack(packed) or {}
for i = 1, #flat, 2 do window[#window + 1] = {flat[i], flat[i + 1]} end
for field in pairs(state) do if field:find('^window') then state[field] = nil end end
state.trims = nil
return cjson.encode({window = window, line = scores(KEYS[1]), active = scores(KEYS[2]), state = state, people = hash(KEYS[4], true), seats = hash(KEYS[5]),
  map = redis.call('GET', KEYS[6]) or '', absent = scores(KEYS[7]), orders = hash(KEYS[9], true), lanes = hash(KEYS[13]),
  items = hash(KEYS[14], '^i:'), stock_bids = hash(KEYS[14], '^bids:'), grants = hash(KEYS[15], '^g:')})`;

// What PostgreSQL is made to refuse: records of a kind, or what hooks are told.
const REFUSALS = `
CREATE TABLE model_refuses (sale text, kind text, PRIMARY KEY (sale, kind));
CREATE FUNCTION model_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM model_refuses m WHERE m.sale = NEW.sale AND m.kind = TG_ARGV[0] || coalesce(to_jsonb(NEW)->>'kind', '')) THEN RAISE EXCEPTION 'refused by the model'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER model_refuses BEFORE INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION model_refuse('');
CREATE TRIGGER model_refuses BEFORE INSERT ON hook_deliveries FOR EACH ROW EXECUTE FUNCTION model_refuse('hook');
INSERT INTO hooks (url, secret, events) VALUES ('http://127.0.0.1:1/', 'secret', '{admitted,held,bought,refunded,sold_out}');`;

class Driver {
  constructor(conninfo) {
    this.child = spawn(DRIVER, [], { env: { ...process.env, BOXOFFICE_POSTGRES: conninfo, ASAN_OPTIONS: 'detect_leaks=0', UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1' } });
    this.waiting = [];
    this.output = '';
    this.child.stderr.on('data', (part) => {
      this.output = (this.output + part).slice(-20000);
      if (process.env.MODEL_LOG) process.stderr.write(part);
    });
    readline.createInterface({ input: this.child.stdout }).on('line', (line) => this.waiting.shift()?.done(JSON.parse(line)));
    this.child.on('close', () => {
      for (const one of this.waiting.splice(0)) one.fail(new Error(`the driver ended: ${this.output}`));
    });
  }

  ask(...words) {
    return new Promise((done, fail) => {
      this.waiting.push({ done, fail });
      this.child.stdin.write(`${words.join(' ')}\n`);
    });
  }

  async stop() {
    this.child.stdin.end();
    if (this.child.exitCode === null) await once(this.child, 'close');
  }
}

// The machine that all sequences of one process run on.
export class World {
  static async start(t) { // MODEL_LOG=1: the driver says more
    const world = new World();
    world.folder = temporaryFolder(t);
    fs.mkdirSync(path.join(world.folder, 'pg'));
    world.clock = { ms: BEGINS_MS };
    world.clockFile = path.join(world.folder, 'clock');
    world.setClock(BEGINS_MS);
    const env = { LD_PRELOAD: CLOCK_LIBRARY, FAKE_CLOCK_STOPPED: world.clockFile };
    const folders = ['a', 'b'].map((name) => path.join(world.folder, name));
    for (const folder of folders) fs.mkdirSync(folder);
    world.redises = await Promise.all(folders.map((folder) => startRedis(t, folder, env)));
    for (const redis of world.redises) defineScripts(redis.client);
    world.postgres = await startPostgres(t, path.join(world.folder, 'pg'), ['-c', 'synchronous_commit=off', '-c', 'autovacuum=off']);
    world.pg = await world.connect();
    t.after(() => world.pg.end());
    world.driver = new Driver(world.postgres.conninfo);
    t.after(() => world.driver.stop());
    await world.migrate();
    t.after(() => world.reader.end());
    world.sequence = world.at = 0;
    return world;
  }

  async migrate() {
    const { err } = await this.driver.ask('migrate');
    if (err !== 'ok') throw new Error(`migrations: ${err} ${this.driver.output}`);
    await this.query(REFUSALS);
    this.fences = (await this.query("SELECT to_regprocedure('sale_fence(text, text, bigint)') IS NOT NULL AS there"))[0].there;
    this.reader = await this.connect();
  }

  // At the end PostgreSQL may stop before its clients do; a query that fails says so itself.
  async connect() {
    const client = new pg.Client({ host: this.postgres.folder, user: 'boxoffice', database: 'postgres' });
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  // Another identity of a server, as a start or a promotion gives it.
  async promote(at) {
    const { client } = this.redises[at];
    await client.pipeline().call('REPLICAOF', '127.0.0.1', '1').call('REPLICAOF', 'NO', 'ONE').exec();
    this.at = at;
    this.server = undefined;
  }

  // As the connections of gateways and scribes learn it.
  async identity() {
    if (this.server) return this.server;
    const { client } = this.redises[this.at], info = `${await client.info('server')}${await client.info('replication')}`;
    return (this.server = `${info.match(/run_id:(\w+)/)[1]}:${info.match(/master_replid:(\w+)/)[1]}`);
  }

  // The file is mapped by both Redis servers.
  setClock(ms) {
    this.clock.ms = ms;
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(ms) * 1000n);
    fs.writeFileSync(this.clockFile, bytes, { flag: fs.existsSync(this.clockFile) ? 'r+' : 'w' });
  }

  async query(sql, params) {
    return (await this.pg.query(sql, params)).rows;
  }
}

// Takes money, gives it back once per idempotency key.
export class PaymentService {
  constructor() {
    this.payments = {}; // payment -> {order, amount, sale}
    this.refunds = {};  // key -> {payment, amount}
  }

  pay(payment, sale, order, amount, currency) {
    this.payments[payment] ??= { sale, order, amount, currency };
  }

  refund(key, payment, amount) {
    this.refunds[key] ??= { payment, amount };
  }

  sums(sale, order) {
    const mine = Object.entries(this.payments).filter(([, p]) => p.sale === sale && p.order === order);
    const back = Object.values(this.refunds).filter((r) => mine.some(([payment]) => payment === r.payment));
    return { came: mine.reduce((sum, [, p]) => sum + p.amount, 0), back: back.reduce((sum, r) => sum + r.amount, 0) };
  }
}

export const PLAN = (seats) => ({ name: 'Hall', categories: [{ name: 'A', color: '#a00' }], size: { width: 100, height: 100 },
  zones: [{ name: 'Floor', position: { x: 0, y: 0 }, rows: [0, 1].map((row) => ({ row_number: String(row + 1), position: { x: 0, y: row * 20 },
    seats: Array.from({ length: seats / 2 }, (_, i) => ({ seat_guid: `S-${row}-${i}`, seat_number: String(i + 1), position: { x: i * 20, y: 0 }, category: 'A' })) })) }] });

// One sale of one sequence, as a gateway and an operator see it.
export class RealSale {
  constructor(world, id, seats) {
    this.world = world;
    this.id = id;
    this.seats = seats;
    this.version = 1;
    this.sides = world.redises.map((redis) => new Sale(redis.client, id));
  }

  get sale() { return this.sides[this.world.at]; }
  run(script, ...args) { return this.sale.run(script, ...args).catch((error) => [`error: ${error.message}`]); }

  async make(settings, status) {
    await this.world.query('INSERT INTO sales (id, name, status, settings, plan) VALUES ($1, $1, $2, $3, $4)', [this.id, status, settings, PLAN(this.seats)]);
    this.settings = settings;
    this.status = status;
    return this.load();
  }

  // As the program reads them, and gives them to the scripts.
  async fieldsOf(more = {}) {
    const { err, fields, problem } = await this.world.driver.ask('settings', JSON.stringify({ ...this.settings, ...more }));
    if (err !== 'ok') throw new Error(problem);
    return Object.fromEntries(Array.from({ length: fields.length / 2 }, (_, i) => [fields[i * 2], fields[i * 2 + 1]]));
  }

  // What a gateway does with a sale, or with settings that changed.
  async load() {
    this.fields = await this.fieldsOf();
    const fields = Object.entries(this.fields).flat();
    const words = [this.status, this.seats, `seed of ${this.id}`, ...fields];
    if (!this.world.fences) {
      const [{ seq }] = await this.world.query('SELECT coalesce((SELECT seq FROM log_position WHERE sale = $1), 0)::int AS seq', [this.id]);
      return this.run('sale_load', this.version, seq, ...words);
    }
    for (let lowest = 0, tries = 0; ; tries++) {
      const fence = await this.fence(lowest), answer = await this.run('sale_load', this.version, fence.seq, fence.epoch, fence.written, await this.world.identity(), ...words);
      if (answer[0] !== 'superseded' || tries > 3) return answer;
      lowest = answer[1];
    }
  }

  // Before anything is decided on a server that is new to this sale (rule P7).
  async fence(lowest = 0) {
    if (!this.world.fences) return undefined;
    const [fence] = await this.world.query('SELECT seq, epoch, written FROM sale_fence($1, $2, $3)', [this.id, await this.world.identity(), lowest]);
    return fence;
  }

  // As an operator's request: PostgreSQL, then Redis.
  async change(settings, status) {
    this.version++;
    if (settings) this.settings = { ...this.settings, ...settings };
    if (status) this.status = status;
    await this.world.query('UPDATE sales SET settings = $2, status = $3, version = $4 WHERE id = $1', [this.id, this.settings, this.status, this.version]);
    return this.load();
  }

  async dump() {
    const { sale } = this;
    sale.redis.dumpSale ?? sale.redis.defineCommand('dumpSale', { numberOfKeys: sale.keys.length, lua: DUMP });
    return JSON.parse(await sale.redis.dumpSale(...sale.keys));
  }

  async tables() {
    const list = (table, order) => `coalesce((SELECT json_agg(to_jsonb(x) ORDER BY ${order}) FROM ${table} x WHERE sale = $1), '[]')`;
    const [row] = await this.world.query(`SELECT ${list('orders', 'id')} AS orders, ${list('tickets', 'seat')} AS tickets, ${list('void_tickets', 'seq, seat')} AS void_tickets,
      ${list('refunds', 'order_id, id')} AS refunds, ${list('grants', 'id')} AS grants, ${list('stock', 'item')} AS stock, ${list('dead_letters', 'seq')} AS dead_letters,
      coalesce((SELECT seq FROM log_position WHERE sale = $1), 0)::int AS position, (SELECT count(*) FROM ledger WHERE sale = $1)::int AS records`, [this.id]);
    return row;
  }

  // Records that are not in PostgreSQL yet, as Redis was told.
  async behind() {
    const [seq, committed] = await this.sale.redis.hmget(this.sale.key.state, 'seq', 'committed');
    return Number(seq) - Number(committed);
  }

  // Up to where PostgreSQL has the log, and Redis; restores: Redis lacks something of that, or has another history.
  async moment() {
    const [position] = await this.world.query('SELECT seq::int, written::float8 FROM log_position WHERE sale = $1', [this.id]);
    const [seq, epoch] = await this.sale.redis.hmget(this.sale.key.state, 'seq', 'epoch');
    const written = position?.seq ?? 0, inRedis = Number(seq ?? 0), restores = written > inRedis || (position?.written ?? 0) > Number(epoch ?? 0);
    return { written, inRedis, restores };
  }

  async copyKeys() {
    const { redis, keys } = this.sale, pipeline = redis.pipeline();
    for (const key of keys) pipeline.dumpBuffer(key);
    return (await pipeline.exec()).map(([, value]) => value);
  }

  async pasteKeys(at, copies) {
    const { redis, keys } = this.sides[at], pipeline = redis.pipeline().unlink(...keys);
    copies.forEach((copy, i) => copy && pipeline.restore(keys[i], 0, copy, 'REPLACE'));
    for (const [error] of await pipeline.exec()) if (error) throw error;
  }

  async unlink() {
    await this.sale.redis.unlink(...this.sale.keys);
  }

  async copyRows(tables, client = this.world.pg) {
    const copies = {};
    for (const table of tables)
      if ((await client.query('SELECT to_regclass($1) AS there', [table])).rows[0].there) copies[table] = (await client.query(`SELECT coalesce(json_agg(x), '[]') AS rows FROM ${table} x WHERE sale = $1`, [this.id])).rows[0].rows;
    return copies;
  }

  // Triggers do not see it: it is what a backup does.
  async pasteRows(copies) {
    await this.world.query('SET session_replication_role = replica');
    for (const [table, rows] of Object.entries(copies).reverse()) {
      await this.world.query(`DELETE FROM ${table} WHERE sale = $1`, [this.id]);
      await this.world.query(`INSERT INTO ${table} SELECT * FROM json_populate_recordset(NULL::${table}, $1)`, [JSON.stringify(rows)]);
    }
    await this.world.query('SET session_replication_role = DEFAULT');
  }

  async forget() {
    for (const side of this.sides) await side.redis.unlink(...side.keys);
    await this.world.query('DELETE FROM model_refuses WHERE sale = $1', [this.id]);
    await this.world.query('DELETE FROM seats WHERE sale = $1', [this.id]);
    await this.world.query('DELETE FROM sales WHERE id = $1', [this.id]);
  }
}
