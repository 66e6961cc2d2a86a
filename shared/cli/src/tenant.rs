//! `bellhop tenant`: the registry, and what is done with a tenant as a whole.

mod remove;

use bellhop_events::{Queue, TenantId};
use bellhop_store::{Mode, Registration, Standing, StoreError};
use bellhop_tenancy::{Office, TenancyError};
use bellhop_worker::Queues;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use crate::cloud::{Cloud, Side};
use crate::error::{CliError, Exit};
use crate::output;

pub const AFTER_HELP: &str = "\
Examples:
  bellhop tenant add seaside --name \"Seaside Stays\" --contact ops@seaside.example --locale pt-PT
  bellhop tenant list                                    who there is, and who is not active
  bellhop tenant suspend seaside --because \"unpaid\"      from now on its events wait in DynamoDB, in order
  bellhop tenant resume seaside                          they are worked, and then what came after them
  bellhop tenant remove seaside --export seaside.ndjson  hand over all that is stored of it, then erase it

In a stack whose TenantRegistry is open a tenant exists by its first event, and needs adding only for what is kept of it here. In a
closed one only those that were added are worked.";

/// What `bellhop tenant` is told.
#[derive(Debug, Subcommand)]
pub enum Tenant {
    /// Register a tenant, or change what is known of it
    Add(Add),
    /// List tenants
    List(List),
    /// Show what is known of a tenant, and what waits for it
    Show(Show),
    /// Put its events by, unworked, until it is resumed
    Suspend(Suspend),
    /// Work what was put by, in order, and what comes after it
    Resume(Resume),
    /// Hand over all that is stored of a suspended tenant, then erase it
    Remove(remove::Remove),
}

/// Whom to register.
#[derive(Debug, Args)]
pub struct Add {
    /// Its id: a-z, 0-9, - and _, at most 40
    tenant: TenantId,
    /// Its own name
    #[arg(long)]
    name: Option<String>,
    /// An address of mail to ask; may be said several times, and replaces those that are known
    #[arg(long = "contact", value_parser = contact)]
    contacts: Vec<String>,
    /// The language to write to them in, such as pt-PT
    #[arg(long, value_parser = locale)]
    locale: Option<String>,
    /// Its events come by queues of its own: said once, before its first event; infra/silo add says it, and makes the queues
    #[arg(long)]
    silo: bool,
    /// At most so many events a second are posted for it at once by `bellhop post`
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3000))]
    events_a_second: Option<u32>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

fn contact(text: &str) -> Result<String, String> {
    let whole = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    let is_plain = text.len() <= 254 && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    if whole && is_plain { Ok(text.to_owned()) } else { Err("expected an address of mail, as name@example.com".into()) }
}

fn locale(text: &str) -> Result<String, String> {
    let is_part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_tag =
        text.len() <= 35 && text.split('-').all(is_part) && (2..=3).contains(&text.find('-').unwrap_or(text.len()));
    if is_tag { Ok(text.to_owned()) } else { Err("expected a BCP 47 tag, such as en or pt-PT".into()) }
}

