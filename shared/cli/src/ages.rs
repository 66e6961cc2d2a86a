//! The age of each queue's oldest message, which SQS tells to CloudWatch alone.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatch::error::ProvideErrorMetadata as _;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy};

use crate::cloud::Cloud;

/// SQS reports once a minute (Amazon SQS Developer Guide, "Available CloudWatch metrics").
const PERIOD_SECONDS: i32 = 60;
/// What is older says nothing of now; an empty queue stops reporting.
const WINDOW: Duration = Duration::from_mins(5);
/// The status is worth more than the ages: it does not wait longer for them.
const PATIENCE: Duration = Duration::from_secs(5);
/// Why there are no ages, where CloudWatch gave no reason of its own.
const NO_ANSWER: &str = "no answer";

/// Seconds by queue name; a queue that reported nothing lately is absent. One call for up to 500 queues (Amazon CloudWatch
/// API Reference, `GetMetricData`). The error is CloudWatch's own code, such as `AccessDenied`, or "no answer".
pub async fn ages(cloud: &Cloud, queues: &[String]) -> Result<BTreeMap<String, u64>, String> {
    let now = SystemTime::now();
    let queries = queues.iter().enumerate().map(|(n, queue)| query(n, queue)).collect();
    let request = cloud.cloudwatch.get_metric_data().set_metric_data_queries(Some(queries));
    let request = request.start_time((now - WINDOW).into()).end_time((now + Duration::from_secs(1)).into());
    let request = request.scan_by(ScanBy::TimestampDescending).send();
    let answer = tokio::time::timeout(PATIENCE, request).await.map_err(|_| NO_ANSWER.to_owned())?;
    let answer = answer.map_err(|error| why(error.code()))?;
    Ok(newest(queues, answer.metric_data_results()))
}

fn why(code: Option<&str>) -> String {
    code.unwrap_or(NO_ANSWER).to_owned()
}

fn query(number: usize, queue: &str) -> MetricDataQuery {
    let metric = Metric::builder()
        .namespace("AWS/SQS")
        .metric_name("ApproximateAgeOfOldestMessage")
        .dimensions(Dimension::builder().name("QueueName").value(queue).build())
        .build();
    let stat = MetricStat::builder().metric(metric).period(PERIOD_SECONDS).stat("Maximum").build();
    MetricDataQuery::builder().id(format!("q{number}")).metric_stat(stat).build()
}

/// The first value of each result: they come newest first.
fn newest(queues: &[String], results: &[MetricDataResult]) -> BTreeMap<String, u64> {
    let age = |result: &MetricDataResult| {
        let number: usize = result.id()?.strip_prefix('q')?.parse().ok()?;
        let seconds = Duration::try_from_secs_f64(*result.values().first()?).ok()?.as_secs();
        Some((queues.get(number)?.clone(), seconds))
    };
    results.iter().filter_map(age).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_a_code_or_that_there_was_no_answer() {
        assert_eq!([why(Some("AccessDenied")), why(None)], ["AccessDenied", "no answer"]);
    }

    #[test]
    fn the_newest_value_counts_and_silence_is_no_age() {
        let queues = ["a.fifo".to_owned(), "b.fifo".to_owned(), "c.fifo".to_owned()];
        let result =
            |id: &str, values: &[f64]| MetricDataResult::builder().id(id).set_values(Some(values.to_vec())).build();
        let results = [result("q0", &[61.9, 1.0]), result("q1", &[]), result("q2", &[-1.0]), result("q9", &[5.0])];
        assert_eq!(newest(&queues, &results), BTreeMap::from([("a.fifo".to_owned(), 61)]));
    }
}
