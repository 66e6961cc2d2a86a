// What an edit changes, line by line.

import { h, said } from './dom.js';
import { plural } from './format.js';

const MOST = 2000;
const AROUND = 3;

/** Each line as kept, gone or new. */
export function diff(before, after) {
  const [a, b] = [before.split('\n'), after.split('\n')];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  const kept = (lines) => lines.map((text) => ({ kind: 'kept', text }));
  return [
    ...kept(a.slice(0, head)),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...kept(a.slice(a.length - tail)),
  ];
}

// Longest common subsequence; where that would be much work, all is gone and all is new.
function middle(a, b) {
  if (a.length > MOST || b.length > MOST)
    return [...a.map((text) => ({ kind: 'gone', text })), ...b.map((text) => ({ kind: 'new', text }))];
  const longest = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1)
      longest[i][j] = a[i] === b[j] ? longest[i + 1][j + 1] + 1 : Math.max(longest[i + 1][j], longest[i][j + 1]);
  }
  const out = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      out.push({ kind: 'kept', text: a[i] });
      [i, j] = [i + 1, j + 1];
    } else if (i < a.length && (j >= b.length || longest[i + 1][j] >= longest[i][j + 1])) {
      out.push({ kind: 'gone', text: a[i] });
      i += 1;
    } else {
      out.push({ kind: 'new', text: b[j] });
      j += 1;
    }
  }
  return out;
}

/** The change as people read it: what is kept far from a change is left out. */
export function changes(before, after) {
  const lines = diff(before, after);
  if (lines.every(({ kind }) => kind === 'kept')) return h('p', { class: 'muted' }, 'Nothing is changed.');
  const near = (n) => lines.slice(Math.max(0, n - AROUND), n + AROUND + 1).some(({ kind }) => kind !== 'kept');
  const rows = [];
  let skipped = 0;
  const skip = () => {
    if (skipped > 0) rows.push(h('div', { class: 'skipped' }, `${plural(skipped, 'line')} unchanged`));
    skipped = 0;
  };
  lines.forEach((line, n) => {
    if (!near(n)) {
      skipped += 1;
      return;
    }
    skip();
    const [tag, sign, word] = {
      kept: ['span', ' ', ''],
      gone: ['del', '−', 'removed: '],
      new: ['ins', '+', 'added: '],
    }[line.kind];
    rows.push(
      h(
        'div',
        { class: line.kind },
        h('span', { class: 'sign', 'aria-hidden': 'true' }, sign),
        word && said(word),
        h(tag, {}, line.text),
      ),
    );
  });
  skip();
  return h('div', { class: 'diff scroller', role: 'group', 'aria-label': 'What the edit changes', tabindex: 0 }, rows);
}
