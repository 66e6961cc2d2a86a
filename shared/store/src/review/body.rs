//! Bodies, zipped: an item of DynamoDB holds 400 KB, and each kilobyte is paid for.

use std::io::{Read as _, Write as _};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::error::StoreError;
use crate::item::Item;
use crate::keys::Key;
use crate::{Expect, Write};

/// The attribute of the zipped body.
const BODY: &str = "gz";
/// No body that SQS takes is larger (1 MiB): more would be a bomb.
const MOST_BYTES: u64 = 1 << 20;

pub(super) fn put(key: Key, body: &str) -> Result<Write, StoreError> {
    Ok(Write::Put { key, item: zip(body)?, expect: Expect::Any })
}

/// The attributes of a body.
pub fn zip(body: &str) -> Result<Item, StoreError> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::default());
    let zipped = gz.write_all(body.as_bytes()).and_then(|()| gz.finish());
    let zipped = zipped.map_err(|error| StoreError::Defect(error.to_string()))?;
    Ok(Item::from([(BODY.to_owned(), AttributeValue::B(Blob::new(zipped)))]))
}

/// The body that an item holds.
pub fn unzip(item: &Item) -> Result<String, StoreError> {
    let zipped = item.get(BODY).and_then(|value| value.as_b().ok());
    let zipped = zipped.ok_or_else(|| StoreError::Defect("a body without its bytes".to_owned()))?;
    let mut body = String::new();
    let read = GzDecoder::new(zipped.as_ref()).take(MOST_BYTES).read_to_string(&mut body);
    read.map_err(|error| StoreError::Defect(error.to_string()))?;
    Ok(body)
}
