//! All that is stored of a tenant, in both tables, found by a scan: for its export, and for its end.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, WriteRequest};
use bellhop_events::TenantId;

use crate::error::{StoreError, sort as sort_error};
use crate::item::Item;
use crate::keys::{DESKS, DUE, FEED, Key, SILOS, TENANTS, sort};
use crate::read::{attributes, key_of};
use crate::review::Desk;
use crate::{Registration, Store};

/// A `BatchWriteItem` takes 25 items (Amazon DynamoDB API Reference, `BatchWriteItem`).
const MOST_DELETES: usize = 25;
const MOST_ROUNDS: u32 = 10;

/// Where an item is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The table, as it is named in AWS.
    pub table: String,
    key: Key,
}

impl Place {
    /// Its key there.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }
}

/// A page of a scan.
#[derive(Debug, Default)]
pub struct EstatePage {
    /// What belongs to the tenant.
    pub items: Vec<(Place, Item)>,
    /// How many items were looked at.
    pub scanned: u64,
    /// Where to go on; none: that was all.
    pub next: Option<(String, Item)>,
}

impl Store {
    /// Some of what is stored of a tenant but its registration; from the beginning, or from where a page ended. Reads the whole of
    /// both tables, page by page: there is no shorter way to be sure.
    pub async fn estate(&self, tenant: &TenantId, from: Option<(String, Item)>) -> Result<EstatePage, StoreError> {
        let (table, start) = from.map_or_else(|| (self.state.clone(), None), |(table, key)| (table, Some(key)));
        let text = |text: String| AttributeValue::S(text);
        let request = self.client.scan().table_name(&table).consistent_read(true).set_exclusive_start_key(
            // The first of a table has no place to start from.
            start.filter(|key| !key.is_empty()),
        );
        // Coarse, so that less is sent: what belongs to the tenant is decided here.
        let request = request
            .filter_expression(
                "begins_with(pk, :tenant) OR contains(sk, :tenant) OR begins_with(#group, :tenant) OR tenant = :tenant",
            )
            .expression_attribute_names("#group", "group")
            .expression_attribute_values(":tenant", text(tenant.to_string()));
        let answer = request.send().await.map_err(|e| sort_error(&e))?;
        let found = answer.items.unwrap_or_default().into_iter().filter_map(|item| {
            let key = key_of(&item)?;
            belongs(tenant, table == self.state, &key, &item).then(|| (Place { table: table.clone(), key }, item))
        });
        let mut items: Vec<_> = found.collect();
        self.add_bodies(&mut items).await?;
        let next = match answer.last_evaluated_key.filter(|key| !key.is_empty()) {
            Some(key) => Some((table, key)),
            None if table == self.state => Some((self.operations.clone(), Item::new())),
            None => None,
        };
        Ok(EstatePage { items, scanned: u64::try_from(answer.scanned_count).unwrap_or_default(), next })
    }

    /// The bodies of what lies on the operators' desk do not say whose they are: their items do.
    async fn add_bodies(&self, items: &mut Vec<(Place, Item)>) -> Result<(), StoreError> {
        let desk = Desk::of_nobody();
        let below = desk.own(sort::REVIEW_ITEM, "");
        let own = items.iter().filter(|(place, _)| place.key.pk == below.pk);
        let ids = own.filter_map(|(place, _)| place.key.sk.strip_prefix(&below.sk));
        let keys: Vec<_> =
            ids.flat_map(|id| [sort::REVIEW_BODY, sort::REVIEW_EDITED].map(|prefix| desk.own(prefix, id))).collect();
        for chunk in keys.chunks(50) {
            let found = self.get(chunk).await?;
            items.extend(found.into_iter().map(|(key, item)| (Place { table: self.state.clone(), key }, item)));
        }
        Ok(())
    }

    /// Deletes items, whatever they hold by now.
    pub async fn erase(&self, places: &[Place]) -> Result<(), StoreError> {
        for chunk in places.chunks(MOST_DELETES) {
            let mut requests: HashMap<String, Vec<WriteRequest>> = HashMap::new();
            for place in chunk {
                let delete = DeleteRequest::builder().set_key(Some(attributes(&place.key))).build();
                let delete = delete.map_err(|e| StoreError::Defect(e.to_string()))?;
                let request = WriteRequest::builder().delete_request(delete).build();
                requests.entry(place.table.clone()).or_default().push(request);
            }
            for round in 0..MOST_ROUNDS {
                let call = self.client.batch_write_item().set_request_items(Some(requests));
                let answer = call.send().await.map_err(|e| sort_error(&e))?;
                requests = answer.unprocessed_items.unwrap_or_default();
                if requests.is_empty() {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(fastrand::u64(0..=20 << round))).await;
            }
            if !requests.is_empty() {
                return Err(StoreError::Unavailable("unprocessed items".to_owned()));
            }
        }
        Ok(())
    }
}

