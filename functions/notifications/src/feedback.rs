//! What the mail service says of mails afterwards, by way of SNS: whoever bounced for good or complained gets no more mail of
//! that tenant.
//!
//! Amazon SES Developer Guide, "Contents of event data that Amazon SES publishes to Amazon SNS"; AWS Lambda Developer Guide,
//! "Invoking Lambda functions with Amazon SNS notifications".

use std::collections::BTreeMap;

use bellhop_events::{Fault, PropertyId, Queue, Reason, TenantId};
use bellhop_mail::Address;
use bellhop_store::mails::{CONSUMER, Suppressed};
use bellhop_store::{Scope, Store, StoreError, Write};
use bellhop_worker::{Aside, Outgoing, Queues};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// An address that is to get no more mail of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Whose mail.
    pub tenant: TenantId,
    /// Of which property the mail was.
    pub property: PropertyId,
    /// Whom.
    pub address: Address,
    /// `bounce` or `complaint`.
    pub reason: &'static str,
}

#[derive(Deserialize)]
struct Notification {
    #[serde(alias = "eventType")]
    #[serde(rename = "notificationType")]
    kind: String,
    mail: Mail,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
}

#[derive(Deserialize)]
struct Mail {
    #[serde(default)]
    tags: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
    bounced_recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    complained_recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    email_address: String,
}

/// Reads a notification of SES. Of what is no complaint and no permanent bounce, nothing follows. A fault shows nothing of
/// what was in it.
pub fn read(message: &str) -> Result<Vec<Suppression>, Fault> {
    let unreadable = || invalid("", "a bounce or complaint as SES publishes it");
    let found: Notification = serde_json::from_str(message).map_err(|_| unreadable())?;
    let (reason, recipients) = match (found.kind.as_str(), found.bounce, found.complaint) {
        ("Bounce", Some(bounce), _) if bounce.bounce_type == "Permanent" => ("bounce", bounce.bounced_recipients),
        ("Complaint", _, Some(complaint)) => ("complaint", complaint.complained_recipients),
        ("Bounce", None, _) | ("Complaint", _, None) => return Err(unreadable()),
        _ => return Ok(Vec::new()),
    };
    let tag = |name: &str| found.mail.tags.get(name).and_then(|values| values.first()).cloned();
    let tenant = tag("tenant").and_then(|tenant| TenantId::try_from(tenant).ok());
    let property = tag("property").and_then(|property| PropertyId::try_from(property).ok());
    // Sent without the configuration set, or not by us.
    let untagged = || invalid("/mail/tags", "the tags tenant and property, which this function gives its mails");
    let (tenant, property) = tenant.zip(property).ok_or_else(untagged)?;
    recipients
        .iter()
        .map(|recipient| {
            let address = Address::parse(bare(&recipient.email_address));
            let address = address.map_err(|_| invalid("", "mail addresses as recipients"))?;
            Ok(Suppression { tenant: tenant.clone(), property: property.clone(), address, reason })
        })
        .collect()
}

fn invalid(pointer: &str, expected: &str) -> Fault {
    Fault::new(Reason::InvalidFeedback, pointer).expected(expected)
}

/// A recipient may stand there with a name: `Ana <ana@example.com>`.
fn bare(text: &str) -> &str {
    let inner = text.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or(text, |(address, _)| address).trim()
}

/// The writes for suppressions.
pub fn writes(found: &[Suppression], now: Timestamp) -> Result<Vec<Write>, StoreError> {
    let write = |Suppression { tenant, property, address, reason }: &Suppression| {
        let scope = Scope::for_operator(CONSUMER, tenant.clone(), property.clone());
        let item = Suppressed { reason: (*reason).to_owned(), at: now.as_second() };
        item.put(Suppressed::key(&scope, &address.hash(tenant)))
    };
    found.iter().map(write).collect()
}

/// The messages in an invocation by SNS: id and text, which are empty where they are missing.
#[must_use]
pub fn messages(payload: &Value) -> Vec<(&str, &str)> {
    let records = payload["Records"].as_array().map(Vec::as_slice).unwrap_or_default();
    records.iter().map(|record| (part(record, "MessageId"), part(record, "Message"))).collect()
}

fn part<'a>(record: &'a Value, name: &str) -> &'a str {
    record["Sns"][name].as_str().unwrap_or_default()
}

/// Feedback on its way into the store.
pub struct Feedback;

impl Aside for Feedback {
    fn wants(&self, payload: &Value) -> bool {
        payload["Records"][0]["EventSource"] == "aws:sns"
    }

    async fn take(&self, store: &Store, queues: &Queues, payload: &Value) -> Result<(), lambda_runtime::Error> {
        let mut for_people = Vec::new();
        for (id, message) in messages(payload) {
            let found = match read(message) {
                Ok(found) => found,
                Err(fault) => {
                    tracing::warn!(reason = fault.reason.code(), "feedback");
                    let queue = Queue::OperationalGuests;
                    for_people.push(Outgoing::for_a_person(&fault, CONSUMER, queue, id, message));
                    continue;
                }
            };
            for write in writes(&found, Timestamp::now())? {
                // One by one: the same address twice in a transaction would be refused.
                store.commit(vec![write]).await?;
            }
            if let Some(Suppression { tenant, property, reason, .. }) = found.first() {
                tracing::info!(tenant = tenant.as_str(), property = property.as_str(), reason, "suppressed");
            }
        }
        match queues.send(&for_people).await.len() {
            0 => Ok(()),
            refused => Err(format!("feedback-kept: SQS did not take {refused} messages for a person").into()),
        }
    }
}
