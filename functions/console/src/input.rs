//! What a request says, read into types: bounded, and with a pointer to what is wrong.

use std::fmt::Display;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};

use crate::refusal::Refusal;

/// No value in a query is longer, in characters.
const MOST_QUERY: usize = 200;
/// No body is larger: an edited event may have 1 MiB, in JSON a little more.
pub(crate) const MOST_BODY: usize = 1_258_291;

/// No fields.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// A request's query and body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a> {
    pub query: &'a str,
    pub body: &'a [u8],
}

impl Input<'_> {
    /// The query; an empty value is none.
    pub(crate) fn query<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let mut fields = Map::new();
        for (name, value) in url::form_urlencoded::parse(self.query.as_bytes()).take(50) {
            let at = || format!("/query/{}", name.chars().take(40).collect::<String>());
            if value.chars().count() > MOST_QUERY {
                return Err(Refusal::invalid(at(), format!("at most {MOST_QUERY} characters"), "more"));
            }
            if value.is_empty() {
                continue;
            }
            if fields.insert(name.to_string(), Value::String(value.into_owned())).is_some() {
                return Err(Refusal::invalid(at(), "one value", "two"));
            }
        }
        serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
            Refusal::invalid(format!("/query{}", pointer(error.path())), error.inner(), "another value")
        })
    }

    /// The body; none at all is an object without fields.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let body = if self.body.is_empty() { b"{}" } else { self.body };
        let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
        // Serde would read a struct from an array as well, field by field.
        if first != Some(&b'{') {
            return Err(Refusal::invalid("", "a JSON object", "something else"));
        }
        let mut reader = serde_json::Deserializer::from_slice(body);
        let value = serde_path_to_error::deserialize(&mut reader)
            .map_err(|error| Refusal::invalid(pointer(error.path()), error.inner(), "another value"))?;
        reader.end().map_err(|error| Refusal::invalid("", error, "more"))?;
        Ok(value)
    }
}

fn pointer(path: &Path) -> String {
    let step = |segment: &Segment| match segment {
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Seq { index } => format!("/{index}"),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    };
    path.iter().map(step).collect::<String>().chars().take(MOST_QUERY).collect()
}

/// A value that stands in a query as text.
pub(crate) fn parsed<'de, D: Deserializer<'de>, T: FromStr>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T::Err: Display,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Query {
        #[serde(default, deserialize_with = "parsed")]
        days: Option<u8>,
        q: Option<String>,
    }

    fn query(query: &str) -> Result<Query, Option<String>> {
        Input { query, body: b"" }.query().map_err(|refusal| refusal.problem.pointer)
    }

    #[test]
    fn a_query_is_read_into_types_and_what_is_wrong_is_named() {
        let good = query("days=7&q=a%20b+c&").expect("a query");
        assert_eq!((good.days, good.q.as_deref()), (Some(7), Some("a b c")));
        assert_eq!(query("days=&q=").expect("a query").days, None);
        for (bad, at) in [
            ("days=x", "/query/days"),
            ("days=300", "/query/days"),
            ("q=1&q=2", "/query/q"),
            (&format!("q={}", "a".repeat(201)), "/query/q"),
        ] {
            assert_eq!(query(bad).err(), Some(Some(at.to_owned())), "{bad}");
        }
        assert!(query("unknown=1").is_err());
    }

    #[test]
    fn a_body_is_an_object_and_nothing_behind_it() {
        let read = |body: &[u8]| Input { query: "", body }.body::<Nothing>().is_ok();
        assert!(read(b"") && read(b"{}") && read(b" {} "));
        for bad in ["[]", "null", "{", "{}{}", "{\"a\":1}", "\u{1}", "7"] {
            assert!(!read(bad.as_bytes()), "{bad}");
        }
        assert!(!read(&[0xff, 0xfe]));
        assert!(!read("[".repeat(100_000).as_bytes()));
    }
}
