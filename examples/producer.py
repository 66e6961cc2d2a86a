"""A producer: plain boto3, no library of ours. Run: python examples/producer.py [PREFIX]"""
import json, sys, uuid
from datetime import datetime, timezone

import boto3

sqs = boto3.client("sqs")  # region, credentials and AWS_ENDPOINT_URL come from the environment
url = sqs.get_queue_url(QueueName=f"{sys.argv[1] if sys.argv[1:] else 'bellhop'}-operational-calendar.fifo")["QueueUrl"]

def post(kind, subject, tenant, property, **data):
    event = {"specversion": "1.0", "id": str(uuid.uuid4()), "source": "/pms/example", "type": kind, "subject": subject,
             "time": datetime.now(timezone.utc).isoformat(), "tenant": tenant, "property": property, "data": data}
    # One group per property keeps its order. No deduplication id: the event's own id makes a resend harmless.
    sqs.send_message(QueueUrl=url, MessageGroupId=f"{tenant}#{property}", MessageBody=json.dumps(event))
    return event["id"]

post("pms.property.upserted.v1", "property/villa", "example", "villa", version=1, time_zone="Europe/Lisbon",
     check_in="15:00", check_out="11:00", units=[{"id": "suite"}, {"id": "double", "capacity": 4}])
print(post("pms.booking.created.v1", "booking/1001", "example", "villa", version=1, unit="suite", arrival="2026-07-03", departure="2026-07-07"))
