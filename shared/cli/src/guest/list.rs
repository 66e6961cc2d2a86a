//! `bellhop guest erasures`: who had whose data erased, without the data.

use bellhop_events::TenantId;
use clap::Args;
use serde_json::json;

use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::output;

/// Whose.
#[derive(Debug, Args)]
pub struct List {
    /// Whose guests
    #[arg(long)]
    tenant: TenantId,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Lists the erasures of a tenant.
pub async fn list(cloud: &Cloud, args: &List) -> Result<Exit, CliError> {
    let erasures = cloud.store.erasures(&args.tenant).await?;
    if args.json {
        output::json(&json!(erasures));
        return Ok(Exit::Ok);
    }
    let mut table = output::table(&["when", "who", "items", "bookings", "why"]);
    output::numbers(&mut table, 2..3);
    for erasure in &erasures {
        let items: u64 = erasure.found.values().sum();
        let because = erasure.because.clone().unwrap_or_default();
        let bookings = super::erase::some(&erasure.bookings, erasure.bookings_count);
        table.add_row([erasure.at.to_string(), erasure.by.clone(), items.to_string(), bookings, because]);
    }
    output::line(table);
    Ok(Exit::Ok)
}
