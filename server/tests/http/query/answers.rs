use serde_json::{Value, json};

use super::shop;
use crate::harness::{OPERATOR, Server};

async fn ask(server: &Server, token: &str, question: &str) -> Value {
    let answer = server.get(&format!("/v1/sites/shop/{question}")).token(token).send().await;
    assert_eq!(answer.status, 200, "{question}: {answer:?}");
    answer.json()
}

#[tokio::test]
async fn every_route_answers_what_was_counted() {
    let server = Server::start().await;
    let token = shop(&server).await;
    let grid = ask(&server, &token, "grid?page=https://shop.example/p").await;
    assert_eq!(
        grid,
        json!({
            "site": "shop", "page": "shop.example/p", "kind": ["click"], "from": "2025-12-17", "to": "2026-01-16",
            "as_of": "2026-01-15T12:00:00Z", "cell_px": 8, "width": 6, "height": 3, "total": 4, "max": 3,
            "cells": [[1, 2, 3], [5, 1, 1]],
        })
    );
    let series = ask(&server, &token, "series?page=shop.example/p").await;
    assert_eq!(series, json!([{"time": "2026-01-14", "count": 1}, {"time": "2026-01-15", "count": 3}]));
    let hours = ask(&server, &token, "series?step=hour").await;
    assert_eq!(
        hours,
        json!([
            {"time": "2026-01-14T12", "count": 1}, {"time": "2026-01-15T10", "count": 1},
            {"time": "2026-01-15T12", "count": 10},
        ])
    );
    let pages = ask(&server, &token, "pages").await;
    assert_eq!(
        pages,
        json!([{"page": "shop.example/p", "count": 4}, {"page": "shop.example/q", "count": 1}])
    );
    let summary = ask(&server, &token, "summary?fixed=any").await;
    assert_eq!(
        summary["kinds"],
        json!({"view": 1, "click": 12, "touch": 1, "scroll": 2, "attention": 5, "attention_end": 5})
    );
    assert_eq!(summary["countries"], json!({"DE": 3, "FR": 1, "ZZ": 22}));
    assert_eq!(summary["weekdays"]["thu"], 25, "{summary}");
    assert_eq!(summary["hours"]["thu"][10], 1, "{summary}");
    let scroll = ask(&server, &token, "scroll?page=shop.example/p").await;
    assert_eq!(scroll["reach"], json!([{"y_px": 800, "reached": 2, "share": 1.0}]));
    assert_eq!(scroll["attention"], json!([{"y_px": 0, "seconds": 5}, {"y_px": 400, "seconds": 0}]));
}

#[tokio::test]
async fn every_parameter_selects() {
    let server = Server::start().await;
    let token = shop(&server).await;
    for (question, total) in [
        ("page=shop.example/p", 4),
        ("page=https://SHOP.example/p?utm=1%23x", 4),
        ("page_pattern=https://shop.example/*", 5),
        ("page_pattern=*/q", 1),
        ("page=shop.example/p&kind=click,touch", 5),
        ("page=shop.example/p&kind=click&kind=touch", 5),
        ("page=shop.example/p&fixed=true", 7),
        ("page=shop.example/p&fixed=any", 11),
        ("page=shop.example/p&from=2026-01-15", 3),
        ("page=shop.example/p&to=2026-01-15", 1),
        ("page=shop.example/p&from=2026-01-14&to=2026-01-15", 1),
        ("page=shop.example/p&device=mobile", 1),
        ("page=shop.example/p&device=mobile,desktop", 4),
        ("page=shop.example/p&viewport=320-380", 1),
        ("page=shop.example/p&viewport=1410-1411", 3),
        ("page=shop.example/p&country=DE", 3),
        ("page=shop.example/p&country=de,FR", 4),
        ("page=shop.example/p&cell=64", 4),
        ("page=shop.example/p&align=scale&width=720", 4),
        ("page=shop.example/absent", 0),
    ] {
        assert_eq!(ask(&server, &token, &format!("grid?{question}")).await["total"], total, "{question}");
    }
    let compared = "grid?page=shop.example/p&from=2026-01-15&compare_from=2026-01-14&compare_to=2026-01-15";
    let compared = ask(&server, &token, compared).await;
    assert_eq!(compared["cells"], json!([[1, 2, 3, 0], [5, 1, 0, 1]]));
    assert_eq!(compared["compare_total"], 1);
    let scaled = ask(&server, &token, "grid?page=shop.example/p&device=mobile&align=scale&width=1440").await;
    assert_ne!(scaled["cells"], json!([[5, 1, 1]]));
}

