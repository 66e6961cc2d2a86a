//! A cloud that answers at once and keeps nothing but numbers: so many entries in each shard, numbered from the oldest.

use std::collections::HashMap;

use bellhop_store::DUE_SHARDS;
use serde_json::{Value, json};

use crate::{SECOND, body};

/// What is due in it.
pub struct Null {
    /// Of each shard.
    entries: usize,
    /// By partition: how many are deleted, oldest first.
    deleted: HashMap<String, usize>,
}

impl Null {
    pub fn new(entries: usize) -> Self {
        Self { entries: entries.div_ceil(usize::from(DUE_SHARDS)), deleted: HashMap::new() }
    }

    pub fn answer(&mut self, operation: &str, request: &Value) -> Value {
        match operation {
            "Query" => self.query(request),
            // Of tenants, whether they have a silo: nobody is registered.
            "BatchGetItem" => json!({"Responses": {}, "UnprocessedKeys": {}}),
            "BatchWriteItem" => {
                for delete in request["RequestItems"]["state"].as_array().expect("deletes") {
                    self.delete(&delete["DeleteRequest"]["Key"]);
                }
                json!({"UnprocessedItems": {}})
            }
            "DeleteItem" => {
                self.delete(&request["Key"]);
                json!({})
            }
            "SendMessage" => json!({"MessageId": "x", "MD5OfMessageBody": ""}),
            "SendMessageBatch" => {
                let entries = request["Entries"].as_array().expect("entries").iter();
                let done = entries.map(|entry| json!({"Id": entry["Id"], "MessageId": "x", "MD5OfMessageBody": ""}));
                json!({"Successful": done.collect::<Value>(), "Failed": []})
            }
            other => panic!("the timer called {other}"),
        }
    }

    fn delete(&mut self, key: &Value) {
        *self.deleted.entry(key["pk"]["S"].as_str().expect("a key").to_owned()).or_default() += 1;
    }

    fn query(&self, request: &Value) -> Value {
        let pk = request["ExpressionAttributeValues"][":pk"]["S"].as_str().expect("a shard");
        let after = request["ExclusiveStartKey"]["sk"]["S"].as_str().map(|sk| number(sk) + 1);
        let first = after.unwrap_or_else(|| self.deleted.get(pk).copied().unwrap_or_default());
        let limit = usize::try_from(request["Limit"].as_u64().expect("a limit")).expect("a small limit");
        let numbers = first..(first + limit).min(self.entries);
        let key = |n: usize| json!({"pk": {"S": pk}, "sk": {"S": format!("{SECOND:012}#d{n:06}#g")}});
        let last = numbers.clone().last().filter(|last| last + 1 < self.entries).map(key);
        let items = numbers.map(|n| {
            // As many groups as there are in `main.rs`.
            let group = format!("sea#{pk}-{}", n % self.entries.div_ceil(50));
            let mut item = key(n);
            let attributes = [
                ("queue", "automation".to_owned()),
                ("group", group.clone()),
                ("subject", "booking/1".to_owned()),
                ("id", format!("d{n:06}")),
                ("body", body(&group, n)),
            ];
            for (name, text) in attributes {
                item[name] = json!({"S": text});
            }
            item
        });
        let items: Vec<_> = items.collect();
        match last {
            Some(key) => json!({"Items": items, "LastEvaluatedKey": key}),
            None => json!({"Items": items}),
        }
    }
}

fn number(sk: &str) -> usize {
    sk.split('#').nth(1).and_then(|id| id.get(1..)).and_then(|n| n.parse().ok()).expect("a key of this cloud")
}
