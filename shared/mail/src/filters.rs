//! The filters and tests that templates may use: those of text, numbers and dates. All others are unknown.

use jiff::civil::Date;
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, filters, tests};

/// The filters. `e` and `escape` change nothing: every value in HTML is escaped anyway.
pub const FILTERS: [&str; 16] = [
    "abs",
    "capitalize",
    "d",
    "date",
    "default",
    "e",
    "escape",
    "first",
    "int",
    "last",
    "length",
    "lower",
    "replace",
    "title",
    "trim",
    "upper",
];

/// A pattern of a date is short.
const MOST_PATTERN: usize = 40;

pub fn add(env: &mut Environment<'_>) {
    env.add_filter("abs", filters::abs);
    env.add_filter("capitalize", filters::capitalize);
    env.add_filter("d", filters::default);
    env.add_filter("date", date);
    env.add_filter("default", filters::default);
    env.add_filter("e", same);
    env.add_filter("escape", same);
    env.add_filter("first", filters::first);
    env.add_filter("int", filters::int);
    env.add_filter("last", filters::last);
    env.add_filter("length", filters::length);
    env.add_filter("lower", filters::lower);
    env.add_filter("replace", filters::replace);
    env.add_filter("title", filters::title);
    env.add_filter("trim", filters::trim);
    env.add_filter("upper", filters::upper);
    env.add_test("defined", tests::is_defined);
    env.add_test("undefined", tests::is_undefined);
    env.add_test("none", tests::is_none);
    env.add_test("odd", tests::is_odd);
    env.add_test("even", tests::is_even);
    env.add_test("startingwith", tests::is_startingwith);
    env.add_test("endingwith", tests::is_endingwith);
}

fn same(value: Value) -> Value {
    value
}

/// A date in another form: `{{ booking.arrival|date("%d.%m.%Y") }}`, by the patterns of `strftime`; names of days and
/// months are English. Without a pattern: `3 July 2026`. No date is no text.
fn date(value: &str, pattern: Option<&str>) -> Result<String, Error> {
    if value.is_empty() {
        return Ok(String::new());
    }
    let pattern = pattern.unwrap_or("%-d %B %Y");
    let wrong = |what: &'static str| Error::new(ErrorKind::InvalidOperation, what);
    let date: Date = value.parse().map_err(|_| wrong("date: expected YYYY-MM-DD"))?;
    if pattern.len() > MOST_PATTERN {
        return Err(wrong("date: expected a pattern of at most 40 characters"));
    }
    jiff::fmt::strtime::format(pattern, date).map_err(|_| wrong("date: expected a pattern such as %d.%m.%Y"))
}
