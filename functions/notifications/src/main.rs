//! The Lambda function that consumes `operational-guests.fifo`, and what the mail service says of its mails.

use bellhop_notifications::feedback::Feedback;
use bellhop_notifications::port::{Ses, client};
use bellhop_notifications::{Notifications, Settings};

fn main() -> Result<(), lambda_runtime::Error> {
    let settings = Settings::from_env()?;
    let mailer = Ses::new(client(&bellhop_worker::http_client(), settings.call_timeout)?, &settings);
    bellhop_worker::main_with(Notifications { settings, mailer }, &Feedback)
}