#[tokio::test]
async fn a_body_asks_what_a_query_asks() {
    let server = Server::start().await;
    let token = shop(&server).await;
    for (path, question) in [
        ("grid", json!({"page": "shop.example/p", "kind": ["click", "touch"], "fixed": false, "cell": 16})),
        ("series", json!({"page": "shop.example/p", "step": "month"})),
        ("pages", json!({"limit": 1, "country": ["DE", "FR"]})),
        ("summary", json!({"device": "mobile"})),
        ("scroll", json!({"page": "shop.example/p"})),
    ] {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in question.as_object().unwrap() {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Array(items) => {
                    items.iter().map(|item| item.as_str().unwrap()).collect::<Vec<_>>().join(",")
                }
                other => other.to_string(),
            };
            query.append_pair(name, &text);
        }
        let asked = ask(&server, &token, &format!("{path}?{}", query.finish())).await;
        let path = format!("/v1/sites/shop/{path}");
        let posted = server.post(&path).token(&token).json(&question).send().await;
        assert_eq!(posted.status, 200, "{posted:?}");
        assert_eq!(posted.json(), asked, "{path}");
    }
}

#[tokio::test]
async fn a_list_of_pages_is_followed_by_its_links() {
    let server = Server::start().await;
    shop(&server).await;
    let lines: Vec<String> = (0..25)
        .map(|page| {
            let start = crate::harness::START_MS;
            format!(r#"{{"ts":{start},"url":"https://shop.example/{page}","kind":"click","x":1,"y":1}}"#)
        })
        .collect();
    super::add(&server, "shop", &lines.join("\n")).await;
    let mut path = "/v1/sites/shop/pages?limit=10&kind=click".to_owned();
    let mut pages = Vec::new();
    for _ in 0..4 {
        let answer = server.get(&path).token(OPERATOR).send().await;
        pages.extend(answer.json().as_array().unwrap().iter().map(|item| item["page"].clone()));
        let Some(link) = answer.header("link") else { break };
        path = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
    }
    assert_eq!(pages.len(), 27, "{pages:?}");
    let different: std::collections::HashSet<String> = pages.iter().map(Value::to_string).collect();
    assert_eq!(different.len(), 27);
    let question = json!({"limit": 10});
    let posted = server.post("/v1/sites/shop/pages").token(OPERATOR).json(&question).send().await;
    let link = posted.header("link").unwrap();
    let cursor = link.split("cursor=").nth(1).unwrap().split('>').next().unwrap();
    let question = json!({"limit": 10, "cursor": cursor});
    let second = server.post("/v1/sites/shop/pages").token(OPERATOR).json(&question).send().await;
    let second: Vec<Value> =
        second.json().as_array().unwrap().iter().map(|item| item["page"].clone()).collect();
    assert_eq!(second, pages[10..20]);
}

#[tokio::test]
async fn conversions_below_ten_are_withheld_and_it_is_said() {
    let server = Server::start().await;
    let token = shop(&server).await;
    let start = crate::harness::START_MS;
    let event = |kind: &str, n: u32| {
        format!(
            r#"{{"ts":{start},"url":"https://shop.example/p","kind":"{kind}","x":1,"y":1,"vw":1024,"n":{n}}}"#
        )
    };
    super::add(&server, "shop", &[event("converted_click", 4), event("conversion", 9)].join("\n")).await;
    let question = "grid?page=shop.example/p&kind=converted_click";
    let grid = ask(&server, &token, question).await;
    assert_eq!((&grid["withheld"], &grid["total"]), (&json!(true), &json!(0)));
    for path in
        ["series?kind=converted_click", "pages?kind=converted_click", &format!("{question}&format=csv")]
    {
        let answer = server.get(&format!("/v1/sites/shop/{path}")).token(&token).send().await;
        assert_eq!(answer.header("heatgrid-withheld"), Some("true"), "{path}");
    }
    super::add(&server, "shop", &event("conversion", 1)).await;
    let grid = ask(&server, &token, question).await;
    assert_eq!((grid.get("withheld"), &grid["total"]), (None, &json!(4)));
    let answer = server.get("/v1/sites/shop/series?kind=converted_click").token(&token).send().await;
    assert_eq!(answer.header("heatgrid-withheld"), None);
}

#[tokio::test]
async fn rare_countries_are_recoded_and_it_is_said() {
    let server = Server::start().await;
    server.site("shop", json!({ "min_count": 5 })).await;
    let start = crate::harness::START_MS;
    let event = |country: &str, n: u32| {
        format!(
            r#"{{"ts":{start},"url":"https://shop.example/p","kind":"click","x":1,"y":1,"country":"{country}","n":{n}}}"#
        )
    };
    super::add(&server, "shop", &[event("DE", 5), event("FR", 4)].join("\n")).await;
    let summary = ask(&server, OPERATOR, "summary").await;
    assert_eq!((&summary["countries"], &summary["recoded"]), (&json!({"DE": 5, "ZZ": 4}), &json!(true)));
    assert_eq!(ask(&server, OPERATOR, "grid?page=shop.example/p&country=FR").await["total"], 0);
    assert_eq!(ask(&server, OPERATOR, "grid?page=shop.example/p&country=ZZ").await["total"], 4);
    assert_eq!(ask(&server, OPERATOR, "grid?page=shop.example/p").await.get("recoded"), None);
}
