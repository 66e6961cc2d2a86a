//! Start marks: written before a message is worked a second time, so that one which kills the process is found out.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use crate::error::{StoreError, sort};
use crate::keys::{MARK, attribute};
use crate::{Store, decode_item, encode_item};

/// What is known of earlier runs of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// A run has begun and has not ended.
    pub open: bool,
    /// That run had the process to itself.
    pub alone: bool,
    /// How many runs died while alone.
    pub deaths: u32,
    /// Epoch seconds after which the mark may go.
    pub ttl: i64,
}

impl Store {
    fn mark_key(consumer: &str, message: &str) -> [(&'static str, AttributeValue); 2] {
        let pk = AttributeValue::S(format!("{MARK}{consumer}#{message}"));
        [(attribute::PK, pk), (attribute::SK, AttributeValue::S("mark".to_owned()))]
    }

    /// The mark of an SQS message.
    pub async fn mark(&self, consumer: &str, message: &str) -> Result<Mark, StoreError> {
        let [(pk, pk_value), (sk, sk_value)] = Self::mark_key(consumer, message);
        let request = self.client.get_item().table_name(&self.operations).consistent_read(true);
        let answer = request.key(pk, pk_value).key(sk, sk_value).send().await.map_err(|e| sort(&e))?;
        answer.item.map_or_else(|| Ok(Mark::default()), decode_item)
    }

    /// Writes the mark of an SQS message. Only one run of a message is under way at a time but for a former owner whose
    /// visibility ran out; the last writer wins, which at worst costs a message one more run alone.
    pub async fn put_mark(&self, consumer: &str, message: &str, mark: &Mark) -> Result<(), StoreError> {
        let mut item = encode_item(mark)?;
        item.extend(Self::mark_key(consumer, message).map(|(name, value)| (name.to_owned(), value)));
        let request = self.client.put_item().table_name(&self.operations).set_item(Some(item));
        request.send().await.map_err(|e| sort(&e)).map(|_| ())
    }
}
