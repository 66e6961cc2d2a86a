//! The Lambda function that consumes `operational-calendar.fifo`.

fn main() -> Result<(), lambda_runtime::Error> {
    bellhop_worker::main(bellhop_calendar::Calendar)
}
