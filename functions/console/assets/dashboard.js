// A tenant now: figures, occupancy, throughput, channels, failures.

import { MOST_ASKED, brief, channelsOf } from './channels.js';
import { h } from './dom.js';
import { number, percent, time } from './format.js';
import { heatmap } from './heatmap.js';
import { live } from './live.js';
import { card, empty, frame, liveBadge, loading, notice, problem, table } from './parts.js';
import { pages, properties } from './properties.js';
import { channelHealth, failures, figures, throughput } from './tiles.js';

export const to = (tenant, property, page) =>
  `#/t/${encodeURIComponent(tenant)}/p/${encodeURIComponent(property)}/${page}`;

export function dashboard({ main, tenant, signal }) {
  const status = liveBadge();
  const page = frame(main, 'Dashboard', { badge: status, about: tenant });
  page.show(loading('the dashboard'));
  const channels = new Map();
  let latest;
  const show = (all) => {
    latest = all;
    draw(page, tenant, all, channels);
  };
  const again = live({
    load: () => pages(tenant, signal),
    show,
    fail: (error) => page.show(problem(error, () => again())),
    status: status.set,
    signal,
  });
  // Where the dashboard brings no channels, they are asked for beside it, and not as often.
  const ask = async () => {
    const ids = (await properties(tenant, signal)).slice(0, MOST_ASKED).map(({ id }) => id);
    return latest?.[0].properties[0]?.channels ? [] : Promise.all(ids.map((id) => channelsOf(tenant, id, signal)));
  };
  const told = async (rows) => {
    const list = await properties(tenant, signal);
    rows.forEach((of, n) => channels.set(list[n].id, of.map(brief)));
    if (latest) show(latest);
  };
  live({ load: ask, show: (rows) => told(rows).catch(() => {}), fail: () => {}, every: 30_000, signal });
}

function draw(page, tenant, all, channels) {
  const tiles = all
    .flatMap((one) => one.properties)
    .map((tile) => ({ ...tile, channels: tile.channels ?? channels.get(tile.property) }));
  const { review, at } = all[0];
  page.head(tenant, tiles.length === 1 ? '' : ` · ${number(tiles.length)} properties`);
  if (tiles.length === 0) {
    page.show(
      figures(tiles, review, tenant),
      empty('No property is registered yet', 'Post pms.property.upserted.v1, and it appears here.'),
      card('Failures by reason', failures(review?.reasons, tenant)),
    );
    return;
  }
  page.show(
    all.at(-1).next && notice('info', `These are the first ${number(tiles.length)} properties; there are more.`),
    figures(tiles, review, tenant),
    card(
      'Occupancy, the next 28 days',
      heatmap(tiles, (property) => to(tenant, property, 'calendar')),
    ),
    h(
      'div',
      { class: 'halves' },
      card('Events a minute', throughput(tiles, at)),
      card('Failures by reason', failures(review?.reasons, tenant)),
    ),
    card('Properties today', today(tiles, tenant)),
    card(
      'Channels',
      channelHealth(tiles, (property) => to(tenant, property, 'dashboard')),
    ),
  );
}

function today(tiles, tenant) {
  const columns = [
    ['Property'],
    ['Arrive', 'number'],
    ['Leave', 'number'],
    ['In house', 'number'],
    ['Sold', 'number'],
    ['Last event'],
  ];
  const rows = tiles.map((tile) => {
    const night = tile.occupancy.find(({ day }) => day === tile.today);
    return {
      key: tile.property,
      cells: [
        h('a', { href: to(tenant, tile.property, 'dashboard') }, tile.name || tile.property),
        number(tile.arrivals),
        number(tile.departures),
        number(tile.in_house),
        percent(night?.sold, night?.capacity),
        time(tile.last_event, tile.time_zone),
      ],
    };
  });
  return table('Properties today', columns, rows);
}
