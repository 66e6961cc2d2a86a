"""Ten tenants with silos beside ten of the pool, on one stack, made by the shipped commands: each is worked by its own queues, whatever
comes by another's is on the operators' desk and touches nobody, and a person's verdict, a dead letter and a pause go the same way."""

import json
import os
import subprocess
import unittest
from concurrent.futures import ThreadPoolExecutor

import guests
import harness
from bellhop_cloud import settings
from events import House

TENANTS = 10  # of each kind
BOOKINGS = 3
QUEUES = ("operational-calendar", "operational-guests", "operational-dashboard", "automation", "synchronization")
CALENDAR = "operational-calendar"
# Twenty tenants at once are many for a small machine, and a mail that is not answered in time is a question to a person.
PATIENT = {"FunctionTimeout": 6, "VisibilityTimeout": 7, "CallTimeoutSeconds": 4}


class Silo(House):
    """A tenant whose events come by its own queues."""

    def url(self, stack, queue: str, dead: bool = False) -> str:
        url = stack.silos[self.tenant]["OperationalCalendarUrl"]
        return f"{url.rsplit('/', 1)[0]}/{stack.prefix}_{self.tenant}_{queue}{'-dlq' if dead else ''}.fifo"

    def post(self, stack, *events: dict, dead: bool = False, group: str | None = None) -> list[str]:
        """By its queue; returns the message ids."""
        url = self.url(stack, CALENDAR, dead)
        send = stack.sqs.send_message
        return [send(QueueUrl=url, MessageBody=json.dumps(e), MessageGroupId=group or self.group)["MessageId"] for e in events]

    def left(self, stack) -> int:
        names = [f"ApproximateNumberOfMessages{what}" for what in ("", "NotVisible", "Delayed")]
        urls = [self.url(stack, queue, dead) for queue in QUEUES for dead in (False, True)]
        found = [stack.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"] for url in urls]
        return sum(int(attributes[name]) for attributes in found for name in names)


class Pool(House):
    def post(self, stack, *events: dict) -> list[str]:
        return self.send(stack, *events)

    def left(self, _stack) -> int:
        return 0  # the shared queues, which stack.drain looks at


class Silos(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = harness.stack("silo", channels=True, guests=True, review=True, dashboard=True, AttemptBudget=3, **PATIENT)
        cls.silos = [Silo(f"silo{n}") for n in range(TENANTS)]
        cls.pool = [Pool(f"pool{n}") for n in range(TENANTS)]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda house: cls.stack.add_silo(house.tenant), cls.silos))
        for house in cls.pool:
            guests.command(cls.stack, "tenant", "add", house.tenant)
        harness.say(f"{TENANTS} silos and {TENANTS} tenants of the pool are registered")
        for house in (*cls.silos, *cls.pool):
            house.post(cls.stack, house.registered())
        cls.settle(*cls.silos)

    @classmethod
    def settle(cls, *houses: House, seconds: float = 60):
        """Until nothing is left in the shared queues and those of these houses, three times in a row, as stack.drain has it."""
        readings = 0

        def empty():
            nonlocal readings
            readings = readings + 1 if cls.stack.left() == 0 and sum(house.left(cls.stack) for house in houses) == 0 else 0
            return readings == 3

        harness.wait(empty, seconds, lambda: f"queues to drain: {[(h.tenant, h.left(cls.stack)) for h in houses]}; {cls.stack.last_lines()}")

    def stay(self, house: House, number: int, version: int = 1, **data) -> dict:
        nights = {"arrival": f"2031-05-{2 * number + 1:02}", "departure": f"2031-05-{2 * number + 2:02}"}
        return house.booking(f"b{number}", version, unit="rooms", guest=guests.guest(house, f"b{number}"), **nights | data)

    def versions(self, house: House, count: int) -> list[int | None]:
        states = [house.state(self.stack, f"b{n}") for n in range(count)]
        return [state and state["version"] for state in states]

    def partitions(self, *houses: House) -> dict[str, int]:
        tenants = {house.tenant for house in houses}
        return {key: items for key, items in self.stack.partitions().items() if key.split("#")[0] in tenants}

    def items(self, *words: str) -> list[dict]:
        return json.loads(guests.command(self.stack, "review", "list", "--json", "--most", "100000", *words))

    def mismatched(self, message: str) -> dict:
        """The item of a message that came by the wrong queue: nobody's, so the operators'."""
        def found():
            return [item for item in self.items() if item["message_id"] == message]

        harness.wait(found, 30, lambda: f"an item of message {message}; {self.stack.last_lines()}")
        (item,) = found()
        self.assertEqual((item["reason"], item["tenant"]), ("tenant-mismatch", None))
        return item

    def test_twenty_tenants_side_by_side(self):
        houses = (*self.silos, *self.pool)
        for number in range(BOOKINGS):
            for house in houses:
                house.post(self.stack, self.stay(house, number))
        self.settle(*self.silos)
        for house in houses:
            with self.subTest(house.tenant):
                self.assertEqual(self.versions(house, BOOKINGS), [1] * BOOKINGS)
                self.assertEqual(house.left_waiting(self.stack), [])
                self.assertEqual(self.items("--tenant", house.tenant), [])
                applied = {line["property"] for line in self.stack.lines(tenant=house.tenant, outcome="applied")}
                self.assertEqual(applied, {house.property})
                # What follows from a booking goes by its queues too, or it would be on the operators' desk.
                self.assertLessEqual({f"b{number}" for number in range(BOOKINGS)}, set(guests.cleanings(self.stack, house)))
                self.assertEqual(len(guests.mails(house, "b0")), 1)
                for function in ("notifications", "dashboard"):
                    self.assertGreater(len(self.stack.lines(function, tenant=house.tenant)), 0, function)
        ours = {house.tenant for house in houses}
        self.assertEqual([item for item in self.items() if item["tenant"] in ours], [])

    def test_an_envelope_of_another_tenant_in_a_silos_queue(self):
        silo, neighbour, shared = self.silos[0], self.silos[1], self.pool[0]
        self.settle(silo, neighbour)
        for other in (neighbour, shared):
            with self.subTest(other.tenant):
                before = self.partitions(silo, other)
                (message,) = silo.post(self.stack, other.booking("forged"), group=other.group)
                self.mismatched(message)
                self.settle(silo)
                self.assertEqual(self.partitions(silo, other), before)
                self.assertIsNone(other.state(self.stack, "forged"))

    def test_an_event_of_a_silo_in_the_shared_queue(self):
        silo = self.silos[2]
        self.settle(silo)
        before = self.partitions(silo)
        (message,) = silo.send(self.stack, silo.booking("astray"))
        self.mismatched(message)
        self.settle(silo)
        self.assertEqual(self.partitions(silo), before)
        # Posted where it belongs it is worked.
        silo.post(self.stack, silo.booking("astray"))
        self.settle(silo)
        self.assertEqual(silo.state(self.stack, "astray")["version"], 1)

    def test_what_a_person_decides_goes_back_by_the_silos_queue(self):
        """By the shared one it would be a mismatch, and never applied."""
        silo = self.silos[3]
        bad, behind = silo.booking("bad", departure="2031-04-01"), silo.booking("bad", 2, "modified", party={"adults": 2})
        silo.post(self.stack, bad)
        harness.wait(lambda: self.items("--tenant", silo.tenant), 30, lambda: f"an item; {self.stack.last_lines()}")
        silo.post(self.stack, behind)
        self.settle(silo)
        self.assertFalse(silo.state(self.stack, "bad"))
        (item,) = self.items("--tenant", silo.tenant)
        self.assertEqual(item["reason"], "stay-departure-before-arrival")
        mended = bad | {"data": bad["data"] | {"departure": "2031-05-04"}}
        guests.command(self.stack, "review", "edit", item["id"], stdin=json.dumps(mended))
        self.settle(silo)
        self.assertEqual(silo.state(self.stack, "bad")["version"], 2)
        self.assertEqual((self.items("--tenant", silo.tenant), silo.left_waiting(self.stack)), ([], []))

    def test_what_sqs_gives_up_of_a_silo_is_an_item_of_its_tenant(self):
        silo = self.silos[4]
        silo.post(self.stack, silo.booking("dead"), dead=True)
        harness.wait(lambda: self.items("--tenant", silo.tenant), 30, lambda: f"an item; {self.stack.last_lines()}")
        (item,) = self.items("--tenant", silo.tenant)
        self.assertEqual((item["reason"], item["road"]), ("dead-lettered", "dead-letter"))
        guests.command(self.stack, "review", "retry", item["id"])
        self.settle(silo)
        self.assertEqual(silo.state(self.stack, "dead")["version"], 1)
        # In another tenant's dead-letter queue it is nobody's.
        other = self.silos[5]
        before = self.partitions(silo, other)
        (message,) = other.post(self.stack, silo.booking("dead", 2, "modified"), dead=True, group=silo.group)
        self.mismatched(message)
        self.assertEqual(self.partitions(silo, other), before)

    def test_a_silo_is_suspended_and_resumed(self):
        silo, neighbour = self.silos[6], self.silos[7]
        guests.command(self.stack, "tenant", "suspend", silo.tenant, "--because", "a test")
        versions = 4
        for version in range(1, versions + 1):
            silo.post(self.stack, silo.booking("paused", version, "modified" if version > 1 else "created"))
        neighbour.post(self.stack, neighbour.booking("beside"))
        self.settle(silo, neighbour)
        self.assertEqual((silo.state(self.stack, "paused"), neighbour.state(self.stack, "beside")["version"]), (None, 1))
        told = json.loads(guests.command(self.stack, "tenant", "show", silo.tenant, "--json"))
        self.assertEqual((told["mode"], told["standing"]), ("silo", "suspended"))
        self.assertEqual({each["function"]: each["events"] for each in told["put_by"]}["calendar"], versions)
        guests.command(self.stack, "tenant", "resume", silo.tenant)
        harness.wait(lambda: (silo.state(self.stack, "paused") or {}).get("version") == versions, 60, lambda: f"the last to be worked; {self.stack.last_lines()}")
        self.settle(silo)
        applied = [line["event"] for line in self.stack.lines(tenant=silo.tenant, outcome="applied", subject="booking/paused")]
        self.assertEqual(applied, sorted(applied, key=lambda event: int(event.removeprefix("e").split("-")[0])))
        self.assertEqual(len(applied), versions)

    def command(self, *arguments: str) -> subprocess.CompletedProcess:
        environment = os.environ | settings.client_environment()
        command = [settings.ROOT / "infra" / "silo", *arguments, "--prefix", self.stack.prefix]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def test_what_the_command_refuses_and_lists(self):
        again = self.command("add", self.silos[8].tenant, "--yes", "--json")
        self.assertEqual((again.returncode, json.loads(again.stdout)["result"]), (0, "up to date"), again.stderr)
        pool = self.command("add", self.pool[8].tenant, "--yes", "--json")
        self.assertEqual(pool.returncode, 1)
        self.assertIn("shares the queues", pool.stderr)
        active = self.command("remove", self.silos[8].tenant, "--yes", "--json")
        self.assertEqual((active.returncode, json.loads(active.stdout)["result"]), (1, "refused"))
        listed = json.loads(self.command("list", "--json").stdout)
        self.assertEqual({row["tenant"]: row["queues"] for row in listed}, {house.tenant: len(QUEUES) for house in self.silos})


if __name__ == "__main__":
    unittest.main()
