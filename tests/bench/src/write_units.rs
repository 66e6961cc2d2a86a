//! What a write costs in `DynamoDB` write units, from the request alone.
//!
//! Sizes follow the Amazon `DynamoDB` Developer Guide, "`DynamoDB` item sizes and formats"; units follow "Read and write
//! operations": one unit for each 1 KB begun, twice that in a transaction.

use serde_json::Value;

/// Bytes that one write unit pays for.
const UNIT_BYTES: usize = 1024;
/// What a list or a map costs before its elements.
const CONTAINER_BYTES: usize = 3;
/// What each element of a list or a map costs besides itself.
const ELEMENT_BYTES: usize = 1;

/// The size of an item, or of any other map from attribute name to value, in bytes.
#[must_use]
pub fn item_size(item: &Value) -> usize {
    let Some(attributes) = item.as_object() else { return 0 };
    attributes.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

/// The units of one write of `size` bytes outside of a transaction. Deleting nothing costs one unit too.
#[must_use]
pub fn units(size: usize) -> u64 {
    size.div_ceil(UNIT_BYTES).max(1) as u64
}

/// The write units of a request, 0 for an operation that writes nothing.
///
/// `stored_size` gives the size of the item that a key names, where it is known: a write costs what the larger of the old
/// and the new item costs. Exact for puts into places that are empty or known. For an update it is a lower bound in
/// practice: the key and the expression's values are counted, attributes that the update leaves alone are not
/// seen unless the item is known. A condition check counts as a write of its key.
pub fn request_units(operation: &str, request: &Value, stored_size: impl Fn(&str, &Value) -> usize) -> u64 {
    match operation {
        "PutItem" => units(write_size("Put", request, &stored_size)),
        "UpdateItem" => units(write_size("Update", request, &stored_size)),
        "DeleteItem" => units(write_size("Delete", request, &stored_size)),
        "TransactWriteItems" => request["TransactItems"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
            .flatten()
            .map(|(kind, write)| 2 * units(write_size(kind, write, &stored_size)))
            .sum(),
        _ => 0,
    }
}

fn write_size(kind: &str, write: &Value, stored_size: impl Fn(&str, &Value) -> usize) -> usize {
    let table = write["TableName"].as_str().unwrap_or_default();
    match kind {
        "Put" => item_size(&write["Item"]).max(stored_size(table, &write["Item"])),
        "Update" => {
            let key = &write["Key"];
            let values = write["ExpressionAttributeValues"].as_object();
            let written =
                item_size(key) + values.into_iter().flatten().map(|(_, value)| value_size(value)).sum::<usize>();
            written.max(stored_size(table, key))
        }
        _ => item_size(&write["Key"]).max(stored_size(table, &write["Key"])),
    }
}

/// The size of one typed value such as `{"S": "text"}`.
fn value_size(value: &Value) -> usize {
    let Some((kind, content)) = value.as_object().and_then(|typed| typed.iter().next()) else { return 0 };
    let text = content.as_str().unwrap_or_default();
    let elements = || content.as_array().into_iter().flatten();
    let texts = || elements().filter_map(Value::as_str);
    match kind.as_str() {
        "S" => text.len(),
        "N" => number_size(text),
        "B" => binary_size(text),
        "BOOL" | "NULL" => 1,
        "SS" => texts().map(str::len).sum(),
        "NS" => texts().map(number_size).sum(),
        "BS" => texts().map(binary_size).sum(),
        "L" => CONTAINER_BYTES + elements().map(|element| ELEMENT_BYTES + value_size(element)).sum::<usize>(),
        "M" => {
            let entries = content.as_object().into_iter().flatten();
            CONTAINER_BYTES + entries.map(|(name, entry)| ELEMENT_BYTES + name.len() + value_size(entry)).sum::<usize>()
        }
        _ => 0,
    }
}

/// One byte for each two significant digits begun, one more, and one for a minus sign.
fn number_size(number: &str) -> usize {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let significant = digits.trim_matches('0').len();
    significant.div_ceil(2) + 1 + usize::from(mantissa.starts_with('-'))
}

/// The raw length of base64 text.
fn binary_size(base64: &str) -> usize {
    base64.trim_end_matches('=').len() * 3 / 4
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_guides_two_attribute_item_takes_23_bytes() {
        assert_eq!(item_size(&json!({"shirt-color": {"S": "R"}, "shirt-size": {"S": "M"}})), 23);
    }

    #[test]
    fn each_type_has_its_size() {
        for (value, size) in [
            (json!({"S": "naïve"}), 6),
            (json!({"N": "0"}), 1),
            (json!({"N": "7"}), 2),
            (json!({"N": "1200"}), 2),
            (json!({"N": "0.0012"}), 2),
            (json!({"N": "-123"}), 4),
            (json!({"N": "1.5E10"}), 2),
            (json!({"N": "12345678901234567890"}), 11),
            (json!({"B": "aGVsbG8="}), 5),
            (json!({"BOOL": true}), 1),
            (json!({"NULL": true}), 1),
            (json!({"L": []}), 3),
            (json!({"M": {}}), 3),
            (json!({"L": [{"S": "ab"}, {"N": "1"}]}), 3 + 3 + 3),
            (json!({"M": {"ab": {"S": "c"}}}), 3 + 1 + 2 + 1),
            (json!({"SS": ["a", "bc"]}), 3),
            (json!({"NS": ["1", "22"]}), 4),
        ] {
            assert_eq!(value_size(&value), size, "{value}");
        }
    }

    #[test]
    fn units_round_up_to_the_next_kilobyte() {
        assert_eq!([0, 1, 500, 1024, 1025, 1536, 3584].map(units), [1, 1, 1, 1, 2, 2, 4]);
    }

    #[test]
    fn a_transaction_doubles_each_item() {
        let item = json!({"pk": {"S": "a".repeat(498)}});
        let put = json!({"TableName": "state", "Item": item});
        let key = json!({"pk": {"S": "a"}});
        let update =
            json!({"TableName": "state", "Key": key, "ExpressionAttributeValues": {":v": {"S": "b".repeat(1500)}}});
        let check = json!({"TableName": "state", "Key": key});
        let transaction = json!({"TransactItems": [{"Put": put}, {"Update": update}, {"ConditionCheck": check}]});
        let empty = |_: &str, _: &Value| 0;
        assert_eq!(request_units("PutItem", &put, empty), 1);
        assert_eq!(request_units("UpdateItem", &update, empty), 2);
        assert_eq!(request_units("TransactWriteItems", &transaction, empty), 2 + 4 + 2);
        assert_eq!(request_units("BatchGetItem", &json!({}), empty), 0);
    }

    #[test]
    fn the_larger_of_old_and_new_item_counts() {
        let put = json!({"TableName": "state", "Item": {"pk": {"S": "a"}}});
        assert_eq!(request_units("PutItem", &put, |_, _| 2049), 3);
    }
}
