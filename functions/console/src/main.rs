//! The Lambda function behind the console's URL.

fn main() {}
