use proptest::prelude::*;

use super::*;

/// A good line with some of its fields written differently, or left out with an empty text.
fn line(changes: &[(&str, &str)]) -> String {
    let mut fields = vec![
        ("ts", "1767225600000"),
        ("url", r#""https://shop.example/p/42""#),
        ("kind", r#""click""#),
        ("x", "300"),
        ("y", "500"),
    ];
    for (name, value) in changes {
        fields.retain(|(present, _)| present != name);
        if !value.is_empty() {
            fields.push((name, value));
        }
    }
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", fields.join(","))
}

fn good(changes: &[(&str, &str)]) -> EventLine<'static> {
    let text = line(changes);
    let event = read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
    EventLine { url: Cow::Owned(event.url.into_owned()), ..event }
}

fn bad(changes: &[(&str, &str)], message: &str) {
    let text = line(changes);
    assert_eq!(read(text.as_bytes()).map_err(|error| error.to_string()), Err(message.to_owned()), "{text}");
}

#[test]
fn the_documented_line_is_read() {
    let text = r#"{"ts":1767225600000,"url":"https://shop.example/p/42","kind":"click","x":300,"y":500,
        "vw":1440,"vh":900,"doch":5200,"country":"DE","fixed":false,"n":1}"#;
    let event = read(text.as_bytes()).unwrap();
    assert!(matches!(event.url, Cow::Borrowed("https://shop.example/p/42")));
    assert_eq!(
        (event.at_ms, event.kind, event.cell, event.viewport, event.country, event.fixed, event.count),
        (
            1_767_225_600_000,
            Kind::Click,
            Cell::at_px(300, 500).unwrap(),
            Viewport::of_px(1_440),
            "DE".parse().unwrap(),
            false,
            1
        )
    );
    assert!(!event.objected);
}

#[test]
fn what_may_be_absent_has_a_meaning_when_it_is() {
    for nulls in
        [&[][..], &[("vw", "null"), ("country", "null"), ("fixed", "null"), ("n", "null"), ("dnt", "null")]]
    {
        let event = good(nulls);
        assert_eq!((event.viewport, event.country, event.fixed), (Viewport::UNKNOWN, Country::ZZ, false));
        assert_eq!((event.count, event.objected), (1, false));
    }
    assert_eq!(good(&[("vw", "0")]).viewport, Viewport::UNKNOWN);
    assert_eq!(good(&[("vw", "1e30")]).viewport, Viewport::of_px(9_999));
    assert_eq!(good(&[("country", "\"de\"")]).country, "DE".parse().unwrap());
    assert_eq!(good(&[("n", "1000000")]).count, 1_000_000);
    assert_eq!(good(&[("session", "[{\"a\":[]}]"), ("docw", "\"x\"")]), good(&[]));
}

#[test]
fn positions_are_rounded_down() {
    for (x, y, cell) in [
        ("7.99", "8", (0, 1)),
        ("16383", "262143", (2_047, 32_767)),
        ("16383.9", "262143.9", (2_047, 32_767)),
        ("-0", "-0.0", (0, 0)),
        ("3e2", "0", (37, 0)),
    ] {
        let event = good(&[("x", x), ("y", y)]);
        assert_eq!((event.cell.x(), event.cell.y()), cell, "{x} {y}");
    }
    assert_eq!(good(&[("ts", "-0.5")]).at_ms, -1);
}

#[test]
fn kinds_without_a_place_lose_it() {
    for (kind, cell) in [
        ("view", (0, 0)),
        ("conversion", (0, 0)),
        ("scroll", (0, 62)),
        ("attention", (0, 62)),
        ("attention_end", (0, 62)),
        ("converted_click", (37, 62)),
        ("touch", (37, 62)),
    ] {
        let event = good(&[("kind", &format!("\"{kind}\""))]);
        assert_eq!((event.cell.x(), event.cell.y()), cell, "{kind}");
    }
}

