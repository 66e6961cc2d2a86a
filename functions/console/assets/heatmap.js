// Occupancy as tables: numbers in cells, and a colour that says the same.

import { h, said } from './dom.js';
import { addDays, dayOfMonth, isWeekend, longDay, monday, shortDay, weekday } from './format.js';
import { scroller } from './parts.js';

/** 0 (nothing sold) to 6 (all is sold). */
export const level = (sold, capacity) =>
  sold <= 0 || capacity <= 0 ? 0 : sold >= capacity ? 6 : 1 + Math.min(4, Math.floor((5 * sold) / capacity));

const share = ({ sold, capacity }) => (capacity > 0 ? String(Math.round((100 * sold) / capacity)) : '–');
const tip = ({ day, sold, capacity }) => `${longDay(day)}: ${sold} of ${capacity} sold`;

function scale() {
  const words = ['0 %', '', '', '', '', '', '100 %'];
  return h(
    'p',
    { class: 'scale' },
    h('span', { class: 'muted' }, 'Share of capacity sold'),
    said(', darker is more'),
    h(
      'span',
      { class: 'steps', 'aria-hidden': 'true' },
      words.map((word, n) => h('span', { class: `heat heat-${n}` }, word)),
    ),
  );
}

/** Properties by days. */
export function heatmap(tiles, address) {
  const days = [...new Set(tiles.flatMap((tile) => tile.occupancy.map(({ day }) => day)))].sort().slice(0, 30);
  const head = (day, n) =>
    h(
      'th',
      { scope: 'col', class: `day ${isWeekend(day) ? 'weekend' : ''}` },
      h(
        'span',
        { class: 'muted' },
        n === 0 || dayOfMonth(day) === 1 ? shortDay(day).split(' ')[1] : weekday(day).slice(0, 2),
      ),
      h('span', {}, String(dayOfMonth(day))),
      said(` ${longDay(day)}`),
    );
  const row = (tile) => {
    const byDay = new Map(tile.occupancy.map((night) => [night.day, night]));
    return h(
      'tr',
      { 'data-key': tile.property },
      h('th', { scope: 'row' }, h('a', { href: address(tile.property) }, tile.name || tile.property)),
      days.map((day) => {
        const night = byDay.get(day);
        return night
          ? h('td', { class: `heat heat-${level(night.sold, night.capacity)}`, title: tip(night) }, share(night))
          : h('td', { class: 'heat' }, '–');
      }),
    );
  };
  return [
    scale(),
    scroller(
      'Occupancy by property and day',
      h(
        'table',
        { class: 'heatmap' },
        h('caption', { class: 'hidden-text' }, 'Occupancy in percent, by property and day'),
        h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Property'), days.map(head))),
        h('tbody', {}, tiles.map(row)),
      ),
    ),
  ];
}

/** The days of one property, a week in each row. */
export function weeks(tile) {
  const nights = new Map(tile.occupancy.map((night) => [night.day, night]));
  const all = [...nights.keys()].sort();
  if (all.length === 0) return h('p', { class: 'muted' }, 'No nights are known.');
  const rows = [];
  for (let week = monday(all[0]); week <= all.at(-1); week = addDays(week, 7)) rows.push(week);
  const cell = (day) => {
    const night = nights.get(day);
    if (!night) return h('td', { class: 'heat none' }, said('–'));
    const mark = `heat heat-${level(night.sold, night.capacity)} ${day === tile.today ? 'today' : ''}`;
    return h(
      'td',
      { class: mark, title: tip(night) },
      h('span', {}, share(night), said(' %')),
      h('small', {}, `${night.sold}/${night.capacity}`),
    );
  };
  return [
    scale(),
    scroller(
      'Occupancy of the next 90 days',
      h(
        'table',
        { class: 'heatmap weeks' },
        h('caption', { class: 'hidden-text' }, 'Occupancy by week and weekday, with what is sold of the capacity'),
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            h('th', { scope: 'col' }, 'Week of'),
            ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].map((name) => h('th', { scope: 'col' }, name)),
          ),
        ),
        h(
          'tbody',
          {},
          rows.map((week) =>
            h(
              'tr',
              { 'data-key': week },
              h('th', { scope: 'row' }, shortDay(week)),
              [0, 1, 2, 3, 4, 5, 6].map((n) => cell(addDays(week, n))),
            ),
          ),
        ),
      ),
    ),
  ];
}
