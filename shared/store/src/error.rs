//! Why a read or write did not happen, by what must happen next.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;

/// A failed read or write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The state changed since it was read, or our own repeated write met itself: read again and decide again.
    #[error("the state changed since it was read")]
    Lost,
    /// Two transactions met: the same write may be repeated.
    #[error("another transaction is writing the same items")]
    Busy,
    /// DynamoDB is down, throttles, or refuses us: nothing is wrong with the message.
    #[error("DynamoDB is not available: {0}")]
    Unavailable(String),
    /// The item or the transaction would be too large.
    #[error("too large for DynamoDB: {0}")]
    TooLarge(String),
    /// A write or an item that is wrong in itself.
    #[error("a defect in what was stored or asked: {0}")]
    Defect(String),
}

/// Sorts the errors of every operation but transactions.
pub(crate) fn sort<E: ProvideErrorMetadata>(error: &SdkError<E>) -> StoreError {
    let (code, message) = (error.code().unwrap_or_default(), error.message().unwrap_or_default());
    match code {
        "ConditionalCheckFailedException" => StoreError::Lost,
        "TransactionConflictException" => StoreError::Busy,
        "ValidationException" if message.contains("size") => StoreError::TooLarge(message.to_owned()),
        "ValidationException" | "SerializationException" => StoreError::Defect(message.to_owned()),
        // Throttled, down, timed out, no permission, no table: none is the message's fault.
        "" => StoreError::Unavailable(kind(error).to_owned()),
        other => StoreError::Unavailable(other.to_owned()),
    }
}

fn kind<E>(error: &SdkError<E>) -> &'static str {
    match error {
        SdkError::TimeoutError(_) => "timeout",
        SdkError::DispatchFailure(_) => "no connection",
        SdkError::ResponseError(_) => "broken response",
        _ => "unknown error",
    }
}

/// Sorts the errors of a transaction by the reasons of its cancellation (Amazon DynamoDB API Reference,
/// `TransactWriteItems`): one failed condition means a lost race, whatever else happened.
pub(crate) fn sort_transaction(error: &SdkError<TransactWriteItemsError>) -> StoreError {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return match error.code() {
            Some("TransactionInProgressException") => StoreError::Busy,
            _ => sort(error),
        };
    };
    let reasons = cancelled.cancellation_reasons();
    let has = |code: &str| reasons.iter().find(|reason| reason.code() == Some(code));
    if has("ConditionalCheckFailed").is_some() {
        StoreError::Lost
    } else if has("TransactionConflict").is_some() {
        StoreError::Busy
    } else if let Some(reason) = has("ValidationError") {
        let message = reason.message().unwrap_or_default().to_owned();
        if message.contains("size") { StoreError::TooLarge(message) } else { StoreError::Defect(message) }
    } else {
        let codes: Vec<_> = reasons.iter().filter_map(|reason| reason.code()).filter(|code| *code != "None").collect();
        StoreError::Unavailable(codes.join(", "))
    }
}
