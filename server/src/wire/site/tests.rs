use heatgrid_engine::model::{Region, SiteId, SiteName, Zone};

use super::*;

fn read(body: &str) -> Result<SiteSettings, BadSite> {
    WrittenSite::from_json(body.as_bytes())?.settings(&SiteSettings::standard())
}

/// Every setting, away from its standard.
const ALL: &str = r#"{"hosts":["shop.example","localhost:8080"],"timezone":"Europe/Berlin","query_params":["q","page"],
    "path_rules":"keep","exclude_pages":["/admin/*","shop.example/x"],"exclude_networks":["192.0.2.0/24","2001:db8::/32"],
    "retention_days":36500,"hourly_days":0,"min_count":0,"read_origins":["https://dash.example","http://localhost:3000"],
    "page_limits":{"new_a_day":7,"live":9}}"#;

#[test]
fn only_the_name_is_required() {
    let written = WrittenSite::from_json(br#"{"site":"shop"}"#).unwrap();
    assert_eq!(written.name().unwrap(), SiteName::new("shop").unwrap());
    assert_eq!(written.region().unwrap(), None);
    assert_eq!(written.settings(&SiteSettings::standard()).unwrap(), SiteSettings::standard());
}

#[test]
fn what_is_not_written_stays_as_it_is() {
    let all = read(ALL).unwrap();
    let changed = WrittenSite::from_json(br#"{"min_count":3}"#).unwrap().settings(&all).unwrap();
    assert_eq!(changed, SiteSettings { min_count: 3, ..all });
}

#[test]
fn a_site_is_shown_as_it_can_be_written() {
    let site = Site {
        id: SiteId(7),
        name: SiteName::new("shop").unwrap(),
        region: Region::new("eu").unwrap(),
        key: "eu-key".into(),
        old_key: None,
        created_at: 1_767_355_200,
        closed: false,
        settings: read(ALL).unwrap(),
    };
    let shown = serde_json::to_value(SiteJson::of(&site)).unwrap();
    let written: serde_json::Value = serde_json::from_str(ALL).unwrap();
    for (name, value) in written.as_object().unwrap() {
        assert_eq!(&shown[name], value, "{name}");
    }
    assert_eq!(
        (&shown["site"], &shown["key"], &shown["region"]),
        (&"shop".into(), &"eu-key".into(), &"eu".into())
    );
    assert_eq!((&shown["created_at"], &shown["closed"]), (&"2026-01-02T12:00:00Z".into(), &false.into()));
    assert_eq!(site.settings.timezone, Zone::named("Europe/Berlin").unwrap());
    let standard = Site { settings: SiteSettings::standard(), ..site };
    let shown = serde_json::to_value(SiteJson::of(&standard)).unwrap();
    assert_eq!((&shown["query_params"], &shown["path_rules"]), (&"drop".into(), &"redact".into()));
}

#[test]
fn what_is_wrong_is_named() {
    for (body, name) in [
        (r#"{"hosts":["shop.example/path"]}"#, "hosts"),
        (r#"{"hosts":["https://shop.example"]}"#, "hosts"),
        (r#"{"hosts":[""]}"#, "hosts"),
        (r#"{"timezone":"Mars/Olympus"}"#, "timezone"),
        (r#"{"query_params":"some"}"#, "query_params"),
        (r#"{"query_params":[""]}"#, "query_params"),
        (r#"{"path_rules":"drop"}"#, "path_rules"),
        (r#"{"exclude_pages":["*********"]}"#, "exclude_pages"),
        (r#"{"exclude_pages":[""]}"#, "exclude_pages"),
        (r#"{"exclude_networks":["shop.example"]}"#, "exclude_networks"),
        (r#"{"retention_days":0}"#, "retention_days"),
        (r#"{"retention_days":36501}"#, "retention_days"),
        (r#"{"hourly_days":36501}"#, "hourly_days"),
        (r#"{"read_origins":["https://dash.example/x"]}"#, "read_origins"),
        (r#"{"read_origins":["*"]}"#, "read_origins"),
    ] {
        match read(body) {
            Err(BadSite::Value { name: got, .. }) => assert_eq!(got, name, "{body}"),
            other => panic!("{body}: {other:?}"),
        }
    }
    let many = format!(r#"{{"hosts":[{}"a.example"]}}"#, "\"a.example\",".repeat(SETTING_ENTRIES));
    assert!(matches!(read(&many), Err(BadSite::TooMany { name: "hosts" })));
    for body in ["", "[]", r#"{"retention":3}"#, r#"{"retention_days":-1}"#, r#"{"hosts":"a.example"}"#] {
        assert!(matches!(read(body), Err(BadSite::Json(_))), "{body}");
    }
    for name in ["", "Shop", "-shop", "a.b"] {
        let written = WrittenSite { site: Some(name.into()), ..WrittenSite::default() };
        assert!(matches!(written.name(), Err(BadSite::Name(_))), "{name}");
    }
    let written = WrittenSite { region: Some("europe-west".into()), ..WrittenSite::default() };
    assert!(written.region().is_err() && written.name().is_err());
}
