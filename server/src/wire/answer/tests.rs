use heatgrid_engine::model::{CellSize, Device, Grid, HourOfSite, Kind, Work};
use heatgrid_engine::query::{Attention, PageTotal, ScrollReach, Summary, Time, TimeCount};

use super::*;
use crate::wire::format::{Format, NoSuchForm};

const NOW: u64 = 1_767_355_200_000;

fn answer<T>(value: T) -> Answer<T> {
    let days = DayRange { from: "2026-01-01".parse().unwrap(), to: "2026-02-01".parse().unwrap() };
    Answer { value, days, recoded: false, withheld: false, work: Work::default() }
}

fn text(bytes: Result<Vec<u8>, NoSuchForm>) -> String {
    String::from_utf8(bytes.unwrap()).unwrap()
}

fn grid(cells: &[(u32, u32, u64)]) -> Grid {
    let codes = cells.iter().map(|(x, y, _)| x << 15 | y).collect();
    Grid::new(CellSize::from_px(16).unwrap(), codes, cells.iter().map(|cell| cell.2).collect(), 0)
}

#[test]
fn a_grid_is_written_in_every_form_but_a_picture() {
    let answer = answer(grid(&[(1, 9, 3), (4, 2, 5)]));
    let head = Head::of("shop", [Kind::Click, Kind::Touch].into_iter().collect(), &answer, NOW);
    let written = GridAnswer { head: head.page(Some("a.example/")), grid: &answer.value, compare: None };
    assert_eq!(
        text(written.write(Format::Json)),
        "{\"site\":\"shop\",\"page\":\"a.example/\",\"kind\":[\"click\",\"touch\"],\"from\":\"2026-01-01\",\
         \"to\":\"2026-02-01\",\"as_of\":\"2026-01-02T12:00:00Z\",\"cell_px\":16,\"width\":5,\"height\":10,\
         \"total\":8,\"max\":5,\"cells\":[[1,9,3],[4,2,5]]}\n"
    );
    assert_eq!(text(written.write(Format::Csv)), "cell_x,cell_y,count\n1,9,3\n4,2,5\n");
    assert_eq!(
        text(written.write(Format::Ndjson)),
        "{\"x\":1,\"y\":9,\"count\":3}\n{\"x\":4,\"y\":2,\"count\":5}\n"
    );
    assert_eq!(
        text(written.write(Format::Points)),
        "{\"max\":5,\"data\":[{\"x\":24,\"y\":152,\"value\":3},{\"x\":72,\"y\":40,\"value\":5}]}\n"
    );
    assert_eq!(written.write(Format::Png), Err(NoSuchForm(Format::Png)));
}

#[test]
fn the_binary_form_is_what_its_text_says() {
    for (count, width) in [(5, 4), (1 << 40, 8)] {
        let answer = answer(grid(&[(1, 9, 3), (4, 2, count)]));
        let written = GridAnswer {
            head: Head::of("shop", Kind::Click.into(), &answer, NOW),
            grid: &answer.value,
            compare: None,
        };
        let bytes = written.write(Format::Bin).unwrap();
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let long = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        assert_eq!(bytes[..4], BIN_MAGIC);
        assert_eq!([word(4), word(8), word(12), word(16)], [16, 5, 10, 2]);
        assert_eq!([long(20), long(28)], [3 + count, count]);
        assert_eq!([word(36), word(40)], [1 << 15 | 9, 4 << 15 | 2]);
        assert_eq!(bytes.len(), 44 + 2 * width);
        assert_eq!(if width == 4 { u64::from(word(48)) } else { long(52) }, count);
    }
}

