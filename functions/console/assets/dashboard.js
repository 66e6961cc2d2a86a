// A tenant now: figures, occupancy, throughput, channels, failures.

import { h } from './dom.js';
import { number, percent, time } from './format.js';
import { heatmap } from './heatmap.js';
import { live } from './live.js';
import { card, empty, frame, liveBadge, loading, notice, problem, table } from './parts.js';
import { pages } from './properties.js';
import { channelHealth, failures, figures, throughput } from './tiles.js';

export const to = (tenant, property, page) => `#/t/${encodeURIComponent(tenant)}/p/${encodeURIComponent(property)}/${page}`;

export function dashboard({ main, tenant, signal }) {
  const status = liveBadge();
  const page = frame(main, 'Dashboard', { badge: status, about: tenant });
  page.show(loading('the dashboard'));
  const load = () => pages(tenant, signal);
  const again = live({ load, show: (all) => draw(page, tenant, all), fail: (error) => page.show(problem(error, () => again())), status: status.set, signal });
}

function draw(page, tenant, all) {
  const tiles = all.flatMap((one) => one.properties);
  const { review, at } = all[0];
  page.head(tenant, tiles.length === 1 ? '' : ` · ${number(tiles.length)} properties`);
  if (tiles.length === 0) {
    page.show(figures(tiles, review, tenant), empty('No property is registered yet', 'Post pms.property.upserted.v1, and it appears here.'), card('Failures by reason', failures(review?.reasons, tenant)));
    return;
  }
  page.show(
    all.at(-1).next && notice('info', `These are the first ${number(tiles.length)} properties; there are more.`),
    figures(tiles, review, tenant),
    card('Occupancy, the next 28 days', heatmap(tiles, (property) => to(tenant, property, 'calendar'))),
    h('div', { class: 'halves' },
      card('Events a minute', throughput(tiles, at)),
      card('Failures by reason', failures(review?.reasons, tenant)),
    ),
    h('div', { class: 'halves' },
      card('Channels', channelHealth(tiles, (property) => to(tenant, property, 'dashboard'))),
      card('Properties today', today(tiles, tenant)),
    ),
  );
}

function today(tiles, tenant) {
  const columns = [['Property'], ['Arrive', 'number'], ['Leave', 'number'], ['In house', 'number'], ['Sold', 'number'], ['Last event']];
  const rows = tiles.map((tile) => {
    const night = tile.occupancy.find(({ day }) => day === tile.today);
    return {
      key: tile.property,
      cells: [h('a', { href: to(tenant, tile.property, 'dashboard') }, tile.name || tile.property), number(tile.arrivals), number(tile.departures), number(tile.in_house), percent(night?.sold, night?.capacity), time(tile.last_event, tile.time_zone)],
    };
  });
  return table('Properties today', columns, rows);
}
