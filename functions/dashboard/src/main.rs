//! The Lambda function behind `operational-dashboard.fifo`.

fn main() {}
