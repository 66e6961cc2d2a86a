// A week of cleanings, and the tasks that are open.

import { get, path } from './api.js';
import { to } from './dashboard.js';
import { h, said } from './dom.js';
import { addDays, longDay, monday, plural, shortDay, todayHere, weekday } from './format.js';
import { icon } from './icons.js';
import { live } from './live.js';
import { badge, card, code, empty, frame, liveBadge, loading, notice, problem, scroller, table } from './parts.js';
import { picker, properties } from './properties.js';
import { WORK, sentence } from './words.js';

/** Chooses the first property where the address names none, then shows it by `show`. */
export async function choose(page, { tenant, property, signal }, name, show) {
  page.show(loading('properties'));
  try {
    const list = await properties(tenant, signal);
    if (signal.aborted) return;
    const id = property ?? list[0]?.id;
    if (id) show(id, list);
    else page.show(empty('No property is registered yet', `Post pms.property.upserted.v1, and its ${name} is here.`));
  } catch (error) {
    if (!signal.aborted) page.show(problem(error, () => choose(page, { tenant, property, signal }, name, show)));
  }
}

export function board(visit) {
  const { main, tenant, signal } = visit;
  const status = liveBadge();
  const page = frame(main, 'Cleaning', { badge: status });
  choose(page, visit, 'cleaning', (id, list) => {
    const from = visit.from ?? monday(todayHere());
    page.show(loading('the week'));
    // What is late becomes so by the clock alone, hence the minute.
    const load = async () => [
      await get(path(['tenants', tenant, 'properties', id, 'board'], { from, days: 7 }), signal),
      Math.floor(Date.now() / 60_000),
    ];
    const fail = (error) =>
      page.show(
        toolbar(tenant, id, list, from),
        problem(error, () => again()),
      );
    const again = live({
      load,
      show: ([week]) => draw(page, { tenant, id, list, from }, week),
      fail,
      status: status.set,
      every: 5000,
      signal,
    });
  });
}

function toolbar(tenant, id, list, from, today = todayHere()) {
  const week = (day) => to(tenant, id, `board/${day}`);
  return h(
    'div',
    { class: 'toolbar' },
    picker(list, id, (other) => to(tenant, other, `board/${from}`)),
    h(
      'div',
      { class: 'steps-nav' },
      h('a', { class: 'button square', href: week(addDays(from, -7)) }, icon('left'), said('Week before')),
      h('a', { class: 'button', href: week(monday(today)) }, 'This week'),
      h('a', { class: 'button square', href: week(addDays(from, 7)) }, icon('right'), said('Week after')),
    ),
  );
}

const isLate = (cleaning, today) =>
  cleaning.status !== 'done' && (cleaning.until ? Date.parse(cleaning.until) < Date.now() : cleaning.day < today);

function draw(page, { tenant, id, list, from }, week) {
  const count = (wanted) => week.cleanings.filter(wanted).length;
  const [late, nobodys] = [
    count((one) => isLate(one, week.today)),
    count((one) => !one.assignee && one.status !== 'done'),
  ];
  page.head(week.name || id, ` · ${longDay(week.from)} to ${longDay(addDays(week.until, -1))} · ${week.time_zone}`);
  const days = [0, 1, 2, 3, 4, 5, 6].map((n) => addDays(week.from, n)).filter((day) => day < week.until);
  const units = [...new Set([...week.units, ...week.cleanings.map((one) => one.unit)])];
  page.show(
    toolbar(tenant, id, list, from, week.today),
    late > 0 && notice('bad', `${plural(late, 'cleaning')} late.`),
    nobodys > 0 && notice('warn', `${plural(nobodys, 'cleaning')} for nobody yet.`),
    card(
      'Cleanings',
      h(
        'p',
        { class: 'muted' },
        `${plural(week.cleanings.length, 'cleaning')}, ${count((one) => one.urgent)} urgent, ${count((one) => one.status === 'done')} done. Times are the property's.`,
      ),
      grid(week, units, days),
    ),
    card('Open tasks', tasks(week.tasks)),
  );
}

function grid(week, units, days) {
  const head = (day) =>
    h(
      'th',
      { scope: 'col', class: day === week.today ? 'today' : '' },
      h('span', {}, weekday(day)),
      ' ',
      shortDay(day),
      day === week.today && said(', today'),
    );
  const cell = (unit, day) =>
    h(
      'td',
      { class: day === week.today ? 'today' : '' },
      week.cleanings.filter((one) => one.unit === unit && one.day === day).map((one) => job(one, week.today)),
    );
  return scroller(
    'Cleanings by unit and day',
    h(
      'table',
      { class: 'board' },
      h('caption', { class: 'hidden-text' }, 'Cleanings by unit and day'),
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Unit'), days.map(head))),
      h(
        'tbody',
        {},
        units.map((unit) =>
          h(
            'tr',
            { 'data-key': unit },
            h('th', { scope: 'row' }, unit),
            days.map((day) => cell(unit, day)),
          ),
        ),
      ),
    ),
  );
}

const local = (moment, day) =>
  moment.slice(0, 10) === day ? moment.slice(11, 16) : `${weekday(moment.slice(0, 10))} ${moment.slice(11, 16)}`;

function job(one, today) {
  const from = one.local_from ? local(one.local_from, one.day) : '';
  const until = one.local_until ? `–${local(one.local_until, one.day)}` : from && ' on';
  const late = isLate(one, today);
  return h(
    'div',
    {
      class: `job ${one.status} ${late ? 'late' : ''}`,
      'data-key': `job-${one.booking}`,
      title: `Behind booking ${one.booking}${one.by ? `, reported by ${one.by}` : ''}`,
    },
    h('p', { class: 'strong' }, from ? `${from}${until}` : 'Any time'),
    badge(WORK[one.status] ?? WORK.open),
    one.urgent && one.status !== 'done' && badge(['warn', 'bolt', 'Urgent']),
    late && badge(['bad', 'clock', 'Late']),
    h('p', { class: one.assignee ? '' : 'muted' }, icon('person'), one.assignee ?? 'Nobody yet'),
  );
}

function tasks(all) {
  if (all.length === 0) return h('p', { class: 'good-news' }, icon('check'), 'No task is open.');
  const columns = [['Task'], ['Kind'], ['Unit'], ['Days'], ['Who'], ['State']];
  const when = (task) =>
    task.from
      ? `${shortDay(task.from)}${task.until && addDays(task.until, -1) !== task.from ? ` to ${shortDay(addDays(task.until, -1))}` : ''}${task.state === 'requested' ? ' (asked for)' : ''}`
      : 'No day yet';
  return table(
    'Open tasks',
    columns,
    all.map((task) => ({
      key: task.task,
      cells: [
        [task.title, h('small', {}, code(task.task))],
        sentence(task.kind),
        [task.unit ?? 'All', task.blocks && badge(['warn', 'stop', 'Blocks'])],
        when(task),
        task.assignee ?? 'Nobody yet',
        badge(WORK[task.status] ?? WORK.open),
      ],
    })),
  );
}
