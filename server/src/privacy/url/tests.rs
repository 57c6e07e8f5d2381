use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::*;

fn settings(query_params: QueryParams, path_rules: PathRules) -> SiteSettings {
    SiteSettings { query_params, path_rules, ..SiteSettings::standard() }
}

fn strict() -> PageRules {
    PageRules::of(&SiteSettings::standard())
}

fn keeping() -> PageRules {
    PageRules::of(&settings(QueryParams::Keep, PathRules::Keep))
}

fn check(rules: &PageRules, url: &str, page: &str) {
    let normal = rules.normalise(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    assert_eq!(normal.text, page, "{url}");
    assert_eq!(
        rules.normalise_query_page(&normal.text).map(|again| again.text).as_deref(),
        Ok(page),
        "{url}"
    );
}

#[test]
fn a_page_is_host_and_path() {
    for (url, page) in [
        ("https://shop.example", "shop.example/"),
        ("https://Shop.Example/P/42?utm_source=x&email=a@b.c#top", "shop.example/P/42"),
        ("http://shop.example:80/", "shop.example/"),
        ("https://shop.example:443/", "shop.example/"),
        ("https://shop.example:80/", "shop.example/"),
        ("https://shop.example:8443/a", "shop.example:8443/a"),
        ("https://jane:secret@shop.example/a", "shop.example/a"),
        ("https://shop.example/a/../b/./c", "shop.example/b/c"),
        ("https://shop.example/a%2e%2e/%2e%2e/b", "shop.example/b"),
        ("https://shop.example//a//", "shop.example//a//"),
        ("https://shop.example/a b\u{e9}|\"", "shop.example/a%20b%C3%A9|%22"),
        ("https://shop.example/%7euser/%2f/%C3%a9", "shop.example/%7euser/%2f/%C3%a9"),
        ("https://b\u{fc}cher.example/", "xn--bcher-kva.example/"),
        ("http://[2001:DB8::1]:8080/x", "[2001:db8::1]:8080/x"),
        ("http://0x7f.1/x", "127.0.0.1/x"),
        ("http:\\\\shop.example\\a", "shop.example/a"),
        ("  https://shop.example/a\tb\n ", "shop.example/ab"),
        ("https://http/https://x/", "http/https://x/"),
        ("https://shop.example/(other)", "shop.example/(other)"),
        ("http://fiwi.example/Amazon%282%29.png", "fiwi.example/Amazon%282%29.png"),
    ] {
        check(&strict(), url, page);
    }
}

#[test]
fn what_looks_personal_becomes_a_star_and_is_counted() {
    let page = strict()
        .normalise("https://a.example/u/a%40b.c/o/123456789/550e8400-e29b-41d4-a716-446655440000/x")
        .unwrap();
    assert_eq!((page.text.as_str(), page.redacted), ("a.example/u/*/o/*/*/x", 3));
    let kept = keeping().normalise("https://a.example/u/a%40b.c").unwrap();
    assert_eq!((kept.text.as_str(), kept.redacted), ("a.example/u/a%40b.c", 0));
}

#[test]
fn a_query_is_kept_only_where_the_site_says_so() {
    check(
        &keeping(),
        "http://localhost/page.php?q=buy-monroe-monroe-72231-sensa-trac-strut#cns=1&cns=1",
        "localhost/page.php?q=buy-monroe-monroe-72231-sensa-trac-strut",
    );
    check(&keeping(), "http://a.example/?", "a.example/");
    check(&keeping(), "http://a.example/?&&b=1&", "a.example/?&&b=1&");
    check(&keeping(), "http://a.example/?q='x y'&z=<>", "a.example/?q=%27x%20y%27&z=%3C%3E");
    let some = PageRules::of(&settings(
        QueryParams::Only(vec!["q".into(), "a b".into(), "\u{e9}".into()]),
        PathRules::Redact,
    ));
    check(&some, "http://a.example/?x=1&q=2&Q=3&q&q=4=5", "a.example/?q=2&q&q=4=5");
    check(&some, "http://a.example/?a+b=1&a%20b=2&%C3%A9=3&=4", "a.example/?a+b=1&a%20b=2&%C3%A9=3");
    check(&some, "http://a.example/?x=q", "a.example/");
}

#[test]
fn a_long_page_keeps_whole_segments_or_whole_parameters() {
    let long = "a".repeat(600);
    check(&keeping(), &format!("http://a.example/{long}/{long}/b"), &format!("a.example/{long}/"));
    check(&keeping(), &format!("http://a.example/{long}?b=1&c={long}&d=1"), &format!("a.example/{long}?b=1"));
    // The token that would appear by cutting before the dot does not.
    let text = format!("http://a.example/{}/{}.html", "b".repeat(990), "1".repeat(30));
    check(&strict(), &text, &format!("a.example/{}/", "b".repeat(990)));
    let exact = format!("a.example/{}", "b".repeat(PAGE_BYTES - 10));
    check(&strict(), &format!("http://{exact}"), &exact);
    check(&strict(), &format!("http://{exact}/c"), &exact);
    assert!(strict().normalise(&format!("http://{exact}c")).unwrap().shortened);
}

#[test]
fn what_is_no_page_is_refused_without_repeating_it() {
    let rules = strict();
    for url in ["file:///etc/passwd", "about:blank", "data:text/html,x", "ftp://a.example/", "javascript:1"] {
        assert_eq!(rules.normalise(url), Err(NoPage::Invalid(InvalidUrl::Scheme)), "{url}");
    }
    for url in ["", "a.example/x", "/x", "https://", "https:///", "http://a b/", "http://a:99999/", "\0"] {
        let error = rules.normalise(url).unwrap_err();
        assert!(matches!(error, NoPage::Invalid(InvalidUrl::Syntax(_))), "{url}: {error:?}");
    }
    let host = "a.".repeat(200);
    let error = rules.normalise(&format!("http://{host}example/")).unwrap_err();
    assert!(matches!(error, NoPage::Invalid(InvalidUrl::HostLength { bytes: 407 })), "{error:?}");
    assert_eq!(rules.normalise_query_page("ftp://a.example/"), Err(InvalidUrl::Scheme));
}

#[test]
fn a_question_may_leave_the_scheme_out() {
    let rules = keeping();
    for (text, page) in [
        ("Shop.example/P?q=http://x", "shop.example/P?q=http://x"),
        ("localhost:8080/x", "localhost:8080/x"),
        ("shop.example:443", "shop.example/"),
        ("HTTPS://shop.example", "shop.example/"),
        (" //shop.example/a ", "shop.example/a"),
        ("http/https://x", "http/https://x"),
    ] {
        assert_eq!(rules.normalise_query_page(text).unwrap().text, page, "{text}");
    }
}

#[test]
fn hosts_and_exclusions_decide_what_is_counted() {
    let rules = PageRules::of(&SiteSettings {
        hosts: vec!["Shop.example".into(), "localhost:8080".into(), "https://b\u{fc}cher.example/".into()],
        exclude_pages: vec![
            "https://shop.example/admin/*".into(),
            "SHOP.example/Private?x=1".into(),
            "/internal/*".into(),
            "shop.example/u/123456789".into(),
        ],
        ..SiteSettings::standard()
    });
    for (url, expected) in [
        ("https://shop.example/", Ok("shop.example/")),
        ("https://shop.example:9000/", Ok("shop.example:9000/")),
        ("https://www.shop.example/", Err(NoPage::Host)),
        ("https://shop.example.evil.example/", Err(NoPage::Host)),
        ("http://localhost:8080/", Ok("localhost:8080/")),
        ("http://localhost:8081/", Err(NoPage::Host)),
        ("https://xn--bcher-kva.example/x", Ok("xn--bcher-kva.example/x")),
        ("https://shop.example/admin/", Err(NoPage::Excluded)),
        ("https://shop.example/x/../admin/a?b", Err(NoPage::Excluded)),
        ("https://shop.example/Private?y=2", Err(NoPage::Excluded)),
        ("https://shop.example/private", Ok("shop.example/private")),
        ("http://localhost:8080/internal/a", Err(NoPage::Excluded)),
        ("https://shop.example/a/internal/a", Ok("shop.example/a/internal/a")),
    ] {
        assert_eq!(rules.normalise(url).map(|page| page.text), expected.map(str::to_owned), "{url}");
    }
    // An excluded page is redacted as pages are, or it would never be met.
    assert_eq!(rules.normalise("https://shop.example/u/123456789"), Err(NoPage::Excluded));
    assert!(rules.normalise("https://shop.example/u/12/x").is_ok());
    assert_eq!(rules.normalise_query_page("shop.example/admin/").unwrap().text, "shop.example/admin/");
}

/// Of `?&<long>` only the empty first parameter fitted: the page ended with `?`, and was another page when it was
/// asked for.
#[test]
fn an_empty_parameter_alone_is_no_query() {
    let long = "x".repeat(PAGE_BYTES);
    let keep = PageRules::of(&settings(QueryParams::Keep, PathRules::Keep));
    let only = PageRules::of(&settings(QueryParams::Only(vec![String::new()]), PathRules::Keep));
    for (rules, url, expected) in [
        (&keep, format!("http://a/b?&{long}"), "a/b"),
        (&keep, format!("http://a/b?&&{long}"), "a/b?&"),
        (&keep, "http://a/b?&c".to_owned(), "a/b?&c"),
        (&only, "http://a/b?&c=1".to_owned(), "a/b"),
    ] {
        let page = rules.normalise(&url).unwrap();
        assert_eq!(page.text, expected, "{url:.20}");
        assert_eq!(rules.normalise_query_page(&page.text).unwrap().text, expected, "{url:.20}");
    }
}

fn any_rules() -> impl Strategy<Value = PageRules> {
    let query = prop_oneof![
        Just(QueryParams::Drop),
        Just(QueryParams::Keep),
        Just(QueryParams::Only(vec!["a".into(), "b c".into()]))
    ];
    let path = prop_oneof![Just(PathRules::Keep), Just(PathRules::Redact)];
    (query, path).prop_map(|(query, path)| PageRules::of(&settings(query, path)))
}

fn tricky_url() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[a-z0-9]{1,12}",
        1 => "[a-zA-Z0-9_-]{18,40}",
        1 => "[0-9]{7,12}",
        1 => "(%[0-9a-fA-F]{2}|%[0-9a-g]|\\.|%2e|%2E|;|:|@|\\\\|\\||\u{e9}|\u{130}| |\t|'|\"|<|\\*){1,6}",
        1 => Just("a%40b.c".to_owned()),
        1 => Just("a@b.c".to_owned()),
        1 => Just(String::new()),
        1 => Just("..".to_owned()),
        1 => "[x%]{300,600}",
    ];
    let host = prop_oneof![
        3 => "[a-zA-Z0-9-]{1,10}(\\.[a-z]{1,6}){0,3}\\.?",
        1 => "[0-9.x]{1,10}",
        1 => "(xn--[a-z0-9-]{1,8}|[\u{e0}-\u{17f}]{1,6}|%[0-9a-f]{2}|\u{3002}|\u{ad}){1,3}\\.example",
        1 => "\\[[0-9a-f:]{2,12}\\]",
        1 => ".{1,6}",
    ];
    let path =
        prop::collection::vec(("[/\\\\]", piece.clone()).prop_map(|(slash, piece)| slash + &piece), 0..8);
    let query = prop::collection::vec(("[?&#=+]", piece).prop_map(|(mark, piece)| mark + &piece), 0..8);
    (
        "(https?|HTTP|http:)",
        "(://|:/|:|:\\\\\\\\|:///)",
        "([a-z:]{0,4}@)?",
        host,
        "(:[0-9]{0,5})?",
        path,
        query,
    )
        .prop_map(|(scheme, slashes, user, host, port, path, query)| {
            format!("{scheme}{slashes}{user}{host}{port}{}{}", path.concat(), query.concat())
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_page_normalised_again_is_itself(rules in any_rules(), url in tricky_url()) {
        if let Ok(page) = rules.normalise(&url) {
            prop_assert!(page.text.len() <= PAGE_BYTES && page.text.is_ascii());
            let again = rules.normalise_query_page(&page.text);
            prop_assert_eq!(again.map(|page| (page.text, page.redacted)), Ok((page.text.clone(), 0)));
            for scheme in ["http://", "https://"] {
                let again = rules.normalise(&format!("{scheme}{}", page.text));
                prop_assert_eq!(again.map(|page| page.text), Ok(page.text.clone()));
            }
        }
    }

    #[test]
    fn nothing_that_is_written_for_a_url_panics(rules in any_rules(), text in ".*") {
        let _ = (rules.normalise(&text), rules.normalise_query_page(&text), PageRules::of(&SiteSettings {
            hosts: vec![text.clone()], exclude_pages: vec![text.clone()], ..SiteSettings::standard()
        }));
    }
}

proptest! {
    #[test]
    fn a_url_that_is_not_parsed_is_the_page_that_parsing_gives(
        host in r"([a-z0-9.-]|xn--|0x){1,9}(\.(example|0x1f|1|a1))?",
        path in r"(/|[a-zA-Z0-9._-]|/\.|/\.\.|%2e|~|\?|#|\\|é){0,12}",
        scheme in r"(http|https)",
        keep in any::<bool>(),
    ) {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::try_from(format!("{scheme}://{host}")).unwrap());
        let origin = Origin::of(&headers).expect("it is a host");
        let mut settings = SiteSettings::standard();
        if keep {
            settings.path_rules = PathRules::Keep;
        }
        let (rules, url) = (PageRules::of(&settings), format!("{scheme}://{host}/{path}"));
        match rules.normalise_from(origin, &url) {
            Err(NoPage::Foreign) => {}
            got => prop_assert_eq!(got, rules.normalise(&url)),
        }
    }
}
