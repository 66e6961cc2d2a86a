//! `bellhop trace`: what one event caused, from function to function, as their log lines tell it.

mod logs;
mod picture;
mod tree;

use std::collections::BTreeSet;

use bellhop_events::{EventId, PropertyId, TenantId};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::{output, when};
pub use picture::{lag, style_of};
use tree::{Line, Tree};

/// A function's lines are older than those of its event by no more than clocks differ.
const CLOCKS: SignedDuration = SignedDuration::from_mins(5);

const AFTER_HELP: &str = "\
Examples:
  bellhop trace 6f1c2a30-9d1e-4a53-8a3c-7f5d3f1f2b11
  bellhop trace villa-00002 --tenant seaside --property villa --since 2h

It reads the log groups of calendar, channel-sync, automation and notifications: what CloudWatch Logs has let go is not
there. A shorter --since is found sooner. What waits for its time has no line yet: bellhop due list.";

/// What `bellhop trace` is told.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Trace {
    /// The event's id
    event: EventId,
    /// Whose event; needed where several tenants have one of this id
    #[arg(long)]
    tenant: Option<TenantId>,
    /// Of which property
    #[arg(long)]
    property: Option<PropertyId>,
    /// How far back to read, as 14d or 36h, or from which time on, RFC 3339
    #[arg(long, default_value = "14d", value_parser = when::since)]
    since: Timestamp,
    /// Show the id of each event
    #[arg(long)]
    ids: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Prints the tree.
pub async fn trace(args: &Trace, prefix: &str) -> Result<Exit, CliError> {
    let cloud = Cloud::connect(prefix).await;
    let spinner = output::spinner();
    let found = find(&cloud, args, |lines| spinner.set_message(format!("read {lines} lines"))).await;
    spinner.finish_and_clear();
    let (tree, cut) = found?;
    if args.json {
        output::json(
            &json!({ "trace": tree.trace, "event": args.event, "cut": cut, "root": tree.root, "loose": tree.loose }),
        );
    } else {
        output::line(picture::draw(&tree, args.ids).trim_end());
    }
    if cut {
        output::note(format_args!("(it has more lines than the {} that are read)", logs::MOST_LINES));
    }
    Ok(Exit::Ok)
}

async fn find(cloud: &Cloud, args: &Trace, looked_at: impl Fn(usize)) -> Result<(Tree, bool), CliError> {
    let own = logs::read(cloud, "event", args.event.as_str(), args.since, &looked_at).await?;
    let own = own.lines.into_iter().filter(|line| wanted(args, line)).collect::<Vec<_>>();
    let trace = one_trace(args, &own)?;
    let first = own.iter().map(|line| line.at).min().unwrap_or(args.since);
    let from = first.checked_sub(CLOCKS).unwrap_or(first).max(args.since);
    let all = logs::read(cloud, "trace", &trace, from, &looked_at).await?;
    // Read a moment later, the event's own lines are surely among them; should CloudWatch be slow, they are known already.
    let lines = if all.lines.iter().any(|line| line.event == args.event.as_str()) {
        all.lines
    } else {
        own.into_iter().chain(all.lines).collect()
    };
    let tree = Tree::grow(&trace, args.event.as_str(), lines);
    tree.map(|tree| (tree, all.cut)).ok_or_else(|| unknown(args))
}

fn wanted(args: &Trace, line: &Line) -> bool {
    let fits = |wanted: Option<&str>, found: &str| wanted.is_none_or(|wanted| wanted == found);
    line.event == args.event.as_str()
        && fits(args.tenant.as_ref().map(TenantId::as_str), &line.tenant)
        && fits(args.property.as_ref().map(PropertyId::as_str), &line.property)
}

/// The trace of the lines, if they are all of one property.
fn one_trace(args: &Trace, lines: &[Line]) -> Result<String, CliError> {
    let first = lines.first().ok_or_else(|| unknown(args))?;
    let groups: BTreeSet<_> = lines.iter().map(|line| format!("{}#{}", line.tenant, line.property)).collect();
    if groups.len() > 1 {
        let groups: Vec<_> = groups.into_iter().collect();
        return Err(CliError::refused(
            "event-ambiguous",
            format_args!("{} have each an event {}", groups.join(", "), args.event),
            "Say whose: --tenant TENANT --property PROPERTY.",
        ));
    }
    Ok(first.trace.clone())
}

fn unknown(args: &Trace) -> CliError {
    CliError::refused(
        "trace-unknown",
        format_args!("no function has written of event {} since {}", args.event, when::second(args.since)),
        "Check its id, tenant and property; it may not be worked yet (bellhop status), be older than --since or than the logs are kept, or be unreadable (fallback queue). What is kept of it: bellhop event ID.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        trace: Trace,
    }

    fn args(more: &[&str]) -> Trace {
        Command::parse_from([&["trace", "e1", "--since", "2026-07-01T10:00:00Z"], more].concat()).trace
    }

    fn lines() -> Vec<Line> {
        let line = |property: &str| {
            let text = format!(
                r#"{{"timestamp":"2026-07-01T10:00:00Z","outcome":"applied","consumer":"calendar","tenant":"sea","property":"{property}","subject":"booking/1","event":"e1","trace":"t-{property}","kind":"k","attempt":1,"receive_count":1}}"#
            );
            Line::parse(&text).expect("a line")
        };
        vec![line("villa"), line("loft")]
    }

    #[test]
    fn an_id_of_two_properties_is_refused_and_of_one_is_found() {
        let chosen = |more: &[&str]| {
            let args = args(more);
            let lines: Vec<_> = lines().into_iter().filter(|line| wanted(&args, line)).collect();
            one_trace(&args, &lines)
        };
        let error = chosen(&[]).expect_err("two");
        assert_eq!((error.code, error.exit), ("event-ambiguous", Exit::Refused));
        assert_eq!(error.message, "sea#loft, sea#villa have each an event e1");
        assert_eq!(chosen(&["--property", "loft"]).ok().as_deref(), Some("t-loft"));
        let error = chosen(&["--tenant", "hill"]).expect_err("none");
        assert_eq!(error.message, "no function has written of event e1 since 2026-07-01T10:00:00Z");
    }
}
