// Numbers, money, days and times for people. Days are text (YYYY-MM-DD) and have no time zone.

import { h } from './dom.js';

const LOCALE = 'en-GB';
const cache = new Map();

function formatter(kind, options) {
  const key = JSON.stringify([kind.name, options]);
  if (!cache.has(key)) cache.set(key, new kind(LOCALE, options));
  return cache.get(key);
}

export const number = (value) => formatter(Intl.NumberFormat, {}).format(value ?? 0);
/** What waits in review: the API stops counting there. */
export const counted = (value) => (value >= 2000 ? `${number(value)}+` : number(value));
export const percent = (part, whole) => (whole > 0 ? `${Math.round((100 * part) / whole)} %` : '–');
export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

/** Money from its smallest unit: the currency says how many digits that has. */
export function money(minor, currency) {
  try {
    const format = formatter(Intl.NumberFormat, { style: 'currency', currency });
    return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
  } catch {
    return `${number(minor)} ${currency} (smallest unit)`;
  }
}

const utc = (day) => new Date(`${day}T00:00:00Z`);
const dayFormat = (options) => (day) =>
  formatter(Intl.DateTimeFormat, { timeZone: 'UTC', ...options }).format(utc(day));

export const longDay = dayFormat({ weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' });
export const shortDay = dayFormat({ day: 'numeric', month: 'short' });
export const weekday = dayFormat({ weekday: 'short' });
export const monthName = dayFormat({ month: 'long', year: 'numeric' });
export const dayOfMonth = (day) => Number(day.slice(8, 10));
export const isWeekend = (day) => [0, 6].includes(utc(day).getUTCDay());

export function addDays(day, count) {
  return new Date(utc(day).getTime() + count * 86_400_000).toISOString().slice(0, 10);
}

export const daysBetween = (from, until) => Math.round((utc(until) - utc(from)) / 86_400_000);
export const monday = (day) => addDays(day, -((utc(day).getUTCDay() + 6) % 7));

export function addMonths(month, count) {
  const [year, of] = month.split('-').map(Number);
  return new Date(Date.UTC(year, of - 1 + count, 1)).toISOString().slice(0, 7);
}

export const daysIn = (month) => daysBetween(`${month}-01`, `${addMonths(month, 1)}-01`);

/** Today where the reader is: only where a property does not say. */
export const todayHere = () =>
  formatter(Intl.DateTimeFormat, { year: 'numeric', month: '2-digit', day: '2-digit' })
    .format(new Date())
    .split('/')
    .reverse()
    .join('-');

function zoned(instant, zone, options) {
  try {
    return formatter(Intl.DateTimeFormat, { timeZone: zone, ...options }).format(instant);
  } catch {
    return formatter(Intl.DateTimeFormat, { timeZone: 'UTC', ...options }).format(instant);
  }
}

/** A moment at the property, or UTC where that is not known; UTC is in the title. */
export function time(instant, zone) {
  if (instant === undefined || instant === null) return '–';
  const date = new Date(typeof instant === 'number' ? instant * 1000 : instant);
  if (Number.isNaN(date.getTime())) return String(instant);
  const text = zoned(date, zone ?? 'UTC', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
  return h(
    'time',
    { datetime: date.toISOString(), title: `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC` },
    text,
    zone ? '' : ' UTC',
  );
}

export const clock = (date) =>
  formatter(Intl.DateTimeFormat, { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(date);

/** How long ago, or how long: 3 min, 2 h, 5 d. */
export function span(seconds) {
  if (seconds === undefined || seconds === null) return '–';
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

export function ago(instant) {
  const seconds = (Date.now() - new Date(instant).getTime()) / 1000;
  return h(
    'time',
    { datetime: new Date(instant).toISOString(), title: new Date(instant).toISOString() },
    `${span(seconds)} ago`,
  );
}
