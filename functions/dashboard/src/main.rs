//! The Lambda function that consumes `operational-dashboard.fifo`.

fn main() -> Result<(), lambda_runtime::Error> {
    bellhop_worker::main(bellhop_dashboard::Dashboard)
}
