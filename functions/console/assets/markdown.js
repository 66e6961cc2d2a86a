// The help texts of Bellhop are plain Markdown: headings, paragraphs, lists, code. Nothing else is understood, all else is text.

import { h } from './dom.js';
import { scroller } from './parts.js';

function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\([^)]+\))/).map((part) => {
    if (part.startsWith('`') && part.length > 2) return h('code', {}, part.slice(1, -1));
    if (part.startsWith('**')) return h('strong', {}, part.slice(2, -2));
    // Its links lead into the repository, where a reader of the console is not.
    const found = /^\[([^\]]+)\]\(/.exec(part);
    return found ? found[1].replaceAll('`', '') : part;
  });
}

/** Headings begin below level 2. */
export function markdown(text) {
  const out = [];
  const lines = text.split('\n');
  let n = 0;
  const run = (wanted) => {
    const from = n;
    while (n < lines.length && wanted(lines[n])) n += 1;
    return lines.slice(from, n);
  };
  const item = /^\s*(?:[-*]|\d+\.)\s+/;
  const special = (line) => line.trim() === '' || /^#{1,6} /.test(line) || line.startsWith('```') || item.test(line);
  while (n < lines.length) {
    const line = lines[n];
    if (line.trim() === '') n += 1;
    else if (/^# /.test(line)) n += 1;
    else if (/^#{2,6} /.test(line)) {
      out.push(h('h3', {}, inline(line.replace(/^#+ /, ''))));
      n += 1;
    } else if (line.startsWith('```')) {
      n += 1;
      const content = run((one) => !one.startsWith('```'));
      n += 1;
      out.push(scroller('Example', h('pre', {}, content.join('\n'))));
    } else if (item.test(line)) {
      const kind = /^\s*\d/.test(line) ? 'ol' : 'ul';
      const entries = [];
      for (const one of run((next) => item.test(next) || (next.trim() !== '' && /^\s/.test(next)))) {
        if (item.test(one)) entries.push(one.replace(item, ''));
        else entries.push(`${entries.pop()} ${one.trim()}`);
      }
      out.push(
        h(
          kind,
          {},
          entries.map((entry) => h('li', {}, inline(entry))),
        ),
      );
    } else {
      const paragraph = [line];
      n += 1;
      paragraph.push(...run((next) => !special(next)));
      out.push(h('p', {}, inline(paragraph.join(' '))));
    }
  }
  return h('div', { class: 'help' }, out);
}
