//! A DynamoDB for the local cloud: the dynoxide engine behind HTTP, on loopback only.
//!
//! `LocalStack`'s own DynamoDB needs Java and a download; this one is a single binary of the workspace, and the same
//! engine that the tests run in process. It stops on Ctrl-C and SIGTERM.

use std::process::ExitCode;

use dynoxide::{Database, server};

const USAGE: &str = "usage: bellhop-dynamodb --port N [--data FILE]   (without --data everything is in memory)";

#[tokio::main]
async fn main() -> ExitCode {
    match run(std::env::args().skip(1)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("bellhop-dynamodb: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: impl Iterator<Item = String>) -> Result<(), String> {
    let (port, data) = parse(args)?;
    let database = match data {
        Some(file) => Database::new(&file).map_err(|e| format!("cannot open {file}: {e}"))?,
        None => Database::memory().map_err(|e| format!("cannot make a database in memory: {e}"))?,
    };
    server::start("127.0.0.1", port, database).await
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<(u16, Option<String>), String> {
    let (mut port, mut data) = (None, None);
    while let Some(arg) = args.next() {
        let value = args.next().ok_or(USAGE)?;
        match arg.as_str() {
            "--port" => port = Some(value.parse().map_err(|_| format!("{value} is no port"))?),
            "--data" => data = Some(value),
            _ => return Err(USAGE.into()),
        }
    }
    Ok((port.ok_or(USAGE)?, data))
}
