// SPDX-License-Identifier: Apache-2.0
// A place in a boxoffice line, from a browser or Node: joins, keeps the place through lost connections, reloads and sleep, and repeats
// every command under its own key until it is answered. Types and contracts: boxoffice.d.ts. The protocol: docs/protocol.md.
import { forgetKeys, keepKey, keysOf, mergeTickets, replaceResume, storage, tokenOf } from './keys.js';
import { solveAside } from './puzzle.js';

const CONNECT_MS = 10000; // an upgrade that takes longer is given up
const ANSWER_MS = 4000; // how long the server may be silent after a ping before the connection counts as dead
const QUIET_MS = 30000; // beyond what the server announced (next_ms) before it is pinged
const RETRY_MAX_MS = 15000;
const INSIDE = ['claim', 'choose', 'pay'];
const FINAL = new Map([[4001, 'sold_out'], [4002, 'ended']]);

export { storage };

const randomHex = (bytes) => Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (b) => b.toString(16).padStart(2, '0')).join('');

/** Refused commands, and errors that answer one. */
export class Refused extends Error {
  constructor(answer) {
    super(answer.message);
    this.name = 'Refused';
    this.code = answer.code;
    this.answer = answer;
  }
}

export class Boxoffice extends EventTarget {
  #server; #store; #credentials; #socket = null; #timers = {}; #retry = 0; #spread = 500; #pending = new Map(); #solution = null; #again = false; #lock = null; #stopped = true; #entered = true; #pause = 0; #asked = null;

  constructor({ server = globalThis.location?.origin, sale, storage: store = storage, token, account, invitation, WebSocket: Socket = globalThis.WebSocket }) {
    super();
    if (!sale) throw new TypeError('sale: which one?');
    this.sale = sale;
    this.stage = 'connecting';
    this.trace = store.get(`boxoffice.${sale}.trace`) ?? randomHex(8);
    store.set(`boxoffice.${sale}.trace`, this.trace);
    this.Socket = Socket;
    this.#server = new URL(server);
    this.#store = store;
    this.#credentials = { token, account, invitation };
  }

  // ---- what is kept ----

  #key(name) { return `boxoffice.${this.sale}.${name}`; }

