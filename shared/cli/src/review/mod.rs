//! `bellhop review`: what waits for a person, and what the person does about it.

mod act;
mod audit;
mod look;
mod stats;
mod supersede;

use bellhop_review::Decision;
use bellhop_store::review::ReviewId;
use clap::{Args, Subcommand};

pub use act::{Who, only_look, take_all};
pub use look::open;

use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::input;

/// Under `bellhop review --help`.
pub const AFTER_HELP: &str = "\
Examples:
  bellhop review list --tenant seaside            what waits, oldest first
  bellhop review show ID                          the cause, the event, what was done so far
  bellhop review edit ID corrected.json           work this instead; what waits behind it follows in order
  bellhop review discard ID --reason 'test data'
  bellhop review supersede ID                     of all versions of its booking that fail, keep the newest
  bellhop review stats                            how many wait, by tenant and reason code
  bellhop review audit --tenant seaside           who did what, newest first
  bellhop review retry --code mail-refused --tenant seaside --dry-run    all of them; first only look

Each act is taken once, and kept with who did it: of two people at once the second is told who was first.";

/// What `bellhop review` is told.
#[derive(Debug, Subcommand)]
pub enum Review {
    /// List what waits for a decision, oldest first
    List(look::List),
    /// Show one: cause, remedy, event, and what was done
    Show(look::Show),
    /// Count what waits, by tenant and reason code
    Stats(stats::Stats),
    /// List what was done with items, newest first
    Audit(audit::Audit),
    /// Work events again as they are
    Retry(Retry),
    /// Work this event instead
    Edit(Edit),
    /// Leave events out
    Discard(Discard),
    /// Leave out what a newer version of the same subject makes void, and keep the newest
    #[command(after_help = supersede::AFTER_HELP)]
    Supersede(supersede::Supersede),
}

/// A retry.
#[derive(Debug, Args)]
pub struct Retry {
    #[command(flatten)]
    which: act::Which,
    #[command(flatten)]
    who: Who,
}

/// An edit.
#[derive(Debug, Args)]
pub struct Edit {
    /// The item, as `bellhop review list` shows it
    id: ReviewId,
    #[command(flatten)]
    who: Who,
    /// File with the corrected event; `-` reads standard input
    #[arg(default_value = "-")]
    file: String,
}

/// A discard.
#[derive(Debug, Args)]
pub struct Discard {
    #[command(flatten)]
    which: act::Which,
    #[command(flatten)]
    who: Who,
    /// Why; kept with the item
    #[arg(long)]
    reason: String,
}

/// Runs a command of `bellhop review`.
pub async fn review(command: &Review, prefix: &str) -> Result<Exit, CliError> {
    let cloud = Cloud::connect(prefix).await;
    match command {
        Review::List(args) => look::list(&cloud, args).await,
        Review::Show(args) => look::show(&cloud, args).await,
        Review::Stats(args) => stats::stats(&cloud, args).await,
        Review::Audit(args) => audit::audit(&cloud, args).await,
        Review::Supersede(args) => supersede::supersede(&cloud, args).await,
        Review::Retry(Retry { which, who }) => act::decide(&cloud, which, who, &Decision::Retry).await,
        Review::Edit(Edit { id, who, file }) => {
            let decision = Decision::Edit(input::read(file)?.trim().to_owned());
            act::decide_one(&cloud, id, who, &decision).await
        }
        Review::Discard(Discard { which, who, reason }) => {
            act::decide(&cloud, which, who, &Decision::Discard(reason.clone())).await
        }
    }
}
