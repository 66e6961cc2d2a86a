"""The FIFO corrections, on LocalStack's own queue class without a server."""

import sys
import threading
import time
import unittest

from bellhop_cloud.plugins import fifo

FifoQueue = fifo.FifoQueue
fifo.apply()


def queue(**attributes) -> FifoQueue:
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true", "VisibilityTimeout": "30"} | attributes
    return FifoQueue(attributes.pop("name", "q.fifo"), "us-east-1", "000000000000", attributes)


def send(target: FifoQueue, body: str, group: str = "a", dedup: str | None = None) -> str:
    message = {"MessageId": f"id-{time.time_ns()}", "Body": body, "Attributes": {"SentTimestamp": "0"}}
    return target.put(message, message_group_id=group, message_deduplication_id=dedup).message["MessageId"]


class Received:
    def __init__(self, source: FifoQueue, count: int = 10, visibility: float | None = None):
        result = source.receive(count, 0, visibility)
        self.bodies = [m.message["Body"] for m in result.successful]
        self.handles = dict(zip(self.bodies, result.receipt_handles))
        self.dead = result.dead_letter_messages


def bodies(source: FifoQueue) -> list[str]:
    source.requeue_inflight_messages()
    return Received(source).bodies


class Numbers(unittest.TestCase):
    def test_no_message_is_missing_while_it_goes_in_and_out_of_flight(self):
        q = queue()
        for body in range(10):
            send(q, str(body))
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        over = threading.Event()

        def go_round():
            while not over.is_set():
                Received(q, visibility=0)
                q.requeue_inflight_messages()

        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        thread = threading.Thread(target=go_round)
        thread.start()
        try:
            sums = {sum(map(int, q.get_queue_attributes(names).values())) for _ in range(2000)}
        finally:
            over.set()
            thread.join()
            sys.setswitchinterval(interval)
        self.assertEqual(sums, {10})


class Order(unittest.TestCase):
    def test_a_group_is_blocked_while_one_of_its_messages_is_in_flight(self):
        q = queue()
        for body in "123":
            send(q, body)
        first = Received(q, 1)
        self.assertEqual(first.bodies, ["1"])
        self.assertEqual(bodies(q), [])
        q.remove(first.handles["1"])
        self.assertEqual(bodies(q), ["2", "3"])

    def test_followers_made_visible_do_not_overtake_a_hidden_head(self):
        q = queue()
        for body in "123":
            send(q, body)
        batch = Received(q)
        q.update_visibility_timeout(batch.handles["1"], 0.3)
        q.update_visibility_timeout(batch.handles["2"], 0)
        q.update_visibility_timeout(batch.handles["3"], 0)
        send(q, "4")
        self.assertEqual(bodies(q), [])
        time.sleep(0.35)
        self.assertEqual(bodies(q), ["1", "2", "3", "4"])

    def test_later_messages_wait_for_hidden_followers_when_the_head_is_visible(self):
        q = queue()
        for body in "123":
            send(q, body)
        batch = Received(q)
        send(q, "4")
        q.update_visibility_timeout(batch.handles["1"], 0)
        again = Received(q)
        self.assertEqual(again.bodies, ["1"])
        q.remove(again.handles["1"])
        self.assertEqual(bodies(q), [])
        q.update_visibility_timeout(batch.handles["3"], 0)
        self.assertEqual(bodies(q), [], "2 is still hidden")
        q.update_visibility_timeout(batch.handles["2"], 0)
        self.assertEqual(bodies(q), ["2", "3", "4"])

    def test_head_and_followers_of_one_delay_come_back_together(self):
        q = queue()
        for body in "12345":
            send(q, body)
        batch = Received(q)
        for handle in batch.handles.values():
            q.update_visibility_timeout(handle, 0.1)
        self.assertEqual(bodies(q), [])
        time.sleep(0.15)
        self.assertEqual(bodies(q), list("12345"))

    def test_one_long_delay_does_not_hold_up_another_group(self):
        q = queue()
        send(q, "slow", "a")
        send(q, "quick", "b")
        batch = Received(q)
        q.update_visibility_timeout(batch.handles["quick"], 0.05)
        time.sleep(0.1)
        self.assertEqual(bodies(q), ["quick"])

    def test_a_batch_mixes_groups(self):
        q = queue()
        for group in "abc":
            send(q, group + "1", group)
            send(q, group + "2", group)
        self.assertEqual(bodies(q), ["a1", "a2", "b1", "b2", "c1", "c2"])

    def test_an_expired_handle_deletes_nothing(self):
        q = queue()
        send(q, "1")
        old = Received(q, visibility=0.05)
        time.sleep(0.1)
        q.requeue_inflight_messages()
        new = Received(q)
        self.assertEqual(new.bodies, ["1"])
        q.remove(old.handles["1"])
        self.assertEqual(len(q.inflight), 1)
        q.remove(new.handles["1"])
        self.assertEqual(len(q.inflight), 0)

    def test_receive_waits_for_a_message(self):
        import threading

        q = queue()
        threading.Timer(0.2, send, (q, "late")).start()
        started = time.monotonic()
        self.assertEqual([m.message["Body"] for m in q.receive(1, 5).successful], ["late"])
        self.assertLess(time.monotonic() - started, 1)


