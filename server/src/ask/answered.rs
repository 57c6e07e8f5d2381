//! An answer as bytes, and what names its content.

use heatgrid_engine::model::Work;
use memchr::memmem;

use crate::wire::format::Format;

/// An answer as bytes.
#[derive(Clone, Debug)]
pub struct Answered {
    /// What is sent or printed.
    pub bytes: Vec<u8>,
    /// Its form.
    pub format: Format,
    /// Whether converted_click was asked for and left out.
    pub withheld: bool,
    /// Where the list goes on, if it may.
    pub next: Option<String>,
    /// CSS px along one side of a picture's pixel; 1 in other forms.
    pub px_per_pixel: u32,
    /// What was read.
    pub work: Work,
}

impl Answered {
    /// A name of what the answer says: the same for as long as nothing else is answered, whenever it is asked.
    #[must_use]
    pub fn tag(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.format.name().as_bytes());
        for part in self.parts_but_moment() {
            hasher.update(part);
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }

    /// The bytes without the moment of asking, which is in the head of every JSON object.
    fn parts_but_moment(&self) -> [&[u8]; 2] {
        // In a text of JSON a quote has a backslash before it, so that no page can be taken for the member.
        const BEFORE: &[u8] = b"\"as_of\":\"";
        let moment = match self.format {
            Format::Json => memmem::find(&self.bytes, BEFORE),
            _ => None,
        };
        match moment {
            None => [&self.bytes, &[]],
            Some(at) => {
                let (before, after) = self.bytes.split_at(at + BEFORE.len());
                let end = memchr::memchr(b'"', after).unwrap_or(0);
                [before, &after[end..]]
            }
        }
    }
}
