"""What fell between the others is picked up by the hour's sweep; people are told of what is critical without asking."""

import json
import unittest

import guests
import harness
from bellhop_cloud import settings
from events import House


class Sweep(unittest.TestCase):
    def items(self, stack, house: House) -> list[dict]:
        return json.loads(guests.command(stack, "review", "list", "--tenant", house.tenant, "--json"))

    def test_a_notice_that_was_lost_is_made_up_for_and_its_item_works(self):
        stack = harness.main_stack()  # here the tests take what is for review
        house = House("sweep").register(stack)
        bad = house.booking("b1", departure="2031-04-01")
        house.send(stack, bad, house.booking("b1", 2, "modified"))
        stack.drain()
        self.assertEqual(self.items(stack, house), [], "its notice went to us")
        name = stack.function("review")  # which is given nothing here
        stack.functions.delete_function_concurrency(FunctionName=name)
        try:
            swept = stack.invoke("review", {"source": "aws.events", "detail-type": "Scheduled Event"})
        finally:
            stack.functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        self.assertGreaterEqual(swept["told"], 1)
        (item,) = self.items(stack, house)
        self.assertEqual((item["reason"], item["event"]), ("stay-departure-before-arrival", bad["id"]))
        guests.command(stack, "review", "discard", item["id"], "--reason", "a test")
        stack.drain()
        self.assertEqual(house.state(stack, "b1")["version"], 2)
        self.assertEqual(house.left_waiting(stack), [])

    def test_a_registration_closes_the_item_that_asked_for_it(self):
        stack, house = harness.stack("review", review=True, AttemptBudget=3), House("late")
        house.send(stack, house.booking("b1"))
        harness.wait(lambda: self.items(stack, house), 30, "the question for the property")
        house.register(stack)
        self.assertEqual(house.state(stack, "b1")["version"], 1)
        swept = stack.invoke("review", {})
        self.assertGreaterEqual(swept["closed"], 1)
        self.assertEqual(self.items(stack, house), [])

    def test_people_are_told_at_once_of_what_is_critical_and_hear_no_names(self):
        stack = harness.stack("review", review=True, AttemptBudget=3)
        sqs, sns = settings.client("sqs"), settings.client("sns")
        queue = sqs.create_queue(QueueName=f"{stack.prefix}-people")["QueueUrl"]
        self.addCleanup(lambda: sqs.delete_queue(QueueUrl=queue))
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=stack.outputs["ReviewTopicArn"], Protocol="sqs", Endpoint=arn)
        house = House("told").register(stack)
        bad = house.booking("b1", departure="2031-04-01", guest=guests.guest(house, "b1"))
        house.send(stack, bad)
        heard = []

        def told():
            answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            heard.extend(json.loads(message["Body"]) for message in answer.get("Messages", []))
            return [notice for notice in heard if house.group in notice["Message"]]

        (notice,) = harness.wait(told, 30, "people to be told")
        self.assertIn("stay-departure-before-arrival", notice["Subject"])
        self.assertIn("booking/b1", notice["Message"])
        self.assertNotIn("Ana", notice["Message"])


if __name__ == "__main__":
    unittest.main()
