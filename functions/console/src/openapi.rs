//! The OpenAPI 3.1 document of the API, made of the routes.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::refusal::Problem;
use crate::routes::{May, ROUTES, Route, Verb};

/// The document.
#[must_use]
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<Problem>();
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let verb = match route.verb {
            Verb::Get => "get",
            Verb::Post => "post",
        };
        let operation = operation(route, &mut generator, &problem);
        let path = paths.entry(format!("/{}", route.path)).or_insert_with(|| json!({}));
        path[verb] = operation;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Bellhop console",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What the console's pages ask. What is somebody else's is answered as if it did not exist.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" } },
        },
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator, problem: &Schema) -> Value {
    let mut parameters = path_parameters(route.path);
    parameters.extend(query_parameters((route.query)(generator), generator));
    let answer = (route.answer)(generator);
    let mut operation = json!({
        "summary": route.summary,
        "description": who(route.who),
        "parameters": parameters,
        "security": if route.who == May::Anybody { json!([]) } else { json!([{ "token": [] }]) },
        "responses": {
            "200": { "description": "Done", "content": { "application/json": { "schema": answer } } },
            "default": {
                "description": "Not done, with a stable code, what was found, and what to do next",
                "content": { "application/json": { "schema": problem } },
            },
        },
    });
    if route.verb == Verb::Post {
        let body = (route.body)(generator);
        operation["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": body } } });
    }
    operation
}

fn who(may: May) -> &'static str {
    match may {
        May::Anybody => "For anybody.",
        May::SignedIn => "For every role.",
        May::Decides => "For managers and operators.",
        May::Operator => "For operators.",
    }
}

fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names
        .map(|name| {
            let description = match name {
                "desk" => "A tenant, or `~`: what names no tenant that can be trusted, for operators",
                "tenant" => "A tenant",
                "property" => "A property of the tenant",
                _ => "A review item",
            };
            json!({
                "name": name, "in": "path", "required": true, "description": description, "schema": { "type": "string" },
            })
        })
        .collect()
}

/// The fields of a query's type, one parameter each.
fn query_parameters(query: Schema, generator: &SchemaGenerator) -> Vec<Value> {
    let query = query.to_value();
    let name = query.get("$ref").and_then(Value::as_str).and_then(|target| target.rsplit('/').next());
    let shape = name.and_then(|name| generator.definitions().get(name)).unwrap_or(&query);
    let Some(fields) = shape.get("properties").and_then(Value::as_object) else { return Vec::new() };
    fields
        .iter()
        .map(|(name, schema)| {
            let mut schema = schema.clone();
            let description = schema.as_object_mut().and_then(|fields| fields.remove("description"));
            json!({ "name": name, "in": "query", "required": false, "description": description, "schema": schema })
        })
        .collect()
}
