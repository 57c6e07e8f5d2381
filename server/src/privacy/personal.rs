//! Which path segments look as if they named a person or a session.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Shortest number that is taken for an account, an order or a telephone.
const NUMBER_DIGITS: usize = 9;
/// Shortest run of letters and digits that is taken for a token.
const TOKEN_BYTES: usize = 20;
/// How often a segment may have been percent-encoded and still be looked into.
const DECODING_ROUNDS: usize = 3;

/// Whether a path segment, percent-encoded or not, is an e-mail address, a UUID, a number of 9 digits or more, or
/// 20 and more of `[A-Za-z0-9_-]` with both a letter and a digit.
pub(super) fn is_personal(segment: &str) -> bool {
    let mut segment = Cow::Borrowed(segment);
    for _ in 0..DECODING_ROUNDS {
        if is_email(&segment) || is_uuid(&segment) || is_number(&segment) || is_token(&segment) {
            return true;
        }
        if !segment.contains('%') {
            return false;
        }
        segment = Cow::Owned(percent_decode_str(&segment).decode_utf8_lossy().into_owned());
    }
    is_email(&segment) || is_uuid(&segment) || is_number(&segment) || is_token(&segment)
}

/// Something, an `@`, and right behind it a domain whose last label is no number: `react@18.2.0` is a package.
fn is_email(segment: &str) -> bool {
    segment.match_indices('@').any(|(at, _)| {
        let in_domain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
        let domain = &segment[at + 1..];
        let domain = domain[..domain.find(|c| !in_domain(c)).unwrap_or(domain.len())].trim_end_matches('.');
        let last_label = domain.rsplit_once('.').filter(|(name, _)| !name.is_empty()).map(|(_, last)| last);
        at > 0 && last_label.is_some_and(|last| last.starts_with(char::is_alphabetic))
    })
}

fn is_uuid(segment: &str) -> bool {
    let bare = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(segment);
    bare.len() == 36
        && bare.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_number(segment: &str) -> bool {
    let digits = segment.strip_prefix(['+', '-']).unwrap_or(segment);
    digits.len() >= NUMBER_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_token(segment: &str) -> bool {
    segment.len() >= TOKEN_BYTES
        && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        && segment.bytes().any(|byte| byte.is_ascii_alphabetic())
        && segment.bytes().any(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::is_personal;

    #[test]
    fn what_names_a_person_or_a_session_is_seen() {
        for segment in [
            "a@b.c",
            "a%40b.c",
            "a%2540b.c",
            "%61%40b%2Ec",
            "mailto:jane.doe+news@mail.example",
            "jane@mail.example;unsubscribe",
            "jürgen@müller.example",
            "550e8400-e29b-41d4-a716-446655440000",
            "550E8400-E29B-41D4-A716-446655440000",
            "%7B550e8400-e29b-41d4-a716-446655440000%7D",
            "11111111-1111-1111-1111-111111111111",
            "123456789",
            "%31%32%33%34%35%36%37%38%39",
            "+4915112345678",
            "abcdefghijklmnopqrs1",
            "eyJhbGciOiJIUzI1NiIsInR5cCI6",
            "long-article-name-of-2026",
        ] {
            assert!(is_personal(segment), "{segment}");
        }
    }

    #[test]
    fn what_names_a_thing_stays() {
        for segment in [
            "",
            "*",
            "12345678",
            "@jane",
            "react@18.2.0",
            "a@b",
            "@",
            "x@.c",
            "abcdefghijklmnopqr1",
            "abcdefghijklmnopqrstuvwxyz",
            "1234-5678-9012-3456-7890",
            "a.long.name.with.dots.and.1.digit",
            "choose-date-nodelay-2026.html",
            "Amazon%282%29.png",
            "%",
            "%zz%4",
        ] {
            assert!(!is_personal(segment), "{segment}");
        }
    }
}
