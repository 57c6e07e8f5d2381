use proptest::prelude::*;

use super::*;

fn codes() -> impl Strategy<Value = Vec<u32>> {
    let cell = |width: u32, height: u32| (0..width, 0..height).prop_map(|(x, y)| x << Y_BITS | y);
    let set = |width, height, most| prop::collection::btree_set(cell(width, height), 1..most);
    prop_oneof![set(30, 40, 900), set(240, 1_500, 300), set(2_048, 32_768, 60), set(1, 32_768, 100)]
        .prop_map(|codes| codes.into_iter().collect())
}

proptest! {
    #[test]
    fn places_are_read_back_piece_by_piece(pieces in prop::collection::vec(codes(), 1..6), chunk in 1..400_u32) {
        let mut summary = Summary::default();
        let mut starts = Vec::new();
        let mut cells = 0;
        for codes in &pieces {
            let low_start = summary.low_bytes() as u32;
            let piece = summary.push_piece(codes);
            starts.push((piece, cells, codes.len() as u32, low_start));
            cells += codes.len() as u32;
            codes.iter().for_each(|code| summary.push_total(u64::from(*code) + 1));
        }
        let mut bytes = Vec::new();
        summary.pack(&mut Packer::new(), &mut bytes);
        let mut back = Summary::default();
        back.unpack(&bytes, cells, &(0..cells), &mut Unpacker::new()).unwrap();
        back.stretch_starts.clone_from(&summary.stretch_starts);
        prop_assert_eq!(&back, &summary);
        for ((piece, start, count, low_start), codes) in starts.into_iter().zip(&pieces) {
            let part = start..start + count;
            back.unpack(&bytes, cells, &part, &mut Unpacker::new()).unwrap();
            prop_assert!(back.holds(&part) && back.totals.len() <= codes.len().max(STRETCH_CELLS));
            let mut places = back.places(piece, start, count, low_start);
            let mut totals = back.totals(start);
            let (mut code, mut total) = (Vec::new(), Vec::new());
            for expected in codes.chunks(chunk as usize) {
                places.read(chunk, &mut code).unwrap();
                totals.read(expected.len(), &mut total);
                prop_assert_eq!(&code, expected);
                prop_assert!(total.iter().zip(&code).all(|(total, code)| *total == u64::from(*code) + 1));
            }
            places.read(chunk, &mut code).unwrap();
            prop_assert!(code.is_empty());
        }
    }

    #[test]
    fn wrong_pieces_give_an_error_or_cells(
        codes in codes(),
        stride in any::<u32>(),
        shift in 0..40_u32,
        start in 0..40_u32,
    ) {
        let mut summary = Summary::default();
        summary.push_piece(&codes);
        let mut places = summary.places(Piece { stride, shift }, start, 2_000, start);
        let mut code = Vec::new();
        while places.read(300, &mut code).is_ok() && !code.is_empty() {
            prop_assert!(code.iter().all(|code| *code < Cell::CODES));
        }
    }
}

/// Codes of `cells` cells.
fn column(cells: u32) -> Vec<u32> {
    (0..cells).map(|cell| cell * 3 % 32_768).collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

#[test]
fn a_stretch_is_small_pieces_together_or_a_large_one_alone() {
    let mut summary = Summary::default();
    for cells in [1_000, 1_000, 48, 1, 5_000, 2_048, 3] {
        summary.push_piece(&column(cells));
        (0..cells).for_each(|_| summary.push_total(1));
    }
    assert_eq!(summary.stretch_starts, [0, 2_048, 2_049, 7_049, 9_097]);
    let mut bytes = Vec::new();
    summary.pack(&mut Packer::new(), &mut bytes);
    let mut back = Summary::default();
    for (asked, held) in [
        (0..1, 0..2_048),
        (2_048..2_050, 2_048..7_049),
        (7_048..7_049, 2_049..7_049),
        (9_099..9_100, 9_097..9_100),
    ] {
        back.unpack(&bytes, 9_100, &asked, &mut Unpacker::new()).unwrap();
        assert!(back.holds(&held) && back.totals.len() == held.len(), "{asked:?}");
    }
    // A group that says another number of cells than the block index, or of stretches than it has.
    assert!(back.unpack(&bytes, 9_101, &(0..1), &mut Unpacker::new()).is_err());
    bytes[0] += 1;
    assert!(back.unpack(&bytes, 9_100, &(0..1), &mut Unpacker::new()).is_err());
}
