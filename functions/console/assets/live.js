// Keeps a page up to date: asks again and again, not while nobody looks, and slower while it does not work.

const SLOWEST = 30_000;

const same = (a, b) =>
  a === b || (Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((one, n) => one === b[n]));

/**
 * `load` reads; `show` is told what it read when that is new; `fail` when the first read fails; `status` how it goes:
 * live, stale (what is shown may be old) or offline. Ends with `signal`. Returns a function that asks at once.
 */
export function live({ load, show, fail, status, every = 2000, signal }) {
  let timer;
  let last;
  let failures = 0;
  let asking = false;
  let again = false;

  const next = (wait) => {
    clearTimeout(timer);
    if (!signal.aborted && !document.hidden) timer = setTimeout(ask, wait);
  };

  async function ask() {
    if (signal.aborted) return;
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    let wait = every;
    try {
      const read = await load();
      if (signal.aborted) return;
      failures = 0;
      const first = last === undefined;
      if (first || !same(read, last)) {
        show(read);
        if (!first) wait = every / 2; // while things happen, the next look is sooner
      }
      last = read;
      status?.('live', new Date());
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      wait = Math.max((error.retryAfter ?? 0) * 1000, Math.min(every * 2 ** failures, SLOWEST));
      if (error.status === 404 || error.status === 403) {
        // It will not come by waiting.
        fail(error);
        status?.('ended');
        return;
      }
      if (last === undefined) fail(error);
      if (!(error.status >= 0)) console.error(error);
      status?.(error.code === 'offline' && failures > 1 ? 'offline' : 'stale');
    } finally {
      asking = false;
    }
    next(again ? 0 : wait);
    again = false;
  }

  const look = () => (document.hidden ? clearTimeout(timer) : ask());
  document.addEventListener('visibilitychange', look, { signal });
  window.addEventListener('online', look, { signal });
  window.addEventListener('offline', () => status?.('offline'), { signal });
  signal.addEventListener('abort', () => clearTimeout(timer));
  ask();
  return ask;
}
