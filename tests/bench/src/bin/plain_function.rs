//! The yardstick: a Lambda function for an SQS queue as most people write it in Rust.
//!
//! Default settings everywhere; each record in turn: an idempotency record, the state, a follow-up. It is not tuned,
//! and not made slow either.

use std::env;

use aws_config::BehaviorVersion;
use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use aws_sdk_dynamodb::types::AttributeValue;
use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};
use serde::Deserialize;
use serde_json::json;

/// What the function needs of an event.
#[derive(Deserialize)]
struct Event {
    id: String,
    subject: String,
    tenant: String,
    property: String,
    data: serde_json::Value,
}

/// The clients and names, made once.
struct Function {
    dynamodb: aws_sdk_dynamodb::Client,
    sqs: aws_sdk_sqs::Client,
    state_table: String,
    operations_table: String,
    follow_up_queue: String,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let function = Function {
        dynamodb: aws_sdk_dynamodb::Client::new(&config),
        sqs: aws_sdk_sqs::Client::new(&config),
        state_table: env::var("STATE_TABLE")?,
        operations_table: env::var("OPERATIONS_TABLE")?,
        follow_up_queue: env::var("QUEUE_SYNCHRONIZATION")?,
    };
    run(service_fn(|event| function.handle_batch(event))).await
}

impl Function {
    async fn handle_batch(&self, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
        let mut response = SqsBatchResponse::default();
        for record in event.payload.records {
            if let Err(error) = self.handle_record(&record).await {
                tracing::error!(%error, message_id = ?record.message_id, "record failed");
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = record.message_id.unwrap_or_default();
                response.batch_item_failures.push(failure);
            }
        }
        Ok(response)
    }

    async fn handle_record(&self, record: &SqsMessage) -> Result<(), Error> {
        let event: Event = serde_json::from_str(record.body.as_deref().unwrap_or_default())?;
        let group = format!("{}#{}", event.tenant, event.property);
        if self.is_duplicate(&event, &group).await? {
            return Ok(());
        }
        self.dynamodb
            .put_item()
            .table_name(&self.state_table)
            .item("pk", AttributeValue::S(group.clone()))
            .item("sk", AttributeValue::S(event.subject.clone()))
            .item("data", AttributeValue::S(event.data.to_string()))
            .send()
            .await?;
        let follow_up = json!({
            "id": format!("{}-follow-up", event.id),
            "type": "bellhop.availability.changed.v1",
            "subject": event.subject,
            "tenant": event.tenant,
            "property": event.property,
        });
        self.sqs
            .send_message()
            .queue_url(&self.follow_up_queue)
            .message_group_id(group)
            .message_deduplication_id(format!("{}-follow-up", event.id))
            .message_body(follow_up.to_string())
            .send()
            .await?;
        Ok(())
    }

    /// Writes the idempotency record, or finds that it is there.
    async fn is_duplicate(&self, event: &Event, group: &str) -> Result<bool, Error> {
        let written = self
            .dynamodb
            .put_item()
            .table_name(&self.operations_table)
            .item("pk", AttributeValue::S(group.to_owned()))
            .item("sk", AttributeValue::S(event.id.clone()))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        match written.map_err(aws_sdk_dynamodb::Error::from) {
            Ok(_) => Ok(false),
            Err(aws_sdk_dynamodb::Error::ConditionalCheckFailedException(_)) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }
}
