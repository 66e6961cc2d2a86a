"""How long people wait, on the local cloud: `tests/console/run --bench`. Times are of this machine; what they are held against is
said beside them. The list: 100,000 open items at one desk, page after page over HTTP. The dashboard: bookings at 20 a second, each
timed from its posting until Chromium shows it."""

import copy
import json
import statistics
import sys
import time
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import guests
import harness
from bellhop_cloud import issuer
from events import House
from pages import Visit, browser, stack

PAGE_SECONDS, SHOWN_SECONDS, PAGE_BYTES = 0.3, 2.0, 200_000
EVERY_PAGES_TOKEN = 20  # below the limit of requests of one person


def percentile(times: list[float], percent: int) -> float:
    return sorted(times)[min(len(times) - 1, len(times) * percent // 100)]


def row(what: str, times: list[float], bound: float) -> bool:
    p50, p99 = statistics.median(times), percentile(times, 99)
    print(f"| {what} | {len(times)} | {p50:.3f} | {p99:.3f} | {max(times):.3f} | {bound} | {'yes' if p99 < bound else 'NO'} |")
    return p99 < bound


def open_items(house: House, items: int):
    """One item as the function makes it, and copies of it with other ids, written to the table directly."""
    house.register(stack())
    house.send(stack(), house.booking("b1", departure="2031-04-01"))
    stack().drain()
    first = harness.wait(lambda: [item for item in stack().items(house.tenant).values() if "open_pk" in item], 30, "an item")[0]
    begun = int(time.time() * 1000)

    def write(numbers: range):
        copies = [copy.deepcopy(first) for _ in numbers]
        for n, item in zip(numbers, copies, strict=True):
            name = f"r{n:025x}"
            item |= {"id": {"S": name}, "sk": {"S": f"review#item/{name}"}, "open_sk": {"S": f"{begun + n:014}#{name}"}}
        requests = [{"PutRequest": {"Item": item}} for item in copies]
        while requests:
            answer = stack().dynamodb.batch_write_item(RequestItems={stack().table: requests})
            requests = answer["UnprocessedItems"].get(stack().table, [])

    batches = [range(n, min(n + 25, items)) for n in range(1, items, 25)]
    with ThreadPoolExecutor(4) as pool:
        for done, _ in enumerate(pool.map(write, batches)):
            if done % 800 == 0:
                harness.say(f"made {done * 25} of {items} items")


def list_pages(items: int) -> bool:
    house, url = House("list"), stack().outputs["ConsoleUrl"]
    open_items(house, items)
    times, seen, cursor, token = [], 0, None, ""
    while True:
        if len(times) % EVERY_PAGES_TOKEN == 0:
            token = issuer.token("manager", [house.tenant], sub=uuid.uuid4().hex)
        address = f"{url}api/desks/{house.tenant}/review" + (f"?cursor={cursor}" if cursor else "")
        begun = time.monotonic()
        with urllib.request.urlopen(urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"}), timeout=30) as answer:
            page = json.load(answer)
        times.append(time.monotonic() - begun)
        seen, cursor = seen + len(page["items"]), page["next"]
        if not cursor:
            break
    if seen != items:
        raise SystemExit(f"the pages show {seen} items, expected {items}")
    tenth = len(times) // 10
    fast = row("list: the first tenth of the pages", times[:tenth], PAGE_SECONDS)
    fast &= row("list: the last tenth", times[-tenth:], PAGE_SECONDS)
    fast &= row("list: all pages", times, PAGE_SECONDS)
    with browser() as chromium:
        visit = Visit(chromium)
        visit.sign_in("manager", house.tenant, f"#/d/{house.tenant}/review").locator("main [data-key]").nth(49).wait_for()
        print(f"| list: bytes that Chromium got, signing in too | 1 | {visit.received} | | | {PAGE_BYTES} | {'yes' if visit.received < PAGE_BYTES else 'NO'} |")
        fast &= visit.received < PAGE_BYTES
    return fast


# Notes when each property's number of arrivals is first seen to be so high.
WATCH = """columns => {
  window.seen = [];
  const last = {};
  const look = () => {
    for (const row of document.querySelectorAll('[data-key]')) {
      const cells = row.querySelectorAll('td');
      if (cells.length !== columns) continue;
      const arrivals = Number(cells[0].textContent.replace(/\\D/g, ''));
      const key = row.dataset.key;
      for (let n = (last[key] ?? 0) + 1; n <= arrivals; n++) window.seen.push([key, n, Date.now()]);
      last[key] = Math.max(last[key] ?? 0, arrivals);
    }
  };
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true});
  look();
}"""


def shown(rate: int, seconds: int, properties: int = 10) -> bool:
    houses = [House("live", {"rooms": 500}) for _ in range(properties)]
    for house in houses:
        house.tenant = houses[0].tenant
        house.register(stack())
    today = datetime.now(UTC).date()  # the properties are in Lisbon
    stay = {"unit": "rooms", "arrival": str(today), "departure": str(today + timedelta(1))}
    posted: dict[tuple[str, int], float] = {}
    with browser() as chromium:
        visit = Visit(chromium)
        page = visit.sign_in("manager", houses[0].tenant, f"#/t/{houses[0].tenant}/dashboard")
        page.locator("tr[data-key]").nth(properties - 1).wait_for()
        page.evaluate(WATCH, 5)
        begun = time.monotonic()
        for n in range(rate * seconds):
            house, count = houses[n % properties], n // properties + 1
            time.sleep(max(0.0, begun + n / rate - time.monotonic()))
            posted[house.property, count] = time.time()
            house.send(stack(), house.booking(f"b{count}", **stay))
        posting = time.monotonic() - begun
        # Not by wait_for_function: it needs eval, which the page's policy forbids.
        harness.wait(lambda: page.evaluate("window.seen.length") >= len(posted), 60, "all to be shown")
        seen = {(key, n): at / 1000 for key, n, at in page.evaluate("window.seen")}
    harness.say(f"{len(posted)} bookings posted in {posting:.1f} s: {len(posted) / posting:.1f} a second")
    return row(f"dashboard: from posting to Chromium, {rate} a second", [seen[key] - at for key, at in posted.items()], SHOWN_SECONDS)


def main(items: int = 100_000, rate: int = 20, seconds: int = 60) -> bool:
    with harness.cloud():
        try:
            print("| what | times | p50 s | p99 s | most s | p99 below | so |\n|---|--:|--:|--:|--:|--:|---|")
            fast = shown(rate, seconds)
            fast &= list_pages(items)
            return fast
        finally:
            harness.remove_stacks(keep_logs=False)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
