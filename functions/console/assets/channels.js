// How channels fare, of one property or of several.

import { get, path } from './api.js';
import { h } from './dom.js';
import { number, plural, time } from './format.js';
import { badge, table } from './parts.js';

/** Of so many properties channels are asked for, where the dashboard does not bring them. */
export const MOST_ASKED = 12;

/** The channels of a property, as the API lists them. */
export const channelsOf = (tenant, property, signal) =>
  get(path(['tenants', tenant, 'properties', property, 'channels']), signal).then(({ channels }) => channels);

function stateOf(row) {
  if (!row.enabled) return ['off', ['plain', 'off', 'Switched off']];
  if (row.disabled)
    return [
      'disabled',
      ['bad', 'stop', row.disabled.reason === 'disabled' ? 'Disabled' : `Disabled: ${row.disabled.reason}`],
    ];
  if (row.circuit?.state === 'open') return ['failing', ['bad', 'alert', 'Does not answer']];
  if (row.failures > 0 || row.circuit?.state === 'half-open') return ['failing', ['warn', 'alert', 'Failing']];
  return ['on', ['good', 'check', 'On']];
}

/** A channel in few words, as tiles have it. */
export const brief = (row) => ({
  channel: row.channel,
  name: row.name,
  state: stateOf(row)[0],
  since: row.disabled?.at,
});

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

export function channelTable(channels, zone) {
  if (channels.length === 0)
    return h('p', { class: 'muted' }, 'No channels are registered: post pms.channel.upserted.v1.');
  const outstanding = ({ outstanding: of }) => (of?.units?.length ?? 0) + (of?.rates?.length ?? 0);
  const columns = [
    ['Channel'],
    ['State'],
    ['Kind'],
    ['Last told'],
    ['Calls', 'number'],
    ['Failed', 'number'],
    ['Outstanding', 'number'],
    ['Remarks', 'wide'],
  ];
  return table(
    'Channels',
    columns,
    channels.map((row) => ({
      key: row.channel,
      cells: [
        [row.name || row.channel, row.host && h('small', { class: 'muted' }, row.host)],
        badge(stateOf(row)[1]),
        row.kind,
        time(row.told?.at, zone),
        number(row.told?.calls),
        number(row.told?.failed),
        number(outstanding(row)),
        remarks(row, zone),
      ],
    })),
  );
}