class Deduplication(unittest.TestCase):
    def test_in_scope_message_group_the_same_id_in_another_group_is_another_message(self):
        q = queue(DeduplicationScope="messageGroup")
        for group in "aba":
            send(q, "of " + group, group, dedup="same")
        self.assertEqual(bodies(q), ["of a", "of b"])

    def test_in_scope_queue_it_is_the_same_message(self):
        q = queue()
        for group in "ab":
            send(q, "of " + group, group, dedup="same")
        self.assertEqual(bodies(q), ["of a"])

    def test_it_outlives_deletion_and_answers_with_the_first_id(self):
        q = queue(DeduplicationScope="messageGroup")
        first = send(q, "1")
        q.remove(Received(q).handles["1"])
        self.assertEqual(send(q, "1"), first)
        self.assertEqual(bodies(q), [])

    def test_purge_forgets_it(self):
        q = queue(DeduplicationScope="messageGroup")
        send(q, "1")
        q.clear()
        send(q, "1")
        self.assertEqual(bodies(q), ["1"])


class Moves(unittest.TestCase):
    def move(self, message, source: FifoQueue, target: FifoQueue):
        message.message["Attributes"].setdefault("DeadLetterQueueSourceArn", source.arn)
        target.put(
            message.message,
            message_group_id=message.message_group_id,
            message_deduplication_id=message.message_deduplication_id,
        )

    def test_a_redrive_makes_a_new_message_even_inside_the_deduplication_window(self):
        q, dlq = queue(DeduplicationScope="messageGroup"), queue(name="dlq.fifo", DeduplicationScope="messageGroup")
        sent = send(q, "poison")
        self.move(q.receive(1).successful[0], q, dlq)
        dead = dlq.receive(1).successful[0]
        self.assertEqual(dead.message_id, sent)
        self.move(dead, q, q)
        q.inflight.clear()  # in life the message has left the queue when it is moved
        q.inflight_groups.clear()
        q.message_group_queue.put(q.get_message_group("a"))
        back = q.receive(1).successful[0]
        self.assertNotEqual(back.message_id, sent)
        self.assertEqual(back.message["Attributes"]["ApproximateReceiveCount"], "1")
        self.assertEqual(dead.message_id, sent, "the copy in the dead-letter queue keeps its identity")

    def test_two_dead_letters_with_the_same_content_both_arrive(self):
        q, dlq = queue(), queue(name="dlq.fifo")
        for group in "ab":
            send(q, "same", group, dedup=group)
        for message in q.receive(10).successful:
            message.message["Attributes"]["MessageDeduplicationId"] = "same"
            self.move(message, q, dlq)
        self.assertEqual(bodies(dlq), ["same", "same"])


if __name__ == "__main__":
    unittest.main()
