use serde_json::json;

use super::shop;
use crate::harness::{OPERATOR, Server};

#[tokio::test]
async fn who_may_not_read_is_told_so_before_anything_else() {
    let server = Server::start().await;
    let reader = shop(&server).await;
    let (writer, owner) = (server.token("shop", "writer").await, server.token("shop", "owner").await);
    server.site("other", json!({})).await;
    for path in ["grid", "series", "pages", "summary", "scroll"] {
        // What is wrong with the question is not looked at yet.
        let wrong = format!("{path}?nonsense=1");
        let mine = format!("/v1/sites/shop/{wrong}");
        for method in ["GET", "POST", "HEAD"] {
            let answer = server.request(method, &mine).send().await;
            assert_eq!(answer.status, 401, "{method} {path}");
            let answer = server.request(method, &mine).token(&writer).send().await;
            assert_eq!(answer.status, 403, "{method} {path}");
        }
        server.get(&mine).send().await.problem("no-token", 401);
        server.get(&mine).token("hgr_wrong").send().await.problem("no-token", 401);
        server.get(&mine).token(&writer).send().await.problem("no-right", 403);
        for token in [&reader, &writer, &owner] {
            for site in ["other", "nowhere"] {
                let theirs = format!("/v1/sites/{site}/{wrong}");
                server.get(&theirs).token(token).send().await.problem("not-found", 404);
            }
        }
        for token in [&*reader, &owner, OPERATOR] {
            server.get(&mine).token(token).send().await.problem("invalid-query", 400);
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_question_is_named() {
    let server = Server::start().await;
    let token = shop(&server).await;
    for (question, says) in [
        ("grid", "page"),
        ("grid?page=shop.example/p&page_pattern=*", "page_pattern"),
        ("grid?page=ftp://shop.example/", "page"),
        ("grid?page=shop.example/p&colour=red", "unknown"),
        ("grid?page=shop.example/p&cell=9", "cell"),
        ("grid?page=shop.example/p&kind=keypress", "kind"),
        ("grid?page=shop.example/p&from=2026-01-02&to=2026-01-01", "from"),
        ("grid?page=shop.example/p&from=01.01.2026", "from"),
        ("grid?page=shop.example/p&viewport=9", "viewport"),
        ("grid?page=shop.example/p&device=phone", "device"),
        ("grid?page=shop.example/p&country=DEU", "country"),
        ("grid?page=shop.example/p&fixed=maybe", "fixed"),
        ("grid?page=shop.example/p&align=scale", "width"),
        ("grid?page=shop.example/p&align=scale&width=0", "width"),
        ("grid?page=shop.example/p&compare_from=2026-01-01", "compare_to"),
        ("grid?page=shop.example/p&format=xml", "format"),
        ("grid?page=shop.example/p&format=png&colormap=jet", "colormap"),
        ("grid?page=shop.example/p&format=png&radius=0", "radius"),
        ("grid?page=shop.example/p&format=png&opacity=2e9", "opacity"),
        ("grid?page=shop.example/p&limit=1", "limit"),
        ("grid?page_pattern=*a*b*c*d*e*f*g*h*i", "8 wildcards"),
        ("series?step=year", "step"),
        ("series?step=hour&country=DE", "hours"),
        ("series?step=hour&device=mobile", "hours"),
        ("series?step=hour&viewport=1-999", "hours"),
        ("series?step=hour&fixed=false", "hours"),
        ("series?step=hour&kind=conversion", "conversion"),
        ("series?format=png", "png"),
        ("pages?limit=0", "limit"),
        ("pages?limit=10001", "limit"),
        ("pages?cursor=5-zz", "cursor"),
        ("summary?step=day", "step"),
        ("scroll?kind=click", "kind"),
        ("pages?from=1900-01-01", "from"),
        ("pages?from=1970-01-01&to=2149-01-01", "36525"),
    ] {
        let answer = server.get(&format!("/v1/sites/shop/{question}")).token(&token).send().await;
        answer.problem("invalid-query", 400);
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(says), "{question}: {detail}");
        assert!(!detail.contains("shop.example"), "{question} repeats the page: {detail}");
    }
}

#[tokio::test]
async fn there_is_no_number_of_visitors_and_it_says_why() {
    let server = Server::start().await;
    let token = shop(&server).await;
    for question in ["pages?unique_visitors=1", "series?kind=unique_visitors", "summary?metric=sessions"] {
        let answer = server.get(&format!("/v1/sites/shop/{question}")).token(&token).send().await;
        answer.problem("no-visitors", 400);
        assert!(answer.json()["detail"].as_str().unwrap().contains("nothing that"), "{question}");
    }
    let body = json!({"kind": ["unique_visitors"]});
    let posted = server.post("/v1/sites/shop/series").token(&token).json(&body).send().await;
    posted.problem("no-visitors", 400);
}

#[tokio::test]
async fn bodies_that_are_no_questions_are_refused() {
    let server = Server::start().await;
    let token = shop(&server).await;
    let post = |body: &str| {
        let asked = server.post("/v1/sites/shop/grid").token(&token);
        asked.header("content-type", "application/json").body(body.to_owned())
    };
    for body in ["", "[]", "{", "\"page\"", "{\"page\":{}}", "\u{0}"] {
        post(body).send().await.problem("invalid-body", 400);
    }
    post("{\"page\":\"a\",\"page\":\"b\"}").send().await.problem("invalid-query", 400);
    post(&format!("{{\"page\":\"{}\"}}", "a".repeat(70_000))).send().await.problem("too-large", 413);
    let deep = format!("{{\"page\":{}{}}}", "[".repeat(20_000), "]".repeat(20_000));
    post(&deep).send().await.problem("invalid-body", 400);
    let form = server.post("/v1/sites/shop/grid").token(&token).body("page=shop.example/p");
    let form = form.header("content-type", "application/x-www-form-urlencoded").send().await;
    form.problem("media-type", 415);
    let both = server.post("/v1/sites/shop/grid?page=shop.example/p").token(&token).json(&json!({}));
    both.send().await.problem("invalid-query", 400);
    for method in ["PUT", "DELETE", "PATCH"] {
        let answer = server.request(method, "/v1/sites/shop/grid").token(&token).send().await;
        answer.problem("method", 405);
        assert!(answer.header("allow").is_some_and(|allow| allow.contains("GET")), "{method}: {answer:?}");
    }
}

#[tokio::test]
async fn a_question_that_reads_too_much_says_how_to_narrow_it() {
    let server = Server::with(|config| config.query_rows = 3).await;
    let token = shop(&server).await;
    let answer = server.get("/v1/sites/shop/grid?page_pattern=*&kind=click,touch,scroll").token(&token);
    let answer = answer.send().await;
    answer.problem("too-much-work", 422);
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("fewer days, pages or kinds"), "{detail}");
}

#[tokio::test]
async fn names_of_attackers_come_back_as_data_only() {
    let server = Server::start().await;
    let token = shop(&server).await;
    let start = crate::harness::START_MS;
    let path = "/<script>alert(1)</script>,\\\"';%00%0d%0aSet-Cookie:x=1";
    let line =
        format!(r#"{{"ts":{start},"url":"https://shop.example{path}","kind":"click","x":1,"y":1,"n":99}}"#);
    super::add(&server, "shop", &line).await;
    let formula =
        format!(r#"{{"ts":{start},"url":"https://=1+1.example/","kind":"click","x":1,"y":1,"n":98}}"#);
    let sent = server.post("/v1/sites/shop/events").token(OPERATOR).body(formula).send().await;
    assert!([200, 400].contains(&sent.status), "{sent:?}");
    for (question, media) in [
        ("pages", "application/json"),
        ("pages?format=csv", "text/csv; charset=utf-8"),
        ("pages?format=ndjson", "application/x-ndjson"),
    ] {
        let answer = server.get(&format!("/v1/sites/shop/{question}")).token(&token).send().await;
        assert_eq!(answer.header("content-type"), Some(media));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("set-cookie"), None);
        let text = String::from_utf8(answer.bytes.to_vec()).unwrap();
        assert!(text.contains("script") && !text.contains('\r') && !text.contains('\0'), "{text}");
        assert!(!text.contains("\n="), "no line begins with a formula: {text}");
    }
    let page =
        server.get("/v1/sites/shop/pages?limit=1").token(&token).send().await.json()[0]["page"].clone();
    let question = json!({"page": page});
    let grid = server.post("/v1/sites/shop/grid").token(&token).json(&question).send().await;
    assert_eq!(
        (&grid.json()["page"], &grid.json()["total"]),
        (&page, &json!(99)),
        "it can be asked for again"
    );
}
