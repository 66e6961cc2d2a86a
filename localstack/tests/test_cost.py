"""`infra/cost`: what is counted, and what it comes to."""

import json
import subprocess
import tempfile
import unittest
from collections import Counter
from pathlib import Path

from bellhop_cloud import templates
from bellhop_cloud.settings import ROOT, TEMPLATE
from bellhop_stack import cost
from bellhop_stack.cloud import Problem


def prices(**usd: float) -> cost.Prices:
    names = cost.Prices().table
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"date": "2026-11", "prices": {name: {"usd": usd.get(name, 0)} for name in names}}, file)
        file.flush()
        return cost.Prices(Path(file.name))


class Costs(unittest.TestCase):
    def test_idle_is_the_polls_of_each_mapping_and_what_costs_by_the_piece(self):
        kinds = Counter({cost.MAPPING: 2, cost.ALARM: 3, cost.KEY: 1, "AWS::SQS::Queue": 99})
        share = cost.idle(kinds, 0, prices(sqs_fifo_request=1, alarm=0.1, kms_key=1))
        self.assertEqual(share.queues, 2 * 5 * 3 * 60 * 24 * 30)
        self.assertAlmostEqual(share.alarms, 0.3)
        self.assertEqual(share.keys, 1)

    def test_an_event_costs_what_each_function_does_for_it(self):
        one = {"messages": 1, "sends": 2, "write_units": 4, "read_units": 3, "log_bytes": 10**9 - 350}
        units = {"functions": {"calendar": one, "dashboard": one | {"messages": 0, "sends": 0, "log_bytes": 0}}}
        share = cost.event(units, prices(sqs_fifo_request=1, write_unit=1, read_unit=10, log_gigabyte=0.5))
        self.assertEqual(share.queues, 1 + 2 + 2, "the producer's send, a receive and a delete, two sends")
        self.assertEqual(share.tables, 2 * (4 + 30))
        self.assertAlmostEqual(share.logs, 0.5)

    def test_schedules_are_read_from_the_template(self):
        self.assertEqual(cost.scheduled_runs(templates.resources(TEMPLATE)), 30 * 24 * 60 + 30 * 24, "timer and review")
        cron = {"R": {"Type": cost.SCHEDULE, "Properties": {"ScheduleExpression": "cron(0 * * * ? *)"}}}
        with self.assertRaisesRegex(Problem, "R: ScheduleExpression"):
            cost.scheduled_runs(cron)

    def test_a_pool_costs_the_same_for_any_number_of_tenants_and_a_silo_by_each(self):
        found = cost.report(cost.Prices(), json.loads((cost.INFRA / "units.json").read_text()))
        few, more = found["tenants"][:2]
        self.assertEqual(few["pool_idle"], more["pool_idle"])
        each = sum(found["idle_silo_tenant"].values())
        self.assertAlmostEqual(more["silo_idle"] - few["silo_idle"], each * (more["tenants"] - few["tenants"]))
        self.assertGreater(found["counted"]["stack"]["mappings"], 0)

    def test_a_function_that_was_not_measured_is_named(self):
        units = json.loads((cost.INFRA / "units.json").read_text())
        del units["functions"]["dashboard"]
        self.assertIn("dashboard", cost.unmeasured(units))
        self.assertIn("for want of units: ", cost.text(cost.report(cost.Prices(), units)))

    def test_each_price_says_where_it_is_from_and_where_it_stands(self):
        for name, price in cost.Prices().table.items():
            self.assertEqual(price.keys(), {"usd", "of", "source", "page"}, name)

    def test_the_command_prints_a_table_and_json(self):
        command = ROOT / "infra" / "cost"
        self.assertIn("10,000", subprocess.run([command], capture_output=True, text=True, check=True).stdout)
        told = subprocess.run([command, "--json"], capture_output=True, text=True, check=True).stdout
        self.assertEqual([row["tenants"] for row in json.loads(told)["tenants"]], [10, 100, 1_000, 10_000])
