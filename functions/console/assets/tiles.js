// The parts that the dashboards of a tenant and of a property share: figures, throughput, channels, failures.

import { h, said, svg } from './dom.js';
import { counted, money, number, percent, plural, time } from './format.js';
import { icon } from './icons.js';
import { badge, code } from './parts.js';
import { CHANNEL, reason } from './words.js';

const sum = (list, of) => list.reduce((all, one) => all + (of(one) ?? 0), 0);

function tile(name, label, value, note, { tone = '', href } = {}) {
  const figure = [tone && icon(name === 'cleanings' ? 'clock' : 'alert'), value];
  return h(
    'div',
    { class: `tile ${tone}`, 'data-testid': `tile-${name}`, 'data-key': name },
    h('dt', {}, label),
    h('dd', { class: `figure ${value.length > 9 ? 'long' : ''}` }, href ? h('a', { href }, figure) : figure),
    h('dd', { class: 'muted' }, note || '\u00a0'),
  );
}

/** Today in figures. */
export function figures(tiles, review, desk) {
  const today = tiles.map((one) => one.occupancy.find(({ day }) => day === one.today)).filter(Boolean);
  const [sold, capacity] = [sum(today, (night) => night.sold), sum(today, (night) => night.capacity)];
  const cleanings = (kind) => sum(tiles, (one) => one.cleanings?.[kind]);
  const [open, late, done] = ['open', 'late', 'done'].map(cleanings);
  const [sent, failed] = ['sent', 'failed'].map((kind) => sum(tiles, (one) => one.mails?.[kind]));
  const unplaced = sum(tiles, (one) => one.unplaced);
  const revenue = new Map();
  for (const { currency, minor } of tiles.flatMap((one) => one.revenue ?? []))
    revenue.set(currency, (revenue.get(currency) ?? 0) + Number(minor));
  const amounts = [...revenue].sort((a, b) => b[1] - a[1]).map(([currency, minor]) => money(minor, currency));
  return h(
    'dl',
    { class: 'tiles' },
    tile(
      'arrivals',
      'Arrivals today',
      number(sum(tiles, (one) => one.arrivals)),
      unplaced > 0 ? `${number(unplaced)} without a free night` : '',
    ),
    tile('departures', 'Departures today', number(sum(tiles, (one) => one.departures))),
    tile('in-house', 'In house', number(sum(tiles, (one) => one.in_house)), 'bookings'),
    tile('occupancy', 'Occupancy today', percent(sold, capacity), `${number(sold)} of ${number(capacity)} sold`),
    tile(
      'cleanings',
      'Cleanings open',
      number(open),
      `${late > 0 ? `${number(late)} late, ` : ''}${number(done)} done`,
      { tone: late > 0 ? 'warn' : '' },
    ),
    tile('mails', 'Mails today', number(sent), failed > 0 ? `${number(failed)} failed` : 'none failed', {
      tone: failed > 0 ? 'warn' : '',
    }),
    tile('review', 'Open in review', counted(review?.open), `${number(review?.critical)} critical`, {
      tone: review?.critical > 0 ? 'bad' : '',
      href: `#/d/${encodeURIComponent(desk)}/review`,
    }),
    tile('revenue', 'Booked this month', amounts[0] ?? '–', amounts.slice(1).join(' · ') || 'arrivals of this month'),
  );
}

const minuteOf = (text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));
const clockOf = (minute) =>
  [Math.floor(minute / 60), minute % 60].map((part) => String(part).padStart(2, '0')).join(':');

