//! One entry of a manifest's segment list. `docs/FORMAT.md`, section "Manifest".

use super::frame::{Cursor, FormatError};
use super::segment::{SegmentEntry, put_header, take_header};
use crate::model::Day;

/// Bytes of an encoded entry.
pub const SEGMENT_ENTRY_BYTES: usize = 136;

impl SegmentEntry {
    /// Appends its bytes: `SEGMENT_ENTRY_BYTES` of them.
    pub fn encode(&self, target: &mut Vec<u8>) {
        target.extend_from_slice(&self.number.to_le_bytes());
        put_header(target, &self.header);
        target.extend_from_slice(&self.length_bytes.to_le_bytes());
        target.extend_from_slice(&self.sites.to_le_bytes());
        target.extend_from_slice(&self.cells.to_le_bytes());
        target.extend_from_slice(&self.rows.to_le_bytes());
        target.extend_from_slice(&self.events.to_le_bytes());
        target.extend_from_slice(&self.footer_crc.to_le_bytes());
        target.extend_from_slice(&self.first_day.number().to_le_bytes());
        target.extend_from_slice(&self.last_day.number().to_le_bytes());
        target.push(self.level);
        target.extend_from_slice(&[0; 7]);
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// When the bytes end early or say what no segment can be: sequences or days in the wrong order, days outside of
    /// its month.
    pub fn decode(cursor: &mut Cursor<'_>) -> Result<SegmentEntry, FormatError> {
        let number = cursor.u64()?;
        let header = take_header("segment entry", cursor)?;
        let entry = SegmentEntry {
            number,
            header,
            length_bytes: cursor.u64()?,
            sites: cursor.u64()?,
            cells: cursor.u64()?,
            rows: cursor.u64()?,
            events: cursor.u64()?,
            footer_crc: cursor.u32()?,
            first_day: Day::from_number(cursor.u16()?),
            last_day: Day::from_number(cursor.u16()?),
            level: cursor.u8()?,
        };
        cursor.zeros(7)?;
        if entry.header.seq_lo > entry.header.seq_hi {
            return Err(cursor.invalid(entry.header.seq_lo.0));
        }
        let days = entry.header.month.days();
        if entry.first_day > entry.last_day
            || !days.contains(entry.first_day)
            || !days.contains(entry.last_day)
        {
            return Err(cursor.invalid(u64::from(entry.first_day.number())));
        }
        Ok(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::segment::SegmentHeader;
    use crate::model::{Month, Region, Seq};

    fn entry() -> SegmentEntry {
        let month = Month::from_number(672).unwrap();
        let header = SegmentHeader {
            uuid: *b"0123456789abcdef",
            region: Region::new("eu").unwrap(),
            month,
            seq_lo: Seq(3),
            seq_hi: Seq(9),
            purged_through: Seq(1),
            key_id: [0; 16],
            aead: 0,
        };
        SegmentEntry {
            number: 7,
            header,
            length_bytes: 8_192,
            footer_crc: 0xdead_beef,
            sites: 2,
            cells: 30,
            rows: 40,
            events: 50,
            first_day: month.day(0),
            last_day: month.day(30),
            level: 1,
        }
    }

    #[test]
    fn an_entry_is_read_back() {
        let mut bytes = Vec::new();
        entry().encode(&mut bytes);
        assert_eq!(bytes.len(), SEGMENT_ENTRY_BYTES);
        let mut cursor = Cursor::new("test", &bytes);
        assert_eq!(SegmentEntry::decode(&mut cursor), Ok(entry()));
        assert_eq!(cursor.finish(), Ok(()));
        for length in 0..bytes.len() {
            assert!(SegmentEntry::decode(&mut Cursor::new("test", &bytes[..length])).is_err(), "{length}");
        }
    }

    #[test]
    fn an_entry_that_no_segment_has_is_refused() {
        let good = entry();
        let refused = [
            SegmentEntry { last_day: good.last_day.plus(1), ..good.clone() },
            SegmentEntry { first_day: good.first_day.minus(1), ..good.clone() },
            SegmentEntry { first_day: good.last_day, last_day: good.first_day, ..good.clone() },
            SegmentEntry { header: SegmentHeader { seq_lo: Seq(10), ..good.header.clone() }, ..good },
        ];
        for entry in refused {
            let mut bytes = Vec::new();
            entry.encode(&mut bytes);
            assert!(SegmentEntry::decode(&mut Cursor::new("test", &bytes)).is_err(), "{entry:?}");
        }
    }
}
