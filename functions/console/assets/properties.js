// The properties of a tenant: names and time zones, for pickers and clocks. Read from its dashboard, which lists them all.

import { get, path } from './api.js';
import { field, select } from './parts.js';

const MOST_PAGES = 20;
const FRESH = 60_000;
const known = new Map();

/** All pages of a tenant's dashboard. */
export async function pages(tenant, signal) {
  const all = [];
  let after;
  do {
    const page = await get(path(['tenants', tenant, 'dashboard'], { after }), signal);
    all.push(page);
    after = page.next;
  } while (after && all.length < MOST_PAGES);
  remember(tenant, all);
  return all;
}

function remember(tenant, all) {
  const list = all.flatMap((page) => page.properties);
  known.set(tenant, {
    at: Date.now(),
    list: list.map((tile) => ({ id: tile.property, name: tile.name || tile.property, zone: tile.time_zone })),
  });
}

/** As pickers want them; not asked for again within a minute. */
export async function properties(tenant, signal) {
  const kept = known.get(tenant);
  if (!kept || Date.now() - kept.at > FRESH) await pages(tenant, signal);
  return known.get(tenant).list;
}

/** The time zone of a property, or none: a clock can do without. */
export async function zoneOf(tenant, property, signal) {
  if (!tenant || tenant === '~' || !property) return undefined;
  const list = await properties(tenant, signal).catch(() => []);
  return list.find((one) => one.id === property)?.zone;
}

export function forgetProperties() {
  known.clear();
}

/** Chooses a property; `address` makes the page's address of it. */
export function picker(list, chosen, address) {
  const options = list.map((one) => [one.id, one.name]);
  return field(
    'Property',
    select(options, chosen, (id) => {
      location.hash = address(id);
    }),
  );
}