/** Events of each of the last 60 minutes, all properties together. */
export function throughput(tiles, at) {
  const counts = new Map();
  for (const { at: minute, events } of tiles.flatMap((one) => one.minutes ?? []))
    counts.set(minute, (counts.get(minute) ?? 0) + events);
  const now = new Date(at ?? Date.now());
  const last = now.getUTCHours() * 60 + now.getUTCMinutes();
  const bars = Array.from({ length: 60 }, (_, n) => clockOf((last - 59 + n + 1440) % 1440)).map((minute) => ({
    minute,
    events: counts.get(minute) ?? 0,
  }));
  const [most, all] = [Math.max(1, ...bars.map(({ events }) => events)), sum(bars, ({ events }) => events)];
  const peak = bars.find(({ events }) => events === most);
  const words =
    all === 0
      ? 'No events in the last hour.'
      : `${plural(all, 'event')} in the last hour, at most ${number(most)} a minute${peak ? ` at ${peak.minute}` : ''}.`;
  const bar = ({ minute, events }, n) =>
    svg(
      'rect',
      { x: n * 10 + 1, width: 8, y: 100 - (96 * events) / most, height: (96 * events) / most },
      svg('title', {}, `${minute} UTC: ${events}`),
    );
  const shape = {
    viewBox: '0 0 600 100',
    preserveAspectRatio: 'none',
    class: 'bars',
    role: 'img',
    'aria-label': `Events a minute. ${words}`,
  };
  return [
    h('p', { class: 'muted' }, words),
    h(
      'div',
      { class: 'chart' },
      h('span', { class: 'top-mark muted', 'aria-hidden': 'true' }, number(most)),
      svg('svg', shape, bars.map(bar)),
    ),
    h(
      'p',
      { class: 'axis muted', 'aria-hidden': 'true' },
      [0, 15, 30, 45, 59].map((n) => h('span', {}, bars[n].minute)),
    ),
    h('p', { class: 'hint' }, `Times are UTC; it is ${clockOf(minuteOf(bars[59].minute))}.`),
  ];
}

const ORDER = ['disabled', 'failing', 'off', 'on'];

/** What is wrong first; what is well folds away. */
export function channelHealth(tiles, address) {
  const all = tiles.flatMap((one) => (one.channels ?? []).map((channel) => ({ ...channel, tile: one })));
  all.sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  const row = ({ channel, name, state, since, tile: of }) =>
    h(
      'li',
      { 'data-key': `${of.property} ${channel}` },
      badge(CHANNEL[state] ?? CHANNEL.off),
      h(
        'span',
        {},
        h('span', { class: 'strong' }, name || channel),
        ' ',
        h('a', { href: address(of.property) }, of.name || of.property),
      ),
      h('span', { class: 'muted' }, since ? ['since ', time(since, of.time_zone)] : ''),
    );
  const [well, rest] = [all.filter(({ state }) => state === 'on'), all.filter(({ state }) => state !== 'on')];
  const unknown = tiles.filter((one) => !one.channels).length;
  if (unknown === tiles.length) return h('p', { class: 'muted' }, 'Loading channels…');
  if (all.length === 0) return h('p', { class: 'muted' }, 'No channels are registered.');
  return [
    rest.length > 0 && h('ul', { class: 'rows' }, rest.map(row)),
    well.length > 0 &&
      h(
        'details',
        { open: rest.length === 0 && well.length <= 8 },
        h('summary', {}, badge(['good', 'check', `${plural(well.length, 'channel')} on`])),
        h('ul', { class: 'rows' }, well.map(row)),
      ),
    unknown > 0 &&
      h(
        'p',
        { class: 'hint' },
        `Those of ${plural(unknown, 'more property', 'more properties')} are on their own pages.`,
      ),
  ];
}

/** How many wait for each reason; each leads to them. */
export function failures(reasons, desk) {
  const all = Object.entries(reasons ?? {}).sort((a, b) => b[1] - a[1]);
  if (all.length === 0) return h('p', { class: 'good-news' }, icon('check'), 'Nothing waits for a decision.');
  const most = all[0][1];
  return h(
    'ul',
    { class: 'shares' },
    all.map(([name, open]) =>
      h(
        'li',
        { 'data-key': name },
        h(
          'a',
          { href: `#/d/${encodeURIComponent(desk)}/review?code=${encodeURIComponent(name)}` },
          h('span', {}, reason(name), ' ', code(name)),
          h('span', { class: 'strong' }, number(open), said(' open')),
        ),
        h('span', { class: 'share', 'aria-hidden': 'true', vars: { '--share': `${(100 * open) / most}%` } }),
      ),
    ),
  );
}
