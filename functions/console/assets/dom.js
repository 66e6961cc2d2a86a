// Builds and updates elements. Data becomes text, never markup: nothing here parses HTML.

const SVG = 'http://www.w3.org/2000/svg';
const HANDLERS = Symbol('handlers');

// One listener for each kind of event; what it does can be exchanged when a new picture of the page arrives.
function dispatch(event) {
  this[HANDLERS]?.[event.type]?.call(this, event);
}

function listen(node, handlers) {
  const known = node[HANDLERS] ?? {};
  for (const type of Object.keys(handlers)) if (!(type in known)) node.addEventListener(type, dispatch);
  node[HANDLERS] = { ...Object.fromEntries(Object.keys(known).map((type) => [type, null])), ...handlers };
}

function apply(node, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'on') listen(node, value);
    else if (name === 'vars') for (const [key, of] of Object.entries(value)) node.style.setProperty(key, of);
    else if (name === 'value' || name === 'checked' || name === 'indeterminate') node[name] = value;
    else node.setAttribute(name, value === true ? '' : String(value));
  }
}

function fill(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child !== undefined && child !== null && child !== false && child !== '') node.append(child);
  }
  return node;
}

/** An HTML element. `on`: handlers by type; `vars`: style properties; the rest are attributes. */
export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  fill(node, children);
  apply(node, props ?? {});
  return node;
}

/** An SVG element. */
export function svg(tag, props, ...children) {
  const node = document.createElementNS(SVG, tag);
  fill(node, children);
  apply(node, props ?? {});
  return node;
}

/** Text for those who listen, not look. */
export const said = (text) => h('span', { class: 'hidden-text' }, text);

const keyOf = (node) => (node.nodeType === 1 ? node.getAttribute('data-key') || node.id : '');
const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);

/** Makes `old` look like `next`, leaving in place what stays: focus, scroll positions and open details survive. */
function morph(old, next) {
  if (!alike(old, next)) {
    old.replaceWith(next);
    return;
  }
  if (old.nodeType !== 1) {
    if (old.data !== next.data) old.data = next.data;
    return;
  }
  attributes(old, next);
  if (next[HANDLERS] || old[HANDLERS]) listen(old, next[HANDLERS] ?? {});
  if (old.nodeName === 'INPUT' && (old.type === 'checkbox' || old.type === 'radio')) {
    old.checked = next.checked;
    old.indeterminate = next.indeterminate;
  }
  children(old, next);
}

function attributes(old, next) {
  // The attribute `style` is closed by the content security policy, its object is not.
  if (old.style && old.style.cssText !== next.style.cssText) old.style.cssText = next.style.cssText;
  const theirs = (name) =>
    name === 'style' || (name === 'open' && (old.nodeName === 'DETAILS' || old.nodeName === 'DIALOG'));
  for (const { name } of [...old.attributes]) if (!theirs(name) && !next.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of next.attributes) {
    if (!theirs(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

function children(old, next) {
  const byKey = new Map([...old.childNodes].map((node) => [keyOf(node), node]).filter(([key]) => key));
  let at = old.firstChild;
  for (const want of [...next.childNodes]) {
    const key = keyOf(want);
    const kept = key ? byKey.get(key) : at;
    if (kept && alike(kept, want)) {
      if (kept === at) at = at.nextSibling;
      else old.insertBefore(kept, at);
      morph(kept, want);
    } else {
      old.insertBefore(want, at);
    }
  }
  while (at) {
    const rest = at.nextSibling;
    at.remove();
    at = rest;
  }
}

/** Makes the children of `box` these very nodes. */
export function swap(box, ...nodes) {
  box.replaceChildren();
  fill(box, nodes);
}

/** Makes the children of `box` look like these; those that are there already may stay in their stead. */
export function put(box, ...nodes) {
  children(box, fill(document.createElement(box.nodeName), nodes));
}

/** Tells those who listen. */
export function announce(text) {
  document.getElementById('announce').textContent = text;
}
