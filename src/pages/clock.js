// SPDX-License-Identifier: Apache-2.0
// The server's clock. Times of the server are compared with it only: the visitor's own clock may be an hour off.
const JUMP_MS = 2000;
const REST_MS = 5000;

let ahead = 0; // the server's clock less the visitor's
let apart; // the visitor's clock less the browser's stop watch, when ahead was measured; undefined: it never was
let restUntil = 0;

const spread = () => Date.now() - performance.now();
const jumped = () => Math.abs(spread() - apart) > JUMP_MS;

/** The server's time in ms, as far as known. */
export const now = () => Date.now() + ahead;

/** Asks for something whose answer says now_ms, and sets the clock by it: it was written about halfway between question and answer. */
export async function timed(ask) {
  const asked = performance.now(), answer = await ask();
  if (!answer?.now_ms) return answer;
  const unsure = (performance.now() - asked) / 2, found = answer.now_ms + unsure - Date.now();
  if (apart === undefined || jumped() || Math.abs(found - ahead) > unsure) [ahead, apart] = [found, spread()];
  return answer;
}

/** To be called often: measures again after the visitor's clock was set, or the machine has slept. */
export function keepTime(ask) {
  if (apart === undefined || !jumped() || performance.now() < restUntil) return;
  restUntil = performance.now() + REST_MS;
  timed(ask).catch(() => {}); // offline: after the rest
}