/// Which tenants.
#[derive(Debug, Args)]
pub struct List {
    /// Only those whose ids begin so
    #[arg(long, default_value = "")]
    start: String,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Which tenant.
#[derive(Debug, Args)]
pub struct Show {
    /// Which
    tenant: TenantId,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Which tenant, and why.
#[derive(Debug, Args)]
pub struct Suspend {
    /// Which
    tenant: TenantId,
    /// Why; shown with the tenant
    #[arg(long)]
    because: String,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Which tenant.
#[derive(Debug, Args)]
pub struct Resume {
    /// Which
    tenant: TenantId,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Runs a command of `bellhop tenant`.
pub async fn tenant(command: &Tenant, prefix: &str) -> Result<Exit, CliError> {
    let cloud = Cloud::connect(prefix).await;
    match command {
        Tenant::Add(args) => add(&cloud, args).await,
        Tenant::List(args) => list(&cloud, args).await,
        Tenant::Show(args) => show(&cloud, args).await,
        Tenant::Suspend(args) => suspend(&cloud, args).await,
        Tenant::Resume(args) => resume(&cloud, args).await,
        Tenant::Remove(args) => remove::remove(&cloud, args).await,
    }
}

/// The queues of all functions that work events.
async fn queues(cloud: &Cloud) -> Result<Queues, CliError> {
    let mut urls = std::collections::BTreeMap::new();
    for queue in Queue::WORKED.iter().copied() {
        urls.insert(queue, cloud.queue_url(queue, Side::Main).await?);
    }
    Ok(Queues::new(cloud.sqs.clone(), urls, cloud.store.clone()))
}

fn office<'a>(cloud: &'a Cloud, queues: &'a Queues) -> Office<'a> {
    Office { store: &cloud.store, queues, now: Timestamp::now() }
}

async fn add(cloud: &Cloud, args: &Add) -> Result<Exit, CliError> {
    let known = cloud.store.registration(&args.tenant).await?;
    if known.as_ref().is_some_and(|one| one.standing == Standing::Removed) {
        return Err(refusal(TenancyError::Removed(args.tenant.clone())));
    }
    if args.silo {
        may_have_silo(cloud, &args.tenant, known.as_ref()).await?;
    }
    let mut registration = known.unwrap_or_else(|| Registration::new(args.tenant.clone(), Timestamp::now()));
    if args.silo {
        registration.mode = Mode::Silo;
    }
    registration.name = args.name.clone().or(registration.name);
    registration.locale = args.locale.clone().or(registration.locale);
    registration.events_a_second = args.events_a_second.or(registration.events_a_second);
    if !args.contacts.is_empty() {
        registration.contacts.clone_from(&args.contacts);
    }
    cloud.store.commit(registration.put()?).await.map_err(|error| match error {
        StoreError::Lost => {
            CliError::refused("tenant-changed", "somebody else changed the tenant this moment", "Do the same again.")
        }
        error => error.into(),
    })?;
    if args.json {
        output::json(&shown(&registration));
    } else {
        output::line(format_args!("{} is registered, {}", args.tenant, registration.standing.word()));
    }
    Ok(Exit::Ok)
}

/// What came by the shared queues would have no order with what comes by its own.
async fn may_have_silo(cloud: &Cloud, tenant: &TenantId, known: Option<&Registration>) -> Result<(), CliError> {
    let refused =
        |message: String| CliError::refused("silo-refused", message, "See what is known: bellhop tenant list");
    if tenant.as_str().contains('_') {
        let message = format!(
            "{tenant} cannot have a silo: an underscore parts the names of its queues, expected a-z, 0-9 and -"
        );
        return Err(refused(message));
    }
    let longest = cloud.queue_name(Some(tenant), Queue::OperationalDashboard, Side::DeadLetter);
    if longest.len() > 80 {
        return Err(refused(format!(
            "{longest} has {} characters, and SQS takes 80: expected a shorter id",
            longest.len()
        )));
    }
    let is_of_the_pool = if let Some(one) = known {
        one.mode == Mode::Pool
    } else {
        let key = bellhop_store::dashboard::tenants(tenant.as_str());
        cloud.store.get(std::slice::from_ref(&key)).await?.contains_key(&key)
    };
    if is_of_the_pool {
        let message = format!("{tenant} has the shared queues, and keeps them: expected a tenant that is new");
        return Err(refused(message));
    }
    Ok(())
}

/// The registration without what only the store needs.
fn shown(registration: &Registration) -> serde_json::Value {
    let mut value = serde_json::to_value(registration).unwrap_or_default();
    if let Some(value) = value.as_object_mut() {
        value.remove("rev");
    }
    value
}

async fn list(cloud: &Cloud, args: &List) -> Result<Exit, CliError> {
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let (page, more) = bellhop_views::tenants::page(&cloud.store, &args.start, after.as_ref(), 100).await?;
        let mut known = cloud.store.registrations(&page.iter().cloned().collect()).await?;
        after = page.last().cloned();
        rows.extend(page.into_iter().map(|tenant| {
            let registration = known.remove(&tenant);
            (tenant, registration)
        }));
        if !more || after.is_none() {
            break;
        }
    }
    if args.json {
        let of = |(tenant, registration): &(TenantId, Option<Registration>)| match registration {
            Some(registration) => shown(registration),
            None => json!({ "tenant": tenant, "standing": "active", "mode": "pool" }),
        };
        output::json(&rows.iter().map(of).collect::<Vec<_>>());
        return Ok(Exit::Ok);
    }
    if rows.is_empty() {
        output::line("there is no tenant yet: a tenant exists by its first event, or by bellhop tenant add");
        return Ok(Exit::Ok);
    }
    let mut table = output::table(&["tenant", "name", "queues", "standing", "since", "because", "contacts"]);
    for (tenant, registration) in rows {
        let Some(one) = registration else {
            table.add_row([tenant.as_str(), "", "shared", "active", "", "", ""]);
            continue;
        };
        let (since, contacts) = (one.since.strftime("%Y-%m-%d %H:%M").to_string(), one.contacts.join(", "));
        let name = one.name.unwrap_or_default();
        table.add_row([
            tenant.as_str(),
            &name,
            queues_word(one.mode),
            one.standing.word(),
            &since,
            one.because.as_deref().unwrap_or_default(),
            &contacts,
        ]);
    }
    output::line(table.trim_fmt());
    Ok(Exit::Ok)
}

/// Whose queues bring its events.
fn queues_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Pool => "shared",
        Mode::Silo => "own",
    }
}

async fn show(cloud: &Cloud, args: &Show) -> Result<Exit, CliError> {
    let registration = cloud.store.registration(&args.tenant).await?;
    let key = bellhop_store::dashboard::tenants(args.tenant.as_str());
    let is_listed = cloud.store.get(std::slice::from_ref(&key)).await?.contains_key(&key);
    if registration.is_none() && !is_listed {
        return Err(refusal(TenancyError::Unknown(args.tenant.clone())));
    }
    let registration = registration.unwrap_or_else(|| Registration::new(args.tenant.clone(), Timestamp::now()));
    let journals = cloud.store.journals(&args.tenant).await?;
    if args.json {
        let mut value = shown(&registration);
        let of = |open: &bellhop_store::journal::OpenJournal| json!({ "function": open.consumer, "group": open.group.to_string(), "events": open.journal.len(), "since": open.journal.since });
        value["put_by"] = journals.iter().map(of).collect();
        output::json(&value);
        return Ok(Exit::Ok);
    }
    let because = registration.because.as_deref().map(|because| format!(": {because}")).unwrap_or_default();
    let Registration { standing, since, .. } = &registration;
    output::line(format_args!("{} is {} since {since}{because}", args.tenant, standing.word()));
    output::line(format_args!("queues: {}", queues_word(registration.mode)));
    let lines = [("name", registration.name), ("locale", registration.locale)];
    for (label, text) in lines.into_iter().filter_map(|(label, text)| Some((label, text?))) {
        output::line(format_args!("{label}: {text}"));
    }
    if !registration.contacts.is_empty() {
        output::line(format_args!("contacts: {}", registration.contacts.join(", ")));
    }
    if let Some(events) = registration.events_a_second {
        output::line(format_args!("posted at most at {events} events a second"));
    }
    if journals.is_empty() {
        output::line("nothing was put by");
        return Ok(Exit::Ok);
    }
    let mut table = output::table(&["function", "message group", "events", "since"]);
    for open in journals {
        let since = Timestamp::from_second(open.journal.since).map(|at| at.to_string()).unwrap_or_default();
        table.add_row([open.consumer, open.group.to_string(), open.journal.len().to_string(), since]);
    }
    output::numbers(&mut table, 2..3);
    output::line(table.trim_fmt());
    Ok(Exit::Ok)
}

async fn suspend(cloud: &Cloud, args: &Suspend) -> Result<Exit, CliError> {
    let queues = queues(cloud).await?;
    let registration = office(cloud, &queues).suspend(&args.tenant, &args.because).await.map_err(refusal)?;
    if args.json {
        output::json(&shown(&registration));
    } else {
        output::line(format_args!(
            "{} is suspended: what comes for it is put by, in order, and not worked",
            args.tenant
        ));
    }
    Ok(Exit::Ok)
}

async fn resume(cloud: &Cloud, args: &Resume) -> Result<Exit, CliError> {
    let queues = queues(cloud).await?;
    let resumed = office(cloud, &queues).resume(&args.tenant).await.map_err(refusal)?;
    if args.json {
        output::json(&resumed);
    } else {
        output::line(format_args!(
            "{} is resumed: {} events that were put by are worked now, in order, and {} lines that were decided on",
            args.tenant, resumed.events, resumed.lines
        ));
    }
    Ok(Exit::Ok)
}

fn refusal(error: TenancyError) -> CliError {
    match error {
        TenancyError::Store(error) => error.into(),
        TenancyError::NotWoken(_) => CliError::unreachable("SQS", error),
        other => CliError::refused("tenant-refused", other, "See what is known: bellhop tenant show TENANT"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_and_languages_are_checked() {
        assert!(contact("ops@seaside.example").is_ok() && locale("pt-PT").is_ok() && locale("en").is_ok());
        for bad in ["", "ops", "@a.b", "a b@c.d", "a@b"] {
            assert!(contact(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "p", "english", "pt_PT", "pt-", "pt-PT-\n"] {
            assert!(locale(bad).is_err(), "{bad:?}");
        }
    }
}
