use super::shop;
use crate::harness::{START_MS, Server};

const GRID: &str = "/v1/sites/shop/grid?page=shop.example/p";

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let server = Server::start().await;
    let token = shop(&server).await;
    let first = server.get(GRID).token(&token).send().await;
    let tag = first.header("etag").unwrap().to_owned();
    assert_eq!(first.header("cache-control"), Some("private, no-cache"));
    server.clock.set(START_MS + 90_000);
    let again = server.get(GRID).token(&token).header("if-none-match", &tag).send().await;
    assert_eq!((again.status, again.bytes.len()), (304, 0), "{again:?}");
    assert_eq!(
        (again.header("etag"), again.header("cache-control")),
        (Some(&*tag), Some("private, no-cache"))
    );
    for (path, changed) in [
        (GRID.to_owned(), false),
        (format!("{GRID}&format=csv"), true),
        (format!("{GRID}&cell=16"), true),
        (format!("{GRID}&format=png"), true),
        (format!("{GRID}&format=bin"), true),
    ] {
        let answer = server.get(&path).token(&token).header("if-none-match", &tag).send().await;
        assert_eq!(answer.status, if changed { 200 } else { 304 }, "{path}");
    }
    let line = format!(r#"{{"ts":{START_MS},"url":"https://shop.example/p","kind":"click","x":9,"y":17}}"#);
    super::add(&server, "shop", &line).await;
    let changed = server.get(GRID).token(&token).header("if-none-match", &tag).send().await;
    assert_eq!((changed.status, &changed.json()["total"]), (200, &serde_json::json!(5)));
    assert_ne!(changed.header("etag"), Some(&*tag));
}

#[tokio::test]
async fn a_question_in_a_body_is_always_answered() {
    let server = Server::start().await;
    let token = shop(&server).await;
    let question = serde_json::json!({"page": "shop.example/p"});
    let asked =
        || server.post("/v1/sites/shop/grid").token(&token).header("if-none-match", "*").json(&question);
    assert_eq!(asked().send().await.status, 200);
}

#[tokio::test]
async fn head_says_what_get_would_send() {
    let server = Server::start().await;
    let token = shop(&server).await;
    for path in [GRID.to_owned(), format!("{GRID}&format=png"), "/v1/sites/shop/pages".to_owned()] {
        let get = server.get(&path).token(&token).send().await;
        let head = server.request("HEAD", &path).token(&token).send().await;
        assert_eq!((head.status, head.bytes.len()), (200, 0), "{path}");
        for name in ["etag", "content-type", "content-length"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
    }
}

#[tokio::test]
async fn large_texts_are_compressed_for_who_takes_it() {
    let server = Server::start().await;
    let token = shop(&server).await;
    let lines: Vec<String> = (0..4_000)
        .map(|at| {
            let (x, y) = (at % 200 * 8, at / 200 * 8);
            format!(r#"{{"ts":{START_MS},"url":"https://shop.example/big","kind":"click","x":{x},"y":{y}}}"#)
        })
        .collect();
    super::add(&server, "shop", &lines.join("\n")).await;
    let path = "/v1/sites/shop/grid?page=shop.example/big";
    let plain = server.get(path).token(&token).send().await;
    let packed = server.get(path).token(&token).header("accept-encoding", "gzip").send().await;
    assert_eq!((plain.header("content-encoding"), packed.header("content-encoding")), (None, Some("gzip")));
    assert!(packed.bytes.len() * 2 < plain.bytes.len());
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*packed.bytes), &mut text).unwrap();
    assert_eq!(text, plain.bytes);
    assert_eq!(packed.header("etag"), plain.header("etag"));
    for path in [format!("{path}&format=bin"), format!("{path}&format=png")] {
        let answer = server.get(&path).token(&token).header("accept-encoding", "gzip").send().await;
        assert_eq!(answer.header("content-encoding"), None, "{path}");
    }
}
