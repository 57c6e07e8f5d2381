//! The tracker's door.

use serde_json::json;

use super::{Counted, ORIGIN, beacon, collect};
use crate::harness::Server;

const CLICKS: &str = "[1,9,17,0,0],[1,10,18,0,9]";

async fn shop(server: &Server) -> String {
    let site = server.site("shop", json!({ "hosts": ["shop.example"] })).await;
    site["key"].as_str().expect("a key").to_owned()
}

#[tokio::test]
async fn a_beacon_is_answered_204_with_its_origin_and_nothing_else() {
    let server = Server::start().await;
    let key = shop(&server).await;
    let answer = collect(&server, beacon(&key, 1, "https://shop.example/p?x=1#y", CLICKS)).send().await;
    assert_eq!((answer.status, answer.bytes.len()), (204, 0));
    for (header, value) in [
        ("access-control-allow-origin", Some(ORIGIN)),
        ("access-control-allow-credentials", Some("true")),
        ("vary", Some("Origin")),
        ("content-type", None),
        ("set-cookie", None),
    ] {
        assert_eq!(answer.header(header), value, "{header}");
    }
    assert_eq!(Counted::by(&server).await, Counted::of(2, &[]));
}

#[tokio::test]
async fn what_is_wrong_with_a_beacon_has_its_status_and_stores_nothing() {
    let server = Server::start().await;
    let key = shop(&server).await;
    let good = beacon(&key, 1, "https://shop.example/p", CLICKS);
    let unknown = collect(&server, beacon("local_unknown", 1, "https://shop.example/p", CLICKS)).send().await;
    unknown.problem("not-found", 404);
    for origin in
        [None, Some("null"), Some("https://evil.example"), Some("https://shop.example.evil.example")]
    {
        let mut asking = server.post("/v1/collect").header("content-type", "text/plain").body(good.clone());
        if let Some(origin) = origin {
            asking = asking.header("origin", origin);
        }
        let answer = asking.send().await;
        answer.problem("origin", 403);
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin:?}");
    }
    collect(&server, beacon(&key, 1, "https://evil.example/p", CLICKS)).send().await.problem("origin", 403);
    for malformed in [
        "",
        "{",
        "[]",
        "null",
        &good.replace("pages", "page"),
        &good.replace("[1,9,17,0,0]", "[77,9,17,0,0]"),
    ] {
        collect(&server, malformed.to_owned()).send().await.problem("invalid-body", 400);
    }
    let large = collect(&server, good.clone() + &" ".repeat(64 << 10)).send().await;
    large.problem("too-large", 413);
    assert_eq!(large.header("access-control-allow-origin"), Some(ORIGIN), "a tracker can read why");
    let typed = |header: &str, value: &str| {
        server.post("/v1/collect").header("origin", ORIGIN).header(header, value).body(good.clone())
    };
    typed("content-type", "application/x-www-form-urlencoded").send().await.problem("media-type", 415);
    typed("content-encoding", "gzip").send().await.problem("media-type", 415);
    assert_eq!(server.get("/v1/collect").header("origin", ORIGIN).send().await.status, 405);
    assert_eq!(Counted::by(&server).await, Counted::default());
    assert_eq!(typed("content-type", "application/json; charset=utf-8").send().await.status, 204);
}

#[tokio::test]
async fn a_preflight_is_told_yes_for_every_web_origin() {
    let server = Server::start().await;
    for path in ["/v1/collect", "/e/", "/i/v0/e", "/batch/", "/flags", "/array/k/config", "/api/surveys/"] {
        let answer = server
            .request("OPTIONS", path)
            .header("origin", "http://anything.example:8080")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,x-y")
            .send()
            .await;
        assert_eq!(answer.status, 204, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("http://anything.example:8080"));
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
        assert_eq!(answer.header("access-control-allow-headers"), Some("content-type,x-y"));
        assert!(answer.header("access-control-allow-methods").unwrap().contains("POST"));
        let refused = server.request("OPTIONS", path).header("origin", "null").send().await;
        refused.problem("origin", 403);
    }
}

