//! JSON, NDJSON and CSV into a buffer.

use serde::Serialize;

/// Appends a JSON value. Nothing that is answered has a key or a number that JSON cannot say.
pub(super) fn json(out: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(out, value).expect("answers are valid JSON, and a buffer takes all bytes");
}

/// A JSON value in a buffer of its own, with a LF behind it, as a file or a terminal wants it.
pub(super) fn json_line(value: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::new();
    json(&mut out, value);
    out.push(b'\n');
    out
}

/// Each item as JSON on a line.
pub(super) fn ndjson(items: impl IntoIterator<Item = impl Serialize>) -> Vec<u8> {
    let mut out = Vec::new();
    for item in items {
        json(&mut out, &item);
        out.push(b'\n');
    }
    out
}

/// A CSV file that begins with its header.
pub(super) struct Csv(Vec<u8>);

impl Csv {
    pub(super) fn with_header(header: &str) -> Csv {
        Csv(format!("{header}\n").into_bytes())
    }

    /// A text; quoted when it has a comma, a quote or a line break in it. One that a spreadsheet would take for a
    /// formula has an apostrophe before it: whoever writes events chooses the host, and no real host begins so.
    pub(super) fn text(&mut self, text: &str) -> &mut Csv {
        self.separate();
        let guarded;
        let text = match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
            true => {
                guarded = format!("'{text}");
                &guarded
            }
            false => text,
        };
        if text.contains([',', '"', '\n', '\r']) {
            self.0.push(b'"');
            self.0.extend(text.replace('"', "\"\"").into_bytes());
            self.0.push(b'"');
        } else {
            self.0.extend(text.as_bytes());
        }
        self
    }

    /// A number.
    pub(super) fn number(&mut self, number: impl Serialize) -> &mut Csv {
        self.separate();
        json(&mut self.0, &number);
        self
    }

    /// Ends a line.
    pub(super) fn end(&mut self) {
        self.0.push(b'\n');
    }

    /// The file.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn separate(&mut self) {
        if !self.0.ends_with(b"\n") {
            self.0.push(b',');
        }
    }
}
