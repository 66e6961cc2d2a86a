//! The frame of a calendar: which component a line is in, and that each is closed.

use std::collections::HashMap;

use icalendar::parser::Property;

use super::lines::{Content, Line, Lines};
use super::{Limits, Work};
use crate::fault::{FeedFault, fault, quote};

/// The properties of an event that are read; each may stand there once (RFC 5545, 3.6.1).
const READ: [&str; 10] = [
    "UID",
    "DTSTART",
    "DTEND",
    "DURATION",
    "SEQUENCE",
    "LAST-MODIFIED",
    "STATUS",
    "TRANSP",
    "SUMMARY",
    "RECURRENCE-ID",
];

/// Those that make an event repeat.
const REPEATS: [&str; 3] = ["RRULE", "RDATE", "EXRULE"];

/// A whole calendar, its values not yet understood.
#[derive(Default)]
pub(super) struct Calendar {
    pub events: Vec<Draft>,
    /// TZID to X-LIC-LOCATION of the calendar's own VTIMEZONEs.
    pub zones: HashMap<String, String>,
}

/// An event as it stands in the feed.
#[derive(Default)]
pub(super) struct Draft {
    /// The line of its BEGIN.
    pub line: usize,
    fields: Vec<Field>,
    /// The line that makes it repeat.
    pub repeats: Option<usize>,
}

impl Draft {
    pub fn get(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// One property of an event.
pub(super) struct Field {
    name: &'static str,
    pub line: usize,
    /// TEXT unescaped, all others as sent.
    pub value: String,
    /// TZID.
    pub zone: Option<String>,
    /// VALUE, in capitals.
    pub kind: Option<String>,
}

struct Open {
    name: String,
    line: usize,
}

struct Frame<'a> {
    limits: &'a Limits,
    work: &'a mut Work,
    calendar: Calendar,
    open: Vec<Open>,
    done: bool,
    draft: Draft,
    properties: usize,
    zone: (Option<String>, Option<String>),
}

pub(super) fn read(bytes: &[u8], limits: &Limits, work: &mut Work) -> Result<Calendar, FeedFault> {
    if bytes.len() > limits.bytes {
        let found = format!("{} bytes", bytes.len());
        return Err(fault("feed-too-large", None, found, "a feed of at most 2 MB"));
    }
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(fault("feed-empty", None, "an empty text", "a calendar"));
    }
    let mut lines = Lines::new(text, limits.line_bytes);
    let calendar = Calendar::default();
    let (open, draft, zone) = (Vec::new(), Draft::default(), (None, None));
    let mut frame = Frame { limits, work, calendar, open, done: false, draft, properties: 0, zone };
    while let Some(line) = lines.next(frame.work)? {
        let inside = !frame.open.is_empty();
        // A fault in a last line without an end is, inside the calendar, the place where the text was cut off.
        frame
            .line(&line)
            .map_err(|wrong| if line.open && inside { truncated(line.number, &wrong.found) } else { wrong })?;
    }
    match frame.open.last() {
        Some(open) => Err(truncated(open.line, &format!("no END of {}", quote(&open.name)))),
        None => Ok(frame.calendar),
    }
}

fn truncated(line: usize, found: &str) -> FeedFault {
    fault("feed-truncated", line, found, "a calendar up to its END:VCALENDAR")
}