#[test]
fn a_comparison_has_the_cells_of_both() {
    let (now, then) = (answer(grid(&[(1, 9, 3), (4, 2, 5)])), grid(&[(0, 0, 1), (1, 9, 4), (9, 9, 2)]));
    let head = Head::of("shop", Kind::Click.into(), &now, NOW).page_pattern(Some("a.example/*"));
    let written = GridAnswer { head, grid: &now.value, compare: Some(&then) };
    assert_eq!(
        text(written.write(Format::Csv)),
        "cell_x,cell_y,count,compare\n0,0,0,1\n1,9,3,4\n4,2,5,0\n9,9,0,2\n"
    );
    let json = text(written.write(Format::Json));
    assert!(json.contains("\"page_pattern\":\"a.example/*\""), "{json}");
    assert!(json.contains("\"compare_total\":7,\"compare_max\":4,\"cells\":[[0,0,0,1],[1,9,3,4],"), "{json}");
    assert!(json.contains("\"width\":10,\"height\":10,\"total\":8"), "{json}");
}

#[test]
fn what_happened_to_an_answer_is_said_only_where_it_happened() {
    let mut empty = answer(grid(&[]));
    empty.days = DayRange { from: "2026-03-01".parse().unwrap(), to: "2026-02-01".parse().unwrap() };
    empty.recoded = true;
    empty.withheld = true;
    let head = Head::of("shop", Kind::ConvertedClick.into(), &empty, NOW);
    let json = text(GridAnswer { head, grid: &empty.value, compare: None }.write(Format::Json));
    assert!(json.contains("\"from\":\"2026-02-01\",\"to\":\"2026-02-01\""), "{json}");
    assert!(json.contains("\"recoded\":true,\"withheld\":true"), "{json}");
    assert!(json.ends_with("\"total\":0,\"max\":0,\"cells\":[]}\n"), "{json}");
}

#[test]
fn a_series_is_a_root_array() {
    let day = "2026-01-01".parse().unwrap();
    let items = [
        TimeCount { time: Time::Hour(HourOfSite::new(day, 13)), count: 1 },
        TimeCount { time: Time::Day(day), count: 2 },
        TimeCount { time: Time::Month(day.month()), count: 3 },
    ];
    let written = SeriesAnswer(&items);
    assert_eq!(
        text(written.write(Format::Json)),
        "[{\"time\":\"2026-01-01T13\",\"count\":1},{\"time\":\"2026-01-01\",\"count\":2},\
         {\"time\":\"2026-01\",\"count\":3}]\n"
    );
    assert_eq!(text(written.write(Format::Csv)), "time,count\n2026-01-01T13,1\n2026-01-01,2\n2026-01,3\n");
    assert_eq!(text(SeriesAnswer(&[]).write(Format::Json)), "[]\n");
    assert_eq!(written.write(Format::Bin), Err(NoSuchForm(Format::Bin)));
}

#[test]
fn no_spreadsheet_takes_a_page_for_a_formula() {
    let pages = ["=1+1.example/", "+1.example/", "-1.example/", "a.example/=1", "'1.example/"];
    let items = pages.map(|page| PageTotal { page: page.into(), count: 1 });
    assert_eq!(
        text(PagesAnswer(&items).write(Format::Csv)),
        "page,count\n'=1+1.example/,1\n'+1.example/,1\n'-1.example/,1\na.example/=1,1\n'1.example/,1\n"
    );
}

#[test]
fn pages_with_commas_are_quoted() {
    let pages = ["a.example/", "a.example/a,b?\"c\""];
    let items = pages.map(|page| PageTotal { page: page.into(), count: 7 });
    assert_eq!(
        text(PagesAnswer(&items).write(Format::Csv)),
        "page,count\na.example/,7\n\"a.example/a,b?\"\"c\"\"\",7\n"
    );
    assert_eq!(
        text(PagesAnswer(&items[1..]).write(Format::Ndjson)),
        "{\"page\":\"a.example/a,b?\\\"c\\\"\",\"count\":7}\n"
    );
}

