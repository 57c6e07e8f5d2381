//! Pages of a batch: text, rows and hour totals, in ascending order.

use crate::format::frame::{Cursor, FormatError, put_counted, put_varint};
use crate::model::limits::PAGE_BYTES;
use crate::model::{HourOfSite, HourRow, Kind, PageRows, Row, RowKey};

/// Most bytes of a row: a key has 63 bits, a count 32.
const ROW_BYTES: usize = 9 + 5;
/// Most bytes of an hour total: a code has 25 bits, a count 64.
const HOUR_BYTES: usize = 4 + 10;
/// Bytes of a page beside its text and rows: length of the text and the two counts.
const PAGE_FRAME_BYTES: usize = 2 + 4 + 4;
/// Bits of an hour in its code.
const HOUR_BITS: u32 = 21;

/// What is left to write of a page.
#[derive(Clone, Copy)]
pub(super) struct Unwritten<'a> {
    text: &'a str,
    rows: &'a [Row],
    hours: &'a [HourRow],
}

impl<'a> Unwritten<'a> {
    pub(super) fn all_of(page: &'a PageRows) -> Unwritten<'a> {
        Unwritten { text: &page.page, rows: &page.rows, hours: &page.hours }
    }

    /// Most bytes that all of it takes.
    pub(super) fn most_bytes(&self) -> usize {
        let rows = self.rows.len().saturating_mul(ROW_BYTES);
        let hours = self.hours.len().saturating_mul(HOUR_BYTES);
        self.text.len().saturating_add(PAGE_FRAME_BYTES).saturating_add(rows).saturating_add(hours)
    }

    /// Appends as much of it as fits below `limit` bytes of `target`; gives what is left, if anything is.
    pub(super) fn put(self, target: &mut Vec<u8>, limit: usize) -> Option<Unwritten<'a>> {
        let room = |target: &Vec<u8>| limit.saturating_sub(target.len());
        let frame = PAGE_FRAME_BYTES.saturating_add(self.text.len());
        if room(target) < frame.saturating_add(ROW_BYTES.max(HOUR_BYTES)) {
            return Some(self);
        }
        put_counted(target, self.text.as_bytes());
        // The count of hours that follows must still fit.
        let fit = |target: &Vec<u8>| room(target).saturating_sub(4).checked_div(ROW_BYTES).unwrap_or(0);
        let rows_left = put_list(target, self.rows, fit, 0, |target, previous, row| {
            put_varint(target, row.key.bits().wrapping_sub(previous));
            put_varint(target, u64::from(row.count));
            row.key.bits()
        });
        let fit = |target: &Vec<u8>| match rows_left {
            [] => room(target).checked_div(HOUR_BYTES).unwrap_or(0),
            _ => 0,
        };
        let hours_left = put_list(target, self.hours, fit, 0, |target, previous, hour| {
            let code = u64::from(hour.kind.code()).wrapping_shl(HOUR_BITS) | u64::from(hour.hour.number());
            put_varint(target, code.wrapping_sub(previous));
            put_varint(target, hour.count);
            code
        });
        let left = Unwritten { text: self.text, rows: rows_left, hours: hours_left };
        Some(left).filter(|left| !left.rows.is_empty() || !left.hours.is_empty())
    }
}

/// Appends a count and items while `fit` says that more fit; gives those that did not.
fn put_list<'a, T>(
    target: &mut Vec<u8>,
    items: &'a [T],
    fit: impl Fn(&Vec<u8>) -> usize,
    mut state: u64,
    mut put: impl FnMut(&mut Vec<u8>, u64, &T) -> u64,
) -> &'a [T] {
    let count_at = target.len();
    target.extend_from_slice(&[0; 4]);
    let mut left = items;
    // Room is counted for the longest items; they are shorter, so that it is asked again.
    while let Some((some, rest)) = left.split_at_checked(fit(target).min(left.len())) {
        if some.is_empty() {
            break;
        }
        for item in some {
            state = put(target, state, item);
        }
        left = rest;
    }
    let count = items.len().saturating_sub(left.len()) as u32;
    if let Some(place) = target.get_mut(count_at..).and_then(|tail| tail.first_chunk_mut::<4>()) {
        *place = count.to_le_bytes();
    }
    left
}

/// Reads pages up to the end of the bytes.
pub(super) fn decode_pages(cursor: &mut Cursor<'_>) -> Result<Vec<PageRows>, FormatError> {
    let mut pages: Vec<PageRows> = Vec::new();
    while !cursor.rest().is_empty() {
        let text = cursor.text(PAGE_BYTES)?;
        if text.is_empty() || pages.last().is_some_and(|last| *last.page >= *text) {
            return Err(cursor.invalid(text.len() as u64));
        }
        let rows = decode_rows(cursor)?;
        let hours = decode_hours(cursor)?;
        pages.push(PageRows { page: text.into(), rows, hours });
    }
    Ok(pages)
}

/// A count of items of at least two bytes each.
fn count(cursor: &mut Cursor<'_>) -> Result<usize, FormatError> {
    let count = cursor.u32()?;
    match cursor.rest().len().checked_div(2) {
        Some(most) if count as usize <= most => Ok(count as usize),
        _ => Err(cursor.invalid(u64::from(count))),
    }
}

fn decode_rows(cursor: &mut Cursor<'_>) -> Result<Vec<Row>, FormatError> {
    let rows = count(cursor)?;
    let mut decoded = Vec::with_capacity(rows);
    let mut bits = 0_u64;
    for _ in 0..rows {
        let delta = cursor.varint()?;
        // Equal keys are possible: counts whose sum would overflow.
        bits = bits.checked_add(delta).ok_or_else(|| cursor.invalid(delta))?;
        let key = RowKey::from_bits(bits).ok_or_else(|| cursor.invalid(bits))?;
        let count = cursor.varint_u32()?;
        if count == 0 {
            return Err(cursor.invalid(0));
        }
        decoded.push(Row { key, count });
    }
    Ok(decoded)
}

fn decode_hours(cursor: &mut Cursor<'_>) -> Result<Vec<HourRow>, FormatError> {
    let hours = count(cursor)?;
    let mut decoded: Vec<HourRow> = Vec::with_capacity(hours);
    let mut code = 0_u64;
    for _ in 0..hours {
        let delta = cursor.varint()?;
        code = code.checked_add(delta).ok_or_else(|| cursor.invalid(delta))?;
        let kind = u8::try_from(code.wrapping_shr(HOUR_BITS)).ok().and_then(Kind::from_code);
        let hour = HourOfSite::from_number((code & 0x1f_ffff) as u32);
        let count = cursor.varint()?;
        match (kind, hour) {
            (Some(kind), Some(hour))
                if count > 0 && !kind.is_conversion() && (delta > 0 || decoded.is_empty()) =>
            {
                decoded.push(HourRow { kind, hour, count });
            }
            _ => return Err(cursor.invalid(code)),
        }
    }
    Ok(decoded)
}
