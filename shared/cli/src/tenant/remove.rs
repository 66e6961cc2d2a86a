//! `bellhop tenant remove`: all that is stored of a tenant goes to a file, then away.

use std::fs::File;
use std::io::{BufWriter, Write as _};

use bellhop_events::TenantId;
use bellhop_store::StoreError;
use bellhop_store::estate::dynamodb_json;
use clap::Args;
use serde_json::json;

use super::{office, queues, refusal};
use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::output;

/// Whom to remove.
#[derive(Debug, Args)]
pub struct Remove {
    /// Which; it must be suspended
    tenant: TenantId,
    /// File that all that is stored of it is written to first, a line of JSON an item; it must not exist
    #[arg(long)]
    export: String,
    /// Only write the file
    #[arg(long)]
    dry_run: bool,
    /// Erase without asking; else its id must be typed
    #[arg(long)]
    yes: bool,
    /// How long it must be suspended, in seconds: longer than a function may run
    #[arg(long, default_value_t = 960, value_parser = clap::value_parser!(i64).range(0..=86_400))]
    after: i64,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Writing the file may fail, or reading the tables.
enum Broken {
    File(std::io::Error),
    Store(StoreError),
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Exports, then erases.
pub async fn remove(cloud: &Cloud, args: &Remove) -> Result<Exit, CliError> {
    let queues = queues(cloud).await?;
    let office = office(cloud, &queues);
    if !args.dry_run {
        // Before anything is written: so that a tenant that is at work is not exported for nothing.
        office.may_close(&args.tenant, args.after).await.map_err(refusal)?;
    }
    let file = create(&args.export).map_err(|error| CliError::file(&args.export, &error))?;
    let mut file = BufWriter::new(file);
    let written = office.export(&args.tenant, |place, item| {
        let line = json!({ "table": place.table, "item": dynamodb_json(item) });
        writeln!(file, "{line}").map_err(Broken::File)
    });
    let exported = written.await.map_err(|error| match error {
        Broken::File(error) => CliError::file(&args.export, &error),
        Broken::Store(error) => error.into(),
    })?;
    file.flush().and_then(|()| file.get_ref().sync_all()).map_err(|error| CliError::file(&args.export, &error))?;
    if args.dry_run {
        return Ok(done(args, &json!({ "exported": exported }), &format!("{exported} items are in {}", args.export)));
    }
    if !args.yes && !is_typed(args, exported) {
        return Err(CliError::refused("not-confirmed", "nothing was erased", "Type the tenant's id, or say --yes."));
    }
    office.close(&args.tenant, args.after).await.map_err(refusal)?;
    let removed = office.erase(&args.tenant).await.map_err(refusal)?;
    let removed = bellhop_tenancy::Removed { exported, ..removed };
    let told = format!(
        "{} is removed: {exported} items are in {}, {} were erased, and a scan of all {} that are left found none of it",
        args.tenant, args.export, removed.erased, removed.proven_over
    );
    Ok(done(args, &serde_json::to_value(removed).unwrap_or_default(), &told))
}

/// A new file that nobody else may read: guests are in it.
fn create(path: &str) -> std::io::Result<File> {
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true).open(path)
}

fn done(args: &Remove, value: &serde_json::Value, told: &str) -> Exit {
    if args.json {
        output::json(value);
    } else {
        output::line(told);
    }
    Exit::Ok
}

fn is_typed(args: &Remove, exported: u64) -> bool {
    output::note(format_args!("{exported} items are in {}. To erase them here, type {}:", args.export, args.tenant));
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed).is_ok() && typed.trim() == args.tenant.as_str()
}
