// Edits an event: checked while it is typed, and shown beside what it was before it is sent.

import { path, post } from './api.js';
import { send } from './acts.js';
import { changes } from './diff.js';
import { h, put } from './dom.js';
import { plural } from './format.js';
import { icon } from './icons.js';
import { find, lineOf, pretty, scan } from './json.js';
import { actions, button, code, notice, problem } from './parts.js';

const WAIT = 400;
const LARGEST = 1024 * 1024;

/** Where a fault stands in the text: `{ line, from, to }`. */
function placeOf(text, fault) {
  const { root, error } = scan(text);
  if (!root) return { line: error.line, from: error.at, to: error.at };
  const { node } = find(root, fault.pointer ?? '');
  return { line: lineOf(text, node.start), from: node.start, to: node.end };
}

export function editor(view, detail, after, leave) {
  const before = pretty(detail.body);
  const text = h('textarea', {
    id: 'edit',
    class: 'code',
    spellcheck: 'false',
    autocapitalize: 'off',
    autocomplete: 'off',
    wrap: 'off',
    rows: Math.min(28, Math.max(10, before.split('\n').length + 1)),
    value: before,
    'aria-describedby': 'edit-state',
  });
  const numbers = h('div', { class: 'numbers', 'aria-hidden': 'true' });
  const state = h('div', { id: 'edit-state', role: 'status' });
  const stage = h('div', {});
  const next = button('Review changes', review, { kind: 'primary' });
  const writing = h(
    'div',
    {},
    h('label', { for: 'edit' }, 'The event, as it shall be worked'),
    h('div', { class: 'editor' }, numbers, text),
    state,
    actions(next, button('Cancel', leave)),
  );
  const box = h(
    'section',
    { class: 'card', 'aria-label': 'Edit and retry' },
    h('h2', {}, 'Edit and retry'),
    h('p', { class: 'hint' }, 'Change data only; id, type, tenant, property and subject stay as they are.'),
    writing,
    stage,
  );
  let faults = [];
  let timer;
  let checks = 0;

  function number() {
    const bad = new Set(faults.map(({ place }) => place.line));
    const lines = Array.from({ length: text.value.split('\n').length }, (_, n) =>
      h('div', { class: bad.has(n + 1) ? 'bad' : '' }, String(n + 1)),
    );
    put(numbers, h('div', { class: 'moved' }, lines));
    move();
  }
  const move = () => numbers.firstChild?.style.setProperty('transform', `translateY(${-text.scrollTop}px)`);

  function jump({ place }) {
    text.focus();
    text.setSelectionRange(place.from, place.to);
    text.scrollTop = Math.max(0, (place.line - 4) * (parseFloat(getComputedStyle(text).lineHeight) || 20));
  }

  function told(found, note) {
    faults = found.map((fault) => ({ ...fault, place: placeOf(text.value, fault) }));
    number();
    next.disabled = faults.length > 0;
    const entry = (fault) =>
      h(
        'li',
        {},
        h(
          'button',
          { type: 'button', class: 'button quiet jump', on: { click: () => jump(fault) } },
          icon('alert'),
          h('span', {}, `Line ${fault.place.line}`),
        ),
        h(
          'div',
          {},
          fault.pointer && [code(fault.pointer), ' '],
          fault.found && `found ${fault.found}; `,
          `expected ${fault.expected}`,
          fault.remedy && h('p', { class: 'muted' }, fault.remedy),
        ),
      );
    put(
      state,
      note ??
        (faults.length === 0
          ? notice('good', 'Nothing would be refused.')
          : notice('bad', plural(faults.length, 'fault'), h('ul', { class: 'faults' }, faults.map(entry)))),
    );
  }

  async function check() {
    checks += 1;
    const mine = checks;
    const { error } = scan(text.value);
    if (error) return told([{ expected: `JSON: ${error.message.charAt(0).toLowerCase()}${error.message.slice(1)}` }]);
    if (new Blob([text.value]).size > LARGEST) return told([{ expected: 'at most 1 MiB' }]);
    try {
      const read = await post(
        path(['desks', view.desk, 'review', 'check']),
        { queue: detail.item.queue, body: text.value },
        view.signal,
      );
      if (mine === checks) told(read.faults);
    } catch (failed) {
      // What cannot be checked now is checked when it is sent.
      if (mine === checks && !view.signal.aborted) told([], notice('warn', `Not checked: ${failed.message}`));
    }
    return undefined;
  }

  function review() {
    const changed = text.value;
    const trouble = h('div', {});
    const back = () => {
      put(stage);
      writing.hidden = false;
      text.focus();
    };
    const go = button(
      'Send and retry',
      async () => {
        go.disabled = true;
        await send(view, 'edit', { body: changed }, 'Edited and retried', after, (error) => {
          if (error.status !== 422) return put(trouble, problem(error));
          back();
          return told([error.detail]);
        });
        go.disabled = false;
      },
      { kind: 'primary' },
    );
    writing.hidden = true;
    const shown = pretty(changed);
    go.disabled = shown === before;
    put(
      stage,
      h('h3', { tabindex: -1 }, 'What changes'),
      changes(before, shown),
      trouble,
      actions(go, button('Back to the text', back)),
    );
    stage.querySelector('h3').focus();
  }

  text.addEventListener('input', () => {
    number();
    clearTimeout(timer);
    timer = setTimeout(check, WAIT);
  });
  text.addEventListener('scroll', move);
  number();
  check();
  return box;
}
