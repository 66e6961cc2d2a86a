"""A crowded minute: the timer dies, runs beside itself, and sends each thing once, in order per property."""

import hashlib
import json
import threading
import time
import unittest
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import harness
from events import House, now


class TimerDue(unittest.TestCase):
    def test_all_due_in_one_minute(self):
        count, properties = (100_000, 250) if harness.FULL else (5_000, 50)
        stack = harness.main_stack()  # where nobody consumes automation but this test
        houses = [House("crowd") for _ in range(properties)]
        minute = int(time.time()) // 60 * 60 - 60
        entries = defaultdict(list)
        for n in range(count):
            house, second = houses[n % properties], minute + n * 60 // count
            entries[house.group].append((second, f"d{n:06}", house))
        self.write(stack, [self.item(*entry) for group in entries.values() for entry in group])
        started = time.monotonic()
        killed, runs = self.run_timers(stack, count)
        emptied = time.monotonic() - started
        expected = {group: [name for _, name, _ in planned] for group, planned in entries.items()}

        def read():
            stack.pump()
            return sum(len(stack.of_group("automation", group)) for group in expected) >= count and stack.pump() == 0

        harness.wait(read, 600 if harness.FULL else 90, "all of it in the queue")
        harness.say(f"{count} due: {runs} runs, {len(killed)} more killed, {emptied:.1f} s, and read after {time.monotonic() - started:.1f} s")
        received = defaultdict(list)
        for message in stack.tapped["automation"]:
            if message.group in expected:
                received[message.group].append(message.event["id"])
                self.assertEqual(message.deduplication_id, message.event["id"])
        for group, names in expected.items():
            self.assertEqual(received[group], names, f"{group}: each once, in order")
        self.assertGreaterEqual(len(killed), 2, "or it proves nothing")

    def item(self, second: int, name: str, house: House) -> dict:
        """As shared/store/src/due.rs writes it."""
        event = house.event("bellhop.automation.look.v1", f"booking/{name}", {"version": second, "due": second}) | {"id": name, "time": now()}
        shard = hashlib.sha256(house.group.encode()).digest()[0] % 16
        fields = {"queue": "automation", "group": house.group, "subject": event["subject"], "id": name, "body": json.dumps(event)}
        fields |= {"pk": f"due#{shard:02}", "sk": f"{second:012}#{name}#{house.group}"}
        return {key: {"S": value} for key, value in fields.items()}

    def write(self, stack, items: list[dict]):
        def batch(start: int):
            left = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
            while left:
                answer = stack.dynamodb.batch_write_item(RequestItems={stack.table: left})
                left = answer["UnprocessedItems"].get(stack.table, [])

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(batch, range(0, len(items), 25)))

    def run_timers(self, stack, count: int) -> tuple[list[str], int]:
        """Two side by side until nothing is due; twice a run is killed in its middle."""
        killed, runs, over = [], [], threading.Event()

        def runner():
            while not over.is_set():
                try:
                    runs.append(stack.tick())
                except (AssertionError, stack.functions.exceptions.ClientError) as error:
                    killed.append(str(error))

        def kill():
            """A run, and no environment that has nothing to do."""
            before, tried = len(killed), 0.0

            def noticed():
                nonlocal tried
                if len(killed) == before and time.monotonic() - tried > 1:
                    tried = time.monotonic()
                    stack.kill_one("timer")
                return len(killed) > before

            harness.wait(noticed, 20, "the killed run to be noticed")

        def left() -> int:
            return sum(self.count(stack, shard) for shard in range(16))

        with ThreadPoolExecutor(2) as pool:
            running = [pool.submit(runner) for _ in range(2)]
            try:
                for part in (0.9, 0.6):  # in the middle of the work
                    harness.wait(lambda part=part: left() < count * part, 60, "some of it to be sent")
                    kill()
                harness.wait(lambda: left() == 0, 900 if harness.FULL else 90, lambda: f"all to be sent: {left()} are left")
            finally:
                over.set()
            [each.result(60) for each in running]
        return killed, len(runs)

    def count(self, stack, shard: int) -> int:
        """How many are due now: what another test plans for later is not."""
        pages = stack.dynamodb.get_paginator("query").paginate(
            TableName=stack.table, ConsistentRead=True, Select="COUNT", KeyConditionExpression="pk = :pk AND sk < :end",
            ExpressionAttributeValues={":pk": {"S": f"due#{shard:02}"}, ":end": {"S": f"{int(time.time()):012}"}},
        )  # fmt: skip
        return sum(page["Count"] for page in pages)