#[test]
fn a_summary_has_its_parts_in_order() {
    let mut hours = Box::new([[0; 24]; 7]);
    hours[2][13] = 4;
    let days = DayRange { from: "2025-12-29".parse().unwrap(), to: "2026-02-01".parse().unwrap() };
    let answer = answer(Summary {
        total: 9,
        kinds: vec![(Kind::View, 5), (Kind::Click, 4)],
        devices: vec![(Device::Mobile, 9)],
        countries: vec![("DE".parse().unwrap(), 9)],
        weekdays: [0, 0, 9, 0, 0, 0, 0],
        hours: Some(hours),
        hour_days: days,
    });
    let head = Head::of("shop", KindSet::all(), &answer, NOW);
    let summary = &answer.value;
    let written = SummaryAnswer { head: head.clone(), summary, hours: Some(summary) };
    let json = text(written.write(Format::Json));
    assert!(
        json.contains("\"total\":9,\"kinds\":{\"view\":5,\"click\":4},\"devices\":{\"mobile\":9},\"countries\":{\"DE\":9}"),
        "{json}"
    );
    assert!(json.contains("\"weekdays\":{\"mon\":0,\"tue\":0,\"wed\":9,"), "{json}");
    assert!(json.ends_with("\"hours_from\":\"2025-12-29\",\"hours_to\":\"2026-02-01\"}\n"), "{json}");
    let csv = text(written.write(Format::Csv));
    assert!(csv.starts_with("group,name,count\nkind,view,5\nkind,click,4\ndevice,mobile,9\n"), "{csv}");
    assert!(csv.contains("weekday,wed,9\n") && csv.contains("\nhour,wed-13,4\n"), "{csv}");
    assert_eq!(csv.lines().count(), 1 + 2 + 1 + 1 + 7 + 7 * 24);
    let without = text(SummaryAnswer { head, summary, hours: None }.write(Format::Json));
    assert!(!without.contains("hours"), "{without}");
}

#[test]
fn reach_is_listed_where_views_ended() {
    let reach = answer(ScrollReach { deepest: vec![1, 0, 2, 1], views: 5 });
    let attention = Attention { seconds: vec![7, 7, 0, 3] };
    let head = Head::of("shop", Kind::Scroll.into(), &reach, NOW);
    let written = ScrollAnswer { head, reach: &reach.value, attention: &attention };
    assert_eq!(
        text(written.write(Format::Csv)),
        "y_px,reached,share,seconds\n0,4,1.0,7\n16,3,0.75,0\n24,1,0.25,3\n32,0,0.0,0\n"
    );
    let json = text(written.write(Format::Json));
    assert!(
        json.ends_with(
            "\"views\":5,\"scrolls\":4,\"reach\":[{\"y_px\":0,\"reached\":4,\"share\":1.0},\
             {\"y_px\":16,\"reached\":3,\"share\":0.75},{\"y_px\":24,\"reached\":1,\"share\":0.25}],\
             \"attention\":[{\"y_px\":0,\"seconds\":7},{\"y_px\":16,\"seconds\":0},{\"y_px\":24,\"seconds\":3},\
             {\"y_px\":32,\"seconds\":0}]}\n"
        ),
        "{json}"
    );
}

#[test]
fn the_dump_in_http_md_is_the_binary_form() {
    let text = include_str!("../../../../docs/HTTP.md");
    let (_, dump) = text.split_once("```hex grid\n").expect("docs/HTTP.md has the dump of a grid");
    let (dump, _) = dump.split_once("```").expect("a dump ends");
    let bytes: Vec<u8> = dump.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
    let codes = vec![1 << 15 | 2, 5 << 15 | 1];
    let answer = answer(Grid::new(CellSize::STORED, codes, vec![3, 1], 0));
    let head = Head::of("shop", Kind::Click.into(), &answer, NOW);
    let written = GridAnswer { head, grid: &answer.value, compare: None };
    assert_eq!(bytes, written.write(Format::Bin).unwrap());
}
