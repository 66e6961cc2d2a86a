// A property now: its figures, 90 days of occupancy, and how its channels fare.

import { get, path } from './api.js';
import { channelTable, channelsOf } from './channels.js';
import { to } from './dashboard.js';
import { h } from './dom.js';
import { longDay, plural, time } from './format.js';
import { weeks } from './heatmap.js';
import { live } from './live.js';
import { card, empty, frame, link, liveBadge, loading, notice, problem } from './parts.js';
import { picker, properties } from './properties.js';
import { failures, figures, throughput } from './tiles.js';

// Channels change slower than figures, and cost more to read.
const CHANNELS_EVERY = 10_000;

export function property({ main, tenant, property: id, signal }) {
  const status = liveBadge();
  const page = frame(main, 'Dashboard', {
    badge: status,
    up: [`#/t/${encodeURIComponent(tenant)}/dashboard`, 'All properties'],
    about: id,
  });
  page.show(loading('the dashboard'));
  let list = [];
  let known;
  let asked = 0;
  const load = async () => {
    const own = get(path(['tenants', tenant, 'properties', id, 'dashboard']), signal);
    const channels = Date.now() - asked < CHANNELS_EVERY ? known : channelsOf(tenant, id, signal);
    const [board, rows] = await Promise.all([own, channels]);
    if (channels !== known) asked = Date.now();
    known = rows;
    return [board, rows];
  };
  const show = ([board, channels]) => draw(page, { tenant, id, list }, board, channels);
  const again = live({
    load,
    show,
    fail: (error) => page.show(problem(error, () => again())),
    status: status.set,
    signal,
  });
  properties(tenant, signal)
    .then((all) => {
      list = all;
      again();
    })
    .catch(() => {});
}

function draw(page, { tenant, id, list }, board, channels) {
  const tile = board.properties[0];
  if (!tile) return page.show(empty('Nothing is known of this property yet', 'It appears with its first event.'));
  page.head(
    tile.name || id,
    ` · ${longDay(tile.today)} · ${tile.time_zone} · last event `,
    time(tile.last_event, tile.time_zone),
  );
  const review = board.review ?? {};
  return page.show(
    h(
      'div',
      { class: 'toolbar' },
      list.length > 1 && picker(list, id, (other) => to(tenant, other, 'dashboard')),
      link(to(tenant, id, 'calendar'), 'Calendar'),
      link(to(tenant, id, 'board'), 'Cleaning'),
    ),
    tile.unplaced > 0 &&
      notice(
        'bad',
        `${plural(tile.unplaced, 'booking')} without a free night. `,
        link(`#/d/${encodeURIComponent(tenant)}/review?code=booking-unplaced`, 'See them in review'),
      ),
    figures([tile], review, tenant),
    card('Occupancy, the next 90 days', weeks(tile)),
    h(
      'div',
      { class: 'halves' },
      card('Events a minute', throughput([tile], board.at)),
      card('Failures by reason', failures(review.reasons, tenant)),
    ),
    card('Channels', channelTable(channels, tile.time_zone)),
  );
}
