// SPDX-License-Identifier: Apache-2.0
// The operator's panel: logs in, chooses a sale, and keeps everything that is shown up to date, once a second.
import { $, say } from '../dom.js';
import { get, session } from './api.js';
import { Controls } from './controls.js';
import { Find, Seats, showAudit } from './look.js';
import { Now } from './now.js';

const EVERY_MS = 1000;
const views = ['now', 'seats', 'find', 'audit'];
let now, controls, seats, find, sale, updating = false;

function show(view) {
  for (const name of views) {
    $(name).hidden = name !== view;
    $(`tab-${name}`).setAttribute('aria-selected', String(name === view));
    $(`tab-${name}`).tabIndex = name === view ? 0 : -1;
  }
  if (view === 'audit') showAudit().catch(tell);
  update();
}

function tell(problem) {
  say('connection', problem?.message ?? '');
  if (problem?.status === 401) logOut();
}

async function update() {
  if (updating || !sale) return;
  updating = true;
  try {
    const counts = await now.update();
    if (counts) {
      controls.update(counts);
      $('status').textContent = counts.status;
    }
    await seats.update();
    const health = await fetch('/health').then((answer) => answer.json());
    $('health').textContent = health.health;
    say('connection', '');
  } catch (problem) {
    tell(problem);
  }
  updating = false;
}

async function openSale(id) {
  sale = id;
  history.replaceState(null, '', `?sale=${encodeURIComponent(id)}`);
  await Promise.all([now.open(id), controls.open(id), seats.open(id), find.open(id)]);
  await update();
}

async function logIn() {
  const me = await get('/api/me');
  $('login').hidden = true;
  $('panel').hidden = $('nav').hidden = false;
  $('who').textContent = `${me.name} (${me.role})`;
  now ??= new Now();
  controls = new Controls({ changed: update, role: me.role });
  find = new Find({ role: me.role });
  seats = new Seats({ role: me.role, showPerson: (person) => {
    show('find');
    find.show(person).catch(tell);
  } });
  const { sales } = await get('/api/sales');
  $('sale').replaceChildren(...sales.map((one) => new Option(one.sale, one.sale)));
  const wished = new URLSearchParams(location.search).get('sale'), first = sales.find((one) => one.sale === wished) ?? sales[0];
  if (!first) {
    say('connection', 'There is no sale yet: boxoffice sale import, or POST /api/sales.');
    return;
  }
  $('sale').value = first.sale;
  await openSale(first.sale);
  setInterval(update, EVERY_MS);
}

function logOut() {
  session.token = null;
  location.reload();
}

$('login').addEventListener('submit', (event) => {
  event.preventDefault();
  session.token = $('token').value.trim();
  logIn().catch((problem) => {
    session.token = null;
    $('login-word').textContent = problem.message;
  });
});
$('logout').addEventListener('click', logOut);
$('sale').addEventListener('change', () => openSale($('sale').value).catch(tell));
for (const view of views) $(`tab-${view}`).addEventListener('click', () => show(view));
document.querySelector('[role="tablist"]').addEventListener('keydown', (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key], at = views.indexOf(document.activeElement.id?.slice(4));
  if (!step || at < 0) return;
  const next = views[(at + step + views.length) % views.length];
  show(next);
  $(`tab-${next}`).focus();
});

if (session.token) logIn().catch((problem) => { $('login').hidden = false; $('login-word').textContent = problem.message; });
else $('login').hidden = false;
