use super::shop;
use crate::harness::Server;

const PATH: &str = "/v1/sites/shop/grid?page=shop.example/p";
const ALLOWED: &str = "access-control-allow-origin";

#[tokio::test]
async fn only_a_sites_read_origins_may_read_it_in_a_browser() {
    let server = Server::start().await;
    let token = shop(&server).await;
    for (origin, allowed) in [
        ("https://dash.example", true),
        ("https://dash.example.evil.example", false),
        ("http://dash.example", false),
        ("null", false),
    ] {
        let answer = server.get(PATH).token(&token).header("origin", origin).send().await;
        assert_eq!((answer.status, answer.header(ALLOWED)), (200, allowed.then_some(origin)), "{origin}");
        let varies: Vec<_> =
            answer.headers.get_all("vary").iter().map(|vary| vary.to_str().unwrap()).collect();
        assert!(varies.contains(&"Origin"), "{origin}: {varies:?}");
        let preflight = server.request("OPTIONS", PATH).header("origin", origin);
        let preflight = preflight.header("access-control-request-method", "POST").send().await;
        assert_eq!(
            (preflight.status, preflight.header(ALLOWED)),
            (204, allowed.then_some(origin)),
            "{origin}"
        );
        let methods = preflight.header("access-control-allow-methods");
        assert_eq!(methods, allowed.then_some("GET, HEAD, POST"), "{origin}");
    }
    let without = server.get(PATH).token(&token).send().await;
    assert_eq!(without.header(ALLOWED), None);
}

#[tokio::test]
async fn refusals_can_be_read_where_answers_can() {
    let server = Server::start().await;
    shop(&server).await;
    let refused = server.get(PATH).header("origin", "https://dash.example").send().await;
    refused.problem("no-token", 401);
    assert_eq!(refused.header(ALLOWED), Some("https://dash.example"));
    for site in ["nowhere", "_"] {
        let path = format!("/v1/sites/{site}/grid");
        let preflight =
            server.request("OPTIONS", &path).header("origin", "https://dash.example").send().await;
        assert_eq!((preflight.status, preflight.header(ALLOWED)), (204, None), "{site}");
    }
}
