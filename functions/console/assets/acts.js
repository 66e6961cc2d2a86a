// The acts on an item: retry, edit and retry, discard. Each is taken once; who comes second is told who was first.

import { path, post } from './api.js';
import { h, put, swap } from './dom.js';
import { plural } from './format.js';
import { editor } from './editor.js';
import { actions, button, dialog, field, notice, problem } from './parts.js';
import { ACTS } from './words.js';

const LONGEST = 500;

/** What an answer means, for people. */
function came(kind, { line }) {
  const follow =
    line === 0
      ? 'It had no line of its own.'
      : line === 1
        ? 'It is worked now.'
        : `${plural(line, 'event')} of its line are worked now, in order.`;
  return `${kind}. ${kind === 'Discarded' && line === 0 ? 'Nothing waited behind it.' : follow}`;
}

function second({ detail, message }) {
  if (detail.code !== 'already-decided') return message;
  return `Already ${ACTS[detail.kind] ?? detail.kind} by ${detail.by} at ${new Date(detail.at).toUTCString()}.`;
}

/** Sends an act; `told` hears what came of it, `show` a refusal that leaves things as they are. */
export async function send({ desk, id, signal }, act, body, kind, told, show) {
  try {
    told(came(kind, await post(path(['desks', desk, 'review', id, act]), body, signal)));
  } catch (error) {
    if (signal.aborted) return;
    if (error.detail?.code === 'already-decided') told(second(error), 'warn');
    else show(error);
  }
}

/** The buttons, as far as they may be pressed. */
export function acts(view, detail, after) {
  const may = new Set(detail.may);
  if (may.size === 0) return notice('info', 'You may read this. Deciding is for managers and operators.');
  const behind = detail.waiting.length + (detail.waiting_more ?? 0);
  const box = h('div', {});
  const edit = () => {
    view.isEditing = true;
    swap(
      box,
      editor(view, detail, after, () => {
        view.isEditing = false;
        buttons();
      }),
    );
    box.querySelector('textarea').focus();
  };
  function buttons() {
    swap(
      box,
      h(
        'div',
        { class: 'card decide' },
        h('h2', {}, 'Decide'),
        actions(
          may.has('retry') &&
            button('Retry…', () => retry(view, behind, after), {
              kind: may.has('edit') ? '' : 'primary',
              sign: 'retry',
            }),
          may.has('edit') && button('Edit and retry', edit, { kind: 'primary', sign: 'edit' }),
          may.has('discard') && button('Discard…', () => discard(view, behind, after), { sign: 'trash' }),
        ),
        !may.has('retry') &&
          h(
            'p',
            { class: 'hint' },
            'It names no queue that it could go back to: post the event anew, then discard this.',
          ),
      ),
    );
  }
  buttons();
  return box;
}

const follows = (behind) =>
  behind > 0 ? ` ${plural(behind, 'event')} behind it ${behind === 1 ? 'is' : 'are'} worked after it, in order.` : '';

function confirm(title, text, label, kind, input, work) {
  dialog(title, (close) => {
    const trouble = h('div', {});
    const go = button(
      label,
      async () => {
        if (input && !input.value.trim()) {
          put(trouble, notice('bad', 'Please say why.'));
          return input.focus();
        }
        go.disabled = true;
        await work(close, (error) => put(trouble, problem(error)));
        go.disabled = false;
        return undefined;
      },
      { kind },
    );
    return [
      h('p', {}, text),
      input && field('Reason', input, `Kept with the item; at most ${LONGEST} characters.`),
      trouble,
      actions(go, button('Cancel', close)),
    ];
  });
}

function retry(view, behind, after) {
  confirm(
    'Retry as it is?',
    `The event is put to work again, unchanged.${follows(behind)} If it fails again, it comes back as an item.`,
    'Retry',
    'primary',
    null,
    (close, show) =>
      send(
        view,
        'retry',
        {},
        'Retried',
        (...told) => {
          close();
          after(...told);
        },
        show,
      ),
  );
}

function discard(view, behind, after) {
  const reason = h('textarea', { rows: 3, maxlength: LONGEST, required: true });
  confirm(
    'Discard the event?',
    `The event is left out for good.${follows(behind)}`,
    'Discard',
    'danger',
    reason,
    (close, show) =>
      send(
        view,
        'discard',
        { reason: reason.value.trim() },
        'Discarded',
        (...told) => {
          close();
          after(...told);
        },
        show,
      ),
  );
}
