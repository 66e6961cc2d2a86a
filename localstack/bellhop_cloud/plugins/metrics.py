"""What CloudWatch knows of queues. Stock knows no age of a queue's oldest message, and reports each message by itself, on the
path of every send and delete; AWS reports once a minute (Amazon SQS Developer Guide, "Available CloudWatch metrics")."""

import time

from localstack.runtime import hooks
from localstack.services.sqs import provider
from localstack.services.sqs.models import FifoQueue, sqs_stores
from localstack.utils.cloudwatch.cloudwatch_util import publish_sqs_metric_batch

from bellhop_cloud.plugins import loaded

MOST = 1000  # metrics in one PutMetricData


def oldest(queue) -> float:
    """Seconds since the oldest message of the queue was sent, hidden ones included; 0 when it is empty."""
    with queue.mutex:
        messages = [*queue.inflight, *queue.delayed]
        if isinstance(queue, FifoQueue):
            for group in queue.message_groups.values():
                messages += group.messages
        else:
            messages += queue.visible.queue
        sent = [int(message.message["Attributes"]["SentTimestamp"]) for message in messages]
    return max(0.0, time.time() - min(sent) / 1000) if sent else 0.0


class Publisher(provider.CloudwatchPublishWorker):
    """Reports queues that have messages, and once more when they are empty: an idle cloud writes nothing."""

    def __init__(self):
        super().__init__()
        self.had_messages = set()

    def publish_approximate_cloudwatch_metrics(self):
        for account_id, region, store in sqs_stores.iter_stores():
            data = []
            for queue in list(store.queues.values()):
                numbers = {
                    "ApproximateNumberOfMessagesVisible": queue.approximate_number_of_messages,
                    "ApproximateNumberOfMessagesNotVisible": queue.approximate_number_of_messages_not_visible,
                    "ApproximateNumberOfMessagesDelayed": queue.approximate_number_of_messages_delayed,
                }
                if any(numbers.values()):
                    self.had_messages.add(queue.arn)
                elif queue.arn in self.had_messages:
                    self.had_messages.discard(queue.arn)
                else:
                    continue
                data += [{"QueueName": queue.name, "MetricName": k, "Value": v} for k, v in numbers.items()]
                age = {"QueueName": queue.name, "MetricName": "ApproximateAgeOfOldestMessage", "Unit": "Seconds"}
                data.append(age | {"Value": oldest(queue)})
            for start in range(0, len(data), MOST):
                publish_sqs_metric_batch(account_id, region, data[start : start + MOST])


def init_reporting(self):
    self.cloudwatch_disabled = False
    self._cloudwatch_publish_worker = Publisher()
    self._cloudwatch_dispatcher = None  # it would report each message by itself


def stop_reporting(self):
    self._cloudwatch_publish_worker.stop()


@hooks.on_infra_start()
def bellhop_metrics():
    provider.SqsProvider._init_cloudwatch_metrics_reporting = init_reporting
    provider.SqsProvider._stop_cloudwatch_metrics_reporting = stop_reporting
    loaded("bellhop_metrics")
