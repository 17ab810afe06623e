//! For `#[serde(with = "epoch_millis")]`: a timestamp as a number of milliseconds since the epoch.

use serde::{Deserialize, Deserializer, Serializer};

use super::timestamp::Timestamp;

pub fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(time.as_millis())
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    i64::deserialize(deserializer).map(Timestamp::from_millis)
}
