// What waits for a decision: found, filtered, chosen.

import { get, path } from './api.js';
import { bulk } from './bulk.js';
import { announce, h, put, said } from './dom.js';
import { ago, number, plural } from './format.js';
import { icon } from './icons.js';
import { live } from './live.js';
import {
  badge,
  button,
  code,
  empty,
  field,
  frame,
  link,
  liveBadge,
  loading,
  notice,
  problem,
  select,
} from './parts.js';
import { consumer, propertyOf, reason } from './words.js';

const PAGE = 50;
// A filter may make pages empty; so many are asked for before the reader is asked whether to go on.
const MOST_EMPTY = 10;
const MOST_CHOSEN = 100;

export function review({ main, desk, me, query, signal }) {
  const status = liveBadge();
  const page = frame(main, 'Review', {
    badge: status,
    about:
      desk === '~'
        ? 'What names no tenant that can be trusted'
        : 'What could not be done, and waits for somebody to decide',
  });
  const filter = {
    code: query.get('code') ?? '',
    q: query.get('q') ?? '',
    critical: query.get('critical') === '1',
    order: query.get('order') === 'newest' ? 'newest' : 'oldest',
  };
  const view = {
    desk,
    me,
    filter,
    chosen: new Set(),
    stats: null,
    read: [],
    want: 1,
    mayAct: me.role !== 'viewer',
  };
  const [head, tools, list] = ['review-filter', 'review-tools', 'review-list'].map((key) =>
    h('div', { 'data-key': key }),
  );
  page.show(h('div', { class: 'review' }, head, tools, list));
  Object.assign(view, { tools, list });

  let loop = new AbortController();
  const restart = () => {
    loop.abort();
    loop = new AbortController();
    view.chosen.clear();
    view.want = 1;
    view.read = [];
    remember(desk, filter);
    put(list, loading('items'));
    put(tools);
    const both = AbortSignal.any([signal, loop.signal]);
    const show = (read) => {
      view.read = read;
      draw(view);
    };
    view.again = live({
      load: () => pages(view, both),
      show,
      fail: (error) =>
        put(
          list,
          problem(error, () => view.again()),
        ),
      status: status.set,
      every: 5000,
      signal: both,
    });
  };
  filters(head, view, restart);
  restart();
  const stats = () => get(path(['desks', desk, 'review', 'stats']), signal);
  live({
    load: stats,
    show: (read) => {
      view.stats = read;
      filters(head, view, restart);
      draw(view);
    },
    fail: () => {},
    every: 5000,
    signal,
  });
}

// The filter is in the address, so that it can be kept and passed on; no new visit of the page begins by it.
function remember(desk, { code: of, q, critical, order }) {
  const search = new URLSearchParams(
    Object.entries({ code: of, q, critical: critical ? '1' : '', order: order === 'newest' ? order : '' }).filter(
      ([, value]) => value,
    ),
  );
  history.replaceState(null, '', `#/d/${encodeURIComponent(desk)}/review${search.size ? `?${search}` : ''}`);
}

async function pages({ desk, filter, want }, signal) {
  const all = [];
  let cursor;
  let found = 0;
  do {
    const read = await get(
      path(['desks', desk, 'review'], { ...filter, cursor, critical: filter.critical || undefined }),
      signal,
    );
    all.push(read);
    cursor = read.next;
    found += read.items.length;
  } while (cursor && found < PAGE * want && all.length < want + MOST_EMPTY);
  return all;
}

function filters(box, view, restart) {
  const { filter, stats, me, desk } = view;
  const set = (name) => (value) => {
    filter[name] = value;
    restart();
  };
  const known = (stats?.reasons ?? []).map(({ code: of, open }) => [of, `${reason(of)} (${number(open)})`]);
  if (filter.code && !known.some(([of]) => of === filter.code)) known.push([filter.code, `${reason(filter.code)} (0)`]);
  const reasons = select(
    [['', stats ? `All reasons (${number(stats.open)})` : 'All reasons'], ...known],
    filter.code,
    set('code'),
  );
  for (const option of reasons.options) option.dataset.key = `reason-${option.value}`;
  let typed;
  const search = h('input', {
    type: 'search',
    value: filter.q,
    maxlength: 200,
    autocomplete: 'off',
    on: {
      input: (event) => {
        clearTimeout(typed);
        const { value } = event.target;
        typed = setTimeout(() => set('q')(value.trim()), 350);
      },
    },
  });
  const critical = h('input', {
    type: 'checkbox',
    id: 'only-critical',
    checked: filter.critical,
    on: { change: (event) => set('critical')(event.target.checked) },
  });
  put(
    box,
    h(
      'div',
      { class: 'toolbar' },
      field('Reason', reasons),
      field('Search', search),
      field(
        'Order',
        select(
          [
            ['oldest', 'Oldest first'],
            ['newest', 'Newest first'],
          ],
          filter.order,
          set('order'),
        ),
      ),
      h(
        'div',
        { class: 'check' },
        critical,
        h('label', { for: 'only-critical' }, `Critical only${stats ? ` (${number(stats.critical)})` : ''}`),
      ),
      me.role === 'operator' &&
        h('div', { class: 'desks' }, desk === '~' ? link('#/', 'Back to a tenant') : link('#/d/~/review', 'No tenant')),
    ),
  );
  box.querySelector('select').value = filter.code;
}

