//! `bellhop redrive`: what SQS gave up is put to work again.

use aws_sdk_sqs::operation::delete_message_batch::DeleteMessageBatchOutput;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName};
use bellhop_events::{Queue, TenantId};
use bellhop_review::{DeadLetter, DeadLetters, Decision, DrainError, drain};
use bellhop_store::review::{Order, ReviewItem, Road};
use bellhop_worker::Queues;
use clap::Args;
use serde_json::json;

use crate::cloud::{Cloud, Side};
use crate::error::{CliError, Exit};
use crate::review::{Who, only_look, open, take_all};
use crate::{output, status};

/// Longer than ten messages take to be sent; a run that was killed does not keep them longer from the next.
const HANDS_OFF_SECONDS: i32 = 60;
/// An answer without messages may come too early where SQS does not wait (Amazon SQS Developer Guide, "Short and long polling").
const WAIT_SECONDS: i32 = 2;

const AFTER_HELP: &str = "\
Examples:
  bellhop redrive --dry-run                           what SQS gave up, oldest first
  bellhop redrive --tenant seaside                    retry all of it, in order
  bellhop redrive --queue synchronization --most 100  the oldest hundred of one queue
  bellhop redrive --fallback-dlq                      what even the review function did not take

What a function does not end on is given up by SQS, and is an item in front of a person: this retries those items. Fewer of them, or
one: bellhop review retry. What already is done, or waits in a line, is not done twice.

Behind the fallback queue lies what the review function did not take: nothing reads that queue. --fallback-dlq moves it back,
each message once its copy is accepted. Do it again after an interruption: the same failure is the same item.";

/// What `bellhop redrive` is told.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Redrive {
    /// Move what lies behind the fallback queue back to it
    #[arg(long, conflicts_with_all = ["tenant", "code", "queue"])]
    fallback_dlq: bool,
    /// Only this tenant's
    #[arg(long)]
    tenant: Option<TenantId>,
    /// Only with this reason code
    #[arg(long)]
    code: Option<String>,
    /// Only what came from this queue, such as operational-calendar
    #[arg(long, value_parser = queue)]
    queue: Option<Queue>,
    /// At most so many
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    most: u32,
    /// Only show what it would be
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    who: Who,
}

fn queue(name: &str) -> Result<Queue, String> {
    let names = || Queue::ALL.map(Queue::name).join(", ");
    Queue::named(name).ok_or_else(|| format!("expected one of {}", names()))
}

impl Redrive {
    fn wants(&self, item: &ReviewItem) -> bool {
        item.road == Road::DeadLetter
            && self.code.as_ref().is_none_or(|code| *code == item.note.reason)
            && self.queue.is_none_or(|queue| queue.name() == item.note.queue)
    }
}

/// Retries, or moves.
pub async fn redrive(args: &Redrive, prefix: &str) -> Result<Exit, CliError> {
    let cloud = Cloud::connect(prefix).await;
    if args.fallback_dlq {
        return move_back(&cloud, args).await;
    }
    let most = usize::try_from(args.most).unwrap_or(usize::MAX);
    // Of all desks, for the oldest are to be the first.
    let mut items = open(&cloud, args.tenant.as_ref(), Order::OldestFirst, usize::MAX, |item| args.wants(item)).await?;
    items.sort_by_key(|(_, item)| item.first_seen);
    let left = items.len().saturating_sub(most);
    items.truncate(most);
    let exit = if args.dry_run {
        only_look(&items, args.who.json)
    } else {
        take_all(&cloud, &items, &Decision::Retry, &args.who).await?
    };
    if left > 0 {
        output::note(format_args!("{left} more are left; do the same again, or raise --most"));
    }
    Ok(exit)
}

/// The dead-letter queue behind the fallback queue.
struct Behind<'a> {
    cloud: &'a Cloud,
    url: String,
}

impl DeadLetters for Behind<'_> {
    type Error = CliError;

    async fn receive(&self, most: u64) -> Result<Vec<DeadLetter>, CliError> {
        let request = self.cloud.sqs.receive_message().queue_url(&self.url);
        let request = request.max_number_of_messages(i32::try_from(most).unwrap_or(1));
        let request = request.visibility_timeout(HANDS_OFF_SECONDS).wait_time_seconds(WAIT_SECONDS);
        let request = request.message_system_attribute_names(MessageSystemAttributeName::MessageGroupId);
        let answer = request.message_attribute_names("bellhop").send().await;
        let answer = answer.map_err(|error| CliError::sdk("ReceiveMessage", error))?;
        answer.messages.unwrap_or_default().into_iter().map(|message| letter(message, &self.url)).collect()
    }

    async fn delete(&self, letters: &[DeadLetter]) -> Result<(), CliError> {
        let entries = letters.iter().enumerate().map(|(number, letter)| {
            DeleteMessageBatchRequestEntry::builder().id(number.to_string()).receipt_handle(&letter.receipt).build()
        });
        let entries: Result<Vec<_>, _> = entries.collect();
        let entries = entries.map_err(|error| CliError::unreachable(&self.url, error))?;
        let request = self.cloud.sqs.delete_message_batch().queue_url(&self.url).set_entries(Some(entries));
        let answer = request.send().await.map_err(|error| CliError::sdk("DeleteMessageBatch", error))?;
        not_deleted(&answer).map_or(Ok(()), |why| Err(CliError::unreachable(&self.url, why)))
    }
}

