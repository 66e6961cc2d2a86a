"""Corrections to SQS FIFO queues in LocalStack 4.14.0. Each says what AWS does and what stock LocalStack does instead.

The one rule that most of them serve: a message is given out only when no earlier message of its group is in flight."""

import time
import uuid
from collections import defaultdict

from localstack.runtime import hooks
from localstack.services.sqs import models

from bellhop_cloud.plugins import loaded

FifoQueue = models.FifoQueue


class InFlight(dict):
    """The messages in flight (an ordered set, as in the stock queue), which also knows the earliest one of a group."""

    def __init__(self):
        super().__init__()
        self.groups = defaultdict(set)

    def __setitem__(self, message, value):
        super().__setitem__(message, value)
        self.groups[message.message_group_id].add(message)

    def __delitem__(self, message):
        super().__delitem__(message)
        self.groups[message.message_group_id].discard(message)

    def clear(self):
        super().clear()
        self.groups.clear()

    def earliest(self, group_id: str):
        return min(self.groups.get(group_id, ()), default=None)


class OrderedGroup(models.MessageGroup):
    """A message group that does not give out a message while an earlier one of the group is in flight."""

    def __init__(self, group_id: str, in_flight: InFlight):
        super().__init__(group_id)
        self.in_flight = in_flight

    def blocked(self) -> bool:
        first = self.in_flight.earliest(self.message_group_id)
        return first is not None and (self.empty() or first < self.messages[0])

    def pop(self):
        if self.blocked():
            raise IndexError("an earlier message of the group is in flight")  # what popping an empty group raises
        return super().pop()


_init = FifoQueue.__init__
_put = FifoQueue.put
_receive = FifoQueue.receive
_clear = FifoQueue.clear
_get_queue_attributes = FifoQueue.get_queue_attributes


def init(self, *args, **kwargs):
    _init(self, *args, **kwargs)
    self.inflight = InFlight()
    self.deduplication_by_group = defaultdict(dict)


def get_message_group(self, group_id: str):
    with self.mutex:
        if group_id not in self.message_groups:
            self.message_groups[group_id] = OrderedGroup(group_id, self.inflight)
        return self.message_groups[group_id]


def update_message_group_visibility(self, group):
    """Offers a group again as soon as its first message may go out. Stock waits for everything in flight."""
    with self.mutex:
        if group in self.inflight_groups and not group.blocked():
            self.inflight_groups.remove(group)
            if not group.empty():
                self.message_group_queue.put_nowait(group)


def put_message(self, message):
    """Stock offers the group whenever a received message comes back, even behind a hidden head: followers overtake."""
    with self.mutex:
        group = self.get_message_group(message.message_group_id)
        group.push(message)
        if group in self.inflight_groups:
            self.update_message_group_visibility(group)
        elif group.size() == 1:
            self.message_group_queue.put_nowait(group)


def requeue_inflight_messages(self):
    """Stock stops at the first message that is still hidden: one long delay holds up every other group."""
    with self.mutex:
        for message in sorted(m for m in self.inflight if m.is_visible):
            del self.inflight[message]
            self._put_message(message)


def receive(self, num_messages=1, wait_time_seconds=None, visibility_timeout=None, *, poll_empty_queue=False):
    """Takes messages and puts them in flight in one step. Stock lets another receiver in between the two."""
    deadline = time.monotonic() + (wait_time_seconds or 0)
    offered = self.message_group_queue
    while True:
        with self.mutex:
            result = _receive(self, num_messages, 0, visibility_timeout)
            for message, handle in zip(result.successful, result.receipt_handles):
                _expire_older_handles(self, message, handle)
        left = deadline - time.monotonic()
        if result.successful or result.dead_letter_messages or left <= 0 or offered.is_shutdown:
            return result
        with offered.not_empty:
            if not offered._qsize():
                offered.not_empty.wait(min(left, 1))


def _expire_older_handles(self, message, handle: str):
    """Only the newest receipt handle counts. Stock lets a consumer that was too slow delete what another one works on."""
    for old in message.receipt_handles - {handle}:
        self.receipts.pop(old, None)
    message.receipt_handles = {handle}


def put(self, message, visibility_timeout=None, message_deduplication_id=None, message_group_id=None, **kwargs):
    with self.mutex:
        if message.get("Attributes", {}).get("DeadLetterQueueSourceArn"):
            message, message_deduplication_id = _moved(self, message)
        if self.deduplication_scope == "messageGroup":
            # Stock keeps one table for all groups: the same id in another group overwrites the first entry.
            self.deduplication = self.deduplication_by_group[message_group_id]
        return _put(self, message, visibility_timeout, message_deduplication_id, message_group_id, **kwargs)


def _moved(self, message):
    """A move to or from a dead-letter queue deduplicates by message id, and a redrive makes a new message.

    Stock keeps the sender's deduplication id, so that a redrive within five minutes is swallowed and the message lost."""
    message = {**message, "Attributes": dict(message["Attributes"])}
    if message["Attributes"]["DeadLetterQueueSourceArn"] == self.arn:
        message["MessageId"] = str(uuid.uuid4())
        del message["Attributes"]["DeadLetterQueueSourceArn"]
        message["Attributes"]["ApproximateReceiveCount"] = "0"
    message["Attributes"]["SentTimestamp"] = str(int(time.time() * 1000))
    return message, message["MessageId"]


def clear(self):
    with self.mutex:
        _clear(self)
        self.deduplication_by_group.clear()


def get_queue_attributes(self, attribute_names=None):
    """Reads all the numbers at one moment. Stock reads one after the other: a message on its way between visible and in
    flight is in neither, and a full queue looks empty."""
    with self.mutex:
        return _get_queue_attributes(self, attribute_names)


def apply():
    FifoQueue.__init__ = init
    FifoQueue.get_message_group = get_message_group
    FifoQueue.update_message_group_visibility = update_message_group_visibility
    FifoQueue._put_message = put_message
    FifoQueue.requeue_inflight_messages = requeue_inflight_messages
    FifoQueue.receive = receive
    FifoQueue.put = put
    FifoQueue.clear = clear
    FifoQueue.get_queue_attributes = get_queue_attributes


@hooks.on_infra_start()
def bellhop_fifo():
    apply()
    loaded("bellhop_fifo")
