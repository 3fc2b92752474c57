// SPDX-License-Identifier: Apache-2.0
// Somebody who wants his tickets whatever happens, as a page would: comes back after every lost connection with his token, repeats his commands with the same
// keys, and gives up only when he is told how it ended. The payment service has to decide by itself (--auto 1).
import { Person } from './person.mjs';

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

class Lost extends Error {}

// The next of these words; an error with a time to try again makes him come back.
async function hear(person, ...types) {
  const message = await Promise.race([person.next(...types, 'error', 'moved'), person.closed.then(() => ({ type: 'moved' }))]);
  if (message.type === 'moved') throw new Lost('the connection');
  if (message.type === 'error') {
    if (!message.retry_ms) throw new Error(`told ${message.code}`);
    await pause(Math.min(message.retry_ms, 300));
    throw new Lost(message.code);
  }
  return message;
}

const ask = (person, message, ...types) => {
  person.send(message);
  return hear(person, ...types);
};

async function tryToBuy(self, person, seats) {
  const joined = await ask(person, { type: 'join', sale: 'hall', resume: self.resume }, 'joined', 'sold_out');
  if (self.number && joined.stage === 'wait' && joined.number !== self.number) throw new Error(`his place was lost: ${self.number} became ${joined.number}`);
  Object.assign(self, { resume: joined.resume, person: joined.person, number: joined.stage === 'wait' ? joined.number : self.number });
  if (joined.stage !== 'out') {
    const admitted = await hear(person, 'admitted');
    const entered = await ask(person, { type: 'enter', access: admitted.access }, 'entered');
    if (entered.stage === 'choose' && !seats.every((seat) => entered.seats.includes(seat))) {
      const held = await ask(person, { type: 'hold', key: 'h', seats }, 'held', 'refused');
      if (held.type === 'refused') throw new Error(`refused: ${held.code}`);
    }
    await ask(person, { type: 'checkout', key: 'c' }, 'pay');
  }
  return hear(person, 'bought', 'order_failed', 'expired', 'left');
}

// Returns the last word he heard; self (if given) knows his person and resume token.
export async function buyStubbornly(world, seats, self = {}, ms = 60000) {
  const until = Date.now() + ms;
  for (let last; ;) {
    if (Date.now() > until) throw new Error(`in vain for ${ms} ms; last: ${last}`);
    let person;
    try {
      person = await new Person(world).connect();
      return await tryToBuy(self, person, seats);
    } catch (error) {
      last = error.message;
      if (person && !(error instanceof Lost)) throw error;
      await pause(50);
    } finally {
      person?.socket.close();
    }
  }
}
