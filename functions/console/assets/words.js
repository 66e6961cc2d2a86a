// Codes and states as people say them.

const REASONS = {
  'booking-unplaced': 'Booking without a free night',
  'stay-departure-before-arrival': 'Departure before arrival',
  'stay-too-long': 'Stay too long',
  'not-json': 'Not JSON',
  'dead-lettered': 'Given up by the queue',
  'killed-the-function': 'Ended its function',
  'handler-panicked': 'Function failed on it',
  'mail-refused': 'Mail refused',
  'attempts-exhausted': 'Failed too often',
  'idempotency-conflict': 'Same id, other content',
  'subject-mismatch': 'Subject does not fit',
  'group-mismatch': 'Message group does not fit',
  'delivery-unknown': 'Delivery not certain',
  'capacity-below-sold': 'Capacity below what is sold',
};

const FUNCTIONS = {
  calendar: 'Calendar',
  'channel-sync': 'Channels',
  automation: 'Automation',
  notifications: 'Mails',
  dashboard: 'Dashboard',
};

export const sentence = (code) => {
  const text = String(code ?? '').replaceAll('-', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
};

export const reason = (code) => REASONS[code] ?? sentence(code);
export const consumer = (name) => FUNCTIONS[name] ?? sentence(name);
export const line = (kind) => (kind === 'wait' ? 'Waits for its registration' : 'Waits for a decision');

/** Each: tone, icon, word. */
export const CHANNEL = {
  on: ['good', 'check', 'On'],
  off: ['plain', 'off', 'Off'],
  disabled: ['bad', 'stop', 'Disabled'],
  failing: ['warn', 'alert', 'Failing'],
};

export const WORK = {
  open: ['plain', 'circle', 'Open'],
  started: ['info', 'play', 'Started'],
  done: ['good', 'check', 'Done'],
  problem: ['bad', 'alert', 'Problem'],
};

export const STATE = {
  open: ['warn', 'inbox', 'Open'],
  retried: ['info', 'retry', 'Retried'],
  edited: ['info', 'edit', 'Edited and retried'],
  discarded: ['plain', 'trash', 'Discarded'],
};

export const ACTS = { retried: 'retried', edited: 'edited and retried', discarded: 'discarded' };

/** The property in a message group, if it names one. */
export const propertyOf = (group) => String(group ?? '').split('#')[1] ?? '';
export const channelOf = (group) => String(group ?? '').split('#')[2] ?? '';
