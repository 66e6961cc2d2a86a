// One item of the review: its cause, its event, what waits behind it, and what can be done.

import { acts } from './acts.js';
import { get, path } from './api.js';
import { announce, h, put, swap } from './dom.js';
import { number, plural, time } from './format.js';
import { find, layout, scan } from './json.js';
import { live } from './live.js';
import { markdown } from './markdown.js';
import { badge, button, card, code, frame, liveBadge, loading, notice, problem, scroller, table } from './parts.js';
import { zoneOf } from './properties.js';
import { ACTS, STATE, consumer, propertyOf, reason, sentence } from './words.js';

export function item({ main, desk, id, signal }) {
  const status = liveBadge();
  const back = `#/d/${encodeURIComponent(desk)}/review`;
  const page = frame(main, 'Item', { badge: status, up: [back, 'Review'] });
  page.show(loading('the item'));
  const [told, stage, facts] = ['told', 'acts', 'facts'].map((key) => h('div', { 'data-key': key }));
  const view = { desk, id, back, signal, told, isRaw: false };
  let drawn = '';
  let zone;

  const draw = (detail) => {
    const { item: one } = detail;
    if (!facts.isConnected) page.show(h('div', { class: 'one' }, told, stage, facts));
    page.heading.textContent = reason(one.reason);
    document.title = `${reason(one.reason)} – Bellhop`;
    page.head(
      badge(STATE[one.state] ?? STATE.open),
      one.critical && badge(['bad', 'alert', 'Critical']),
      code(one.subject ?? 'no subject'),
      ' ',
      propertyOf(one.group),
      ' · since ',
      time(one.first_seen, zone),
    );
    const now = `${one.state} ${detail.may.join()}`;
    if (now !== drawn) {
      // While somebody edits, the text stays, whatever others decided.
      if (drawn && view.isEditing) swap(told, decided(one));
      else swap(stage, one.act ? decided(one) : acts(view, detail, after));
      drawn = now;
    }
    view.redraw = () => draw(detail);
    put(
      facts,
      cause(detail),
      eventCard(detail, view),
      waiting(detail, zone),
      timeline(detail, zone),
      detail.help && card('Help', markdown(detail.help)),
      record(one),
    );
  };
  const after = (message, tone = 'good') => {
    view.isEditing = false;
    drawn = '';
    swap(told, notice(tone, message, ' ', h('a', { href: back }, 'Back to the list')));
    announce(message);
    page.heading.focus();
    again();
  };
  const again = live({
    load: () => get(path(['desks', desk, 'review', id]), signal),
    show: draw,
    fail: (error) => page.show(problem(error, error.status === 404 ? undefined : () => again())),
    status: status.set,
    every: 5000,
    signal,
  });
  // The clock of the property, as soon as it is known.
  get(path(['desks', desk, 'review', id]), signal)
    .then(async ({ item: one }) => {
      zone = await zoneOf(desk, propertyOf(one.group), signal);
      view.redraw?.();
    })
    .catch(() => {});
}

const decided = (one) =>
  one.act &&
  notice(
    one.state === 'discarded' ? 'info' : 'good',
    `${sentence(ACTS[one.act.kind] ?? one.state)} by ${one.act.by} at `,
    time(one.act.at),
    one.act.because ? `: “${one.act.because}”` : '.',
  );

function cause({ item: one }) {
  const at = one.pointer && [' at ', code(one.pointer)];
  return card(
    'Cause',
    h(
      'dl',
      { class: 'facts' },
      one.found && [h('dt', {}, 'Found', at), h('dd', { class: 'found-value' }, one.found)],
      one.expected && [h('dt', {}, 'Expected'), h('dd', {}, one.expected)],
      one.remedy && [h('dt', {}, 'What to do'), h('dd', { class: 'strong' }, one.remedy)],
    ),
  );
}