fn belongs(tenant: &TenantId, in_state: bool, key: &Key, item: &Item) -> bool {
    let in_group = |text: &str| text.split('#').next() == Some(tenant.as_str());
    let said = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
    if !in_state {
        // Start marks say nothing of a tenant, and go by themselves.
        return key.pk.starts_with(FEED) && said("tenant").is_some_and(|owner| owner == tenant.as_str());
    }
    let is_due = key.pk.starts_with(DUE) && key.sk.starts_with(|first: char| first.is_ascii_digit());
    if is_due || key.pk == Desk::of_nobody().to_string() {
        return said("group").is_some_and(|group| in_group(group));
    }
    match key.pk.as_str() {
        TENANTS | SILOS => key.sk.strip_prefix(sort::TENANT) == Some(tenant.as_str()),
        DESKS => key.sk.strip_prefix(sort::DESK) == Some(tenant.as_str()),
        // A removed tenant is remembered, or what still comes for it would make it anew.
        pk if pk == tenant.as_str() => *key != Registration::key(tenant),
        pk => pk.contains('#') && in_group(pk),
    }
}

/// The item as JSON that `aws dynamodb put-item` takes.
#[must_use]
pub fn dynamodb_json(item: &Item) -> serde_json::Value {
    item.iter().map(|(name, value)| (name.clone(), typed(value))).collect::<serde_json::Map<_, _>>().into()
}

fn typed(value: &AttributeValue) -> serde_json::Value {
    use serde_json::json;
    let base64 = |bytes: &[u8]| data_encoding::BASE64.encode(bytes);
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
        AttributeValue::Null(_) => json!({ "NULL": true }),
        AttributeValue::B(bytes) => json!({ "B": base64(bytes.as_ref()) }),
        AttributeValue::L(list) => json!({ "L": list.iter().map(typed).collect::<Vec<_>>() }),
        AttributeValue::M(map) => json!({ "M": dynamodb_json(map) }),
        AttributeValue::Ss(texts) => json!({ "SS": texts }),
        AttributeValue::Ns(numbers) => json!({ "NS": numbers }),
        AttributeValue::Bs(all) => json!({ "BS": all.iter().map(|bytes| base64(bytes.as_ref())).collect::<Vec<_>>() }),
        _ => serde_json::Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_of(tenant: &str, pk: &str, sk: &str, attributes: &[(&str, &str)]) -> bool {
        let item = attributes.iter().map(|(name, text)| ((*name).to_owned(), AttributeValue::S((*text).to_owned())));
        let key = Key { pk: pk.to_owned(), sk: sk.to_owned() };
        let in_state = !["operations-feed", "operations-mark"].contains(&sk);
        belongs(&tenant.parse().expect("a tenant"), in_state, &key, &item.collect())
    }

    #[test]
    fn what_is_a_tenants_is_found_and_nobody_elses() {
        let nobodys = Desk::of_nobody().to_string();
        for (pk, sk, attributes) in [
            ("sea", "review#item/r1", &[][..]),
            ("sea#villa", "calendar#booking/b1", &[]),
            ("sea#villa#airbnb", "channel-sync#journal", &[]),
            ("due#7", "1782900000#e1#sea#villa", &[("group", "sea#villa")]),
            ("tenants#", "tenant/sea", &[]),
            ("silos#", "tenant/sea", &[]),
            ("desks#", "desk/sea", &[]),
            ("feed#abc", "operations-feed", &[("tenant", "sea")]),
            (nobodys.as_str(), "review#item/r1", &[("group", "sea#villa")]),
        ] {
            assert!(is_of("sea", pk, sk, attributes), "{pk} {sk}");
            assert!(!is_of("se", pk, sk, attributes) && !is_of("sea-side", pk, sk, attributes), "{pk} {sk}");
        }
        assert!(!is_of("sea", "sea", "tenant#registration", &[]), "it is remembered");
        assert!(!is_of("due", "due#7", "1782900000#e1#sea#villa", &[("group", "sea#villa")]), "a tenant named due");
        assert!(is_of("due", "due#7", "calendar#property/7", &[]), "and its property 7");
        assert!(is_of("feed", "feed#villa", "calendar#booking/b1", &[]) && is_of("mark", "mark#villa", "x", &[]));
        assert!(!is_of("mark", "mark#calendar#m1", "operations-mark", &[]));
    }

    #[test]
    fn an_export_can_be_put_back() {
        let item = Item::from([
            ("s".to_owned(), AttributeValue::S("a".into())),
            ("m".to_owned(), AttributeValue::M(Item::from([("n".to_owned(), AttributeValue::N("1".into()))]))),
            ("b".to_owned(), AttributeValue::B(aws_sdk_dynamodb::primitives::Blob::new([0, 1, 2]))),
        ]);
        let expected = serde_json::json!({"s": {"S": "a"}, "m": {"M": {"n": {"N": "1"}}}, "b": {"B": "AAEC"}});
        assert_eq!(dynamodb_json(&item), expected);
    }
}
