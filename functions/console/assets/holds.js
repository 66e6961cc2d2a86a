// The lines of events that wait, of a tenant.

import { get, path } from './api.js';
import { h } from './dom.js';
import { number, plural, time } from './format.js';
import { live } from './live.js';
import { badge, code, empty, frame, link, liveBadge, loading, problem, table } from './parts.js';
import { properties } from './properties.js';
import { channelOf, consumer, line, propertyOf, reason } from './words.js';

export function holds({ main, tenant, signal }) {
  const status = liveBadge();
  const about = 'Behind a failed event, later ones of the same subject wait here in order.';
  const page = frame(main, 'Holds', { badge: status, about });
  page.show(loading('holds'));
  const load = async () => {
    const list = await properties(tenant, signal).catch(() => []);
    return [await get(path(['tenants', tenant, 'holds']), signal), new Map(list.map((one) => [one.id, one]))];
  };
  const show = ([{ holds: all }, places]) => page.show(draw(all, tenant, places));
  const again = live({
    load,
    show,
    fail: (error) => page.show(problem(error, () => again())),
    status: status.set,
    every: 5000,
    signal,
  });
}

function draw(all, tenant, places) {
  if (all.length === 0) return empty('No line waits', 'Every subject is worked as its events come.');
  const columns = [
    ['Subject'],
    ['Property'],
    ['Function'],
    ['Line'],
    ['Reason'],
    ['Events', 'number'],
    ['Since'],
    ['State'],
    ['Review'],
  ];
  const rows = all.map((hold) => {
    const [id, channel] = [propertyOf(hold.group), channelOf(hold.group)];
    return {
      key: `${hold.group} ${hold.consumer} ${hold.line} ${hold.subject}`,
      cells: [
        code(hold.subject),
        [places.get(id)?.name ?? id, channel && h('small', { class: 'muted' }, channel)],
        consumer(hold.consumer),
        line(hold.line),
        reason(hold.reason),
        number(hold.events),
        time(hold.since, places.get(id)?.zone),
        badge(hold.released ? ['info', 'play', 'Being worked'] : ['warn', 'pause', 'Waits']),
        hold.item ? link(`#/d/${encodeURIComponent(tenant)}/review/${encodeURIComponent(hold.item)}`, 'Decide') : '–',
      ],
    };
  });
  const events = all.reduce((sum, hold) => sum + hold.events, 0);
  return h(
    'div',
    { class: 'card' },
    h('p', {}, `${plural(all.length, 'line')} with ${plural(events, 'event')}.`),
    table('Holds', columns, rows),
  );
}
