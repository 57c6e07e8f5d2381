//! What an ingest request is answered: `{"accepted":N,"dropped":{"reason":M}}`.

use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use crate::intake::Tally;

/// A tally as its answer. Both members are always there.
#[derive(Clone, Copy, Debug)]
pub struct Receipt<'a>(pub &'a Tally);

impl Receipt<'_> {
    /// The answer as bytes.
    #[must_use]
    pub fn to_json(self) -> Vec<u8> {
        serde_json::to_vec(&self).expect("names and numbers are valid JSON")
    }
}

impl Serialize for Receipt<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut receipt = serializer.serialize_struct("Receipt", 2)?;
        receipt.serialize_field("accepted", &self.0.accepted())?;
        receipt.serialize_field("dropped", &Dropped(self.0))?;
        receipt.end()
    }
}

struct Dropped<'a>(&'a Tally);

impl Serialize for Dropped<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut dropped = serializer.serialize_map(None)?;
        for (reason, events) in self.0.dropped() {
            dropped.serialize_entry(reason.name(), &events)?;
        }
        dropped.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::DropReason;

    #[test]
    fn both_members_are_always_there() {
        let mut tally = Tally::default();
        assert_eq!(Receipt(&tally).to_json(), br#"{"accepted":0,"dropped":{}}"#);
        tally.accept(7);
        tally.drop(DropReason::Future, 2);
        tally.drop(DropReason::Consent, 3);
        assert_eq!(Receipt(&tally).to_json(), br#"{"accepted":7,"dropped":{"consent":3,"future":2}}"#);
    }
}
