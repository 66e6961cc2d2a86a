//! Who did what with items.

use bellhop_events::TenantId;
use bellhop_store::review::{AuditEntry, Desk};
use clap::Args;
use serde_json::{Value, json};

use super::look::desks;
use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::{output, when};

const PAGE: u16 = 100;

/// Whose acts.
#[derive(Debug, Args)]
pub struct Audit {
    /// Only on this tenant's items; else on all, desk by desk
    #[arg(long)]
    tenant: Option<TenantId>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    most: u32,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Lists acts, newest first.
pub async fn audit(cloud: &Cloud, args: &Audit) -> Result<Exit, CliError> {
    let most = usize::try_from(args.most).unwrap_or(usize::MAX);
    let mut found: Vec<(Desk, AuditEntry)> = Vec::new();
    for desk in desks(cloud, args.tenant.as_ref()).await? {
        let mut from = None;
        while found.len() <= most {
            let page = cloud.store.audit(&desk, from.as_deref(), PAGE).await?;
            found.extend(page.entries.into_iter().map(|entry| (desk.clone(), entry)));
            from = page.next;
            if from.is_none() {
                break;
            }
        }
    }
    let more = found.len() > most;
    found.truncate(most);
    if args.json {
        output::json(&found.iter().map(|(desk, entry)| value(desk, entry)).collect::<Vec<_>>());
        return Ok(Exit::Ok);
    }
    if found.is_empty() {
        output::line("nothing was done yet");
        return Ok(Exit::Ok);
    }
    let mut table = output::table(&["time", "who", "what", "item", "group", "subject", "reason", "because"]);
    for (_, entry) in &found {
        let (at, item) = (when::second(entry.at), entry.item.to_string());
        let [subject, because] = [&entry.subject, &entry.because].map(|text| text.as_deref().unwrap_or_default());
        let cells = [&at, &entry.by, entry.kind.word(), &item, &entry.group, subject, &entry.reason, because];
        table.add_row(cells.map(str::to_owned));
    }
    output::line(table.trim_fmt());
    if more {
        output::note(format_args!("only the first {most}; see more with --most"));
    }
    Ok(Exit::Ok)
}

fn value(desk: &Desk, entry: &AuditEntry) -> Value {
    let mut value = serde_json::to_value(entry).unwrap_or_default();
    value["tenant"] = json!(desk.tenant());
    value
}
