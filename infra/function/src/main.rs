//! The Lambda function that consumes `__queue__.fifo`.

fn main() -> Result<(), lambda_runtime::Error> {
    bellhop_worker::main(bellhop___snake__::__Name__)
}
