"""Event source mappings of SQS queues: several batches at a time, and bodies as they were sent.

LocalStack 4.14.0 runs one synchronous invocation at a time, polls once a second and backs off to ten. AWS runs up to
MaximumConcurrency, by long poll; the queue itself keeps a group's later messages back while one is in flight."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

from localstack.runtime import hooks

from bellhop_cloud.plugins import loaded
from bellhop_cloud.settings import CONCURRENCY, IDLE_AFTER_POLLS, IDLE_POLL_SECONDS, POLL_SECONDS

LOG = logging.getLogger(__name__)

SQS_BATCH = 10


class Slots:
    """The invocations that one event source mapping may have running."""

    def __init__(self, count: int):
        self.free = threading.Semaphore(count)
        self.pool = ThreadPoolExecutor(count, thread_name_prefix="event-source-mapping")


@hooks.on_infra_start()
def bellhop_event_source_mapping():
    from localstack.services.lambda_.event_source_mapping.esm_worker import EsmWorker
    from localstack.services.lambda_.event_source_mapping.event_processor import PartialBatchFailureError
    from localstack.services.lambda_.event_source_mapping.pollers import sqs_poller
    from localstack.services.lambda_.event_source_mapping.pollers.poller import parse_batch_item_failures

    SqsPoller = sqs_poller.SqsPoller
    stock_handle_messages = SqsPoller.handle_messages
    stock_worker_init = EsmWorker.__init__

    def worker_init(self, esm_config, poller, *args, **kwargs):
        stock_worker_init(self, esm_config, poller, *args, **kwargs)
        maximum = (esm_config.get("ScalingConfig") or {}).get("MaximumConcurrency") or CONCURRENCY
        poller.slots = Slots(min(maximum, CONCURRENCY))
        poller.empty_polls = 0

    def poll_events(self):
        self.slots.free.acquire()
        taken = False
        try:
            messages = self.source_client.receive_message(
                QueueUrl=self.queue_url,
                MaxNumberOfMessages=min(self.batch_size, SQS_BATCH),
                WaitTimeSeconds=POLL_SECONDS if self.empty_polls < IDLE_AFTER_POLLS else IDLE_POLL_SECONDS,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            ).get("Messages", [])
            self.empty_polls = 0 if messages else self.empty_polls + 1
            if messages:
                self.slots.pool.submit(work, self, messages)
                taken = True
        finally:
            if not taken:
                self.slots.free.release()

    def work(self, messages):
        try:
            self.handle_messages(messages)
        except Exception as error:
            # As on AWS: nothing is deleted, and the batch stays hidden until its visibility timeout ends.
            LOG.info("a batch of %s failed: %s", self.source_arn, str(error)[-300:])
        finally:
            self.slots.free.release()

    def handle_messages(self, messages):
        """Stock parses each body and writes it again, also without a filter: other bytes arrive than were sent, and a
        deeply nested body is never delivered at all."""
        if self.filter_patterns:
            return stock_handle_messages(self, messages)
        ids = {message["MessageId"] for message in messages}
        failed = set()
        try:
            self.processor.process_events_batch(self.add_source_metadata(sqs_poller.transform_into_events(messages)))
        except PartialBatchFailureError as error:
            failed = set(parse_batch_item_failures(error.partial_failure_payload, ids))
        self.delete_messages(messages, ids - failed)

    EsmWorker.__init__ = worker_init
    SqsPoller.poll_events = poll_events
    SqsPoller.handle_messages = handle_messages
    loaded("bellhop_event_source_mapping")
