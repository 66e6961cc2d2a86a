// Calls of the API: relative addresses, the bearer of the session, answers that did not change, errors with a remedy.

import { expired, token } from './session.js';

const TIMEOUT = 20_000;
const MOST_KEPT = 80;
const kept = new Map();

/** Why a call did not work, for people. */
class ApiError extends Error {
  constructor(status, error, retryAfter) {
    super(error.message || 'The console answered with an error.');
    Object.assign(this, { status, code: error.code, remedy: error.remedy, detail: error, retryAfter });
  }
}

const OFFLINE = {
  code: 'offline',
  message: 'The console cannot be reached.',
  remedy: 'Check your connection; this page tries again by itself.',
};

/** Path segments and query values are data: this encodes them. */
export function path(parts, query = {}) {
  const given = Object.entries(query).filter(
    ([, value]) => value !== undefined && value !== null && value !== '' && value !== false,
  );
  const search = new URLSearchParams(given).toString();
  return `api/${parts.map(encodeURIComponent).join('/')}${search ? `?${search}` : ''}`;
}

async function send(address, init, signal) {
  const late = AbortSignal.timeout(TIMEOUT);
  const headers = { ...init.headers, authorization: `Bearer ${token()}` };
  try {
    return await fetch(address, {
      ...init,
      headers,
      cache: 'no-store',
      signal: signal ? AbortSignal.any([signal, late]) : late,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, OFFLINE);
  }
}

async function failure(response) {
  const body = await response.json().catch(() => null);
  const fallback = {
    code: `http-${response.status}`,
    message: `The console answered with status ${response.status}.`,
    remedy: 'Try again in a moment.',
  };
  const retryAfter = Number(response.headers.get('retry-after')) || undefined;
  const error = new ApiError(response.status, body?.error ?? fallback, retryAfter);
  if (response.status === 401) expired(error.message);
  return error;
}

/** Reads. An answer that did not change is the very object that was returned before. */
export async function get(address, signal) {
  const known = kept.get(address);
  const headers = known?.tag ? { 'if-none-match': known.tag } : {};
  const response = await send(address, { headers }, signal);
  if (response.status === 304 && known) return known.body;
  if (!response.ok) throw await failure(response);
  const text = await response.text();
  const tag = response.headers.get('etag');
  const body = known?.text === text ? known.body : JSON.parse(text);
  kept.delete(address);
  kept.set(address, { tag, text, body });
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  return body;
}

/** Acts. */
export async function post(address, body, signal) {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await send(address, init, signal);
  if (!response.ok) throw await failure(response);
  return response.json();
}

/** Forgets what was read: another person may sign in. */
export function forget() {
  kept.clear();
}
