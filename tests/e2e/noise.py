"""A noisy neighbour: one tenant posts a season all at once, others go on as on any day. What these notice is counted in batches of the
noisy one, and measured as lag: `tests/e2e/run --bench noise` compares a quiet day, a noisy neighbour in the pool, and one in a silo.

Which group is next is SQS's to decide, here LocalStack's: it takes them in turns. What is ours is that a tenant's season comes in many
batches of many groups, each done in a moment, and none of them keeps a place."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import harness
from bellhop_cloud.settings import CONCURRENCY
from events import House

OTHERS = 5  # tenants
PROPERTIES = 10  # of the noisy tenant
BATCH = 10
SAME_BATCH = 0.05  # seconds: a batch says what became of its messages when it is done with all of them
DONE = {"applied", "duplicate"}  # given up, it is waited for in vain
WARM_UP = 300  # events, to see how many a second are worked here
UNITS = {"rooms": 500}


@dataclass(frozen=True)
class Seen:
    """An event of a quiet tenant."""

    lag: float  # seconds, from SQS's time of sending until its outcome
    # Rounds: batches of the noisy tenant that each of the places where batches run has done, on average, since this event could have
    # been taken. That is since it was sent, or since its own group's last batch before it was done.
    behind: float


@dataclass(frozen=True)
class Day:
    seen: list[Seen]

    def lag(self, percent: int) -> float:
        lags = sorted(each.lag for each in self.seen)
        return lags[min(len(lags) - 1, len(lags) * percent // 100)]

    @property
    def behind(self) -> float:
        return max(each.behind for each in self.seen)


class Street:
    """Tenants of a stack; `silo`, if it is named, is the noisy one, with queues of its own."""

    def __init__(self, stack: harness.Stack, silo: str | None = None):
        self.stack = stack
        self.url = stack.outputs[harness.SOURCE]
        self.noisy_url = self.url.replace(f"{stack.prefix}-", f"{stack.prefix}_{silo}_") if silo else self.url
        self.noisy = [House("noisy", UNITS) for _ in range(PROPERTIES)]
        for house in self.noisy:
            house.tenant = silo or self.noisy[0].tenant
        self.others = [House("quiet", UNITS) for _ in range(OTHERS)]
        for url, houses in ((self.noisy_url, self.noisy), (self.url, self.others)):
            self.post(url, [(house, house.registered()) for house in houses])
        self.wait_for({house.tenant: 1 for house in self.others} | {self.noisy[0].tenant: PROPERTIES})
        self.count = 0

    def post(self, url: str, events: list[tuple[House, dict]]):
        for start in range(0, len(events), BATCH):
            entries = [
                {"Id": str(n), "MessageGroupId": house.group, "MessageBody": json.dumps(event)}
                for n, (house, event) in enumerate(events[start : start + BATCH])
            ]
            if failed := self.stack.sqs.send_message_batch(QueueUrl=url, Entries=entries).get("Failed"):
                raise AssertionError(failed)

    def wait_for(self, wanted: dict[str, int]):
        def there():
            return all(len(self.done(tenant)) >= count for tenant, count in wanted.items())

        def left():
            return [(tenant, len(self.done(tenant)), count) for tenant, count in wanted.items()]

        harness.wait(there, 120, lambda: f"events to be done: {left()}; {self.stack.last_lines()}")

    def done(self, tenant: str) -> dict[str, tuple[float, float]]:
        """By event: when SQS took it, and when its outcome was said."""
        found = {}
        for line in self.stack.lines(tenant=tenant):
            if line["outcome"] in DONE:
                at = datetime.fromisoformat(line["timestamp"]).timestamp()
                found.setdefault(line["event"], (at - line["lag_ms"] / 1000, at))
        return found

    def bookings(self, house: House, count: int) -> list[tuple[House, dict]]:
        first, self.count = self.count, self.count + count
        days = [(n, n % 27 + 1) for n in range(first, first + count)]
        return [(house, house.booking(f"b{n}", unit="rooms", arrival=f"2031-05-{day:02}", departure=f"2031-05-{day + 1:02}")) for n, day in days]

    def season(self, count: int) -> list[list[tuple[House, dict]]]:
        return [self.bookings(house, count // PROPERTIES) for house in self.noisy]

    def capacity(self) -> float:
        """Events a second that are worked when there are enough."""
        before, begun = len(self.done(self.noisy[0].tenant)), time.time()
        self.at_once(WARM_UP)
        self.wait_for({self.noisy[0].tenant: before + WARM_UP})
        return WARM_UP / (max(at for _, at in self.done(self.noisy[0].tenant).values()) - begun)

    def at_once(self, count: int):
        with ThreadPoolExecutor(PROPERTIES) as pool:
            list(pool.map(lambda events: self.post(self.noisy_url, events), self.season(count)))

    def day(self, rate: float, noise: int = 0, seconds: float = 20) -> Day:
        """The others post at a rate for so long, and as long as the noise is not worked off."""
        noisy = self.noisy[0].tenant
        before, quiet = len(self.done(noisy)), {}
        loud = threading.Thread(target=self.at_once, args=(noise,))
        begun, sent = time.monotonic(), 0
        loud.start()
        while time.monotonic() - begun < seconds or len(self.done(noisy)) < before + noise:
            for _ in range(int(rate / OTHERS) + 1):  # the queues are looked at now and then only
                house = self.others[sent % OTHERS]
                ((_, event),) = self.bookings(house, 1)
                time.sleep(max(0.0, begun + sent / rate - time.monotonic()))
                self.post(self.url, [(house, event)])
                quiet[event["id"]] = house.tenant
                sent += 1
            if time.monotonic() - begun > 900:
                raise AssertionError(f"the noise is not worked off: {len(self.done(noisy)) - before} of {noise}")
        loud.join()
        wanted = {house.tenant: len(self.done(house.tenant).keys() - quiet.keys()) for house in self.others}
        for tenant in quiet.values():
            wanted[tenant] += 1
        self.wait_for(wanted)
        found = {event: times for house in self.others for event, times in self.done(house.tenant).items() if event in quiet}
        ends = [at for _, at in self.done(noisy).values()]
        own = {house.tenant: [at for _, at in self.done(house.tenant).values()] for house in self.others}
        seen = []
        for event, (sent, at) in found.items():
            free = max([sent, *(end for end in own[quiet[event]] if end < at - SAME_BATCH)])
            seen.append(Seen(at - sent, sum(free < end < at for end in ends) / BATCH / CONCURRENCY))
        return Day(seen)


def main(noise: int = 20_000) -> bool:
    with harness.cloud():
        try:
            stack = harness.main_stack()
            pool = Street(stack)
            rate = pool.capacity() / 2
            harness.say(f"the others post at {rate:.0f} events a second, half of what is worked here")
            stack.add_silo(loud := f"loud-{harness.RUN_ID}")
            days = {
                "nobody is noisy": pool.day(rate, seconds=60),
                f"a neighbour in the pool posts {noise}": pool.day(rate, noise),
                f"one in a silo posts {noise}": Street(stack, silo=loud).day(rate, noise),
            }
            quiet = days["nobody is noisy"].lag(99)
            print("| what | events of others | lag p50 s | lag p99 s | against a quiet day | behind so many rounds of its batches |\n|---|--:|--:|--:|--:|--:|")
            for what, day in days.items():
                # Behind a tenant with queues of its own there is nobody.
                behind = "-" if "silo" in what else f"{day.behind:.1f}"
                print(f"| {what} | {len(day.seen)} | {day.lag(50):.3f} | {day.lag(99):.3f} | {day.lag(99) / quiet:.1f} | {behind} |")
            return all(day.behind <= 2 for what, day in days.items() if "silo" not in what)
        finally:
            harness.remove_stacks(keep_logs=False)
