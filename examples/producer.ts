// A producer: the plain AWS SDK, no library of ours. Run: npm ci && npm run build && npm start [PREFIX]
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { GetQueueUrlCommand, SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";

interface Event {
  id: string; type: string; subject: string; tenant: string; property: string; data: Record<string, unknown>;
}

const BATCH = 10; // SQS takes no more in a call,
const BATCH_BYTES = 1_048_576; // nor more than this in all of it
const PATIENCE = 8; // calls in a row that bring nothing forward

const sqs = new SQSClient(); // region, credentials and AWS_ENDPOINT_URL come from the environment

function event(type: string, subject: string, tenant: string, property: string, data: Record<string, unknown>): Event {
  return { id: randomUUID(), type, subject, tenant, property, data };
}

function body(event: Event): string {
  return JSON.stringify({ specversion: "1.0", source: "/pms/example", time: new Date().toISOString(), ...event });
}

/** Posts events: each group in order, many groups at a time. Returns when SQS has all of them, or throws. */
async function post(queueUrl: string, events: Event[]): Promise<void> {
  // One group per property keeps its order. No deduplication id: the event's own id makes a resend harmless.
  const groups = new Map<string, string[]>();
  for (const each of events) {
    const group = `${each.tenant}#${each.property}`;
    const line = groups.get(group);
    if (line) line.push(body(each));
    else groups.set(group, [body(each)]);
  }
  for (let failures = 0; groups.size > 0; ) {
    const sent = await sendHeads(queueUrl, groups);
    failures = sent > 0 ? 0 : failures + 1;
    if (failures === PATIENCE) throw new Error(`SQS took nothing ${PATIENCE} times in a row; ${groups.size} groups wait`);
    if (failures > 0) await pause(Math.random() * Math.min(20_000, 100 * 2 ** failures));
  }
}

/** Sends the first event of up to ten groups, and takes off what was accepted. Never two of one group in a call: SQS may
 * refuse the first and accept the second. What is refused stays first in its group. */
async function sendHeads(queueUrl: string, groups: Map<string, string[]>): Promise<number> {
  const heads: { group: string; body: string }[] = [];
  let bytes = 0;
  for (const [group, [head]] of groups) {
    const size = Buffer.byteLength(head ?? "");
    if (head === undefined || heads.length === BATCH || bytes + size > BATCH_BYTES) break;
    heads.push({ group, body: head });
    bytes += size;
  }
  const Entries = heads.map(({ group, body }, n) => ({ Id: String(n), MessageGroupId: group, MessageBody: body }));
  const answer = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
  const wrong = answer.Failed?.find((failed) => failed.SenderFault);
  if (wrong) throw new Error(`SQS will never take an event of ${heads[Number(wrong.Id)]?.group}: ${wrong.Code}: ${wrong.Message}`);
  for (const { Id } of answer.Successful ?? []) {
    const group = heads[Number(Id)]?.group ?? "";
    const rest = groups.get(group) ?? [];
    rest.shift();
    groups.delete(group); // and to the end of the line, so that each group has its turn
    if (rest.length > 0) groups.set(group, rest);
  }
  return answer.Successful?.length ?? 0;
}

const QueueName = `${process.argv[2] ?? "bellhop"}-operational-calendar.fifo`;
const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
if (!QueueUrl) throw new Error(`no queue ${QueueName}: expected the prefix of a stack`);

const register = (property: string) =>
  event("pms.property.upserted.v1", `property/${property}`, "example", property, {
    version: 1, time_zone: "Europe/Lisbon", check_in: "15:00", check_out: "11:00", units: [{ id: "suite" }, { id: "double", capacity: 4 }],
  });
const book = (property: string, booking: string) =>
  event("pms.booking.created.v1", `booking/${booking}`, "example", property, {
    version: 1, unit: "suite", arrival: "2026-07-08", departure: "2026-07-12",
  });

const events = ["villa", "cottage"].flatMap((property) => [register(property), book(property, "2001")]);
await post(QueueUrl, events);
for (const { id, property, subject } of events) console.log(id, property, subject);
