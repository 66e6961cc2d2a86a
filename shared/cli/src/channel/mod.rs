//! `bellhop channel`: how the channels of a property fare, and what a person asks of them.

mod ask;
mod feed;
mod known;
mod list;
mod replay;
mod request;
mod wait;

use bellhop_events::{ChannelId, PropertyId, Subject, TenantId};
use bellhop_store::Scope;
use bellhop_store::channel::CONSUMER;
use clap::{Args, Subcommand};

use crate::cloud::Cloud;
use crate::error::{CliError, Exit};

const AFTER_HELP: &str = "\
Examples:
  bellhop channel list seaside villa                      how the channels of a property fare
  bellhop channel test seaside villa booking-com          call it once, without effect over there
  bellhop channel sync seaside villa booking-com --everything
  bellhop channel disable seaside villa booking-com       it is told nothing until it is enabled
  bellhop channel feed create seaside villa airbnb suite  an address for Airbnb to import
  bellhop channel replay seaside villa pms --since 2026-07-01T00:00:00Z --dry-run

A channel is registered by posting pms.channel.upserted.v1: bellhop post FILE.";

/// What `bellhop channel` is told.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Channel {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the channels of a property: what they were told, what is outstanding, what is wrong
    List(list::List),
    /// Tell a channel what it has not heard, or everything
    Sync(ask::Sync),
    /// Call a channel once, without effect over there, and say what it answered
    Test(ask::Plain),
    /// Tell a channel nothing until it is enabled
    Disable(ask::Plain),
    /// Tell a channel again: first everything
    Enable(ask::Plain),
    /// Fetch the feeds of a calendar channel now
    Poll(ask::Plain),
    /// Deliver again what a webhook heard last, for each subject and type
    Replay(replay::Replay),
    /// Make, list and revoke the addresses at which platforms fetch our calendar
    #[command(subcommand)]
    Feed(feed::Feed),
}

/// A channel of a property.
#[derive(Debug, Clone, Args)]
struct Place {
    /// Whose property
    tenant: TenantId,
    /// Which property
    property: PropertyId,
    /// Which channel
    channel: ChannelId,
}

impl Place {
    /// Where its configuration is.
    fn of_property(&self) -> Scope {
        Scope::for_operator(CONSUMER, self.tenant.clone(), self.property.clone())
    }

    /// Where its progress is.
    fn of_channel(&self) -> Scope {
        self.of_property().of_channel(&self.channel)
    }

    fn subject(&self) -> Subject {
        Subject::Channel(self.channel.clone())
    }
}

/// Runs a command of `bellhop channel`.
pub async fn channel(args: &Channel, prefix: &str) -> Result<Exit, CliError> {
    use bellhop_events::catalogue::SyncAction as Action;
    let cloud = Cloud::connect(prefix).await;
    match &args.command {
        Command::List(args) => list::list(&cloud, args).await,
        Command::Sync(args) => ask::sync(&cloud, args).await,
        Command::Test(args) => ask::ask(&cloud, args, Action::Test).await,
        Command::Disable(args) => ask::ask(&cloud, args, Action::Disable).await,
        Command::Enable(args) => ask::ask(&cloud, args, Action::Enable).await,
        Command::Poll(args) => ask::ask(&cloud, args, Action::Poll).await,
        Command::Replay(args) => replay::replay(&cloud, args).await,
        Command::Feed(command) => feed::feed(&cloud, command).await,
    }
}
