// Reads JSON without changing it: numbers keep their digits and keys their order, and each value knows where it stands.

const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const DEEPEST = 200;

class Broken extends Error {
  constructor(at, message) {
    super(message);
    this.at = at;
  }
}

const escaped = (key) => key.replaceAll('~', '~0').replaceAll('/', '~1');

/** `{ root }`, or `{ error: { at, line, message } }` where the text is no JSON. */
export function scan(text) {
  let at = 0;
  const space = () => {
    while (' \t\n\r'.includes(text[at]) && at < text.length) at += 1;
  };
  const take = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at += found[0].length;
    return Boolean(found);
  };
  const expect = (char, what) => {
    space();
    if (text[at] !== char)
      throw new Broken(at, at >= text.length ? `The text ends where ${what} is expected` : `${what} is expected here`);
    at += 1;
  };

  function value(pointer, depth) {
    space();
    const start = at;
    if (depth > DEEPEST) throw new Broken(at, 'Nested too deep');
    if (text[at] === '{' || text[at] === '[') return nested(pointer, depth, start, text[at] === '{');
    const kind = take(STRING) ? 'string' : take(NUMBER) ? 'number' : take(WORD) ? 'word' : '';
    if (!kind)
      throw new Broken(at, at >= text.length ? 'The text ends where a value is expected' : 'A value is expected here');
    return { kind, pointer, start, end: at };
  }

  function nested(pointer, depth, start, isObject) {
    const close = isObject ? '}' : ']';
    const entries = [];
    at += 1;
    space();
    while (text[at] !== close) {
      if (entries.length > 0) expect(',', `a comma or ${close}`);
      space();
      const from = at;
      if (isObject && !take(STRING)) throw new Broken(at, 'A key in double quotes is expected here');
      const key = isObject ? text.slice(from, at) : '';
      if (isObject) expect(':', 'a colon');
      entries.push({
        key,
        node: value(`${pointer}/${isObject ? escaped(JSON.parse(key)) : entries.length}`, depth + 1),
      });
      space();
    }
    at += 1;
    return { kind: isObject ? 'object' : 'array', pointer, start, end: at, entries };
  }

  try {
    const root = value('', 0);
    space();
    if (at < text.length) throw new Broken(at, 'Nothing is expected behind the end');
    return { root };
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    return { error: { at: error.at, line: lineOf(text, error.at), message: error.message } };
  }
}

export const lineOf = (text, at) => text.slice(0, at).split('\n').length;

/** The value that a pointer names, or the nearest that is around it. */
export function find(root, pointer) {
  let node = root;
  for (const part of pointer.split('/').slice(1)) {
    const inner = node.entries?.find((entry) => entry.node.pointer === `${node.pointer}/${part}`);
    if (!inner) return { node, exact: false };
    node = inner.node;
  }
  return { node, exact: true };
}

/** Lines of a well laid out text; each knows the value that begins on it. */
export function layout(text, root) {
  const lines = [];
  const lay = (node, indent, key, tail) => {
    const line = { indent: '  '.repeat(indent), key: key && `${key}: `, pointer: node.pointer, kind: node.kind };
    if (!node.entries?.length) {
      lines.push({
        ...line,
        value: node.entries ? (node.kind === 'object' ? '{}' : '[]') : text.slice(node.start, node.end),
        tail,
      });
      return;
    }
    const [open, close] = node.kind === 'object' ? '{}' : '[]';
    lines.push({ ...line, value: open, tail: '' });
    node.entries.forEach((entry, n) => lay(entry.node, indent + 1, entry.key, n + 1 < node.entries.length ? ',' : ''));
    lines.push({ indent: line.indent, key: '', value: close, tail, kind: node.kind });
  };
  lay(root, 0, '', '');
  return lines;
}

const textOf = (line) => line.indent + line.key + line.value + line.tail;

/** The text well laid out, where it is JSON. */
export function pretty(text) {
  const { root } = scan(text);
  return root ? layout(text, root).map(textOf).join('\n') : text;
}
