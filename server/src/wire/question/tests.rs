use heatgrid_engine::model::{Country, SiteSettings, Viewport};

use super::*;
use crate::picture::Colormap;

fn with<T>(
    query: &str,
    ask: impl Fn(&Written, Asked<'_>) -> Result<T, BadQuestion>,
) -> Result<T, BadQuestion> {
    let rules = PageRules::of(&SiteSettings::standard());
    let asked = Asked { rules: &rules, today: "2026-01-15".parse().unwrap() };
    ask(&Written::from_query(query)?, asked)
}

fn grid(query: &str) -> Result<GridAsked, BadQuestion> {
    with(query, Written::grid)
}

fn days(range: DayRange) -> String {
    format!("{}..{}", range.from, range.to)
}

#[test]
fn what_is_not_said_has_a_default() {
    let asked = grid("page=https%3A%2F%2FShop.example%2Fp%3Fq%3D1").unwrap();
    let Selection { pages, layers, countries, days: range } = asked.grid.selection;
    assert_eq!(pages, Pages::Page("shop.example/p".into()));
    assert_eq!(layers.kinds, Kind::Click.into());
    assert_eq!((layers.viewports, layers.fixed, countries), (ViewportSet::ALL, Fixed::No, None));
    assert_eq!(days(range), "2025-12-17..2026-01-16", "30 days with today");
    assert_eq!((asked.grid.cell.px(), asked.grid.align, asked.compare), (8, Align::None, None));

    assert_eq!(
        days(grid("page=a.example&from=2026-01-01").unwrap().grid.selection.days),
        "2026-01-01..2026-01-16"
    );
    assert_eq!(
        days(grid("page=a.example&to=2026-01-01").unwrap().grid.selection.days),
        "2025-12-02..2026-01-01"
    );
    assert_eq!(with("", Written::pages).unwrap().limit, 20);
    assert_eq!(with("", Written::pages).unwrap().selection.pages, Pages::Site);
    assert_eq!(with("", Written::series).unwrap().step, Step::Day);
    assert_eq!(with("", Written::summary).unwrap().selection.layers.kinds, KindSet::all());
}

#[test]
fn every_parameter_has_its_effect() {
    let asked = grid(
        "page_pattern=https://Shop.example/P/*&kind=click,touch&kind=move&from=2026-01-01&to=2026-02-01&\
         device=desktop,tablet&viewport=900-1100&country=de,FR&fixed=any&cell=32&align=scale&width=1280&\
         compare_from=2025-01-01&compare_to=2025-02-01",
    )
    .unwrap();
    let compare = asked.compare.unwrap();
    let GridQuestion { selection, cell, align } = asked.grid;
    assert_eq!(selection.pages, Pages::Matching(PagePattern::new("shop.example/P/*").unwrap()));
    assert_eq!(selection.layers.kinds.iter().collect::<Vec<_>>(), [Kind::Click, Kind::Move, Kind::Touch]);
    let viewports = selection.layers.viewports;
    let widths =
        [767, 832, 896, 1_023, 1_024, 1_151, 1_152].map(|px| viewports.contains(Viewport::of_px(px)));
    assert_eq!(widths, [false, false, true, true, true, true, false]);
    let countries: Vec<Country> = selection.countries.unwrap().iter().collect();
    assert_eq!(countries, ["DE".parse().unwrap(), "FR".parse().unwrap()]);
    assert_eq!((selection.layers.fixed, cell.px()), (Fixed::Any, 32));
    assert_eq!(align, Align::Scale { width_px: 1_280 });
    assert_eq!(
        (days(selection.days), days(compare.selection.days)),
        ("2026-01-01..2026-02-01".into(), "2025-01-01..2025-02-01".into())
    );
    assert_eq!((compare.cell, compare.align), (cell, align));
}

#[test]
fn hours_are_of_all_fixed_marks_unless_the_question_says_otherwise() {
    let fixed = |query| with(query, Written::series).unwrap().selection.layers.fixed;
    assert_eq!(
        (fixed("step=hour"), fixed("step=hour&fixed=false"), fixed("step=day")),
        (Fixed::Any, Fixed::No, Fixed::No)
    );
    let hours = |query| with(query, Written::summary).unwrap().hours.map(|hours| hours.layers.fixed);
    assert_eq!((hours(""), hours("fixed=any")), (Some(Fixed::Any), Some(Fixed::Any)));
    for query in ["fixed=false", "fixed=true", "country=DE", "device=mobile", "viewport=1-2"] {
        assert_eq!(hours(query), None, "{query}");
    }
}

#[test]
fn what_is_wrong_is_named() {
    for (query, message) in [
        ("page=a.example&page=b.example", "page is there twice"),
        ("page=a.example&page_pattern=*", "either page or page_pattern, not both"),
        ("", "page is missing: a URL, or use page_pattern"),
        ("page=ftp://a.example/", "page: only http and https URLs are pages"),
        ("page=a.example&step=day", "step has no meaning here"),
        ("page=a.example&cell=9", "cell is 8, 16, 32 or 64"),
        ("page=a.example&viewport=700", "viewport is min-max in px, such as 320-767"),
        ("page=a.example&viewport=700-600", "viewport is min-max in px, such as 320-767"),
        ("page=a.example&device=phone", "device is mobile, tablet, desktop or unknown, with commas"),
        ("page=a.example&country=DEU", "country is two letters such as DE, with commas"),
        ("page=a.example&fixed=yes", "fixed is false, true or any"),
        ("page=a.example&align=left", "align is none, center or scale"),
        ("page=a.example&align=scale", "width is missing: the width in px to align to"),
        ("page=a.example&width=100", "width has no meaning here"),
        ("page=a.example&from=01.01.2026", &format!("from is {DAY}")),
        ("page=a.example&compare_from=2026-01-01", &format!("compare_to is missing: {DAY}")),
        ("page=a.example&kind=", &format!("kind is {KINDS}")),
        ("page=a.example&limit=1", "limit has no meaning here"),
        ("page_pattern=*********", "a pattern has at most 8 wildcards, not 9"),
    ] {
        assert_eq!(grid(query).map_err(|error| error.to_string()), Err(message.to_owned()), "{query}");
    }
    assert!(matches!(grid("page=a.example&colour=red"), Err(BadQuestion::Unknown { .. })));
    assert!(matches!(with("limit=x", Written::pages), Err(BadQuestion::Value { name: "limit", .. })));
    assert!(matches!(with("limit=0", Written::pages), Err(BadQuestion::Value { name: "limit", .. })));
    assert!(matches!(with("limit=10001", Written::pages), Err(BadQuestion::Value { name: "limit", .. })));
    assert!(matches!(with("step=year", Written::series), Err(BadQuestion::Value { name: "step", .. })));
    assert!(matches!(with("kind=click", Written::scroll), Err(BadQuestion::NotHere { name: "kind" })));
}

#[test]
fn pictures_have_a_style() {
    let style = |query| Written::from_query(query).unwrap().style();
    assert_eq!(style(""), Ok(Style::default()));
    let asked = style("colormap=viridis&radius=8&opacity=100");
    assert_eq!(asked, Ok(Style::new(Colormap::Viridis, 8, 100)));
    for query in
        ["colormap=jet", "radius=7", "radius=257", "radius=-1", "opacity=0", "opacity=101", "opacity=0.5"]
    {
        assert!(matches!(style(query), Err(BadQuestion::Value { .. })), "{query}");
    }
    let names: Vec<&str> = Colormap::ALL.iter().map(|colormap| colormap.name()).collect();
    assert_eq!(COLORMAPS.replace(" or ", ", ").split(", ").collect::<Vec<_>>(), names, "what an error says");
}

#[test]
fn there_are_no_visitors_to_count() {
    for query in [
        "metric=unique_visitors",
        "unique_visitors=true",
        "kind=unique_visitors",
        "sessions=1",
        "by=1&users=1",
    ] {
        let asked = Written::from_query(query.trim_start_matches("by=1&"));
        assert_eq!(asked, Err(BadQuestion::Visitors), "{query}");
    }
    assert!(BadQuestion::Visitors.to_string().contains("nothing that tells one visitor from another"));
}

#[test]
fn a_body_says_what_a_query_says() {
    let query = "page=a.example%2Fp&kind=click,touch&fixed=false&limit=20&cell=16&country=DE";
    let body = r#"{"page":"a.example/p","kind":["click","touch"],"fixed":false,"limit":20,"cell":16,"country":["DE"],"to":null}"#;
    assert_eq!(Written::from_body(body.as_bytes()), Written::from_query(query));
    let written = Written::from_query(query).unwrap();
    assert_eq!(Written::from_body(written.to_json().to_string().as_bytes()), Ok(written));
    for body in ["", "[]", "{\"page\":{}}", "{\"page\":\"a\"", "{\"page\":1e999}"] {
        assert!(matches!(Written::from_body(body.as_bytes()), Err(BadQuestion::Syntax { .. })), "{body}");
    }
    assert_eq!(Written::from_body(br#"{"page":"a","page":"b"}"#), Err(BadQuestion::Twice { name: "page" }));
}

#[test]
fn a_list_goes_on_where_its_cursor_says() {
    let last = PageTotal { page: "a.example/\u{e9}".into(), count: 1_234_567 };
    let text = cursor(&last);
    assert!(!text.contains("example"));
    assert_eq!(with(&format!("cursor={text}"), Written::pages).unwrap().after, Some(last));
    for bad in ["", "12", "12-6", "12-zz", "x-61", "12-ff", "1-6\u{e9}"] {
        let error = with(&format!("cursor={bad}"), Written::pages);
        assert!(matches!(error, Err(BadQuestion::Value { name: "cursor", .. })), "{bad}");
    }
}
