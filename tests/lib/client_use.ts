// SPDX-License-Identifier: Apache-2.0
// Uses the client library as somebody with TypeScript would; only its types are looked at (tests/integration/client.test.mjs).
import { Boxoffice, Refused, storage } from '../../examples/client/boxoffice.js';

const line = new Boxoffice({ sale: 'demo', server: 'https://tickets.example.org', token: async () => 'eyJ' });
line.addEventListener('stage', ({ detail }) => {
  const stage: string = detail.stage;
  if (detail.before === 'wait') storage.set('last', stage);
});
line.addEventListener('position', ({ detail }) => storage.set('position', detail.position));
line.join({ again: true });
line.wallet(['eyJ']).then(({ tickets, gone, links }) => storage.set('seen', `${tickets[0]?.key} ${gone[0]?.state} ${links[0]?.link_expires_ms}`), () => line.forget());

export async function buy(): Promise<string | undefined> {
  try {
    const held = await line.hold(['P-1-1', { seat: 'P-1-2', tariff: 'child' }]);
    const sum: number = held.amount;
    const best = await line.best({ count: 2, category: 'Gold', accessible: true });
    const { url } = await line.checkout();
    return url ?? `${sum} ${best.seats.length}`;
  } catch (refused) {
    return refused instanceof Refused ? refused.answer.message : undefined;
  }
}
// @ts-expect-error a sale is needed
new Boxoffice({});
