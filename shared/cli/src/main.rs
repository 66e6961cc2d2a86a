//! `bellhop`: the command line for people who post events and look after them.

mod ages;
mod board;
mod calendar;
mod channel;
mod check;
mod cloud;
mod dashboard;
mod due;
mod emit;
mod error;
mod event;
mod generate;
mod guest;
mod hold;
mod input;
mod lanes;
mod load;
mod mail;
mod output;
mod place;
mod post;
mod redrive;
mod report;
mod review;
mod rule;
mod status;
mod tail;
mod template;
mod tenant;
mod trace;
mod when;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use error::{CliError, Exit};

const AFTER_HELP: &str = "\
Examples:
  bellhop validate season.ndjson              check events before anybody posts them
  bellhop post season.ndjson                  post them, in order per property
  bellhop status --wait-drained               wait until the workers have done them
  bellhop calendar seaside villa --month 2026-07
  bellhop dashboard --tenant seaside          all properties today
  bellhop board --tenant seaside --property villa    the week's cleanings
  bellhop trace EVENT-ID                      what one event caused
  bellhop tail --tenant seaside               what is done, as it is done
  bellhop review list                         what waits for a person
  bellhop redrive --dry-run                   what SQS gave up, before it is retried
  bellhop channel list seaside villa          how its channels fare
  bellhop load --rate 20 --spike 10           what a spike does to the stack, as a picture

Exit codes: 0 done; 1 some input was refused, or what was asked for is not there; 2 wrong usage;
3 the cloud, or the stack in it, cannot be reached.

The cloud is the one of AWS_PROFILE, AWS_REGION and AWS_ENDPOINT_URL, as with any AWS tool.";

#[derive(Debug, Parser)]
#[command(name = "bellhop", version, about = "Posts events of a property management system and looks after them", after_help = AFTER_HELP)]
struct Cli {
    /// First part of the stack's names
    #[arg(long, global = true, env = "BELLHOP_PREFIX", default_value = "bellhop")]
    prefix: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check events and post them: to the queue of their type, in order per message group
    Post(post::Post),
    /// Check events without posting them
    Validate(post::Validate),
    /// Show how much waits in each queue, and for a person
    Status(status::Status),
    /// Show what a property has sold in a month
    Calendar(calendar::Calendar),
    /// Show a week of cleanings, and the tasks that are open
    Board(board::Board),
    /// Show a tenant's properties today
    Dashboard(dashboard::Dashboard),
    /// Count numbers anew
    #[command(subcommand)]
    Rebuild(dashboard::Rebuild),
    /// Show what became of an event
    Event(event::Event),
    /// List, show and decide on what waits for a person
    #[command(subcommand, after_help = review::AFTER_HELP)]
    Review(review::Review),
    /// List, show and resolve the lines of events that wait
    #[command(subcommand)]
    Hold(hold::Holds),
    /// Put to work again what SQS gave up, in order and by filter
    Redrive(redrive::Redrive),
    /// Follow what the functions do, as they do it
    Tail(tail::Tail),
    /// Show what an event caused, from function to function
    Trace(trace::Trace),
    /// List what is due next
    #[command(subcommand)]
    Due(due::Due),
    /// List and test channels, tell them again, switch them, make addresses of feeds
    Channel(channel::Channel),
    /// Register, suspend, resume and remove tenants
    #[command(subcommand, after_help = tenant::AFTER_HELP)]
    Tenant(tenant::Tenant),
    /// Save, list and try a tenant's rules
    #[command(subcommand, after_help = rule::AFTER_HELP)]
    Rule(rule::Rule),
    /// Save, list and preview what guests are written
    #[command(subcommand, after_help = template::AFTER_HELP)]
    Template(template::Template),
    /// List mails to guests, and whom none may go to
    #[command(subcommand, after_help = mail::AFTER_HELP)]
    Mail(mail::Mail),
    /// Erase a guest's personal data, and list what was erased
    #[command(subcommand, after_help = guest::AFTER_HELP)]
    Guest(guest::Guest),
    /// Count what a function's log lines say: outcomes, reasons, latency
    Report(report::Report),
    /// Post a season or a spike at a set rate to tenants of its own, and draw what it does to the stack
    Load(load::Load),
    /// Make events to try things with: a season, or real bookings from a CSV file
    Generate(generate::Generate),
}

async fn run(cli: Cli) -> Result<Exit, CliError> {
    let prefix = cli.prefix.as_str();
    match cli.command {
        Command::Post(args) => post::post(&args, prefix).await,
        Command::Validate(args) => post::validate(&args),
        Command::Status(args) => status::status(&args, prefix).await,
        Command::Calendar(args) => calendar::calendar(&args, prefix).await,
        Command::Board(args) => board::board(&args, prefix).await,
        Command::Dashboard(args) => dashboard::dashboard(&args, prefix).await,
        Command::Rebuild(command) => dashboard::rebuild(&command, prefix).await,
        Command::Event(args) => event::event(&args, prefix).await,
        Command::Review(command) => review::review(&command, prefix).await,
        Command::Hold(command) => hold::hold(&command, prefix).await,
        Command::Redrive(args) => redrive::redrive(&args, prefix).await,
        Command::Tail(args) => tail::tail(&args, prefix).await,
        Command::Trace(args) => trace::trace(&args, prefix).await,
        Command::Due(command) => due::due(&command, prefix).await,
        Command::Channel(args) => channel::channel(&args, prefix).await,
        Command::Tenant(command) => tenant::tenant(&command, prefix).await,
        Command::Rule(command) => rule::rule(&command, prefix).await,
        Command::Template(command) => template::template(&command, prefix).await,
        Command::Mail(command) => mail::mail(&command, prefix).await,
        Command::Guest(command) => guest::guest(&command, prefix).await,
        Command::Report(args) => report::report(&args),
        Command::Load(args) => load::load(&args, prefix).await,
        Command::Generate(args) => generate::generate(&args),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let exit = run(Cli::parse()).await.unwrap_or_else(|error| {
        output::note(format_args!("error: {error}"));
        error.exit
    });
    ExitCode::from(exit as u8)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
