// SPDX-License-Identifier: Apache-2.0
// The rules of counted stock and lots (S5-S7), for reference.mjs.
import { PLACES } from './reference.mjs';

export const stockRules = {
  isPlace(seat) { return seat >= PLACES; },
  item(name) { return this.s.items.find((item) => item.name === name); },
  indexOf(item) { return this.s.items.indexOf(item) + 1; },

  placesOf(item) {
    const index = this.indexOf(item);
    const all = [...this.held(), ...this.soldOrders().flatMap((o) => o.seats)];
    return all.filter(([seat]) => Math.floor(seat / PLACES) === index);
  },

  given(item) {
    if (item.kind === 'area') return this.placesOf(item).length;
    return Object.values(this.s.grants).filter((g) => g.item === item.name && !g.back).reduce((sum, g) => sum + g.count, 0);
  },

  // How many of it somebody has; what was bought counts for who bought it.
  mine(item, name) {
    const index = this.indexOf(item), places = (seats) => seats.filter(([seat]) => Math.floor(seat / PLACES) === index).length;
    const held = places(this.person(name)?.h ?? []) + this.soldOrders().filter((o) => o.person === name).reduce((sum, o) => sum + places(o.seats), 0);
    return held + Object.values(this.s.grants).filter((g) => g.item === item.name && g.person === name && !g.back).reduce((sum, g) => sum + g.count, 0);
  },

  lotsSold() { return 0; },
  lotIsOver() { return true; },
  settleLots() {},
  lotState() { return {}; },
  lotGivenBack() {},
};