#[test]
fn what_is_wrong_is_named() {
    bad(&[("ts", "")], "`ts` is missing");
    bad(&[("url", "")], "`url` is missing");
    bad(&[("kind", "")], "`kind` is missing");
    bad(&[("x", "")], "`x` is missing");
    bad(&[("y", "")], "`y` is missing");
    bad(&[("x", "\"300\"")], "`x` is a number, not a string");
    bad(&[("x", "null")], "`x` is a number, not null");
    bad(&[("y", "[1]")], "`y` is a number, not an array");
    bad(&[("x", "-1")], "`x` is 0 to 16383, not -1");
    bad(&[("x", "-0.5")], "`x` is 0 to 16383, not -0.5");
    bad(&[("x", "16384")], "`x` is 0 to 16383, not 16384");
    bad(&[("y", "262144")], "`y` is 0 to 262143, not 262144");
    bad(&[("kind", "\"view\""), ("x", "16384")], "`x` is 0 to 16383, not 16384");
    bad(&[("ts", "\"2026-01-01\"")], "`ts` is a number, not a string");
    bad(&[("ts", "1e16")], "`ts` is -8640000000000000 to 8640000000000000, not 10000000000000000");
    bad(&[("url", "7")], "`url` is a string, not a number");
    bad(&[("country", "\"Germany\"")], "`country` is two letters such as DE");
    bad(&[("country", "\"\"")], "`country` is two letters such as DE");
    bad(&[("fixed", "1")], "`fixed` is true or false, not a number");
    bad(&[("n", "0")], "`n` is 1 to 1000000, not 0");
    bad(&[("n", "1000001")], "`n` is 1 to 1000000, not 1000001");
    bad(&[("n", "1.5")], "`n` is a whole number, not a fraction");
    bad(&[("vw", "-1")], &format!("`vw` is 0 to {}, not -1", f64::MAX));
    let kinds = "`kind` is one of view, click, rage_click, dead_click, move, touch, scroll, attention, \
                 attention_end, conversion, converted_click";
    bad(&[("kind", "\"keydown\"")], kinds);
    bad(&[("kind", "\"Click\"")], kinds);
}

#[test]
fn numbers_that_are_none_are_refused() {
    for x in ["1e300", "-1e300", "1e999", "NaN", "Infinity", "01", "1.", "+1", "0x10", "18446744073709551616"]
    {
        assert!(read(line(&[("x", x)]).as_bytes()).is_err(), "{x}");
    }
}

#[test]
fn what_is_no_object_is_refused_with_its_column() {
    let good = line(&[]);
    for (text, column) in [
        ("", 0),
        ("[]", 0),
        ("7", 1),
        ("{\"ts\":1,}", 9),
        (&good[..good.len() - 1], good.len() - 1),
        (&format!("{good}x"), good.len() + 1),
        (&format!("{good}{good}"), good.len() + 1),
    ] {
        assert_eq!(read(text.as_bytes()), Err(LineError::Syntax { column }), "{text}");
    }
    assert!(read(b"{\"ts\":1,\"url\":\"\xff\"}").is_err());
    // Nesting is no way to the end of the stack.
    let deep = format!("{{\"a\":{}", "[".repeat(100_000));
    assert!(matches!(read(deep.as_bytes()), Err(LineError::Syntax { .. })));
}

#[test]
fn a_field_that_stands_twice_is_refused() {
    let twice = line(&[]).replace('}', ",\"x\":1}");
    assert_eq!(read(twice.as_bytes()), Err(LineError::Twice { field: "x" }));
}

#[test]
fn each_signal_is_an_objection_whatever_stands_beside_it() {
    for signal in ["gpc", "dnt", "optout"] {
        for value in ["true", "1", "\"1\"", "\"yes\"", "\"true\"", "[]", "{}"] {
            assert!(good(&[(signal, value)]).objected, "{signal} {value}");
        }
        for value in ["false", "0", "null", "\"0\"", "\"unspecified\"", "\"False\""] {
            assert!(!good(&[(signal, value)]).objected, "{signal} {value}");
        }
    }
    let both = line(&[]).replace('}', ",\"gpc\":true,\"gpc\":false}");
    assert!(read(both.as_bytes()).unwrap().objected);
}

#[test]
fn escapes_in_names_and_texts_are_undone() {
    let text = r#"{"\u0074s":1,"url":"https:\/\/a.example\/","kind":"cl\u0069ck","x":1,"y":1}"#;
    let event = read(text.as_bytes()).unwrap();
    assert_eq!((event.at_ms, event.url.as_ref(), event.kind), (1, "https://a.example/", Kind::Click));
}

proptest! {
    #[test]
    fn no_line_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[\\[\\]{}\":,tsurlkindxy0-9e.+ -]{0,80}") {
        let _ = (read(&bytes), read(text.as_bytes()));
    }

    #[test]
    fn every_position_in_range_finds_its_cell(x in 0.0..16_384.0_f64, y in 0.0..262_144.0_f64) {
        let event = good(&[("x", &x.to_string()), ("y", &y.to_string())]);
        prop_assert_eq!((event.cell.x(), event.cell.y()), (x as u32 / 8, y as u32 / 8));
    }
}
