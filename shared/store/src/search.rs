//! Looking for an event when nobody knows whose it is: reads the whole table, so for an operator's tool only.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use bellhop_events::{EventId, MessageGroup};

use crate::Store;
use crate::error::{StoreError, sort};
use crate::keys::{attribute, sort::RECORD};

impl Store {
    /// The message groups in which a consumer knows an event of this id, as done or on its way. A scan: 1 read unit for each
    /// 8 KB of the table. `progress` hears how many items were looked at.
    pub async fn groups_that_know(
        &self,
        consumer: &str,
        event: &EventId,
        mut progress: impl FnMut(u64),
    ) -> Result<BTreeSet<MessageGroup>, StoreError> {
        let (mut found, mut looked_at, mut start) = (BTreeSet::new(), 0, None);
        loop {
            let request = self.client.scan().table_name(&self.state).projection_expression("pk");
            let request = request
                .filter_expression("sk = :record OR (begins_with(sk, :consumer) AND attribute_exists(seen.#event))")
                .expression_attribute_names("#event", event.as_str())
                .expression_attribute_values(":record", AttributeValue::S(format!("{consumer}#{RECORD}{event}")))
                .expression_attribute_values(":consumer", AttributeValue::S(format!("{consumer}#")))
                .set_exclusive_start_key(start);
            let answer = request.send().await.map_err(|e| sort(&e))?;
            looked_at += u64::try_from(answer.scanned_count).unwrap_or_default();
            progress(looked_at);
            let groups = answer.items.unwrap_or_default().into_iter();
            found.extend(groups.filter_map(|item| item.get(attribute::PK)?.as_s().ok()?.parse::<MessageGroup>().ok()));
            match answer.last_evaluated_key {
                Some(key) if !key.is_empty() => start = Some(key),
                _ => return Ok(found),
            }
        }
    }
}