  /** The key to the place and to the tickets; null before the first join. */
  get resume() { return this.#store.get(this.#key('resume')); }
  set resume(token) { replaceResume(this.#store, this.sale, token); }

  /** Every key in this browser that tickets may hang on: this one, ticket links, and keys of places before. */
  get keys() { return keysOf(this.#store, this.sale); }

  forget() {
    forgetKeys(this.#store, this.sale);
    this.#forgetPlace();
  }

  // The place is gone; what was bought from it is not.
  #forgetPlace() {
    this.resume = null;
    for (const name of ['shown', 'first', 'number']) this.#store.remove(this.#key(name));
  }

  // ---- HTTP ----

  async #get(what, options) {
    const answer = await fetch(new URL(`/api/sales/${encodeURIComponent(this.sale)}${what}`, this.#server), options);
    const body = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Refused(body.error ?? { code: 'unavailable', message: `The server answered ${answer.status}.` });
    return body;
  }

  describe() { return this.#get(''); }
  plan() { return this.#get('/plan'); }
  stock() { return this.#get('/stock').then((body) => body.stock); }
  tickets() { return this.wallet().then(({ tickets }) => tickets); }

  /** Everything that is reached by the keys of this browser, and by others (a ticket link's token, an account's). */
  async wallet(others = []) {
    const own = this.keys, keys = [...new Set([...others, ...own])];
    const asked = await Promise.allSettled(keys.map((key) => this.#get('/tickets', { headers: { authorization: `Bearer ${key}` } })));
    const answers = asked.flatMap(({ value }, i) => (value ? [{ ...value, key: keys[i] }] : []));
    if (!answers.length) throw asked[0]?.reason ?? new Refused({ code: 'token_missing', message: 'There is no key to tickets of this sale here.' });
    for (const { key, links = [] } of answers) if (own.includes(key)) for (const { link } of links) keepKey(this.#store, this.sale, tokenOf(link));
    return { ...mergeTickets(answers), refused: asked.flatMap(({ reason }, i) => (reason ? [{ key: keys[i], code: reason.code }] : [])) };
  }

  // ---- the connection ----

  /** Gets in line, or back to the place of before. Events tell the rest. */
  join({ again = false } = {}) {
    this.#again = again;
    if (again) for (const name of ['shown', 'first']) this.#store.remove(this.#key(name));
    this.#stopped = false;
    this.#listenToThePage();
    if (this.#socket?.readyState === 1) this.#sayJoin();
    else this.#connect();
    return this;
  }

  /** Closes the connection; the place is kept for the sale's grace time. */
  close() {
    this.#stopped = true;
    this.#unlock();
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#socket?.close();
    for (const { reject } of this.#pending.values()) reject(new Refused({ code: 'closed', message: 'The connection was closed here.' }));
    this.#pending.clear();
  }

  #after(name, ms, action) {
    clearTimeout(this.#timers[name]);
    this.#timers[name] = setTimeout(action, ms);
  }

  #listenToThePage() {
    if (this.listening || !globalThis.addEventListener) return;
    this.listening = true;
    globalThis.addEventListener('online', () => this.#wake());
    globalThis.addEventListener('offline', () => this.#connection('offline'));
    globalThis.addEventListener('pageshow', (event) => event.persisted && this.#wake());
    globalThis.document?.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && this.#wake());
  }

  // After sleep or another network a connection may look open and be dead.
  #wake() {
    if (this.#stopped) return;
    if (this.#socket?.readyState === 1) this.#ping();
    else if (this.#socket?.readyState !== 0) this.#connect();
  }

  #ping() {
    this.#send({ type: 'ping' });
    this.#after('dead', ANSWER_MS, () => this.#lost(this.#socket));
  }

  #connect() {
    clearTimeout(this.#timers.connect);
    this.#drop();
    const address = new URL('/ws', this.#server);
    address.protocol = address.protocol.replace('http', 'ws');
    const socket = this.#socket = new this.Socket(address);
    this.#after('dead', CONNECT_MS, () => this.#lost(socket));
    socket.onerror = () => {}; // what follows it is onclose
    socket.onopen = () => this.#sayJoin();
    socket.onmessage = (event) => socket === this.#socket && this.#heard(JSON.parse(event.data));
    socket.onclose = (event) => this.#lost(socket, event.code);
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #lost(socket, code = 0) {
    if (socket !== this.#socket) return;
    this.#drop();
    this.#unlock();
    clearTimeout(this.#timers.dead);
    if (this.#stopped || FINAL.has(code)) {
      this.#stopped = true;
      return;
    }
    // The first time at a moment of the span the server has asked for, then later and later.
    const wait = this.#pause || (this.#retry ? this.#retry * (0.5 + Math.random() / 2) : this.#spread * Math.random());
    this.#pause = 0;
    this.#retry = Math.min((this.#retry || 500) * 2, RETRY_MAX_MS);
    this.#connection(globalThis.navigator?.onLine === false ? 'offline' : 'reconnecting');
    this.#after('connect', wait, () => this.#connect());
  }

  #send(message) {
    if (this.#socket?.readyState !== 1) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  // ---- joining ----

  async #sayJoin() {
    const socket = this.#socket;
    if (!this.resume && !this.#lock) await this.#lockOut();
    const { token, account, invitation } = this.#credentials, message = { type: 'join', sale: this.sale, trace: this.trace, ...this.#solution };
    try {
      if (token) message.token = typeof token === 'function' ? await token() : token;
      else if (account) message.account = typeof account === 'function' ? await account() : account;
    } catch (problem) {
      this.#emit('error', { type: 'error', code: 'no_token', message: String(problem.message ?? problem) });
      return;
    }
    for (const name of ['token', 'account']) if (!message[name]) delete message[name];
    if (!message.token && !message.account && this.resume) message.resume = this.resume;
    if (invitation) message.invitation = invitation;
    if (Number(this.#store.get(this.#key('shown'))) > 0 && !this.#again) message.shown = Number(this.#store.get(this.#key('shown')));
    if (this.#again) message.again = true;
    this.#asked = message;
    if (socket === this.#socket) this.#send(message);
  }

  // Two tabs that open at once are one person: the second one waits until the first has his place.
  #lockOut() {
    if (!globalThis.navigator?.locks) return null;
    return new Promise((go) => {
      navigator.locks.request(this.#key('join'), { signal: AbortSignal.timeout(8000) }, () => new Promise((release) => {
        this.#lock = release;
        go();
      })).catch(go);
    });
  }

  #unlock() {
    this.#lock?.();
    this.#lock = null;
  }

  // ---- what the server says ----

  #emit(type, detail) { this.dispatchEvent(Object.assign(new Event(type), { detail })); }

  #connection(state) {
    if (state === this.connection) return;
    this.connection = state;
    this.#emit('connection', { state });
  }

  #setStage(stage) {
    if (stage === this.stage) return;
    const before = this.stage;
    this.stage = stage;
    this.#emit('stage', { stage, before });
  }

  #heard(message) {
    this.#connection('online');
    this.#after('dead', (message.next_ms ?? 15000) + QUIET_MS, () => this.#ping());
    this['_' + message.type]?.(message);
    this.#settle(message);
    this.#emit(message.type, message);
    this.#emit('message', message);
  }

  _joined(message) {
    const again = this.#again;
    this.#retry = 0;
    this.#spread = message.reconnect_ms ?? 500;
    this.#solution = null;
    this.#again = false;
    this.#asked = null;
    this.#credentials.invitation = undefined;
    this.person = message.person;
    this.resume = message.resume;
    const before = this.#store.get(this.#key('number'));
    if (message.number) this.#store.set(this.#key('number'), message.number);
    if (before && message.number && Number(before) < message.number && !again) {
      this.#store.remove(this.#key('first'));
      this.#emit('place_lost', { before: Number(before), number: message.number });
    }
    this.#unlock();
    if (message.position) this._position(message);
    this.#setStage(message.stage);
    this.#entered = !INSIDE.includes(message.stage);
    this.#sendPending();
  }

  _position(message) {
    const first = Math.max(Number(this.#store.get(this.#key('first'))) || 0, message.position);
    this.#store.set(this.#key('first'), first);
    this.#store.set(this.#key('shown'), message.position);
    this.position = message.position;
    this.behind = Math.max(0, message.total - message.position);
    this.progress = first > 1 ? (first - message.position) / (first - 1) : 1;
    if (this.stage !== 'connecting') this.#setStage('wait');
  }

  _gathering() { this.#setStage('gather'); }

  _admitted(message) {
    this.access = message.access;
    this.#setDeadline(message);
    for (const name of ['shown', 'first']) this.#store.remove(this.#key(name));
    this.#setStage(message.stage);
    if (message.stage !== 'claim') this.enter(); // he had taken it up before the connection was lost
  }

  #setDeadline(message) { if (message.left_ms !== undefined) this.deadline = performance.now() + message.left_ms; }

  _entered(message) {
    this.#entered = true;
    this.#setDeadline(message);
    this.#setStage(message.stage);
    this.#sendPending();
  }

  _time(message) { this.#setDeadline(message); }
  _held(message) { this.#setDeadline(message); }
  _extended(message) { this.#setDeadline(message); }
  _pay(message) { this.#setDeadline(message); this.#setStage('pay'); }
  _bought({ link }) {
    if (link) keepKey(this.#store, this.sale, tokenOf(link));
    this.#setStage('bought');
  }

  _expired() { this.#setStage('out'); }
  _left() { this.#setStage('out'); }
  _order_failed() { this.#setStage('out'); }
  _sold_out() { this.#finish('sold_out'); }
  _ended() { this.#finish('ended'); }
  _moved(message) { this.#spread = message.reconnect_ms ?? this.#spread; this.#retry = 0; }

  #finish(stage) {
    this.#stopped = true;
    this.#setStage(stage);
  }

  _puzzle(message) {
    solveAside(message).then((solution) => {
      this.#solution = solution;
      this.#sayJoin();
    });
  }

  _error(message) {
    if (message.key) return;
    this.#unlock();
    const asked = this.#asked;
    this.#asked = null;
    if (message.code.startsWith('token_') && asked?.resume) {
      this.#forgetPlace(); // from long ago, or of another installation
      this.#setStage('out');
    } else if (message.code === 'puzzle_wrong') {
      this.#solution = null;
      this.#sayJoin();
    } else if (message.code === 'invitation_used' || message.code === 'lane_full') {
      this.#credentials.invitation = undefined;
      this.#sayJoin();
    } else if (message.code === 'unknown_sale' || message.code === 'draining' || message.code === 'ended') {
      this.#stopped = true;
    } else if (message.code === 'turned_away') {
      this.#pause = message.retry_ms ?? 5000; // the connection ends now
    } else if (message.retry_ms && ['connecting', 'out'].includes(this.stage)) {
      this.#after('join', message.retry_ms, () => this.#sayJoin());
    }
  }

  // ---- commands ----

  #settle(message) {
    const waiting = message.key && this.#pending.get(message.key);
    if (!waiting) return;
    if (message.type === 'error' && message.retry_ms) { // Redis away, payment service away: asked again under the same key
      this.#after(`again.${message.key}`, message.retry_ms, () => this.#send(waiting.command));
      return;
    }
    this.#pending.delete(message.key);
    if (message.type === 'error' || message.type === 'refused') waiting.reject(new Refused(message));
    else waiting.resolve(message);
  }

  #sendPending() {
    if (this.#entered) for (const { command } of this.#pending.values()) this.#send(command);
  }

  #command(command) {
    command.key = randomHex(12);
    return new Promise((resolve, reject) => {
      this.#pending.set(command.key, { command, resolve, reject });
      if (this.#entered) this.#send(command); // else, or without a connection, once he has entered on the next one
    });
  }

  enter() { return this.#send({ type: 'enter', access: this.access }); }
  leave() { return this.#send({ type: 'leave' }); }
  watchMap() { return this.#send({ type: 'map' }); }
  hold(seats) { return this.#command({ type: 'hold', seats }); }
  release(seats) { return this.#command({ type: 'release', seats }); }
  best(wish) { return this.#command({ type: 'best', ...wish }); }
  take(item, count = 1) { return this.#command({ type: 'take', item, count }); }
  bid(lot, amount, currency) { return this.#command({ type: 'bid', lot, amount, currency }); }
  extend() { return this.#command({ type: 'extend' }); }
  checkout(order) { return this.#command(order ? { type: 'checkout', order } : { type: 'checkout' }); }
}
