// How much waits in which queue, for operators.

import { get, path } from './api.js';
import { h } from './dom.js';
import { number, plural, span } from './format.js';
import { live } from './live.js';
import { badge, code, empty, frame, liveBadge, loading, notice, problem, table } from './parts.js';

export function queues({ main, signal, tenant }) {
  const status = liveBadge();
  const page = frame(main, tenant ? `Queues of ${tenant}` : 'Queues', {
    badge: status,
    about: tenant
      ? 'What is on its way by this tenant’s own queues, and what SQS has given up of it.'
      : 'What is on its way by the queues that tenants share, and what SQS has given up.',
    up: tenant && ['#/queues', 'Shared queues'],
  });
  page.show(loading('queues'));
  const load = () => get(path(['queues'], { tenant }), signal);
  const again = live({
    load,
    show: ({ queues: all }) => page.show(draw(all)),
    fail: (error) => page.show(problem(error, () => again())),
    status: status.set,
    every: 5000,
    signal,
  });
}

function draw(all) {
  if (all.length === 0) return empty('No queues are known', 'The function names none.');
  const columns = [
    ['Queue'],
    ['State'],
    ['Waiting', 'number'],
    ['In flight', 'number'],
    ['Delayed', 'number'],
    ['Dead letters', 'number'],
    ['Oldest', 'number'],
  ];
  const state = (queue) =>
    queue.dead_letters > 0
      ? ['bad', 'alert', 'Dead letters']
      : queue.waiting > 0 && queue.oldest_seconds > 900
        ? ['warn', 'clock', 'Behind']
        : ['good', 'check', 'Flows'];
  const rows = all.map((queue) => ({
    key: queue.name,
    cells: [
      code(queue.name),
      badge(state(queue)),
      number(queue.waiting),
      number(queue.in_flight),
      number(queue.delayed),
      number(queue.dead_letters),
      span(queue.oldest_seconds),
    ],
  }));
  const dead = all.reduce((sum, queue) => sum + (queue.dead_letters ?? 0), 0);
  return [
    dead > 0 &&
      notice('warn', `${plural(dead, 'dead letter')}: the review function makes items of them within minutes.`),
    h(
      'div',
      { class: 'card' },
      table('Queues', columns, rows),
      h('p', { class: 'hint' }, 'Counts are SQS’s own and approximate.'),
    ),
  ];
}
