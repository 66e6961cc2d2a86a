// One act on many items: first it is counted, then done in small calls, with a result at the end.

import { path, post } from './api.js';
import { h } from './dom.js';
import { number, plural } from './format.js';
import { actions, button, code, dialog, field, notice, problem } from './parts.js';

const LONGEST = 500;
const MOST_WAITS = 5;
const WORDS = {
  retry: ['Retry', 'retried', 'put to work again as it is'],
  discard: ['Discard', 'discarded', 'left out for good'],
};

const pause = (seconds, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });

/** All calls of a bulk act; `told` hears of each. A busy console is waited for. */
async function run(desk, body, told, signal) {
  const sum = { matched: 0, done: 0, refused: [] };
  let cursor;
  let waits = 0;
  do {
    try {
      const read = await post(path(['desks', desk, 'review', 'bulk']), { ...body, cursor }, signal);
      sum.matched += read.matched;
      sum.done += read.done.length;
      sum.refused.push(...read.refused);
      cursor = read.next;
      waits = 0;
      told(sum);
    } catch (error) {
      waits += 1;
      if (signal.aborted) break;
      if (![429, 503].includes(error.status) || waits > MOST_WAITS) throw Object.assign(error, { sum });
      await pause(error.retryAfter ?? 2, signal);
    }
  } while ((cursor || waits > 0) && !signal.aborted);
  return sum;
}

/** Asks, acts, and tells what came of it. `target`: ids, or a filter; `what`: the same for people. */
export function bulk({ desk, act, target, what, done }) {
  const [verb, past, meaning] = WORDS[act];
  const stop = new AbortController();
  const close = dialog(`${verb} ${what}`, (shut, show) => {
    count(show, shut);
    return h('p', { role: 'status' }, 'Counting…');
  });
  document.querySelector('dialog').addEventListener('close', () => {
    stop.abort();
    done();
  });

  async function count(show, shut) {
    const counted = h('p', { role: 'status' }, 'Counting…');
    try {
      const body = { act, ...target, dry_run: true, reason: act === 'discard' ? 'dry run' : undefined };
      const { matched } = await run(
        desk,
        body,
        (sum) => {
          counted.textContent = `Counting… ${number(sum.matched)}`;
          show(counted);
        },
        stop.signal,
      );
      if (!stop.signal.aborted) ask(show, shut, matched);
    } catch (error) {
      show(problem(error, () => count(show, shut)));
    }
  }

  function ask(show, shut, matched) {
    if (matched === 0) {
      show(h('p', {}, 'Nothing fits any more.'), actions(button('Close', shut)));
      return;
    }
    const reason = h('textarea', { rows: 3, maxlength: LONGEST, required: true });
    const go = () => {
      if (act === 'discard' && !reason.value.trim()) return reason.focus();
      return work(show, shut, matched, act === 'discard' ? reason.value.trim() : undefined);
    };
    show(
      h(
        'p',
        { 'data-testid': 'bulk-count' },
        h('span', { class: 'strong' }, plural(matched, 'item')),
        ` will be ${meaning}. What waits behind them is worked in order.`,
      ),
      act === 'discard' && field('Reason', reason, 'Kept with each item.'),
      actions(
        button(`${verb} ${plural(matched, 'item')}`, go, { kind: act === 'discard' ? 'danger' : 'primary' }),
        button('Cancel', shut),
      ),
    );
  }

  async function work(show, shut, matched, reason) {
    const bar = h('progress', { max: matched, value: 0, 'aria-label': 'Progress' });
    const text = h('p', { role: 'status' }, 'Begun…');
    show(bar, text, actions(button('Stop', () => stop.abort())));
    const told = (sum) => {
      bar.value = sum.done + sum.refused.length;
      text.textContent = `${number(sum.done + sum.refused.length)} of ${number(matched)}`;
    };
    try {
      result(show, shut, await run(desk, { act, ...target, dry_run: false, reason }, told, stop.signal));
    } catch (error) {
      show(
        problem(error),
        error.sum && h('p', {}, `Before that, ${plural(error.sum.done, 'item')} ${past}.`),
        actions(button('Close', shut)),
      );
    }
  }

  function result(show, shut, sum) {
    const whole = sum.refused.length === 0;
    show(
      notice(
        whole ? 'good' : 'warn',
        h(
          'p',
          { role: 'status' },
          `${plural(sum.done, 'item')} ${past}${whole ? '' : `, ${number(sum.refused.length)} refused`}${stop.signal.aborted ? '; stopped before the end' : ''}.`,
        ),
      ),
      !whole &&
        h(
          'ul',
          { class: 'refused' },
          sum.refused.map((one) =>
            h(
              'li',
              {},
              h('a', { href: `#/d/${encodeURIComponent(desk)}/review/${encodeURIComponent(one.id)}` }, one.id),
              ' ',
              code(one.code),
              ` ${one.message}`,
            ),
          ),
        ),
      actions(button('Close', shut, { kind: 'primary' })),
    );
  }
  return close;
}
