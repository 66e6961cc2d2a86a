//! The Lambda function that consumes `automation.fifo`.

fn main() -> Result<(), lambda_runtime::Error> {
    bellhop_worker::main(bellhop_automation::Automation::default())
}
