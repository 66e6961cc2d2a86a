//! The Lambda function that consumes `synchronization.fifo`.

use bellhop_channel_sync::port::Port;
use bellhop_channel_sync::{ChannelSync, Settings};
use bellhop_outbound::Policy;
use bellhop_outbound::secrets::{SecretsManager, client};

fn main() -> Result<(), lambda_runtime::Error> {
    let policy = Policy::from_env();
    let secrets = SecretsManager::new(client(&bellhop_worker::http_client())?);
    let outside = Port::new(policy, secrets);
    bellhop_worker::main(ChannelSync { settings: Settings::from_env()?, policy, outside })
}
