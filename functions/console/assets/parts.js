// What pages are made of: frames, states, badges, tables, dialogs.

import { announce, h, put, said, swap } from './dom.js';
import { clock } from './format.js';
import { icon } from './icons.js';

/** A word with its icon, in a tone: good, warn, bad, info, plain. */
export const badge = ([tone, sign, word], more) =>
  h('span', { class: `badge ${tone}` }, icon(sign), h('span', {}, word, more));

export const link = (href, ...content) => h('a', { href }, content);
export const code = (text) => h('code', {}, text);

/** A button; `kind`: primary, danger, quiet or none. */
export function button(label, click, { kind = '', sign, ...props } = {}) {
  return h(
    'button',
    { type: 'button', class: `button ${kind}`, on: { click }, ...props },
    sign && icon(sign),
    h('span', {}, label),
  );
}

/** A part of a page. A button that comes first stands beside the title. */
export const card = (title, ...content) => {
  const id = `card-${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`;
  const isButton = content[0]?.nodeName === 'BUTTON';
  const head = h('h2', { id }, title);
  return h(
    'section',
    { class: 'card', 'aria-labelledby': id, 'data-key': id },
    isButton ? h('div', { class: 'card-head' }, head, content.shift()) : head,
    content,
  );
};

/** What is wider than the page moves inside this, by mouse, finger and keyboard. */
export const scroller = (label, content, more = '') =>
  h('div', { class: `scroller ${more}`, role: 'group', 'aria-label': label, tabindex: 0 }, content);

/** A table. Columns: [head, class]; a cell is text, a node or an array of them; the first of a row names the row. */
export function table(caption, columns, rows, { hideCaption = true } = {}) {
  const cell = (content, n) => h(n === 0 ? 'th' : 'td', { scope: n === 0 && 'row', class: columns[n][1] }, content);
  return scroller(
    caption,
    h(
      'table',
      { class: 'data' },
      h('caption', { class: hideCaption && 'hidden-text' }, caption),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          columns.map(([head, kind]) => h('th', { scope: 'col', class: kind }, head)),
        ),
      ),
      h(
        'tbody',
        {},
        rows.map(({ key, cells }) => h('tr', { 'data-key': key }, cells.map(cell))),
      ),
    ),
  );
}

/** While something is read. */
export function loading(what) {
  const bars = ['wide', '', 'short'].map((width) => h('div', { class: `bone ${width}` }));
  return h(
    'div',
    { class: 'state loading', 'data-key': 'loading' },
    h('p', {}, `Loading ${what}…`),
    h('div', { 'aria-hidden': 'true' }, bars),
  );
}

export const empty = (title, text, ...more) =>
  h(
    'div',
    { class: 'state empty', 'data-key': 'empty' },
    icon('inbox', 'large'),
    h('p', { class: 'strong' }, title),
    text && h('p', { class: 'muted' }, text),
    more,
  );

/** What went wrong, its code, and what to do. */
export function problem(error, retry) {
  return h(
    'div',
    { class: 'state error', role: 'alert', 'data-key': 'error' },
    icon('alert', 'large'),
    h('p', { class: 'strong' }, error.message || 'Something went wrong in this page.'),
    h('p', { class: 'muted' }, error.remedy ?? 'Reload the page. If it happens again, tell whoever runs Bellhop.'),
    error.code && h('p', { class: 'muted' }, 'Code ', code(error.code)),
    retry && button('Try again', retry, { sign: 'retry' }),
  );
}

/** A message at the head of a page; `tone` as for badges. */
export const notice = (tone, ...content) =>
  h(
    'div',
    { class: `notice ${tone}` },
    icon({ good: 'check', bad: 'alert', warn: 'alert' }[tone] ?? 'inbox'),
    h('div', {}, content),
  );

/** Says whether what is shown is fresh. Only a change of that is spoken. */
export function liveBadge() {
  const words = { live: 'Live', stale: 'Stale: trying again', offline: 'Offline', wait: 'Connecting' };
  const word = h('span', {}, words.wait);
  const at = h('span', { class: 'muted' });
  const node = h(
    'p',
    { class: 'live', 'data-state': 'wait', 'data-testid': 'live' },
    h('span', { class: 'dot', 'aria-hidden': 'true' }),
    word,
    at,
  );
  const set = (state, when) => {
    node.hidden = state === 'ended';
    if (node.dataset.state !== state && state !== 'ended') {
      if (node.dataset.state !== 'wait') announce(words[state]);
      node.dataset.state = state;
      word.textContent = words[state];
    }
    if (when) at.textContent = `updated ${clock(when)}`;
  };
  return { node, set };
}

/** The frame of a page. Returns its body; `show` makes the body these nodes, `head` the line below the title. */
export function frame(main, title, { badge: status, about, up } = {}) {
  const body = h('div', { class: 'body' });
  const below = h('div', { class: 'about' }, about);
  const heading = h('h1', { tabindex: -1 }, title);
  swap(
    main,
    h(
      'div',
      { class: 'page' },
      h(
        'div',
        { class: 'title' },
        up && h('a', { class: 'up', href: up[0] }, icon('left'), up[1]),
        heading,
        below,
        status?.node,
      ),
      body,
    ),
  );
  document.title = `${title} – Bellhop`;
  return {
    body,
    heading,
    head: (...nodes) => put(below, nodes),
    show: (...nodes) => put(body, nodes),
  };
}

/** A labelled field. */
export function field(label, input, hint) {
  const id = input.id || `field-${label.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`;
  input.id = id;
  if (hint) input.setAttribute('aria-describedby', `${id}-hint`);
  return h(
    'div',
    { class: 'field' },
    h('label', { for: id }, label),
    input,
    hint && h('p', { class: 'hint', id: `${id}-hint` }, hint),
  );
}

export function select(options, value, change) {
  const node = h(
    'select',
    { on: { change: (event) => change(event.target.value) } },
    options.map(([of, text]) => h('option', { value: of }, text)),
  );
  node.value = value;
  return node;
}

/** A dialog over the page. `content` is told how to close it. Focus goes back to where it was. */
export function dialog(title, content) {
  const node = h('dialog', { 'aria-labelledby': 'dialog-title' });
  const close = () => node.close();
  swap(
    node,
    h(
      'div',
      { class: 'dialog-head' },
      h('h2', { id: 'dialog-title' }, title),
      h('button', { type: 'button', class: 'button quiet square', on: { click: close } }, icon('close'), said('Close')),
    ),
  );
  const body = h('div', { class: 'dialog-body' });
  node.append(body);
  swap(
    body,
    content(close, (...nodes) => swap(body, nodes)),
  );
  document.body.append(node);
  node.addEventListener('close', () => node.remove());
  node.showModal();
  window.addEventListener('hashchange', close, { once: true });
  return close;
}

export const actions = (...nodes) => h('div', { class: 'actions' }, nodes);
