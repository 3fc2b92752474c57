// SPDX-License-Identifier: Apache-2.0
// What there is: events with their shows, searched as one types.
import { keepTime, now, timed } from './clock.js';
import { $, make, say } from './dom.js';
import { countdown, moment, money, t } from './words.js';

function show({ sale, name, status, venue, city, time_zone: zone, starts_at_ms: starts, opens_at_ms: opens, price_from: price, currency, digits }, only) {
  const parts = [starts && moment(starts, zone), venue, city].filter(Boolean);
  const later = status === 'open' && opens > now();
  return make('li', {}, make('a', { href: `/?sale=${encodeURIComponent(sale)}` }, only || !starts ? name : moment(starts, zone)),
    make('span', { class: 'soft' }, (only || !starts ? parts : parts.slice(1)).join(' · ')), make('span', {}, t('listing.from', { price: money(price, { currency, digits }) })), later ? make('span', { class: 'tag', 'data-opens': opens, title: t('listing.opens', { when: moment(opens, zone) }) }) : make('span', { class: 'tag' }, t(`status.${status}`)));
}

// What is not on sale yet counts down by the server's clock; at zero the listing is asked again.
function tick() {
  for (const tag of document.querySelectorAll('[data-opens]')) {
    const left = tag.dataset.opens - now();
    tag.textContent = t('listing.in', { left: countdown(left) });
    if (left <= 0) list().catch(() => {});
  }
}

async function list() {
  const query = $('query').value.trim();
  const { events = [] } = await timed(async () => {
    const answer = await fetch(`/api/events?q=${encodeURIComponent(query)}`);
    return answer.ok ? answer.json() : {};
  });
  if (query !== $('query').value.trim()) return; // he has typed on
  $('events').replaceChildren(...events.map(({ title, about, shows }) => make('li', { class: 'event card' }, make('h2', {}, title), about ? make('p', { class: 'soft' }, about) : null,
    make('ul', { class: 'plain' }, ...shows.map((one) => show(one, shows.length === 1))))));
  tick();
  if (!events.length) $('events').append(make('li', { class: 'hint' }, t(query ? 'listing.nothing' : 'listing.none')));
}

export async function showListing() {
  $('listing').hidden = false;
  document.title = t('listing.title');
  let pause;
  $('query').addEventListener('input', () => {
    clearTimeout(pause);
    pause = setTimeout(() => list().catch(() => say('connection', t('error.offline'))), 250);
  });
  $('search').addEventListener('submit', (event) => event.preventDefault());
  setInterval(() => {
    keepTime(list);
    tick();
  }, 1000);
  await list();
}