/** A body of JSON, its faulty places marked, each with what is wrong there. */
function marked(body, faults) {
  const { root, error } = scan(body);
  if (!root) {
    return [
      notice('bad', `This is not JSON: ${error.message} (line ${error.line}).`),
      scroller('The event', h('pre', { class: 'json' }, body.slice(0, 20_000))),
    ];
  }
  const notes = new Map();
  for (const fault of faults) {
    const { node, exact } = find(root, fault.pointer ?? '');
    notes.set(node.pointer, [...(notes.get(node.pointer) ?? []), exact ? fault : { ...fault, isMissing: true }]);
  }
  const line = ({ indent, key, value, tail, pointer, kind }) => {
    const here = notes.get(pointer);
    const shown = [indent, key && h('span', { class: 'key' }, key), h('span', { class: `value ${kind}` }, value), tail];
    if (!here) return h('div', { class: 'row' }, shown);
    const notesHere = here.map((fault) =>
      h(
        'div',
        { class: 'fault' },
        fault.isMissing ? [code(fault.pointer), ' is missing here; '] : '',
        `found ${fault.found || 'nothing'}; expected ${fault.expected}`,
      ),
    );
    return h('div', { class: 'row faulty' }, h('mark', {}, shown), notesHere);
  };
  return scroller('The event', h('div', { class: 'json' }, layout(body, root).map(line)));
}

function eventCard(detail, view) {
  const { item: one, body, edited } = detail;
  const own = { pointer: one.pointer, found: one.found, expected: one.expected };
  const faults = detail.faults.length > 0 ? detail.faults : one.pointer ? [own] : [];
  const raw = button(
    view.isRaw ? 'Laid out' : 'Raw',
    () => {
      view.isRaw = !view.isRaw;
      view.redraw();
    },
    { kind: 'quiet', 'aria-pressed': String(view.isRaw) },
  );
  const content = view.isRaw
    ? scroller('The event, byte for byte', h('pre', { class: 'json raw' }, body))
    : marked(body, faults);
  return [card('Event', raw, content), edited && card('Edited to', marked(edited, []))];
}

function waiting({ waiting: all, waiting_more: more }, zone) {
  if (all.length === 0) return undefined;
  const rows = all.map((one) => ({
    key: one.event,
    cells: [code(one.event), one.type ?? '–', code(one.subject ?? '–'), time(one.since, zone)],
  }));
  return card(
    'Waits behind it',
    h(
      'p',
      {},
      `${plural(all.length + (more ?? 0), 'event')} of the same subject follow in this order, once this is decided.`,
    ),
    table('Events that wait', [['Event'], ['Type'], ['Subject'], ['Since']], rows),
    more > 0 && h('p', { class: 'muted' }, `and ${number(more)} more`),
  );
}

function timeline({ timeline: all }, zone) {
  return card(
    'What happened',
    h(
      'ol',
      { class: 'timeline' },
      all.map((one, n) =>
        h(
          'li',
          { 'data-key': `${n} ${one.at}` },
          h('p', {}, h('span', { class: 'strong' }, sentence(one.what)), one.by && ` by ${one.by}`),
          one.detail && h('p', {}, one.detail),
          h('p', { class: 'muted' }, time(one.at, zone)),
        ),
      ),
    ),
  );
}

function record(one) {
  const rows = [
    ['Item', one.id],
    ['Reason code', one.reason],
    ['Event', one.event],
    ['Type', one.event_type],
    ['Message group', one.group],
    ['Queue', one.queue],
    ['Function', consumer(one.consumer)],
    ['Attempts', number(one.attempts)],
    ['Receives', number(one.receives)],
    ['Road', sentence(one.road)],
  ];
  return h(
    'details',
    { class: 'card' },
    h('summary', {}, h('h2', {}, 'Details')),
    h(
      'dl',
      { class: 'facts narrow' },
      rows.filter(([, value]) => value).map(([name, value]) => [h('dt', {}, name), h('dd', {}, code(value))]),
    ),
  );
}
