//! Which form an answer has when the question does not say: what the client would rather have.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, ACCEPT_ENCODING};

use crate::wire::format::Format;

/// Media types by which a form is asked for. Points are JSON and have no type of their own.
const TYPES: [(&str, Format); 7] = [
    ("application/json", Format::Json),
    ("text/csv", Format::Csv),
    ("application/x-ndjson", Format::Ndjson),
    ("application/ndjson", Format::Ndjson),
    ("application/jsonl", Format::Ndjson),
    ("image/png", Format::Png),
    ("application/octet-stream", Format::Bin),
];

/// The form of `forms` that `Accept` likes best; the first one when it likes several or none (RFC 9110, 12.4.1: a
/// client that has no use for it can still say so).
pub(super) fn best(headers: &HeaderMap, forms: &[Format]) -> Format {
    let first = forms[0];
    let wanted: Vec<(String, f32)> = weighted(headers, ACCEPT).collect();
    // What is named counts more than what a wildcard allows.
    let weight = |form: Format| {
        let types = TYPES.iter().filter(|(_, of)| *of == form).map(|(name, _)| *name);
        let of = |name: &str| {
            let any_of_kind = format!("{}/*", name.split('/').next().unwrap_or_default());
            let find =
                |range: &str| wanted.iter().find(|(media, _)| media == range).map(|(_, weight)| *weight);
            find(name).or_else(|| find(&any_of_kind)).or_else(|| find("*/*")).unwrap_or(0.0)
        };
        types.map(of).fold(0.0, f32::max)
    };
    forms.iter().copied().fold(first, |best, form| if weight(form) > weight(best) { form } else { best })
}

/// Whether the client takes gzip.
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
    weighted(headers, ACCEPT_ENCODING).any(|(coding, weight)| coding == "gzip" && weight > 0.0)
}

/// The members of a list with weights (`q=`), in small letters.
fn weighted(headers: &HeaderMap, name: axum::http::HeaderName) -> impl Iterator<Item = (String, f32)> + '_ {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|member| {
        let mut parts = member.split(';').map(str::trim);
        let what = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
        (what, weight)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(accept: &str, forms: &[Format]) -> Format {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        best(&headers, forms)
    }

    #[test]
    fn the_form_that_is_liked_best_is_answered() {
        let all = Format::ALL;
        for (accept, form) in [
            ("application/json", Format::Json),
            ("text/csv", Format::Csv),
            ("TEXT/CSV;charset=utf-8", Format::Csv),
            ("application/x-ndjson, application/json;q=0.5", Format::Ndjson),
            ("application/json;q=0.4, text/csv;q=0.9", Format::Csv),
            ("image/avif,image/webp,image/apng,image/*,*/*;q=0.8", Format::Png),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Format::Json),
            ("application/octet-stream", Format::Bin),
            ("*/*", Format::Json),
            ("text/html", Format::Json),
            ("", Format::Json),
        ] {
            assert_eq!(of(accept, &all), form, "{accept}");
        }
        assert_eq!(best(&HeaderMap::new(), &all), Format::Json);
        assert_eq!(of("image/*", &[Format::Json, Format::Csv]), Format::Json);
    }

    #[test]
    fn gzip_is_sent_to_who_takes_it() {
        for (accept, takes) in
            [("gzip, deflate, br", true), ("gzip;q=0", false), ("br", false), ("deflate, GZIP;q=0.1", true)]
        {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, accept.parse().unwrap());
            assert_eq!(takes_gzip(&headers), takes, "{accept}");
        }
    }
}
