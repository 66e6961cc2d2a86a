// The picture of a month: units by days. A bar lasts from noon of the arrival to noon of the departure, so stays that follow
// each other touch and do not overlap.

import { h, said } from './dom.js';
import { addDays, dayOfMonth, daysBetween, isWeekend, longDay, monthName, shortDay, weekday } from './format.js';
import { level } from './heatmap.js';
import { icon } from './icons.js';
import { scroller } from './parts.js';
import { reason } from './words.js';

export function picture(month, place) {
  const days = Array.from({ length: place.nights }, (_, n) => addDays(month.month, n));
  const at = { ...place, first: month.month, days, today: month.today };
  const head = h(
    'div',
    { class: 'line head' },
    h('div', { class: 'name' }, 'Unit'),
    h(
      'div',
      { class: 'track' },
      days.map((day) =>
        h(
          'div',
          { class: mark(day, at.today) },
          h('span', { 'aria-hidden': 'true' }, weekday(day).slice(0, 2)),
          h('span', { class: 'strong', 'aria-hidden': 'true' }, dayOfMonth(day)),
          day === at.today && said(`Today is ${longDay(day)}`),
        ),
      ),
    ),
  );
  const rows = month.units.map((unit) => (unit.capacity === 1 ? single(unit, month, at) : type(unit, month, at)));
  const none = month.unplaced.map((stay) =>
    h(
      'div',
      { class: 'line conflict', 'data-key': `conflict-${stay.booking}` },
      h('div', { class: 'name' }, icon('alert'), h('span', {}, 'Conflict'), h('small', { class: 'muted' }, stay.unit)),
      track(at, bar(stay, at, 'bad')),
    ),
  );
  return scroller(
    `Picture of ${monthName(month.month)}: units by days`,
    h('div', { class: 'picture', vars: { '--days': String(place.nights) } }, head, rows, none),
  );
}

const mark = (day, today) => `day ${isWeekend(day) ? 'weekend' : ''} ${day === today ? 'today' : ''}`;
const track = (at, ...bars) =>
  h(
    'div',
    { class: 'track' },
    at.days.map((day) => h('div', { class: mark(day, at.today) })),
    bars,
  );

function name(unit, at) {
  const held = at.heldBy.get(`unit/${unit.id}`);
  return h(
    'div',
    { class: 'name' },
    h('span', {}, unit.id),
    unit.capacity > 1 && h('small', { class: 'muted' }, `${unit.capacity} of a kind`),
    held &&
      h(
        'a',
        { class: 'held-mark', href: search(at, `unit/${unit.id}`), title: reason(held.reason) },
        icon('pause'),
        said(`waits: ${reason(held.reason)}`),
      ),
  );
}

const search = (at, subject) => `#/d/${encodeURIComponent(at.tenant)}/review?q=${encodeURIComponent(subject)}`;

/** From noon to noon, in percent of the month; what is cut off goes on before or after it. */
function reach(from, until, at) {
  const noon = (day) => daysBetween(at.first, day) + 0.5;
  const [start, end] = [Math.max(0, noon(from)), Math.min(at.days.length, noon(until))];
  const cut = `${noon(from) < 0 ? 'from-before' : ''} ${noon(until) > at.days.length ? 'to-after' : ''}`;
  return {
    cut,
    vars: {
      '--from': `${(100 * start) / at.days.length}%`,
      '--wide': `${(100 * Math.max(0, end - start)) / at.days.length}%`,
    },
  };
}

function bar(stay, at, tone = '') {
  const { cut, vars } = reach(stay.arrival, stay.departure, at);
  const held = at.heldBy.get(`booking/${stay.booking}`);
  const taken =
    tone === 'bad' && (stay.taken_by?.length ? `nights taken by ${stay.taken_by.join(', ')}` : 'all are sold');
  const words = `${stay.booking}: ${shortDay(stay.arrival)} to ${shortDay(stay.departure)}${taken ? `; ${taken}` : ''}${held ? `; waits: ${reason(held.reason)}` : ''}`;
  const props = {
    class: `bar ${tone} ${held ? 'held' : ''} ${cut}`,
    vars,
    title: words,
    'data-key': `stay-${stay.booking}`,
  };
  const label = [
    held && icon('pause'),
    h('span', { class: 'label' }, stay.booking, taken && ` – ${taken}`),
    said(`, ${stay.unit}, ${words}`),
  ];
  return held || tone === 'bad'
    ? h('a', { ...props, href: search(at, `booking/${stay.booking}`) }, label)
    : h('span', props, label);
}

function blockBar(block, at) {
  const { cut, vars } = reach(block.from, block.until, at);
  const words = `Blocked ${shortDay(block.from)} to ${shortDay(block.until)} (${block.id})`;
  return h(
    'span',
    { class: `bar block ${cut}`, vars, title: words, 'data-key': `block-${block.id}` },
    h('span', { class: 'label' }, 'blocked'),
    said(words),
  );
}

function dayUse(month, unit, at) {
  return month.day_use
    .filter((stay) => stay.unit === unit.id)
    .map((stay) => {
      const { vars } = reach(stay.arrival, stay.arrival, at);
      return h(
        'span',
        { class: 'day-use', vars, title: `${stay.booking}: day use on ${shortDay(stay.arrival)}` },
        said(`${stay.booking}, day use on ${shortDay(stay.arrival)}`),
      );
    });
}

function single(unit, month, at) {
  const bars = [
    unit.blocks.map((block) => blockBar(block, at)),
    unit.stays.map((stay) => bar(stay, at)),
    dayUse(month, unit, at),
  ];
  return h('div', { class: 'line', 'data-key': `unit-${unit.id}` }, name(unit, at), track(at, bars));
}

/** A room type: of each night, how many are sold of how many. */
function type(unit, month, at) {
  const cell = (day) => {
    const sold = unit.nights[day] ?? 0;
    const isOver = sold > unit.capacity;
    return h(
      'div',
      {
        class: `${mark(day, at.today)} heat heat-${level(sold, unit.capacity)} ${isOver ? 'over' : ''}`,
        title: `${longDay(day)}: ${sold} of ${unit.capacity} sold${isOver ? ', more than there are' : ''}`,
      },
      h('span', { class: 'strong' }, sold),
      h('small', {}, `/${unit.capacity}`),
    );
  };
  return h(
    'div',
    { class: 'line counts', 'data-key': `unit-${unit.id}` },
    name(unit, at),
    h(
      'div',
      { class: 'track' },
      at.days.map(cell),
      unit.blocks.map((block) => blockBar(block, at)),
      dayUse(month, unit, at),
    ),
  );
}

export function legend() {
  const entry = (kind, word) => h('li', {}, h('span', { class: `swatch ${kind}`, 'aria-hidden': 'true' }), word);
  return h(
    'ul',
    { class: 'legend', 'aria-label': 'Legend' },
    entry('stay', 'Stay, noon to noon'),
    entry('held', 'Stay with events that wait'),
    entry('block', 'Blocked'),
    entry('bad', 'Conflict: no free night'),
    entry('day-use', 'Day use'),
    entry('heat heat-3', 'Room type: sold / capacity'),
  );
}
