//! The items that the backend answers reads with.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::write_units::item_size;

/// The key attributes of Bellhop's tables.
const KEY_ATTRIBUTES: [&str; 2] = ["pk", "sk"];

/// Items by table and key. Writes are not kept unless the backend is told to, and then without any condition.
#[derive(Debug, Default, Clone)]
pub struct Items {
    items: HashMap<(String, String), Value>,
}

impl Items {
    /// Puts an item in `DynamoDB`'s own JSON, such as `{"pk": {"S": "a"}}`, replacing the one with the same key.
    pub fn put(&mut self, table: &str, item: Value) {
        self.items.insert((table.to_owned(), key_text(&item)), item);
    }

    /// The item that has this key. A whole item may stand for its key.
    #[must_use]
    pub fn get(&self, table: &str, key: &Value) -> Option<&Value> {
        self.items.get(&(table.to_owned(), key_text(key)))
    }

    /// Takes an item away.
    pub fn delete(&mut self, table: &str, key: &Value) {
        self.items.remove(&(table.to_owned(), key_text(key)));
    }

    /// The item's size in bytes, 0 when there is none.
    #[must_use]
    pub fn size(&self, table: &str, key: &Value) -> usize {
        self.get(table, key).map_or(0, item_size)
    }

    /// Answers `GetItem`.
    #[must_use]
    pub fn answer_get(&self, request: &Value) -> Value {
        let table = request["TableName"].as_str().unwrap_or_default();
        let mut answer = Map::new();
        if let Some(item) = self.get(table, &request["Key"]) {
            answer.insert("Item".to_owned(), item.clone());
        }
        Value::Object(answer)
    }

    /// Answers `BatchGetItem`: whole items, whatever the projection.
    #[must_use]
    pub fn answer_batch_get(&self, request: &Value) -> Value {
        let tables = request["RequestItems"].as_object().into_iter().flatten();
        let found = tables.map(|(table, wanted)| {
            let keys = wanted["Keys"].as_array().into_iter().flatten();
            let items: Vec<Value> = keys.filter_map(|key| self.get(table, key).cloned()).collect();
            (table.clone(), Value::Array(items))
        });
        serde_json::json!({"Responses": found.collect::<Map<_, _>>(), "UnprocessedKeys": {}})
    }

    /// Does what a write says, conditions and update expressions aside.
    pub fn apply(&mut self, operation: &str, request: &Value) {
        match operation {
            "PutItem" => self.apply_one("Put", request),
            "DeleteItem" => self.apply_one("Delete", request),
            "TransactWriteItems" => {
                let writes = request["TransactItems"].as_array().into_iter().flatten().filter_map(Value::as_object);
                writes.flatten().for_each(|(kind, write)| self.apply_one(kind, write));
            }
            _ => {}
        }
    }

    fn apply_one(&mut self, kind: &str, write: &Value) {
        let table = write["TableName"].as_str().unwrap_or_default();
        match kind {
            "Put" => self.put(table, write["Item"].clone()),
            "Delete" => self.delete(table, &write["Key"]),
            _ => {}
        }
    }
}

fn key_text(key: &Value) -> String {
    KEY_ATTRIBUTES.map(|name| key[name].to_string()).join("\n")
}
