//! The form in which the tracker writes a batch, read in one pass: members in its order, no white space, no escapes, whole
//! numbers. `None` is anything else, good or bad: then `serde_json` decides. Nearly every body is of this form, and for
//! `serde_json` it was a third of the work of a request, so that this is worth its lines; tests hold it to what that reads.

use std::borrow::Cow;

use heatgrid_engine::model::{BatchId, Kind};
use memchr::memchr;

use super::{Beacon, BeaconEvent, BeaconPage};

/// Digits of a number whose value is exact as an integer and as a float.
const DIGITS: usize = 15;
/// Room for the events of most pages of most beacons, so that their list does not grow step by step.
const USUAL_EVENTS: usize = 32;

pub(super) fn read(body: &[u8]) -> Option<Beacon<'_>> {
    let mut rest = Rest(body);
    rest.skip(br#"{"key":"#)?;
    let key = Cow::Borrowed(rest.text()?);
    rest.skip(br#","id":"#)?;
    let id = BatchId::from_hex(rest.text()?)?;
    let bot = match rest.skip(br#","bot":"#) {
        Some(()) if rest.skip(b"true").is_some() => true,
        Some(()) => rest.skip(b"false").map(|()| false)?,
        None => false,
    };
    rest.skip(br#","pages":["#)?;
    let mut pages = Vec::with_capacity(1);
    loop {
        pages.push(page(&mut rest)?);
        if rest.skip(b",").is_none() {
            break;
        }
    }
    rest.skip(b"]}")?;
    rest.0.is_empty().then_some(Beacon { key, id, bot, pages })
}

fn page<'a>(rest: &mut Rest<'a>) -> Option<BeaconPage<'a>> {
    rest.skip(br#"{"url":"#)?;
    let url = Cow::Borrowed(rest.text()?);
    rest.skip(br#","vw":"#)?;
    let viewport_px = u32::try_from(rest.number()?).ok()?;
    rest.skip(br#","events":["#)?;
    let mut events = Vec::with_capacity(USUAL_EVENTS);
    loop {
        events.push(event(rest)?);
        if rest.skip(b",").is_none() {
            break;
        }
    }
    rest.skip(b"]}")?;
    Some(BeaconPage { url, viewport_px, events })
}

#[inline]
fn event(rest: &mut Rest<'_>) -> Option<BeaconEvent> {
    rest.skip(b"[")?;
    let kind = Kind::from_code(u8::try_from(rest.short_number()?).ok()?)?;
    rest.skip(b",")?;
    let x = rest.number()? as f64;
    rest.skip(b",")?;
    let y = rest.number()? as f64;
    rest.skip(b",")?;
    let fixed = rest.short_number()? != 0;
    rest.skip(b",")?;
    let age_ms = rest.number()?;
    rest.skip(b"]")?;
    Some(BeaconEvent { kind, x, y, fixed, age_ms })
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// The length is known when this is compiled: a few comparisons, and no call to one.
    #[inline(always)]
    fn skip<const N: usize>(&mut self, expected: &[u8; N]) -> Option<()> {
        let (found, rest) = self.0.split_first_chunk()?;
        (found == expected).then(|| self.0 = rest)
    }

    /// A string of printable ASCII without escapes: keys, ids, and URLs as browsers give them.
    fn text(&mut self) -> Option<&'a str> {
        self.skip(b"\"")?;
        let (text, rest) = self.0.split_at_checked(memchr(b'"', self.0)?)?;
        let plain = |byte: &u8| matches!(byte, b' '..=b'~') & (*byte != b'\\');
        // All are looked at, whatever the first ones are: many at a time.
        if !text.iter().fold(true, |all, byte| all & plain(byte)) {
            return None;
        }
        self.0 = &rest[1..];
        std::str::from_utf8(text).ok()
    }

    /// A number that mostly has one digit.
    #[inline(always)]
    fn short_number(&mut self) -> Option<u64> {
        match self.0 {
            [digit @ b'0'..=b'9', after, ..] if !after.is_ascii_digit() => {
                self.0 = &self.0[1..];
                Some(u64::from(digit - b'0'))
            }
            _ => self.number(),
        }
    }

    /// A whole number without a sign.
    #[inline(always)]
    fn number(&mut self) -> Option<u64> {
        let leading = self.0.first_chunk().and_then(|bytes| leading_number(*bytes));
        let (value, digits) = leading.or_else(|| self.long_number())?;
        let is_number = digits == 1 || self.0[0] != b'0';
        self.0 = &self.0[digits..];
        // What goes on like `.5` or `e3` is no whole number: whatever is expected next is not there.
        is_number.then_some(value)
    }

    /// One of more than seven digits, or near the end. With how many digits it has.
    #[cold]
    fn long_number(&self) -> Option<(u64, usize)> {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let value = |digits: &[u8]| digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        matches!(digits, 1..=DIGITS).then(|| (value(&self.0[..digits]), digits))
    }
}

/// The number that eight bytes begin with and how many digits it has, if it ends in them. Without a loop over its digits,
/// whose end is different each time and never foreseen.
#[inline(always)]
fn leading_number(bytes: [u8; 8]) -> Option<(u64, usize)> {
    // The first byte is the lowest one, and the digits '0' to '9' become 0 to 9.
    let values = u64::from_le_bytes(bytes) ^ 0x3030_3030_3030_3030;
    // The high bit of each byte that is none of those, up to the first: beyond it, sums carry over.
    let others = (values.wrapping_add(0x7676_7676_7676_7676) | values) & 0x8080_8080_8080_8080;
    let bits = others.trailing_zeros() & !7;
    if bits == 0 || bits == 64 {
        return None;
    }
    // As if zeros stood before it: its last digit is in the highest byte.
    let digits = values << (64 - bits);
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    let eight = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff;
    Some((eight, bits as usize / 8))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "9f86d081884c7d659a2feaa0c55ad015";

    /// What is read here is what `serde_json` reads; says whether it is.
    fn agrees(body: &str) -> bool {
        let Some(plain) = read(body.as_bytes()) else { return false };
        let full: Beacon<'_> = serde_json::from_str(body).expect("what is plain is good");
        assert_eq!((&plain.key, plain.id, plain.bot), (&full.key, full.id, full.bot), "{body}");
        assert_eq!(plain.pages.len(), full.pages.len(), "{body}");
        for (plain, full) in plain.pages.iter().zip(&full.pages) {
            assert_eq!((&plain.url, plain.viewport_px), (&full.url, full.viewport_px), "{body}");
            assert_eq!(plain.events, full.events, "{body}");
        }
        true
    }

    fn body(pages: &str) -> String {
        format!(r#"{{"key":"eu_k","id":"{ID}","pages":[{pages}]}}"#)
    }

    #[test]
    fn what_the_tracker_writes_is_plain() {
        let page = r#"{"url":"https://a.example/?b=c#d","vw":390,"events":[[1,300,0,0,1200],[6,0,999999999999999,1,0]]}"#;
        assert!(agrees(&body(page)) && agrees(&body(&format!("{page},{page}"))));
        for bot in ["true", "false"] {
            assert!(agrees(&body(page).replace(r#","pages""#, &format!(r#","bot":{bot},"pages""#))));
        }
    }

    #[test]
    fn what_is_unusual_is_left_to_the_full_reader() {
        for event in [
            "[1,1.5,0,0,0]",
            "[1,-1,0,0,0]",
            "[1,1e3,0,0,0]",
            "[1,01,0,0,0]",
            "[1,,0,0,0]",
            "[1,1,0,0]",
            "[1,1,0,0,0,0]",
            "[1,1,0,0,1000000000000000]",
            "[300,1,0,0,0]",
            "[1, 1,0,0,0]",
            "",
        ] {
            assert!(!agrees(&body(&format!(r#"{{"url":"u","vw":1,"events":[{event}]}}"#))), "{event}");
        }
        for page in [
            r#"{"url":"\u0041","vw":1,"events":[[1,1,1,0,0]]}"#,
            r#"{"url":"é","vw":1,"events":[[1,1,1,0,0]]}"#,
            r#"{"vw":1,"url":"u","events":[[1,1,1,0,0]]}"#,
            r#"{"url":"u","vw":5000000000,"events":[[1,1,1,0,0]]}"#,
            "",
        ] {
            assert!(!agrees(&body(page)), "{page}");
        }
        let good = body(r#"{"url":"u","vw":1,"events":[[1,1,1,0,0]]}"#);
        assert!(agrees(&good));
        for cut in 0..good.len() {
            assert!(!agrees(&good[..cut]), "cut at {cut}");
        }
        assert!(!agrees(&format!("{good} ")) && !agrees(&format!("{good}x")));
    }

    proptest! {
        #[test]
        fn whatever_is_read_here_is_read_alike_by_the_full_reader(
            at in 0_usize..200, length in 0_usize..3, put in r#"[0-9\[\]{},":.eE+\\ -]{0,3}"#, bot in any::<bool>(),
        ) {
            let page = r#"{"url":"https://a.example/","vw":390,"events":[[1,300,0,0,1200],[2,7,8,1,0]]}"#;
            let good = body(&format!("{page},{page}")).replace(r#","pages""#, &format!(r#","bot":{bot},"pages""#));
            let from = at.min(good.len());
            let to = (from + length).min(good.len());
            agrees(&format!("{}{put}{}", &good[..from], &good[to..]));
        }

        #[test]
        fn a_number_is_read_at_once_as_digit_by_digit(
            bytes in prop::array::uniform8(prop_oneof![3 => b'0'..=b'9', 1 => any::<u8>()]),
        ) {
            let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let text = std::str::from_utf8(&bytes[..digits]).expect("digits");
            let expected = text.parse().ok().map(|value: u64| (value, digits));
            // Eight digits may go on.
            prop_assert_eq!(leading_number(bytes), expected.filter(|_| digits < 8));
        }

        #[test]
        fn events_with_numbers_of_any_length_are_read_alike(event: [u64; 5], shifts: [u8; 5]) {
            let part = |at: usize| event[at] >> (shifts[at] % 64);
            let (kind, x, y, age) = (part(0) % 11, part(1), part(2), part(4));
            let event = format!("[{kind},{x},{y},{},{age}]", part(3) % 2);
            let plain = agrees(&body(&format!(r#"{{"url":"u","vw":1,"events":[{event}]}}"#)));
            prop_assert_eq!(plain, [x, y, age].iter().all(|number| *number < 1_000_000_000_000_000), "{}", event);
        }
    }
}
