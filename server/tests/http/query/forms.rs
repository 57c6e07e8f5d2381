use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::shop;
use crate::harness::{OPERATOR, START_MS, Server};

type Cells = BTreeMap<(u64, u64), u64>;

#[tokio::test]
async fn a_form_is_asked_for_by_parameter_or_header() {
    let server = Server::start().await;
    let token = shop(&server).await;
    let grid = "/v1/sites/shop/grid?page=shop.example/p";
    for (format, accept, media) in [
        ("json", "application/json", "application/json"),
        ("csv", "text/csv", "text/csv; charset=utf-8"),
        ("ndjson", "application/x-ndjson", "application/x-ndjson"),
        ("png", "image/png", "image/png"),
        ("bin", "application/octet-stream", "application/octet-stream"),
        ("points", "", "application/json"),
    ] {
        let named =
            server.get(&format!("{grid}&format={format}")).token(&token).header("accept", "text/html");
        let named = named.send().await;
        assert_eq!((named.status, named.header("content-type")), (200, Some(media)), "{format}");
        if !accept.is_empty() {
            let liked = server.get(grid).token(&token).header("accept", accept).send().await;
            assert_eq!(liked.header("content-type"), Some(media), "{accept}");
            assert_eq!(liked.header("etag"), named.header("etag"), "{accept}");
        }
    }
    for path in ["series", "pages", "summary", "scroll"] {
        let csv = server.get(&format!("/v1/sites/shop/{path}")).token(&token).header("accept", "text/csv");
        let csv = csv.send().await;
        assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"), "{path}");
        assert!(csv.bytes.ends_with(b"\n") && !csv.bytes.contains(&b'\r'), "{path}");
    }
}

#[tokio::test]
async fn a_picture_is_a_png_with_nothing_where_nothing_was() {
    let server = Server::start().await;
    let token = shop(&server).await;
    let path = "/v1/sites/shop/grid?page=shop.example/p&format=png&colormap=inferno&radius=16&opacity=100";
    let picture = server.get(path).token(&token).send().await;
    assert_eq!(picture.header("heatgrid-px-per-pixel"), Some("1"));
    let mut decoder = png::Decoder::new(std::io::Cursor::new(&picture.bytes[..]));
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::ALPHA);
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.width, info.height), (6 * 8 + 16, 3 * 8 + 16));
    let opacity = |x: u32, y: u32| pixels[(y * info.width + x) as usize * 4 + 3];
    assert_eq!((opacity(12, 20), opacity(63, 39)), (255, 0));
}

/// The cells that each form says.
async fn cells_of(server: &Server, question: &str) -> Vec<(&'static str, Cells)> {
    let mut all = Vec::new();
    for format in ["json", "csv", "ndjson", "points", "bin"] {
        let path = format!("/v1/sites/shop/grid?{question}&format={format}");
        let answer = server.get(&path).token(OPERATOR).send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let number = |value: &Value| value.as_u64().unwrap();
        let text = || std::str::from_utf8(&answer.bytes).unwrap();
        let cells: Cells = match format {
            "json" => {
                let cells = answer.json()["cells"].as_array().unwrap().clone();
                cells.iter().map(|cell| ((number(&cell[0]), number(&cell[1])), number(&cell[2]))).collect()
            }
            "csv" => {
                let mut lines = text().lines();
                assert_eq!(lines.next(), Some("cell_x,cell_y,count"));
                let parse = |line: &str| {
                    let mut numbers = line.split(',').map(|number| number.parse().unwrap());
                    let mut next = || numbers.next().unwrap();
                    ((next(), next()), next())
                };
                lines.map(parse).collect()
            }
            "ndjson" => {
                let cell = |line: &str| {
                    let cell: Value = serde_json::from_str(line).unwrap();
                    ((number(&cell["x"]), number(&cell["y"])), number(&cell["count"]))
                };
                text().lines().map(cell).collect()
            }
            "points" => {
                let points = answer.json()["data"].as_array().unwrap().clone();
                let cell = |point: &Value| {
                    ((number(&point["x"]) / 16, number(&point["y"]) / 16), number(&point["value"]))
                };
                points.iter().map(cell).collect()
            }
            _ => {
                let word =
                    |at: usize| u64::from(u32::from_le_bytes(answer.bytes[at..at + 4].try_into().unwrap()));
                let count = word(16) as usize;
                let cell = |at: usize| {
                    let code = word(36 + 4 * at);
                    ((code >> 15, code & 0x7fff), word(36 + 4 * count + 4 * at))
                };
                (0..count).map(cell).collect()
            }
        };
        all.push((format, cells));
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_form_has_the_same_cells(
        events in proptest::collection::vec((0_u32..2_000, 0_u32..9_000, 1_u32..1_000_000), 0..60),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let server = Server::start().await;
            server.site("shop", json!({})).await;
            let mut expected = Cells::new();
            let mut lines = String::new();
            for (x, y, n) in &events {
                *expected.entry((u64::from(x / 16), u64::from(y / 16))).or_default() += u64::from(*n);
                lines += &format!(
                    "{{\"ts\":{START_MS},\"url\":\"https://a.example/\",\"kind\":\"move\",\"x\":{x},\"y\":{y},\"n\":{n}}}\n"
                );
            }
            super::add(&server, "shop", &lines).await;
            for (format, cells) in cells_of(&server, "page=a.example/&kind=move&cell=16").await {
                assert_eq!(cells, expected, "{format}");
            }
        });
    }
}