impl Frame<'_> {
    fn line(&mut self, line: &Line<'_>) -> Result<(), FeedFault> {
        let number = line.number;
        if self.done {
            let found = quote(&String::from_utf8_lossy(&line.text));
            return Err(fault("feed-structure", number, found, "nothing after END:VCALENDAR"));
        }
        if self.open.is_empty() && !line.text.trim_ascii_end().eq_ignore_ascii_case(b"BEGIN:VCALENDAR") {
            let found = match std::str::from_utf8(&line.text) {
                Err(_) => return Err(not_utf8(number)),
                Ok(text) => quote(text),
            };
            return Err(fault("feed-not-calendar", number, found, "BEGIN:VCALENDAR"));
        }
        let text = std::str::from_utf8(&line.text).map_err(|_| not_utf8(number))?;
        let content = Content::of(text, number)?;
        if content.name.eq_ignore_ascii_case("BEGIN") {
            self.begin(content.value.trim().to_ascii_uppercase(), number)
        } else if content.name.eq_ignore_ascii_case("END") {
            self.end(&content.value.trim().to_ascii_uppercase(), number)
        } else {
            self.property(text, &content, number)
        }
    }

    fn begin(&mut self, name: String, line: usize) -> Result<(), FeedFault> {
        let depth = self.open.len();
        if depth >= self.limits.nesting {
            return Err(fault("feed-nesting", line, quote(&name), "components at most 8 levels deep"));
        }
        match (name.as_str(), depth) {
            ("VCALENDAR", 1..) => {
                return Err(fault("feed-structure", line, "VCALENDAR inside a calendar", "one calendar"));
            }
            ("VFREEBUSY", 1) => return Err(fault("feed-freebusy", line, "VFREEBUSY", "events (VEVENT)")),
            ("VEVENT", 1) => {
                if self.calendar.events.len() >= self.limits.events {
                    return Err(fault("feed-too-large", line, "more events", "at most 5,000 events"));
                }
                self.draft = Draft { line, ..Draft::default() };
                self.properties = 0;
            }
            ("VEVENT", _) => {
                let found = format!("VEVENT inside {}", quote(&self.open[depth - 1].name));
                return Err(fault("feed-structure", line, found, "events directly in the calendar"));
            }
            _ => {}
        }
        self.count(line)?;
        self.open.push(Open { name, line });
        Ok(())
    }

    fn end(&mut self, name: &str, line: usize) -> Result<(), FeedFault> {
        match self.open.pop() {
            Some(open) if open.name == *name => {}
            Some(open) => {
                let found = format!("END:{} in {} of line {}", quote(name), quote(&open.name), open.line);
                return Err(fault("feed-structure", line, found, "the END of the component that is open"));
            }
            None => return Err(fault("feed-structure", line, quote(name), "BEGIN:VCALENDAR")),
        }
        self.done = self.open.is_empty();
        if self.open.len() == 1 && name == "VEVENT" {
            self.calendar.events.push(std::mem::take(&mut self.draft));
        } else if self.open.len() == 1
            && name == "VTIMEZONE"
            && let (Some(id), Some(location)) = std::mem::take(&mut self.zone)
        {
            self.calendar.zones.insert(id, location);
        }
        Ok(())
    }

    fn property(&mut self, text: &str, content: &Content<'_>, line: usize) -> Result<(), FeedFault> {
        self.count(line)?;
        match self.open.as_slice() {
            [_] => about_calendar(content, line),
            [_, inside] if inside.name == "VEVENT" => self.about_event(text, content, line),
            [_, inside] if inside.name == "VTIMEZONE" => {
                let value = || Some(content.value.trim().to_owned());
                if content.name.eq_ignore_ascii_case("TZID") {
                    self.zone.0 = value();
                } else if content.name.eq_ignore_ascii_case("X-LIC-LOCATION") {
                    self.zone.1 = value();
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn about_event(&mut self, text: &str, content: &Content<'_>, line: usize) -> Result<(), FeedFault> {
        if REPEATS.iter().any(|name| content.name.eq_ignore_ascii_case(name)) {
            self.draft.repeats.get_or_insert(line);
        }
        let Some(name) = READ.into_iter().find(|name| content.name.eq_ignore_ascii_case(name)) else { return Ok(()) };
        if self.draft.get(name).is_some() {
            return Err(fault("feed-property-twice", line, name, "this property once in an event"));
        }
        if text.len() > self.limits.line_bytes {
            return Err(fault("feed-line-too-long", line, format!("{} bytes", text.len()), "a value of at most 8 KiB"));
        }
        self.work.parsed += text.len();
        self.draft.fields.push(field(name, text, content, line)?);
        Ok(())
    }

    /// Counts the lines inside an event.
    fn count(&mut self, line: usize) -> Result<(), FeedFault> {
        self.properties += 1;
        match self.open.get(1) {
            Some(inside) if inside.name == "VEVENT" && self.properties > self.limits.properties => {
                Err(fault("feed-too-large", line, "more properties", "at most 1,000 properties in an event"))
            }
            _ => Ok(()),
        }
    }
}

fn not_utf8(line: usize) -> FeedFault {
    fault("feed-not-utf8", line, "bytes that are no UTF-8", "text in UTF-8")
}

/// Only a published Gregorian calendar of version 2.0 is read; what the feed does not say is taken for that.
fn about_calendar(content: &Content<'_>, line: usize) -> Result<(), FeedFault> {
    let name = content.name.to_ascii_uppercase();
    let value = content.value.trim().to_ascii_uppercase();
    let fits = match name.as_str() {
        "VERSION" => value == "2.0",
        "CALSCALE" => value == "GREGORIAN",
        "METHOD" => matches!(value.as_str(), "PUBLISH" | "REQUEST"),
        _ => true,
    };
    if fits {
        return Ok(());
    }
    let found = format!("{name}:{}", quote(&value));
    Err(fault("feed-version", line, found, "VERSION:2.0, CALSCALE:GREGORIAN, and METHOD:PUBLISH or none"))
}

fn field(name: &'static str, text: &str, content: &Content<'_>, line: usize) -> Result<Field, FeedFault> {
    let invalid = || fault("feed-line-invalid", line, quote(text), "NAME;PARAMETER=VALUE:VALUE");
    let property = Property::try_from(text).map_err(|_| invalid())?;
    // Where the crate cannot read a line, it takes the name alone and passes over the rest.
    if !property.name.as_str().eq_ignore_ascii_case(name)
        || property.val.as_str().is_empty() != content.value.is_empty()
    {
        return Err(invalid());
    }
    let parameter = |key: &str| {
        let found = property.params.iter().find(|parameter| parameter.key.as_str().eq_ignore_ascii_case(key))?;
        Some(found.val.as_ref()?.as_str().trim().to_owned())
    };
    let (zone, kind) = (parameter("TZID"), parameter("VALUE").map(|kind| kind.to_ascii_uppercase()));
    let value = if matches!(name, "UID" | "SUMMARY") { property.val.as_str() } else { content.value };
    Ok(Field { name, line, value: value.trim().to_owned(), zone, kind })
}