/// What is not deleted shows again, and is moved twice: one item all the same.
fn not_deleted(answer: &DeleteMessageBatchOutput) -> Option<String> {
    let first = answer.failed.first()?;
    Some(format!("{} messages were moved and are not deleted: {}", answer.failed.len(), first.code))
}

fn letter(message: Message, url: &str) -> Result<DeadLetter, CliError> {
    let group = message.attributes.as_ref().and_then(|all| all.get(&MessageSystemAttributeName::MessageGroupId));
    let note = message.message_attributes.as_ref().and_then(|all| all.get("bellhop")?.string_value.clone());
    match (message.message_id, message.receipt_handle, message.body, group) {
        (Some(id), Some(receipt), Some(body), Some(group)) => {
            Ok(DeadLetter { id, receipt, group: group.clone(), body, note })
        }
        _ => Err(CliError::unreachable(url, "a message without id, body or message group")),
    }
}

async fn move_back(cloud: &Cloud, args: &Redrive) -> Result<Exit, CliError> {
    let url = cloud.queue_url(Queue::Fallback, Side::DeadLetter).await?;
    let waiting = status::depth(&cloud.sqs, &url).await?;
    if args.dry_run {
        let (visible, in_flight) = (waiting.visible, waiting.in_flight);
        if args.who.json {
            output::json(&json!({ "visible": visible, "in_flight": in_flight }));
        } else {
            output::line(format_args!(
                "about {visible} messages, and {in_flight} in somebody's hands; nothing was done"
            ));
        }
        return Ok(Exit::Ok);
    }
    let back = cloud.queue_url(Queue::Fallback, Side::Main).await?;
    let queues = Queues::new(cloud.sqs.clone(), [(Queue::Fallback, back)].into(), cloud.store.clone());
    let progress = output::progress(usize::try_from(waiting.visible).unwrap_or_default(), "messages");
    let moved = drain(&Behind { cloud, url }, &queues, args.most.into(), |more| progress.inc(more)).await;
    progress.finish_and_clear();
    let moved = moved.map_err(|error| match error {
        DrainError::Queue(error) => error,
        DrainError::NotSent => CliError::unreachable(
            "the fallback queue",
            "it did not take every message; the others stay where they were",
        ),
    })?;
    if args.who.json {
        output::json(&json!({ "moved": moved }));
    } else {
        output::line(format_args!("{moved} messages are back in the fallback queue"));
    }
    if waiting.in_flight > 0 {
        output::note("some were in somebody's hands, such as of a run that was killed: do the same again in a minute");
    }
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_sqs::types::{BatchResultErrorEntry, MessageAttributeValue};
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        redrive: Redrive,
    }

    #[test]
    fn a_queue_has_a_name_and_the_fallback_queue_no_filter() {
        let parse = |words: &[&str]| Command::try_parse_from([&["redrive"], words].concat()).map(|it| it.redrive);
        assert_eq!(parse(&["--queue", "synchronization"]).expect("read").queue, Some(Queue::Synchronization));
        assert!(parse(&["--queue", "nowhere"]).expect_err("refused").to_string().contains("operational-guests"));
        assert!(parse(&["--fallback-dlq", "--tenant", "sea"]).is_err());
        assert!(parse(&["--fallback-dlq", "--most", "5"]).is_ok());
    }

    #[test]
    fn a_message_keeps_group_body_and_note() {
        let note =
            MessageAttributeValue::builder().data_type("String").string_value("{}").build().expect("an attribute");
        let whole = Message::builder()
            .message_id("m1")
            .receipt_handle("r1")
            .body("a body")
            .attributes(MessageSystemAttributeName::MessageGroupId, "sea#villa")
            .message_attributes("bellhop", note);
        let read = letter(whole.build(), "url").expect("a letter");
        let expected = DeadLetter {
            id: "m1".into(),
            receipt: "r1".into(),
            group: "sea#villa".into(),
            body: "a body".into(),
            note: Some("{}".into()),
        };
        assert_eq!(read, expected);
        assert!(letter(Message::builder().message_id("m1").build(), "url").is_err(), "nothing is made up");
    }

    #[test]
    fn what_is_not_deleted_is_said() {
        let failed = BatchResultErrorEntry::builder().id("0").code("ReceiptHandleIsInvalid").sender_fault(true);
        let failed = failed.build().expect("an entry");
        let answer = |failed| DeleteMessageBatchOutput::builder().set_successful(Some(vec![])).set_failed(Some(failed));
        assert_eq!(not_deleted(&answer(vec![]).build().expect("an answer")), None);
        let said = not_deleted(&answer(vec![failed]).build().expect("an answer")).expect("said");
        assert_eq!(said, "1 messages were moved and are not deleted: ReceiptHandleIsInvalid");
    }
}
