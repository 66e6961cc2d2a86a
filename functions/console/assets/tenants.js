// All tenants, for operators.

import { get, path } from './api.js';
import { h, put, said } from './dom.js';
import { number } from './format.js';
import { badge, button, empty, field, frame, link, loading, problem, table } from './parts.js';

export function tenants({ main, signal }) {
  const page = frame(main, 'Tenants', {
    about: 'Each tenant that has registered something, and what waits for a decision there.',
  });
  const box = h('div', { class: 'body' }, loading('tenants'));
  const search = h('input', { type: 'search', autocomplete: 'off', maxlength: 200, on: { input: () => ask() } });
  page.show(
    h(
      'div',
      { class: 'toolbar' },
      field('Search tenants', search, 'By how the name begins.'),
      link('#/d/~/review', 'What names no tenant'),
    ),
    box,
  );
  let latest = 0;

  async function ask(after, before = []) {
    latest += 1;
    const mine = latest;
    try {
      const read = await get(path(['tenants'], { q: search.value.trim(), after }), signal);
      if (mine !== latest) return;
      const all = [...before, ...read.tenants];
      put(
        box,
        all.length
          ? list(all)
          : empty(
              'No tenant is here',
              search.value ? 'Nothing is named like that.' : 'One appears when its first property is registered.',
            ),
        read.next && button('More tenants', () => ask(read.next, all)),
      );
    } catch (error) {
      if (mine === latest && !signal.aborted)
        put(
          box,
          problem(error, () => ask()),
        );
    }
  }
  ask();
}

function list(all) {
  const standing = (word) =>
    ({
      active: ['good', 'check', 'Active'],
      suspended: ['warn', 'pause', 'Suspended'],
      resuming: ['warn', 'clock', 'Resuming'],
    })[word] ?? ['bad', 'alert', 'Removed'];
  const rows = all.map(({ tenant, open, standing: word, own_queues: own }) => ({
    key: tenant,
    cells: [
      link(`#/t/${encodeURIComponent(tenant)}/dashboard`, tenant),
      open > 0
        ? h('a', { href: `#/d/${encodeURIComponent(tenant)}/review` }, number(open), said(' open'))
        : badge(['good', 'check', 'Nothing']),
      badge(standing(word)),
      own ? link(`#/queues/${encodeURIComponent(tenant)}`, 'Its own') : link('#/queues', 'Shared'),
    ],
  }));
  return h('div', { class: 'card' }, table('Tenants', [['Tenant'], ['Open in review'], ['Standing'], ['Queues']], rows));
}
