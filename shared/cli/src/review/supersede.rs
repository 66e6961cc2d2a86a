//! Of many versions of one subject, the newest alone.

use std::time::{Duration, Instant};

use bellhop_review::{SupersedeError, Superseding};
use bellhop_store::StoreError;
use bellhop_store::review::ReviewId;
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::act::{Who, only_look, queues};
use super::look::find;
use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::output;

/// Between two looks at the line.
const INTERVAL: Duration = Duration::from_secs(1);

/// Under `bellhop review supersede --help`.
pub const AFTER_HELP: &str = "\
Bookings, properties, channels and tasks are told as whole snapshots with a version: once the newest that waits is worked, an
older one has no effect. This discards each open item of the same subject that is older, beginning with ID, and, as the line
behind it is worked, each older one that fails in its turn. What does not fail is worked in order, which changes nothing in the
end. The newest is never discarded: should it fail, it waits for you.

Rates and blocks are no snapshots of their subject: an older one may say what no newer one does. They are refused.";

/// Which versions.
#[derive(Debug, Args)]
pub struct Supersede {
    /// An item of an older version, as `bellhop review list` shows it
    id: ReviewId,
    /// Only list what it would be now
    #[arg(long)]
    dry_run: bool,
    /// Seconds to follow the line at most; exit code 1 when it is not at its end by then
    #[arg(long, default_value_t = 60)]
    timeout: u64,
    #[command(flatten)]
    who: Who,
}

/// Discards what is older, until the line has come to the newest.
pub async fn supersede(cloud: &Cloud, args: &Supersede) -> Result<Exit, CliError> {
    let (desk, item) = find(cloud, &args.id).await?;
    let plan = Superseding::of(&cloud.store, &desk, &args.id).await.map_err(refusal)?;
    if args.dry_run {
        let older: Vec<_> = plan.older.iter().map(|item| (desk.clone(), item.clone())).collect();
        return Ok(only_look(&older, args.who.json));
    }
    let queues = queues(cloud, &[(desk.clone(), item)]).await?;
    let (started, spinner) = (Instant::now(), output::spinner());
    let (mut discarded, mut refused) = (Vec::new(), std::collections::BTreeMap::new());
    let pending = loop {
        let pass = plan.pass((&cloud.store, &queues), &desk, args.who.name(), Timestamp::now()).await;
        let pass = pass.inspect_err(|_| spinner.finish_and_clear())?;
        discarded.extend(pass.discarded);
        refused.extend(pass.refused);
        spinner.set_message(format!("{} discarded; the line is being worked", discarded.len()));
        if !pass.pending || started.elapsed() >= Duration::from_secs(args.timeout) {
            break pass.pending;
        }
        tokio::time::sleep(INTERVAL).await;
    };
    spinner.finish_and_clear();
    let newest = &plan.newest;
    if args.who.json {
        output::json(
            &json!({ "discarded": discarded, "refused": refused, "newest": { "version": newest.version, "event": newest.event }, "pending": pending }),
        );
    } else {
        output::line(format_args!(
            "{} discarded, {} refused; version {} is kept, event {}",
            discarded.len(),
            refused.len(),
            newest.version,
            newest.event
        ));
        for (id, why) in &refused {
            output::note(format_args!("{id}: {why}"));
        }
        if pending {
            output::note("its line is still being worked: do the same again, or wait longer with --timeout");
        }
    }
    Ok(if refused.is_empty() && !pending { Exit::Ok } else { Exit::Refused })
}

fn refusal(error: SupersedeError) -> CliError {
    match error {
        SupersedeError::Store(error @ StoreError::Unavailable(_)) => error.into(),
        other => CliError::refused("review-refused", other, "See what waits with: bellhop review list"),
    }
}