#[tokio::test]
async fn a_beacon_that_is_sent_twice_counts_once() {
    let server = Server::start().await;
    let key = shop(&server).await;
    for _ in 0..3 {
        let answer = collect(&server, beacon(&key, 1, "https://shop.example/p", CLICKS)).send().await;
        assert_eq!(answer.status, 204);
    }
    assert_eq!(Counted::by(&server).await, Counted::of(2, &[("repeated", 4)]));
    server.clock.advance(12 * 60_000);
    collect(&server, beacon(&key, 1, "https://shop.example/p", CLICKS)).send().await;
    assert_eq!(Counted::by(&server).await.accepted, 4, "ids are forgotten");
}

#[tokio::test]
async fn each_privacy_signal_is_obeyed_and_answered_as_if_nothing_were() {
    let server = Server::start().await;
    let key = shop(&server).await;
    let signals =
        [("sec-gpc", "1"), ("dnt", "1"), ("cookie", "a=b; __Host-hg_optout=1"), ("cookie", "hg_optout=1")];
    for (id, (header, value)) in (1..).zip(signals) {
        // What was objected to is not looked at, its page neither.
        let body = beacon(&key, id, "https://elsewhere.example/p", CLICKS);
        let answer = collect(&server, body).header(header, value).send().await;
        assert_eq!((answer.status, answer.bytes.len()), (204, 0), "{header}: {value}");
    }
    assert_eq!(Counted::by(&server).await, Counted::of(0, &[("consent", 8)]));
    for (id, (header, value)) in (10..).zip([("sec-gpc", "0"), ("dnt", "0"), ("cookie", "hg_optout=0")]) {
        collect(&server, beacon(&key, id, "https://shop.example/p", CLICKS))
            .header(header, value)
            .send()
            .await;
    }
    assert_eq!(Counted::by(&server).await.accepted, 6);
}

#[tokio::test]
async fn robots_and_excluded_networks_are_dropped_and_counted() {
    let server = Server::with(|config| config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let settings = json!({ "exclude_networks": ["192.0.2.0/24"], "exclude_pages": ["/admin*"] });
    let key = server.site("shop", settings).await["key"].as_str().unwrap().to_owned();
    let send = |id, url: &str| collect(&server, beacon(&key, id, url, CLICKS));
    send(1, "https://shop.example/").header("user-agent", "Mozilla/5.0 HeadlessChrome").send().await;
    let driven = beacon(&key, 2, "https://shop.example/", CLICKS).replacen('{', r#"{"bot":true,"#, 1);
    collect(&server, driven).send().await;
    send(3, "https://shop.example/").header("x-forwarded-for", "192.0.2.7").send().await;
    send(4, "https://shop.example/admin/x").send().await;
    assert_eq!(Counted::by(&server).await, Counted::of(0, &[("bot", 4), ("excluded", 4)]));
    send(5, "https://shop.example/").header("x-forwarded-for", "192.0.3.7").send().await;
    assert_eq!(Counted::by(&server).await.accepted, 2);
}

#[tokio::test]
async fn a_flooder_uses_up_its_own_rate_and_not_the_sites() {
    let server = Server::with(|config| {
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        (config.collect_per_address, config.collect_per_site) = (2, 8);
    })
    .await;
    let key = shop(&server).await;
    let send = |id, from: &str| {
        collect(&server, beacon(&key, id, "https://shop.example/", CLICKS)).header("x-forwarded-for", from)
    };
    let mut refused = 0;
    for id in 0..20 {
        let answer = send(id, "2001:db8:1:2::7").send().await;
        if answer.status == 429 {
            refused += 1;
            answer.problem("rate", 429);
            assert!(answer.header("retry-after").unwrap().parse::<u32>().unwrap() >= 1);
            assert_eq!(answer.header("access-control-expose-headers"), Some("Retry-After"));
        }
    }
    assert!(refused > 0, "a flooder is refused");
    // A neighbour in the same /64 is the same machine, as far as anybody can tell; another address is not.
    assert_eq!(send(100, "2001:db8:9:9::7").send().await.status, 204);
    let mut statuses = Vec::new();
    for address in 0..40_u32 {
        statuses.push(send(200 + address, &format!("198.51.100.{address}")).send().await.status);
    }
    assert!(statuses.contains(&429), "many addresses together are held to the site's rate: {statuses:?}");
}
