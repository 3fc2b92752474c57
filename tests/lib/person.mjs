// SPDX-License-Identifier: Apache-2.0
// One simulated person on a WebSocket. Every message is kept; next() takes the first of a type that was not taken yet.
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import WebSocket from 'ws';
import { JWT_KEY } from './servers.mjs';

let keys = 0;
export const newKey = () => `key-${process.pid}-${++keys}`;

export function siteToken(sub, claims = {}, key = JWT_KEY, header = { alg: 'HS256', typ: 'JWT' }) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part(header)}.${part({ sub, exp: Math.floor(Date.now() / 1000) + 600, ...claims })}`;
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
}

export class Person {
  constructor(world) {
    this.world = world;
    this.messages = [];
    this.taken = 0;
    this.waiting = [];
  }

  async connect() {
    this.socket = new WebSocket(this.world.ws);
    this.socket.on('message', (data) => this.#heard(JSON.parse(data)));
    this.closed = once(this.socket, 'close').then(([code, reason]) => ({ code, reason: String(reason) }));
    this.socket.on('error', () => {});
    const first = await Promise.race([once(this.socket, 'open').then(() => null), this.closed]);
    if (first) throw new Error(`not connected: ${first.code}`);
    return this;
  }

  #heard(message) {
    const at = this.waiting.findIndex(({ types }) => types.includes(message.type));
    if (at >= 0) this.waiting.splice(at, 1)[0].done(message);
    else this.messages.push(message);
  }

  send(message) {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  // The next message of one of these types, from those that came already on.
  next(...types) {
    const at = this.messages.findIndex((message) => types.includes(message.type));
    if (at >= 0) return Promise.resolve(this.messages.splice(at, 1)[0]);
    return new Promise((done, fail) => {
      const timer = setTimeout(() => fail(new Error(`no ${types} within 20 s; unread: ${this.messages.map((m) => m.type)}`)), 20000);
      this.waiting.push({ types, done: (message) => (clearTimeout(timer), done(message)) });
    });
  }

  async ask(message, ...types) {
    this.send(message);
    return this.next(...types);
  }

  async join(more = {}) {
    this.send({ type: 'join', sale: 'hall', ...more });
    const answer = await this.next('joined', 'error', 'sold_out', 'ended');
    if (answer.type === 'joined') Object.assign(this, { number: answer.number, person: answer.person, resume: answer.resume });
    return answer;
  }

  async enter() {
    const admitted = await this.next('admitted');
    this.access = admitted.access;
    return this.ask({ type: 'enter', access: admitted.access }, 'entered', 'error');
  }

  hold(...seats) {
    return this.ask({ type: 'hold', key: newKey(), seats }, 'held', 'refused', 'error');
  }

  checkout() {
    return this.ask({ type: 'checkout', key: newKey() }, 'pay', 'error');
  }

  async settle(pay, action = 'pay') {
    const response = await fetch(`${this.world.payments.url}/pay/${pay.url.split('/').pop()}/${action}`, { method: 'POST', redirect: 'manual' });
    if (response.status !== 303) throw new Error(`payment service: ${response.status}`);
  }

  // The whole way.
  async buy(...seats) {
    await this.join();
    await this.enter();
    const held = await this.hold(...seats);
    if (held.type !== 'held') return held;
    await this.settle(await this.checkout());
    return this.next('bought', 'order_failed');
  }

  async close() {
    this.socket.close();
    await this.closed;
  }

  cut() {
    this.socket.terminate();
    return this.closed;
  }
}

export async function arrive(world, more) {
  const person = await new Person(world).connect();
  if (more === false) return person;
  const answer = await person.join(more);
  if (answer.type !== 'joined') throw new Error(`not joined: ${JSON.stringify(answer)}`);
  return person;
}
