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
    fn cells_that_are_cut_out_leave_the_others_as_if_they_had_never_been(
        before in prop::collection::vec(rows(), 0..20),
        cells in prop::collection::vec(rows(), 1..200),
        lengths in prop::collection::vec((1..40_u32, any::<bool>()), 1..30),
        modulus in 1..4_u16,
    ) {
        let (entry, bytes) = built(&cells);
        let (_, detail) = split(&entry, &bytes);
        // Sections, and of each how many cells before it go; none, of those that go.
        let (mut sections, mut fates, mut end, mut less) = (Sections::default(), Vec::new(), 0, 0);
        for (length, stays) in lengths.into_iter().chain([(entry.cells, true)]) {
            let start = end;
            end = entry.cells.min(end + length);
            if sections.push(end) {
                fates.push(((start..end), stays.then_some(less)));
            }
            less += if stays { 0 } else { end - start };
        }
        let keep = |country: u16| country.is_multiple_of(modulus);
        let of_section = |cells_of: &std::ops::Range<u32>, run: &Run| -> Vec<(u32, u32)> {
            cells_of
                .clone()
                .flat_map(|cell| cells[cell as usize].iter().map(move |row| (cell, row)))
                .filter(|(_, row)| (row.day, row.country) == (run.day, run.country))
                .map(|(cell, row)| (cell, row.count))
                .collect()
        };

        let (mut unpacker, mut opened, mut coded) =
            (Unpacker::new(), Detail::default(), CodedRows::default());
        opened.open(detail, (entry.cells, entry.rows), 700, &mut unpacker).unwrap();
        let mut spans = Vec::new();
        let read = opened.read_sections(detail, &sections, |run| keep(run.country), &mut unpacker, &mut |run, span| {
            spans.push((*run, span.section, span.first_cell, span.last_cell, span.rows, span.events));
            if let Some(less) = fates[span.section].1 {
                coded.push(run.day, run.country, &span, less);
            }
        });
        prop_assert!(read.is_ok());
        let mut rows = 0;
        for (run, section, first_cell, last_cell, count, events) in spans {
            let expected = of_section(&fates[section].0, &run);
            let sum: u64 = expected.iter().map(|(_, count)| u64::from(*count)).sum();
            prop_assert_eq!((expected[0].0, expected[expected.len() - 1].0), (first_cell, last_cell));
            prop_assert_eq!((expected.len() as u32, sum), (count, events));
            rows += expected.len();
        }
        let kept = |row: &&CellRow| keep(row.country);
        prop_assert_eq!(rows, cells.iter().flatten().filter(kept).count());

        // Behind rows that came by themselves, and before others, it is as if all had.
        let (mut cut, mut fresh) = (DetailBuilder::default(), DetailBuilder::default());
        let stays = |cell: &u32| fates.iter().any(|(of, stays)| of.contains(cell) && stays.is_some());
        let staying: Vec<Vec<CellRow>> = (0..entry.cells)
            .filter(stays)
            .map(|cell| cells[cell as usize].iter().filter(kept).copied().collect())
            .collect();
        prop_assert_eq!(coded.rows(), staying.concat().len());
        let middle = before.len() as u32;
        for (cell, rows) in (0..).zip(before.iter().chain(&staying).chain(&before)) {
            fresh.push_rows(cell, rows);
            if cell < middle {
                cut.push_rows(cell, rows);
            }
            if cell == middle {
                cut.append(&coded, middle);
            }
            if cell >= middle + staying.len() as u32 {
                cut.push_rows(cell, rows);
            }
        }
        let (mut cut_bytes, mut fresh_bytes) = (Vec::new(), Vec::new());
        cut.pack(&mut Packer::new(), &mut cut_bytes);
        fresh.pack(&mut Packer::new(), &mut fresh_bytes);
        prop_assert!(staying.is_empty() || cut_bytes == fresh_bytes);
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
        let (mut unpacker, mut d, mut sections) = (Unpacker::new(), Detail::default(), Sections::default());
        sections.push(entry.cells / 2);
        sections.push(entry.cells);
        if d.open(columns(detail), (entry.cells, entry.rows), 700, &mut unpacker).is_ok() {
            let mut coded = CodedRows::default();
            let _ = d.read_sections(columns(detail), &sections, |_| true, &mut unpacker, &mut |run, span| {
                assert!(span.first_cell <= span.last_cell && span.last_cell < entry.cells);
                coded.push(run.day, run.country, &span, 0);
            });
            let mut builder = DetailBuilder::default();
            builder.append(&coded, 1);
            builder.pack(&mut Packer::new(), &mut Vec::new());
        }
        if let Ok(rows) = read(&entry, columns(summary), columns(detail), 700) {
            prop_assert!(rows.days.iter().all(|day| *day < MONTH_DAYS));
            prop_assert!(rows.countries.iter().all(|country| *country < 700));
            prop_assert_eq!(rows.days.len(), rows.counts.len());
            prop_assert_eq!(rows.fan_outs.iter().sum::<u32>() as usize, rows.counts.len());
        }
    }
}
