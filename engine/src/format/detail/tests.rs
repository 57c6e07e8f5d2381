use proptest::prelude::*;

use super::super::block::{BlockBuilder, BlockEntry, check_group};
use super::super::summary::Summary;
use super::*;

fn rows() -> impl Strategy<Value = Vec<CellRow>> {
    let count = prop_oneof![8 => Just(1_u32), 2 => 1..5_u32, 1 => 1..=u32::MAX];
    let row = (0..MONTH_DAYS, 0..700_u16, count).prop_map(|(day, country, count)| CellRow {
        day,
        country: country / (1 + country % 9),
        count,
    });
    prop::collection::vec(row, 1..12).prop_map(|mut rows| {
        rows.sort_unstable();
        rows
    })
}

fn built(cells: &[Vec<CellRow>]) -> (BlockEntry, Vec<u8>) {
    let mut block = BlockBuilder::default();
    for rows in cells {
        block.push_cell(rows.iter().map(|row| u64::from(row.count)).sum(), rows);
    }
    block.place_piece(&(0..cells.len() as u32).collect::<Vec<_>>());
    let mut bytes = Vec::new();
    let entry = block.seal(&mut Packer::new(), 0, &mut bytes);
    (entry, bytes)
}

fn read(
    entry: &BlockEntry,
    summary: &[u8],
    detail: &[u8],
    countries: usize,
) -> Result<BlockRows, FormatError> {
    let mut unpacker = Unpacker::new();
    let (mut s, mut d, mut rows) = (Summary::default(), Detail::default(), BlockRows::default());
    s.unpack(summary, entry.cells, &(0..entry.cells), &mut unpacker)?;
    d.open(detail, (entry.cells, entry.rows), countries, &mut unpacker)?;
    rows.expand(&s, &mut d, detail, entry.rows, &mut unpacker)?;
    Ok(rows)
}

fn split<'b>(entry: &BlockEntry, bytes: &'b [u8]) -> (&'b [u8], &'b [u8]) {
    let (summary, detail) = bytes.split_at(entry.summary_bytes as usize);
    let summary = check_group("summary", summary, entry.summary_crc).unwrap();
    (summary, check_group("detail", detail, entry.detail_crc).unwrap())
}

proptest! {
    #[test]
    fn rows_are_read_back(cells in prop::collection::vec(rows(), 1..80)) {
        let (entry, bytes) = built(&cells);
        let (summary, detail) = split(&entry, &bytes);
        let back = read(&entry, summary, detail, 700).unwrap();
        let expected: Vec<CellRow> = cells.concat();
        let got: Vec<CellRow> = (0..expected.len())
            .map(|at| CellRow { day: back.days[at], country: back.countries[at], count: back.counts[at] })
            .collect();
        prop_assert_eq!(got, expected);
        let fan_outs: Vec<u32> = cells.iter().map(|rows| rows.len() as u32).collect();
        for cell in 0..=cells.len() {
            let before: u32 = fan_outs[..cell].iter().sum();
            prop_assert_eq!(back.first_row(cell as u32), before as usize);
        }
        prop_assert_eq!(back.fan_outs, fan_outs);
        prop_assert!(read(&entry, summary, detail, 0).is_err());
    }

    #[test]
    fn only_the_asked_days_and_countries_are_read(
        cells in prop::collection::vec(rows(), 1..400),
        days in any::<u32>(),
        modulus in 1..5_u16,
    ) {
        let (entry, bytes) = built(&cells);
        let (_, detail) = split(&entry, &bytes);
        let keep = |day: u8, country: u16| days >> day & 1 == 1 && country.is_multiple_of(modulus);
        let (mut unpacker, mut d) = (Unpacker::new(), Detail::default());
        d.open(detail, (entry.cells, entry.rows), 700, &mut unpacker).unwrap();
        let mut got = Vec::new();
        d.read(detail, |run| keep(run.day, run.country), &mut unpacker, &mut |run, cells, counts| {
            for (cell, count) in cells.iter().zip(counts) {
                got.push((run.day, run.country, *cell, *count));
            }
        })
        .unwrap();
        let of_cell = |(cell, rows): (usize, &Vec<CellRow>)| {
            rows.iter().map(|row| (row.day, row.country, cell as u32, row.count)).collect::<Vec<_>>()
        };
        let mut expected: Vec<_> = cells.iter().enumerate().flat_map(of_cell).collect();
        expected.retain(|(day, country, ..)| keep(*day, *country));
        expected.sort_unstable();
        let (read_bytes, symbols) = d.cost(|run| keep(run.day, run.country));
        prop_assert!(symbols >= got.len() && symbols <= 2 * got.len());
        prop_assert!(read_bytes <= detail.len() && (got.is_empty() || read_bytes > 0));
        prop_assert_eq!(got, expected);
        prop_assert_eq!(d.cost(|_| true).0, detail.len());
    }

    #[test]
    fn damaged_columns_give_an_error_or_possible_rows(
        cells in prop::collection::vec(rows(), 1..30),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let (entry, mut bytes) = built(&cells);
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let (summary, detail) = bytes.split_at((entry.summary_bytes as usize).min(bytes.len()));
        let columns = crate::format::block::group_columns;
        if let Ok(rows) = read(&entry, columns(summary), columns(detail), 700) {
            prop_assert!(rows.days.iter().all(|day| *day < MONTH_DAYS));
            prop_assert!(rows.countries.iter().all(|country| *country < 700));
            prop_assert_eq!(rows.days.len(), rows.counts.len());
            prop_assert_eq!(rows.fan_outs.iter().sum::<u32>() as usize, rows.counts.len());
        }
    }
}