function draw(view) {
  const { list, tools, read, filter, chosen, mayAct } = view;
  if (read.length === 0) return;
  const items = read.flatMap((page) => page.items);
  const here = new Set(items.map(({ id }) => id));
  for (const id of chosen) if (!here.has(id)) chosen.delete(id);
  const next = read.at(-1).next;
  const more =
    next &&
    button(items.length ? 'More items' : 'Search on', () => {
      view.want = Math.floor(items.length / PAGE) + 1 + (items.length % PAGE ? 1 : 0);
      view.again();
    });
  const isFiltered = filter.code || filter.q || filter.critical;
  put(tools, mayAct && items.length > 0 && toolsOf(view, items));
  put(
    list,
    items.length
      ? h(
          'ul',
          { class: 'items', 'aria-label': 'Items' },
          items.map((item) => entry(item, view)),
        )
      : next
        ? notice('info', 'Nothing fits so far; there is more to search.')
        : isFiltered
          ? empty('Nothing fits the filter', 'Choose another reason, or search for something else.')
          : empty('Nothing waits for a decision', 'Everything that was posted was done.'),
    more,
    h(
      'p',
      { class: 'muted' },
      items.length > 0 && `${plural(items.length, 'item')} shown${next ? ', there are more' : ''}.`,
    ),
  );
}

function toolsOf(view, items) {
  const { chosen, filter, desk } = view;
  const all = h('input', {
    type: 'checkbox',
    id: 'choose-all',
    checked: chosen.size > 0 && chosen.size >= Math.min(items.length, MOST_CHOSEN),
    indeterminate: chosen.size > 0 && chosen.size < items.length,
    on: {
      change: (event) => {
        chosen.clear();
        if (event.target.checked) for (const { id } of items.slice(0, MOST_CHOSEN)) chosen.add(id);
        announce(`${chosen.size} selected`);
        draw(view);
      },
    },
  });
  const isAll = chosen.size === 0;
  // A bulk act knows no "critical", and never means all that waits: then only what is selected can be meant.
  const unclear = isAll && (filter.critical || !(filter.code || filter.q));
  const target = isAll ? { code: filter.code || undefined, q: filter.q || undefined } : { ids: [...chosen] };
  const act = (name) =>
    bulk({
      desk,
      act: name,
      target,
      what: isAll ? 'all that fit the filter' : 'what is selected',
      done: () => {
        chosen.clear();
        view.again();
      },
    });
  const words = isAll ? 'all that fit' : `${number(chosen.size)} selected`;
  const locked = unclear && {
    disabled: true,
    title: filter.critical
      ? 'Select items first: “critical only” does not hold for acts on all that fit.'
      : 'Choose a reason, search, or select items first.',
  };
  return h(
    'div',
    { class: 'bulk' },
    h(
      'div',
      { class: 'check' },
      all,
      h('label', { for: 'choose-all' }, isAll ? 'Select all shown' : `${number(chosen.size)} selected`),
    ),
    h(
      'div',
      { class: 'actions' },
      button(`Retry ${words}…`, () => act('retry'), { sign: 'retry', ...locked }),
      button(`Discard ${words}…`, () => act('discard'), { sign: 'trash', ...locked }),
    ),
  );
}

function entry(item, view) {
  const { chosen, desk, mayAct } = view;
  const choose = (event) => {
    if (event.target.checked && chosen.size < MOST_CHOSEN) chosen.add(item.id);
    else chosen.delete(item.id);
    draw(view);
  };
  const title = `item-${item.id}`;
  return h(
    'li',
    { 'data-key': item.id, class: item.critical ? 'item critical' : 'item' },
    mayAct &&
      h('input', {
        type: 'checkbox',
        'aria-label': `Select ${reason(item.reason)}, ${item.subject ?? 'no subject'}`,
        checked: chosen.has(item.id),
        on: { change: choose },
      }),
    h(
      'div',
      { class: 'what' },
      h(
        'p',
        {},
        h(
          'a',
          { id: title, href: `#/d/${encodeURIComponent(desk)}/review/${encodeURIComponent(item.id)}` },
          reason(item.reason),
          said(`, ${item.subject ?? 'no subject'}`),
        ),
        item.critical && badge(['bad', 'alert', 'Critical']),
      ),
      h(
        'p',
        {},
        item.subject ? code(item.subject) : h('span', { class: 'muted' }, 'Cannot be read'),
        item.found && h('span', { class: 'found' }, item.found),
      ),
      h(
        'p',
        { class: 'muted meta' },
        [propertyOf(item.group), item.event_type, consumer(item.consumer), item.told > 1 && `told ${item.told} times`]
          .filter(Boolean)
          .map((text) => h('span', {}, text)),
      ),
    ),
    h('p', { class: 'muted when' }, icon('clock'), ago(item.first_seen)),
  );
}
