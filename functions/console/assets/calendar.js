// A month of a property: who stays where, what is blocked, and what found no place.

import { get, path } from './api.js';
import { choose } from './board.js';
import { to } from './dashboard.js';
import { h, said } from './dom.js';
import { addMonths, daysBetween, daysIn, longDay, monthName, percent, plural, shortDay, todayHere } from './format.js';
import { icon } from './icons.js';
import { live } from './live.js';
import { badge, button, card, code, empty, frame, liveBadge, loading, notice, problem, table } from './parts.js';
import { picker } from './properties.js';
import { legend, picture } from './stays.js';
import { reason } from './words.js';

let asList = false;

export function calendar(visit) {
  const { main, tenant, signal } = visit;
  const status = liveBadge();
  const page = frame(main, 'Calendar', { badge: status });
  choose(page, visit, 'calendar', (id, list) => {
    const month = visit.month ?? todayHere().slice(0, 7);
    const about = { tenant, id, list, month };
    page.show(toolbar(about), loading('the month'));
    const load = () => get(path(['tenants', tenant, 'properties', id, 'calendar'], { month }), signal);
    const fail = (error) =>
      page.show(
        toolbar(about),
        problem(error, () => again()),
      );
    const again = live({ load, show: (read) => draw(page, about, read), fail, status: status.set, signal });
  });
}

function toolbar({ tenant, id, list, month }, today = todayHere()) {
  const of = (other) => to(tenant, id, `calendar/${other}`);
  const input = h('input', {
    type: 'month',
    value: month,
    placeholder: 'YYYY-MM',
    pattern: '\\d{4}-\\d{2}',
    'aria-label': 'Month',
  });
  const change = () => {
    if (/^\d{4}-\d{2}$/.test(input.value)) location.hash = of(input.value);
  };
  input.addEventListener('change', change);
  return h(
    'div',
    { class: 'toolbar', 'data-key': 'toolbar' },
    picker(list, id, (other) => to(tenant, other, `calendar/${month}`)),
    h(
      'div',
      { class: 'steps-nav' },
      h('a', { class: 'button square', href: of(addMonths(month, -1)) }, icon('left'), said('Month before')),
      input,
      h('a', { class: 'button square', href: of(addMonths(month, 1)) }, icon('right'), said('Month after')),
      h('a', { class: 'button', href: of(today.slice(0, 7)) }, 'Today'),
    ),
  );
}

function draw(page, about, month) {
  const nights = daysIn(about.month);
  const sold = month.units.flatMap((unit) => Object.values(unit.nights)).reduce((sum, count) => sum + count, 0);
  const all = month.units.reduce((sum, unit) => sum + unit.capacity * nights, 0);
  page.head(
    month.name || about.id,
    ` · ${monthName(month.month)} · ${month.time_zone} · ${sold} of ${all} nights sold (${percent(sold, all)})`,
  );
  const toggle = button(
    asList ? 'As a picture' : 'As a list',
    () => {
      asList = !asList;
      draw(page, about, month);
    },
    { sign: asList ? 'calendar' : 'menu' },
  );
  const place = { tenant: about.tenant, nights, heldBy: new Map(month.held.map((held) => [held.subject, held])) };
  const whole = place.heldBy.get(`property/${about.id}`);
  page.show(
    toolbar(about, month.today),
    whole &&
      notice(
        'warn',
        'Events of the property itself wait: ',
        reason(whole.reason),
        '. ',
        inReview(about.tenant, `property/${about.id}`),
      ),
    month.unplaced.length > 0 && conflicts(month, about.tenant),
    month.units.length === 0
      ? empty('The property has no units yet', 'They come with its registration.')
      : card(monthName(month.month), toggle, asList ? list(month) : [picture(month, place), legend()]),
    month.held.length > 0 && card('Subjects that wait', waiting(month.held, about.tenant)),
    month.day_use.length > 0 &&
      card(
        'Day use',
        h(
          'ul',
          { class: 'plain' },
          month.day_use.map((stay) =>
            h('li', { 'data-key': stay.booking }, code(stay.booking), ` in ${stay.unit} on ${longDay(stay.arrival)}`),
          ),
        ),
      ),
  );
}

const inReview = (tenant, subject) =>
  h('a', { href: `#/d/${encodeURIComponent(tenant)}/review?q=${encodeURIComponent(subject)}` }, 'See in review');

function conflicts(month, tenant) {
  const one = (stay) =>
    h(
      'li',
      { 'data-key': stay.booking },
      code(`booking/${stay.booking}`),
      ` wants ${stay.unit} from ${shortDay(stay.arrival)} to ${shortDay(stay.departure)}; `,
      stay.taken_by?.length
        ? `the nights are taken by ${stay.taken_by.join(', ')}. `
        : 'all units of the type are sold. ',
      inReview(tenant, `booking/${stay.booking}`),
    );
  return notice(
    'bad',
    h('p', { class: 'strong' }, `${plural(month.unplaced.length, 'booking')} without a free night`),
    h('ul', {}, month.unplaced.map(one)),
  );
}

function waiting(held, tenant) {
  const columns = [['Subject'], ['Reason'], ['Events'], ['State'], ['Review']];
  return table(
    'Subjects that wait',
    columns,
    held.map((one) => ({
      key: `${one.subject} ${one.line}`,
      cells: [
        code(one.subject),
        one.line === 'wait' ? 'Not registered yet' : reason(one.reason),
        String(one.events),
        badge(one.released ? ['info', 'play', 'Being worked'] : ['warn', 'pause', 'Waits']),
        inReview(tenant, one.subject),
      ],
    })),
  );
}

/** The same month as a table. */
function list(month) {
  const stay = (kind) => (one) => ({
    what: one.booking,
    unit: one.unit,
    from: one.arrival,
    until: one.departure,
    kind,
  });
  const rows = [
    ...month.units.flatMap((unit) => [
      ...unit.stays.map(stay(['good', 'check', 'Stays'])),
      ...unit.blocks.map((block) => ({
        what: block.id,
        unit: unit.id,
        from: block.from,
        until: block.until,
        kind: ['plain', 'stop', 'Blocked'],
      })),
    ]),
    ...month.unplaced.map(stay(['bad', 'alert', 'Conflict'])),
    ...month.day_use.map(stay(['info', 'sun', 'Day use'])),
  ];
  rows.sort((a, b) => a.from.localeCompare(b.from) || a.unit.localeCompare(b.unit));
  if (rows.length === 0) return h('p', { class: 'muted' }, 'Nobody stays, and nothing is blocked.');
  const columns = [
    ['Booking or block'],
    ['Unit'],
    ['From', 'nowrap'],
    ['Until', 'nowrap'],
    ['Nights', 'number'],
    ['State'],
  ];
  return table(
    `Stays and blocks of ${monthName(month.month)}`,
    columns,
    rows.map((row) => ({
      key: `${row.kind[2]} ${row.unit} ${row.what}`,
      cells: [
        code(row.what),
        row.unit,
        longDay(row.from),
        longDay(row.until),
        String(daysBetween(row.from, row.until)),
        badge(row.kind),
      ],
    })),
  );
}
