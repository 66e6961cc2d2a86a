//! JSON Schemas and an AsyncAPI 3 document, generated from the catalogue.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::catalogue::{ALL, Entry};
use crate::{Envelope, Queue};

/// The documents by path: `<type>.json`, `envelope.json` and `asyncapi.json`.
#[must_use]
pub fn documents() -> BTreeMap<String, Value> {
    let mut documents: BTreeMap<String, Value> =
        ALL.iter().map(|entry| (format!("{}.json", entry.name), event_schema(entry))).collect();
    documents.insert("envelope.json".to_owned(), envelope_schema());
    documents.insert("asyncapi.json".to_owned(), async_api());
    documents
}

fn envelope_schema() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Envelope>().to_value()
}

/// The schema of a whole event: the envelope with the type's own `type`, `subject` and `data`.
fn event_schema(entry: &Entry) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut data = (entry.schema)(&mut generator).to_value();
    if let Some(fields) = data.as_object_mut() {
        fields.remove("$schema");
    }
    let mut schema = envelope_schema();
    schema["title"] = json!(entry.name);
    schema["description"] = json!(entry.summary);
    schema["properties"]["type"] = json!({ "const": entry.name });
    schema["properties"]["data"] = data;
    match entry.subjects().as_slice() {
        [] => {}
        [kind] => schema["properties"]["subject"]["pattern"] = json!(format!("^{}/.+$", kind.as_str())),
        kinds => {
            let kinds: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
            schema["properties"]["subject"]["pattern"] = json!(format!("^({})/.+$", kinds.join("|")));
        }
    }
    schema
}

fn async_api() -> Value {
    let mut channels = serde_json::Map::new();
    let mut operations = serde_json::Map::new();
    for queue in Queue::ALL {
        let entries: Vec<_> = ALL.iter().filter(|entry| entry.queue == Some(queue)).collect();
        let messages: serde_json::Map<_, _> = entries
            .iter()
            .map(|entry| (entry.name.to_owned(), json!({ "$ref": format!("#/components/messages/{}", entry.name) })))
            .collect();
        channels.insert(
            queue.name().to_owned(),
            json!({
                "address": format!("${{Prefix}}-{}.fifo", queue.name()),
                "messages": messages,
                "bindings": { "sqs": { "queue": {
                    "name": format!("${{Prefix}}-{}.fifo", queue.name()),
                    "fifoQueue": true,
                    "deduplicationScope": "messageGroup",
                    "fifoThroughputLimit": "perMessageGroupId",
                // The newest version that the official parser (@asyncapi/parser) knows.
                }, "bindingVersion": "0.2.0" } },
            }),
        );
        let public: Vec<_> = entries
            .iter()
            .filter(|entry| entry.public)
            .map(|entry| json!({ "$ref": format!("#/channels/{}/messages/{}", queue.name(), entry.name) }))
            .collect();
        if !public.is_empty() {
            operations.insert(
                format!("post-{}", queue.name()),
                json!({
                    "action": "send",
                    "summary": "What a PMS posts, with MessageGroupId tenant#property and no deduplication id.",
                    "channel": { "$ref": format!("#/channels/{}", queue.name()) },
                    "messages": public,
                }),
            );
        }
    }
    let messages: serde_json::Map<_, _> = ALL.iter().map(|entry| (entry.name.to_owned(), message(entry))).collect();
    json!({
        "asyncapi": "3.0.0",
        "info": { "title": "Bellhop", "version": env!("CARGO_PKG_VERSION"), "license": { "name": "Apache-2.0" } },
        "defaultContentType": "application/cloudevents+json",
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages },
    })
}

fn message(entry: &Entry) -> Value {
    json!({
        "name": entry.name,
        "summary": entry.summary,
        "contentType": "application/cloudevents+json",
        "x-critical": entry.critical,
        "payload": { "$ref": format!("./{}.json", entry.name) },
    })
}
