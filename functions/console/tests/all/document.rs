//! The document of the API that is checked in is the one that the routes make, and it is one.

use std::path::PathBuf;

use bellhop_console::document;
use serde_json::Value;

#[test]
fn the_checked_in_document_is_that_of_the_routes() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let wanted = format!("{:#}\n", document());
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &wanted).expect("written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "stale-schemas: functions/console/openapi.json; renew it with UPDATE_SCHEMAS=1 and commit it"
    );
}

#[test]
fn every_reference_of_the_document_leads_somewhere_and_every_schema_is_one() {
    let document = document();
    let mut stack = vec![&document];
    let mut references = 0;
    while let Some(value) = stack.pop() {
        match value {
            Value::Object(fields) => {
                if let Some(target) = fields.get("$ref").and_then(Value::as_str) {
                    references += 1;
                    assert!(document.pointer(target.trim_start_matches('#')).is_some(), "{target}");
                }
                stack.extend(fields.values());
            }
            Value::Array(items) => stack.extend(items),
            _ => {}
        }
    }
    assert!(references > 40, "{references}");
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    for (name, schema) in schemas {
        assert!(jsonschema::meta::is_valid(schema), "{name}");
        let described = schema.get("description").is_some() || schema.get("oneOf").is_some();
        assert!(described, "{name} says what it is");
    }
}
