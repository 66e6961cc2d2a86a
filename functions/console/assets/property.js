// A property now: its figures, 90 days of occupancy, and how its channels fare.

import { get, path } from './api.js';
import { to } from './dashboard.js';
import { h } from './dom.js';
import { longDay, number, plural, time } from './format.js';
import { weeks } from './heatmap.js';
import { live } from './live.js';
import { badge, card, empty, frame, link, liveBadge, loading, notice, problem, table } from './parts.js';
import { picker, properties } from './properties.js';
import { failures, figures, throughput } from './tiles.js';

export function property({ main, tenant, property: id, signal }) {
  const status = liveBadge();
  const page = frame(main, 'Dashboard', { badge: status, up: [`#/t/${encodeURIComponent(tenant)}/dashboard`, 'All properties'], about: id });
  page.show(loading('the dashboard'));
  let list = [];
  const load = async () => {
    const own = ['tenants', tenant, 'properties', id];
    const [board, channels] = await Promise.all([get(path([...own, 'dashboard']), signal), get(path([...own, 'channels']), signal)]);
    return [board, channels];
  };
  const show = ([board, { channels }]) => draw(page, { tenant, id, list }, board, channels);
  const again = live({ load, show, fail: (error) => page.show(problem(error, () => again())), status: status.set, signal });
  properties(tenant, signal).then((all) => { list = all; again(); }).catch(() => {});
}

function draw(page, { tenant, id, list }, board, channels) {
  const tile = board.properties[0];
  if (!tile) return page.show(empty('Nothing is known of this property yet', 'It appears with its first event.'));
  page.head(tile.name || id, ` · ${longDay(tile.today)} · ${tile.time_zone} · last event `, time(tile.last_event, tile.time_zone));
  const review = board.review ?? {};
  return page.show(
    h('div', { class: 'toolbar' }, list.length > 1 && picker(list, id, (other) => to(tenant, other, 'dashboard')), link(to(tenant, id, 'calendar'), 'Calendar'), link(to(tenant, id, 'board'), 'Cleaning')),
    tile.unplaced > 0 && notice('bad', `${plural(tile.unplaced, 'booking')} without a free night. `, link(`#/d/${encodeURIComponent(tenant)}/review?code=booking-unplaced`, 'See them in review')),
    figures([tile], review, tenant),
    card('Occupancy, the next 90 days', weeks(tile)),
    h('div', { class: 'halves' }, card('Events a minute', throughput([tile], board.at)), card('Failures by reason', failures(review.reasons, tenant))),
    card('Channels', channelTable(channels, tile.time_zone)),
  );
}

function stateOf(row) {
  if (!row.enabled) return ['plain', 'off', 'Switched off'];
  if (row.disabled) return ['bad', 'stop', row.disabled.reason === 'disabled' ? 'Disabled' : `Disabled: ${row.disabled.reason}`];
  if (row.circuit?.state === 'open') return ['bad', 'alert', 'Does not answer'];
  if (row.failures > 0 || row.circuit?.state === 'half-open') return ['warn', 'alert', 'Failing'];
  return ['good', 'check', 'On'];
}

function remarks(row, zone) {
  const all = [];
  if (row.circuit?.until) all.push(['No call before ', time(row.circuit.until, zone)]);
  else if (row.not_before) all.push(['Next call not before ', time(row.not_before, zone)]);
  if (row.failures > 0) all.push(`${plural(row.failures, 'failed call')} in a row`);
  if (row.waiting > 0) all.push(`${plural(row.waiting, 'follow-up')} waiting`);
  for (const feed of row.feeds ?? []) if (feed.fault) all.push(`Feed of ${feed.unit}: ${feed.fault}; its blocks stay`);
  if (row.tested && !row.tested.ok) all.push(`Test failed: ${row.tested.found}`);
  return all.map((remark) => h('div', {}, remark));
}

function channelTable(channels, zone) {
  if (channels.length === 0) return h('p', { class: 'muted' }, 'No channels are registered: post pms.channel.upserted.v1.');
  const outstanding = ({ outstanding: of }) => (of?.units?.length ?? 0) + (of?.rates?.length ?? 0);
  const columns = [['Channel'], ['State'], ['Kind'], ['Last told'], ['Calls', 'number'], ['Failed', 'number'], ['Outstanding', 'number'], ['Remarks', 'wide']];
  return table('Channels', columns, channels.map((row) => ({
    key: row.channel,
    cells: [[row.name || row.channel, row.host && h('small', { class: 'muted' }, row.host)], badge(stateOf(row)), row.kind, time(row.told?.at, zone), number(row.told?.calls), number(row.told?.failed), number(outstanding(row)), remarks(row, zone)],
  })));
}
