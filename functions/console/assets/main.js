// Starts the console: signs in, draws the shell, and shows the page that the address names.

import { forget, get, path } from './api.js';
import { announce, h, put, swap } from './dom.js';
import { brand, shell, startTheme } from './shell.js';
import { button, empty, frame, notice, problem } from './parts.js';
import { forgetProperties } from './properties.js';
import { begin, complete, watch } from './session.js';
import { board } from './board.js';
import { calendar } from './calendar.js';
import { dashboard } from './dashboard.js';
import { holds } from './holds.js';
import { item } from './item.js';
import { property } from './property.js';
import { queues } from './queues.js';
import { review } from './review.js';
import { tenants } from './tenants.js';

const TENANT = 'bellhop.tenant';
const app = document.getElementById('app');

// Each: its address, the page's name in the navigation, what shows it, who may see it.
const ROUTES = [
  [/^\/t\/([^/]+)\/dashboard$/, ['tenant'], 'dashboard', dashboard],
  [/^\/t\/([^/]+)\/p\/([^/]+)\/dashboard$/, ['tenant', 'property'], 'dashboard', property],
  [/^\/t\/([^/]+)\/calendar$/, ['tenant'], 'calendar', calendar],
  [/^\/t\/([^/]+)\/p\/([^/]+)\/calendar(?:\/(\d{4}-\d{2}))?$/, ['tenant', 'property', 'month'], 'calendar', calendar],
  [/^\/t\/([^/]+)\/board$/, ['tenant'], 'board', board],
  [/^\/t\/([^/]+)\/p\/([^/]+)\/board(?:\/(\d{4}-\d{2}-\d{2}))?$/, ['tenant', 'property', 'from'], 'board', board],
  [/^\/t\/([^/]+)\/holds$/, ['tenant'], 'holds', holds],
  [/^\/d\/([^/]+)\/review$/, ['desk'], 'review', review],
  [/^\/d\/([^/]+)\/review\/([^/]+)$/, ['desk', 'id'], 'review', item],
  [/^\/queues$/, [], 'queues', queues, 'operator'],
  [/^\/queues\/([^/]+)$/, ['tenant'], 'queues', queues, 'operator'],
  [/^\/tenants$/, [], 'tenants', tenants, 'operator'],
];

let visit = new AbortController();
let session = new AbortController();

function route() {
  const [where, search = ''] = location.hash.slice(1).split('?');
  for (const [pattern, names, page, show, role] of ROUTES) {
    const found = pattern.exec(where);
    if (!found) continue;
    try {
      const values = names.map((name, n) => [name, found[n + 1] && decodeURIComponent(found[n + 1])]);
      return { page, show, role, query: new URLSearchParams(search), ...Object.fromEntries(values) };
    } catch {
      return null;
    }
  }
  return null;
}

function home(me) {
  const last = sessionStorage.getItem(TENANT);
  const tenant = me.tenants === null ? last : me.tenants.includes(last) ? last : me.tenants[0];
  if (tenant) return `#/t/${encodeURIComponent(tenant)}/dashboard`;
  return me.role === 'operator' ? '#/tenants' : '';
}

function go(me, around, isFirst) {
  visit.abort();
  visit = new AbortController();
  if (['', '#', '#/'].includes(location.hash)) {
    const target = home(me);
    if (target) return location.replace(target);
    around.arrive({});
    return frame(around.main, 'No tenant').show(
      empty('Your account names no tenant', 'Ask whoever gave you access to add one.'),
    );
  }
  const found = route();
  const tenant =
    found?.tenant ??
    (found?.desk && found.desk !== '~' ? found.desk : (sessionStorage.getItem(TENANT) ?? me.tenants?.[0]));
  if (found?.tenant || (found?.desk && found.desk !== '~')) sessionStorage.setItem(TENANT, tenant);
  around.arrive({ tenant, desk: found?.desk, page: found?.page });
  if (!found || (found.role && found.role !== me.role)) {
    frame(around.main, 'No such page').show(
      empty(
        'Nothing is here',
        'The address names no page that you can see.',
        h('p', {}, h('a', { href: '#/' }, 'To the dashboard')),
      ),
    );
  } else {
    found.show({ main: around.main, me, signal: AbortSignal.any([visit.signal, session.signal]), ...found });
  }
  if (!isFirst) {
    window.scrollTo(0, 0);
    around.main.querySelector('h1')?.focus();
  }
  return undefined;
}

function welcome(message, tone = 'warn') {
  session.abort();
  visit.abort();
  forget();
  forgetProperties();
  document.querySelector('dialog')?.close();
  const box = h('div', {}, message && notice(tone, message));
  const start = () => begin().catch((error) => put(box, notice('bad', error.message)));
  swap(
    app,
    h(
      'main',
      { class: 'welcome' },
      h(
        'div',
        { class: 'card' },
        brand(),
        h('h1', { tabindex: -1 }, 'Sign in'),
        h('p', { class: 'muted' }, 'See what is going on, and decide on what could not be done.'),
        box,
        button('Sign in', start, { kind: 'primary' }),
      ),
    ),
  );
  document.title = 'Sign in – Bellhop';
  if (message) announce(message);
}

async function enter() {
  if (!watch((why) => welcome(why, 'info'))) return welcome();
  session = new AbortController();
  const signal = session.signal;
  try {
    const me = await get(path(['me']));
    const around = shell(app, me, signal);
    window.addEventListener('hashchange', () => go(me, around), { signal });
    go(me, around, true);
  } catch (error) {
    if (!signal.aborted)
      swap(app, h('main', { class: 'welcome' }, h('h1', { class: 'hidden-text' }, 'Bellhop'), problem(error, enter)));
  }
  return undefined;
}

async function start() {
  startTheme();
  try {
    await complete();
  } catch (error) {
    return welcome(error.message, 'bad');
  }
  return enter();
}

start();
