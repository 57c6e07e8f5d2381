//! Requests as bytes, from the workload.

use std::fmt::Write;
use std::sync::Arc;

use heatgrid_engine::model::limits::BATCH_EVENTS;

use crate::batches::{Batches, Shape};
use crate::workload::Workload;

/// What of a viewport class is sent: its first px.
const CLASS_PX: u32 = 64;

/// Requests to the tracker's door, all of the same size in events.
#[derive(Clone)]
pub struct Beacons {
    /// A request, and where in it the batch's id stands.
    templates: Arc<[(Vec<u8>, usize)]>,
    /// Number of the first one.
    first: u64,
}

impl Beacons {
    /// `templates` different ones of `events` events each. `keys` are the sites', by their index in the workload.
    #[must_use]
    pub fn new(templates: usize, events: u64, keys: &[String]) -> Beacons {
        let workload = Workload::new(templates as u64 * events * 4);
        let batches =
            Batches::new(workload, Shape::Page, events).filter(|batch| batch.batch.events == events);
        let template = |batch: crate::batches::SiteBatch| {
            let page = &batch.batch.pages[0];
            let (mut sent, mut viewport_px) = (String::new(), 0);
            for row in &page.rows {
                let (layer, cell) = (row.key.layer(), row.key.cell());
                viewport_px = u32::from(layer.viewport().code()) * CLASS_PX;
                for _ in 0..row.count {
                    let comma = if sent.is_empty() { "" } else { "," };
                    let (kind, x, y) = (layer.kind().code(), cell.x() * 8, cell.y() * 8);
                    write!(sent, "{comma}[{kind},{x},{y},{},1200]", u8::from(layer.fixed()))
                        .expect("a string");
                }
            }
            let host = page.page.split('/').next().unwrap_or_default();
            let before = format!(r#"{{"key":"{}","id":""#, keys[batch.site]);
            let body = format!(
                r#"{before}{:032x}","pages":[{{"url":"https://{}","vw":{viewport_px},"events":[{sent}]}}]}}"#,
                0, page.page
            );
            // What Chromium 156 sends with the tracker's `fetch`, header by header.
            let head = format!(
                "POST /v1/collect HTTP/1.1\r\nHost: collect.example\r\nConnection: keep-alive\r\n\
                 Content-Length: {}\r\nsec-ch-ua-platform: \"Linux\"\r\n\
                 User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36\r\n\
                 sec-ch-ua: \"Not:A-Brand\";v=\"8\", \"Chromium\";v=\"156\"\r\n\
                 Content-Type: text/plain;charset=UTF-8\r\nsec-ch-ua-mobile: ?0\r\nAccept: */*\r\n\
                 Origin: https://{host}\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: cors\r\n\
                 Sec-Fetch-Dest: empty\r\nSec-Fetch-Storage-Access: none\r\nReferer: https://{host}/\r\n\
                 Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-US,en;q=0.9\r\n\r\n",
                body.len()
            );
            let id = head.len() + before.len();
            ((head + &body).into_bytes(), id)
        };
        Beacons { templates: batches.map(template).take(templates).collect(), first: 0 }
    }

    /// The same, but for their ids, which begin at `first`.
    #[must_use]
    pub fn from(&self, first: u64) -> Beacons {
        Beacons { first, ..self.clone() }
    }

    /// The request of a number, with an id of its own, in the place of what is in `request`.
    pub(super) fn write(&self, number: u64, request: &mut Vec<u8>) {
        let (template, id) = &self.templates[number as usize % self.templates.len()];
        let number = self.first + number;
        request.clear();
        request.extend_from_slice(template);
        for (digit, place) in request[*id..*id + 16].iter_mut().enumerate() {
            *place = b"0123456789abcdef"[(number >> (60 - 4 * digit)) as usize & 15];
        }
    }
}

/// NDJSON of `events` lines of the busiest site, as a bulk loader sends it.
///
/// # Panics
/// When that is more than one request may have.
#[must_use]
pub fn lines(events: usize, now_ms: u64) -> String {
    assert!(events <= BATCH_EVENTS, "one request");
    let mut text = String::new();
    let mut left = events;
    for batch in
        Batches::new(Workload::new(events as u64 * 8), Shape::Site, 10_000).filter(|batch| batch.site == 0)
    {
        for page in &batch.batch.pages {
            for row in &page.rows {
                let (layer, cell) = (row.key.layer(), row.key.cell());
                for _ in 0..row.count.min(left as u32) {
                    writeln!(
                        text,
                        r#"{{"ts":{},"url":"https://{}","kind":"{}","x":{},"y":{},"vw":{},"vh":900,"doch":5200,"country":"{}","fixed":{},"n":1}}"#,
                        now_ms - left as u64 * 10,
                        page.page,
                        layer.kind(),
                        cell.x() * 8,
                        cell.y() * 8,
                        u32::from(layer.viewport().code()) * CLASS_PX,
                        row.key.country(),
                        layer.fixed()
                    )
                    .expect("a string");
                    left -= 1;
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_whole_and_has_its_own_id() {
        let keys: Vec<String> = (0..crate::workload::SITES).map(|site| format!("eu_{site:032x}")).collect();
        let beacons = Beacons::new(50, 20, &keys);
        let (mut one, mut other) = (Vec::new(), Vec::new());
        beacons.write(7, &mut one);
        beacons.write(57, &mut other);
        let text = String::from_utf8(one.clone()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())));
        let beacon = heatgrid_server::wire::collect::read(body.as_bytes()).unwrap();
        assert_eq!((beacon.events(), beacon.id.0[7]), (20, 7));
        assert_ne!(one, other);
    }

    #[test]
    fn lines_are_as_many_as_asked_for_and_good() {
        let text = lines(3_000, 1_800_000_000_000);
        assert_eq!(text.lines().count(), 3_000);
        assert!(text.lines().all(|line| heatgrid_server::wire::event::read(line.as_bytes()).is_ok()));
    }
}
