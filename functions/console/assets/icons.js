// Icons: strokes on a field of 16. They never stand alone for a meaning; a word is beside them.

import { svg } from './dom.js';

const PATHS = {
  dashboard: 'M2 9.5h4V14H2zM10 2h4v12h-4zM6 6h4v8H6z',
  calendar: 'M2.5 3.5h11v10h-11zM2.5 6.5h11M5.5 2v2.5M10.5 2v2.5',
  clean: 'M10.5 2 7 8M4 8.5h6.5L12 14H2.5zM6 11v3M8.5 11v3',
  inbox: 'M2.5 9.5 4.5 3h7l2 6.5V13h-11zM2.5 9.5H6a2 2 0 0 0 4 0h3.5',
  pause: 'M5.5 3v10M10.5 3v10',
  layers: 'm8 2 6 3-6 3-6-3zM2 8l6 3 6-3M2 11l6 3 6-3',
  building: 'M3 14V2.5h7V14M10 6.5h3V14M1.5 14h13M5.5 5.5h2M5.5 8h2M5.5 10.5h2',
  sun: 'M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6M8 1v1.5M8 13.5v1.5M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1',
  moon: 'M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7z',
  out: 'M6.5 2.5h-4v11h4M10 5l3 3-3 3M13 8H6',
  menu: 'M2 4h12M2 8h12M2 12h12',
  check: 'm3 8.5 3.5 3.5L13 4.5',
  alert: 'M8 2 14.5 13.5h-13zM8 6.5v3M8 11.5v.2',
  close: 'm3.5 3.5 9 9M12.5 3.5l-9 9',
  clock: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2M8 4.5V8l2.5 1.5',
  play: 'M5 3v10l7.5-5z',
  circle: 'M8 3a5 5 0 1 1 0 10A5 5 0 0 1 8 3',
  off: 'M8 2v5.5M4.5 4.5a5 5 0 1 0 7 0',
  stop: 'M5.5 2h5L14 5.5v5L10.5 14h-5L2 10.5v-5zM5 8h6',
  left: 'm10 3-5 5 5 5',
  right: 'm6 3 5 5-5 5',
  down: 'm3.5 6 4.5 4.5L12.5 6',
  bolt: 'M9 1.5 3.5 9H8l-1 5.5L12.5 7H8z',
  retry: 'M13 8a5 5 0 1 1-1.5-3.5L13 6M13 2.5V6H9.5',
  edit: 'M2.5 13.5 3 10.5 10.5 3 13 5.5 5.5 13zM9 4.5 11.5 7',
  trash: 'M2.5 4.5h11M6 4V2.5h4V4M4 4.5 4.5 14h7L12 4.5M6.5 7v4.5M9.5 7v4.5',
  person: 'M8 2.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5M3 14a5 5 0 0 1 10 0',
};

export function icon(name, more = '') {
  const shape = { viewBox: '0 0 16 16', class: `icon ${more}`, 'aria-hidden': 'true', focusable: 'false' };
  return svg('svg', shape, svg('path', { d: PATHS[name] ?? PATHS.circle }));
}
