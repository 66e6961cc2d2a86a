// Around each page: who is signed in, which tenant, and the ways to go.

import { get, path } from './api.js';
import { h, put, said, swap } from './dom.js';
import { counted, number } from './format.js';
import { icon } from './icons.js';
import { live } from './live.js';
import { button, dialog, empty, field, loading, problem } from './parts.js';
import { signOut } from './session.js';

const THEME = 'bellhop.theme';
const at = (tenant, ...rest) => `#/t/${[tenant, ...rest].map(encodeURIComponent).join('/')}`;

/** The theme that was chosen, else the system's. */
export function startTheme() {
  const chosen = localStorage.getItem(THEME);
  if (chosen) document.documentElement.dataset.theme = chosen;
}

const isDark = () =>
  (document.documentElement.dataset.theme ??
    (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';

function themeButton() {
  const node = h('button', { type: 'button', class: 'button quiet' });
  const draw = () => put(node, icon(isDark() ? 'sun' : 'moon'), h('span', {}, isDark() ? 'Light theme' : 'Dark theme'));
  node.addEventListener('click', () => {
    document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
    localStorage.setItem(THEME, document.documentElement.dataset.theme);
    draw();
  });
  draw();
  return node;
}

export const brand = () =>
  h('span', { class: 'brand' }, h('img', { src: 'icon.svg', alt: '', width: 28, height: 28 }), 'Bellhop');

/** Draws the shell once. Returns where pages go, and how to say where the reader is. */
export function shell(app, me, signal) {
  const isOperator = me.role === 'operator';
  const nav = h('nav', { 'aria-label': 'Main' });
  const place = h('div', { class: 'place' });
  const main = h('main', { id: 'main', tabindex: -1 });
  const side = h(
    'div',
    { class: 'side', id: 'side' },
    nav,
    h(
      'section',
      { class: 'who', 'aria-label': 'Account' },
      h(
        'p',
        {},
        icon('person'),
        h('span', {}, h('span', { class: 'strong' }, me.name), h('span', { class: 'muted' }, me.role)),
      ),
      themeButton(),
      button('Sign out', signOut, { kind: 'quiet', sign: 'out' }),
    ),
  );
  const menu = h(
    'button',
    { type: 'button', class: 'button quiet menu', 'aria-expanded': 'false', 'aria-controls': 'side' },
    icon('menu'),
    h('span', {}, 'Menu'),
  );
  const toggle = (open) => {
    menu.setAttribute('aria-expanded', String(open));
    side.classList.toggle('open', open);
  };
  menu.addEventListener('click', () => toggle(menu.getAttribute('aria-expanded') !== 'true'));
  const skip = (event) => {
    event.preventDefault();
    (main.querySelector('h1') ?? main).focus();
  };
  swap(
    app,
    h('a', { class: 'skip', href: '#main', on: { click: skip } }, 'Skip to the page'),
    h('header', { class: 'top' }, menu, h('a', { class: 'home', href: '#/' }, brand()), place),
    h('div', { class: 'columns' }, side, main),
  );

  let open;
  let watched;
  let stop = new AbortController();
  let current = {};

  function count(desk) {
    if (desk === watched) return;
    stop.abort();
    stop = new AbortController();
    [watched, open] = [desk, undefined];
    if (!desk) return;
    const load = () => get(path(['desks', desk, 'review', 'stats']), stop.signal);
    const show = (stats) => {
      open = stats;
      draw();
    };
    live({ load, show, fail: () => {}, every: 15_000, signal: AbortSignal.any([signal, stop.signal]) });
  }

  function draw() {
    const { tenant, page } = current;
    const desk = current.desk ?? tenant;
    const count =
      open?.open > 0 &&
      h(
        'span',
        { class: `count ${open.critical > 0 ? 'bad' : ''}` },
        counted(open.open),
        said(` open, ${number(open.critical)} critical`),
      );
    const items = [
      tenant && [at(tenant, 'dashboard'), 'dashboard', 'Dashboard', 'dashboard'],
      tenant && [at(tenant, 'calendar'), 'calendar', 'Calendar', 'calendar'],
      tenant && [at(tenant, 'board'), 'clean', 'Cleaning', 'board'],
      desk && [`#/d/${encodeURIComponent(desk)}/review`, 'inbox', 'Review', 'review', count],
      tenant && [at(tenant, 'holds'), 'pause', 'Holds', 'holds'],
      isOperator && ['#/queues', 'layers', 'Queues', 'queues'],
      isOperator && ['#/tenants', 'building', 'Tenants', 'tenants'],
    ].filter(Boolean);
    put(
      nav,
      h(
        'ul',
        {},
        items.map(([href, sign, word, name, more]) =>
          h('li', {}, h('a', { href, 'aria-current': name === page && 'page' }, icon(sign), h('span', {}, word), more)),
        ),
      ),
    );
    put(place, switcher(me, current));
  }

  return {
    main,
    /** `place`: tenant, desk, page. */
    arrive(place) {
      current = place;
      toggle(false);
      count(place.desk ?? place.tenant);
      draw();
    },
  };
}

function switcher(me, { tenant, desk, page }) {
  const shown = desk === '~' ? 'No tenant' : (tenant ?? 'All tenants');
  if (me.tenants?.length === 1) return h('p', { class: 'tenant' }, said('Tenant '), icon('building'), shown);
  const choose = () => dialog('Choose a tenant', (close) => tenantList(me, page, close));
  return h(
    'button',
    { type: 'button', class: 'button tenant', 'aria-haspopup': 'dialog', on: { click: choose } },
    icon('building'),
    said('Tenant: '),
    h('span', {}, shown),
    icon('down'),
  );
}

/** A list of tenants to search, each with what waits in it. */
function tenantList(me, page, close) {
  const box = h('div', { class: 'choices' }, loading('tenants'));
  const search = h('input', {
    type: 'search',
    autocomplete: 'off',
    maxlength: 200,
    on: { input: () => ask(search.value) },
  });
  const target = (tenant) =>
    page === 'review'
      ? `#/d/${encodeURIComponent(tenant)}/review`
      : at(tenant, ['calendar', 'board', 'holds'].includes(page) ? page : 'dashboard');
  const entry = ({ tenant, open }) =>
    h(
      'li',
      { 'data-key': tenant },
      h(
        'a',
        { href: target(tenant), on: { click: close } },
        h('span', {}, tenant),
        open > 0 && h('span', { class: 'count' }, number(open), said(' open')),
      ),
    );
  let latest = 0;
  async function ask(q, after, before = []) {
    latest += 1;
    const mine = latest;
    try {
      const { tenants, next } = await get(path(['tenants'], { q: q.trim(), after }));
      if (mine !== latest) return;
      const all = [...before, ...tenants];
      const more = next && button('More tenants', () => ask(q, next, all));
      put(box, all.length ? h('ul', {}, all.map(entry)) : empty('No tenant is named like that'), more);
    } catch (error) {
      if (mine === latest)
        put(
          box,
          problem(error, () => ask(q)),
        );
    }
  }
  ask('');
  const nobody =
    me.role === 'operator' &&
    page === 'review' &&
    h('p', {}, h('a', { href: '#/d/~/review', on: { click: close } }, 'What names no tenant that can be trusted'));
  return [field('Search tenants', search, 'By how the name begins.'), box, nobody];
}
