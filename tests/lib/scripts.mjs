// SPDX-License-Identifier: Apache-2.0
// Runs the scripts of lua/ on a private Redis, as the server does.
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { root, startRedis, temporaryFolder } from './servers.mjs';

const names = ['line', 'active', 'state', 'people', 'seats', 'map', 'absent', 'gone', 'orders', 'log', 'feed', 'news', 'lanes', 'stock', 'grants'];
const lua = process.env.LUA_FOLDER ?? path.join(root, 'lua'); // tests/mutations.py points to changed copies
const expand = (text) => text.replace(/^--- include (\w+)$/gm, (_, name) => expand(fs.readFileSync(path.join(lua, 'lib', `${name}.lua`), 'utf8')));

export const loadScript = (name) => expand(fs.readFileSync(path.join(lua, `${name}.lua`), 'utf8'));

export const defaults = { policy: 'both', rate_count: 1000, rate_ms: 1000, capacity: 1000, limit: 3, claim_ms: 60000, choose_ms: 600000, pay_ms: 420000,
  grace_ms: 300000, backlog_max: 100000, opens_at: 0, currency: 'EUR' };

export function defineScripts(redis) {
  for (const file of fs.readdirSync(lua).filter((name) => name.endsWith('.lua')))
    redis.defineCommand(path.basename(file, '.lua'), { numberOfKeys: names.length, lua: expand(fs.readFileSync(path.join(lua, file), 'utf8')) });
  return redis;
}

export const startScripts = async (t) => defineScripts((await startRedis(t, temporaryFolder(t))).client);

// An answer about seats, its list as numbers.
export const asNumbers = ([code, at, list]) => [code, ...(at === undefined ? [] : [at]), ...(list ? [list.map(Number)] : [])];

// What a gateway makes of a command's key and of what it asks for (src/edge/command_token.h).
const digest = (text, length) => crypto.createHash('sha1').update(text).digest('base64url').slice(0, length);
const token = (key, ...request) => `${digest(String(key), 6)}.${digest(request.join(' '), 3)}`;
const asked = { seats_best: (rest) => rest.slice(0, 1), line_channel: (rest) => rest.slice(1, 2) };
const keyed = new Set(['seats_best', 'stock_take', 'auction_bid', 'line_extend', 'line_channel']);

function withTokens(script, args) {
  const words = args.map(String);
  if (keyed.has(script)) words[2] = token(words[2], script, ...(asked[script] ?? ((rest) => rest))(words.slice(3)));
  for (let at = 0; script === 'seats_choose' && at < words.length;) {
    const [rows, listed, reduced] = words.slice(at + 4, at + 7).map(Number), from = at + 7 + rows, end = from + listed + reduced;
    words[at + 2] = token(words[at + 2], words[at + 3], ...words.slice(from, end));
    at = end;
  }
  return words;
}

export class Sale {
  constructor(redis, id = 'hall') {
    this.redis = redis;
    this.keys = names.map((name) => `bo:{${id}}:${name}`);
    this.key = Object.fromEntries(names.map((name, i) => [name, this.keys[i]]));
    this.version = 0;
    this.epoch = 1; // as PostgreSQL would fence it
  }

  run(script, ...args) {
    return this.redis[script](...this.keys, ...withTokens(script, args));
  }

  // epoch, written, server: what PostgreSQL says of it (sale_fence).
  async load(settings = {}, { status = 'open', total = 100, committed = 0, epoch = this.epoch, written = 0, server = 'redis' } = {}) {
    this.epoch = epoch;
    this.settings = { ...defaults, ...this.settings, ...settings };
    return this.run('sale_load', ++this.version, committed, epoch, written, server, status, total, 'a seed', ...Object.entries(this.settings).flat());
  }

  async join(...people) {
    return this.joinAs('0', ...people);
  }

  // flag: '1' for a new place after it ended, see line_join.lua.
  async joinAs(flag, ...people) {
    const answer = await this.run('line_join', flag.repeat(people.length), people.length, ...people);
    return answer.slice(7).map((found) => (Array.isArray(found) ? found : [found, 'wait', 0, '']));
  }

  // As if the last tick were long ago, so that it does its work.
  async tick(percent = 100, why = '') {
    await this.redis.hdel(this.key.state, 'ticked');
    return this.run('line_tick', percent, why);
  }

  async stages(...people) {
    return (await this.run('line_find', ...people)).slice(2).map(([, stage]) => stage);
  }

  // Joins, is admitted, enters: the number, for the commands inside.
  async inside(person) {
    const [[number]] = await this.join(person);
    await this.tick();
    const entered = await this.run('line_enter', person, number);
    if (entered[0] !== 'ok') throw new Error(`${person} is not inside: ${entered[0]}`);
    return number;
  }

  hold(person, number, key, ...seats) {
    return this.holdIn(person, number, key, [], ...seats);
  }

  // row: its first and last seat.
  async holdIn(person, number, key, row, ...seats) {
    return asNumbers((await this.run('seats_choose', person, number, key, 'hold', row.length, seats.length * 2, 0, ...row, ...seats.flatMap((seat) => [seat, 1000])))[1]);
  }

  // reduced: [seat, tariff, most per person, most in all], …
  async holdReduced(person, number, key, seats, ...reduced) {
    return asNumbers((await this.run('seats_choose', person, number, key, 'hold', 0, seats.length * 2, reduced.length * 4, ...seats.flatMap((seat) => [seat, 1000]), ...reduced.flat()))[1]);
  }

  async release(person, number, key, ...seats) {
    return asNumbers((await this.run('seats_choose', person, number, key, 'release', 0, seats.length, 0, ...seats))[1]);
  }

  // PostgreSQL has the log up to here, but for what is put aside: first, last, …
  async commit(seq, ...aside) {
    return this.run('log_commit', seq ?? (await this.state('seq'))[0], this.epoch, ...aside);
  }

  async log() {
    return (await this.redis.xrange(this.key.log, '-', '+')).map(([id, fields]) => ({ seq: Number.parseInt(id, 10), kind: fields[1], body: JSON.parse(fields[5]) }));
  }

  async state(...fields) {
    return (await this.redis.hmget(this.key.state, ...fields)).map(Number);
  }

  // As it is told: that nothing is left goes before the operator's (rule O8).
  async status() {
    const [status, soldOut] = await this.redis.hmget(this.key.state, 'status', 'sold_out');
    return soldOut === '1' && status !== 'closed' && status !== 'draft' ? 'sold_out' : status;
  }

  // A deadline lies in the past now: what a fake clock would do, for scripts that take the time from Redis.
  async expire(person) {
    const script = `local function change(key, field)
      local one = cmsgpack.unpack(redis.call("HGET", key, field))
      one.d = 1
      redis.call("HSET", key, field, cmsgpack.pack(one))
      return one
    end
    local p = change(KEYS[1], ARGV[1])
    if p.o then change(KEYS[3], p.o) end
    redis.call("ZADD", KEYS[2], 1, ARGV[1])`;
    await this.redis.eval(script, 3, this.key.people, this.key.active, this.key.orders, person);
  }
}
