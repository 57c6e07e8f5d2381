use proptest::prelude::*;

use super::*;
use crate::format::account_edits::tests::edit;
use crate::format::frames::{FRAME_HEADER_BYTES, SECTOR_BYTES};
use crate::model::{
    Day, PageLimits, PathRules, QueryParams, Region, Role, Site, SiteId, SiteName, SiteSettings, Token,
    TokenId, Zone,
};

const SALT: u32 = 0x1234_5678;

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// The frames of the golden file; they never change.
fn golden() -> Vec<Vec<Edit>> {
    let shop = Site {
        id: SiteId(0x0102_0304_0506_0708),
        name: SiteName::new("shop").unwrap(),
        region: Region::new("eu").unwrap(),
        key: "eu_0123456789abcdef".into(),
        old_key: Some(("eu_old".into(), 1_767_225_600)),
        created_at: 1_767_139_200,
        closed: false,
        settings: SiteSettings {
            hosts: texts(&["shop.example"]),
            timezone: Zone::named("Europe/Berlin").unwrap(),
            query_params: QueryParams::Only(texts(&["q", "page"])),
            path_rules: PathRules::Keep,
            exclude_pages: texts(&["shop.example/admin/*"]),
            exclude_networks: texts(&["192.0.2.0/24"]),
            retention_days: 90,
            hourly_days: 14,
            min_count: 10,
            read_origins: texts(&["https://dashboard.example"]),
            page_limits: PageLimits { new_a_day: 500, live: 5_000 },
        },
    };
    let blog = Site {
        id: SiteId(7),
        name: SiteName::new("blog").unwrap(),
        key: "eu_7".into(),
        old_key: None,
        closed: true,
        settings: SiteSettings::standard(),
        ..shop.clone()
    };
    let owner = Token {
        id: TokenId(9),
        name: SiteName::new("ci").unwrap(),
        role: Role::Owner,
        sites: vec![SiteId(7), shop.id],
        hash: *b"0123456789abcdef0123456789abcdef",
        created_at: 1_767_139_200,
        expires_at: Some(1_798_675_200),
        last_used: Some(Day::from_number(20_454)),
        allow_from: texts(&["10.0.0.0/8", "2001:db8::/32"]),
    };
    let operator = Token {
        id: TokenId(10),
        role: Role::Operator,
        sites: vec![],
        expires_at: None,
        last_used: None,
        allow_from: vec![],
        ..owner.clone()
    };
    vec![
        vec![Edit::PutSite(shop), Edit::PutSite(blog)],
        vec![Edit::PutToken(owner), Edit::PutToken(operator)],
        vec![
            Edit::UseToken(TokenId(10), Day::from_number(20_455)),
            Edit::RemoveSite(SiteId(7)),
            Edit::RemoveToken(TokenId(9)),
        ],
    ]
}

fn encode(frames: &[Vec<Edit>]) -> Vec<u8> {
    let mut file = encode_header(SALT);
    for (number, edits) in (1..).zip(frames) {
        let mut bytes = Vec::new();
        edits.iter().for_each(|edit| edit.encode(&mut bytes));
        file.extend(encode_frame(SALT, number, &bytes));
    }
    file
}

/// The frames of a file, and whether its tail is torn.
fn decode(file: &[u8]) -> Result<(Vec<Vec<Edit>>, bool), FormatError> {
    let salt = decode_header(file)?;
    let mut frames = Vec::new();
    let mut offset = ACCOUNTS_HEADER_BYTES;
    loop {
        match next_frame(file, offset, salt, frames.len() as u64 + 1)? {
            Next::End => return Ok((frames, false)),
            Next::Torn => return Ok((frames, true)),
            Next::Frame { edits, edits_offset, end } => {
                let mut decoded = Vec::new();
                let mut zone = |name: &str| Zone::named(name).ok();
                decode_edits(edits, edits_offset, &mut zone, &mut |edit| decoded.push(edit))?;
                frames.push(decoded);
                offset = end;
            }
        }
    }
}

#[test]
fn the_dump_in_the_documentation_is_read() {
    let bytes = crate::format::dump::dump("accounts");
    assert_eq!(decode(&bytes), Ok((golden(), false)));
}

#[test]
fn the_golden_file_of_version_1_is_read_and_written() {
    let bytes = include_bytes!("../golden/accounts-1.bin");
    assert_eq!(decode(bytes), Ok((golden(), false)));
    assert_eq!(encode(&golden()), bytes);
}

#[test]
fn every_flipped_bit_is_noticed() {
    let file = encode(&golden());
    for bit in 0..file.len() * 8 {
        let mut damaged = file.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(decode(&damaged).is_err(), "bit {bit}");
    }
}

#[test]
fn a_file_that_is_cut_ends_with_the_last_whole_frame() {
    let file = encode(&golden());
    let ends: Vec<usize> = (0..=3).map(|frames| encode(&golden()[..frames]).len()).collect();
    for length in 0..file.len() {
        let whole = ends.iter().filter(|end| **end <= length).count();
        match decode(&file[..length]) {
            Err(_) => assert_eq!(whole, 0, "{length}"),
            Ok((frames, torn)) => {
                assert_eq!(frames, golden()[..whole - 1], "{length}");
                assert_eq!(torn, !ends.contains(&length), "{length}");
            }
        }
    }
}

/// A file with a long last frame, and where that begins.
fn with_long_tail() -> (Vec<u8>, usize) {
    let mut frames = golden();
    let begins = encode(&frames).len();
    let Edit::PutSite(mut site) = frames[0][0].clone() else { unreachable!() };
    site.settings.exclude_pages = (0..60).map(|page| format!("shop.example/excluded/{page}")).collect();
    frames.push(vec![Edit::PutSite(site)]);
    (encode(&frames), begins)
}

#[test]
fn a_last_frame_with_unwritten_sectors_is_torn_and_rot_in_it_is_not() {
    let (file, begins) = with_long_tail();
    let sectors = begins / SECTOR_BYTES..file.len().div_ceil(SECTOR_BYTES);
    assert!(sectors.len() >= 4, "{sectors:?}");
    for subset in 1_u32..1 << sectors.len() {
        let mut torn = file.clone();
        for (bit, sector) in sectors.clone().enumerate() {
            if subset >> bit & 1 == 1 {
                let from = (sector * SECTOR_BYTES).max(begins);
                let to = file.len().min((sector + 1) * SECTOR_BYTES);
                torn[from..to].fill(0);
            }
        }
        assert_eq!(decode(&torn), Ok((golden(), true)), "{subset:b}");
    }
    for byte in begins..file.len() {
        let mut rotten = file.clone();
        rotten[byte] ^= 0x10;
        assert!(decode(&rotten).is_err(), "{byte}");
    }
}

#[test]
fn no_frame_that_others_follow_is_torn() {
    let (mut file, begins) = with_long_tail();
    let header = ACCOUNTS_HEADER_BYTES;
    // Zeros over a frame, over a header, over several frames: something stands behind them.
    let first = encode(&golden()[..1]).len();
    for range in [header..first, header..header + FRAME_HEADER_BYTES, first..begins] {
        let mut rotten = file.clone();
        rotten[range.clone()].fill(0);
        assert!(decode(&rotten).is_err(), "{range:?}");
    }
    // Neither may frames be swapped or missing.
    let second = encode(&golden()[..2]).len();
    file.drain(first..second);
    assert!(decode(&file).is_err());
}

#[test]
fn frames_of_another_file_do_not_pass() {
    let mut file = encode_header(SALT + 1);
    file.extend(&encode(&golden())[ACCOUNTS_HEADER_BYTES..]);
    assert!(decode(&file).is_err());
}

proptest! {
    #[test]
    fn any_edits_are_read_back(
        frames in proptest::collection::vec(proptest::collection::vec(edit(), 0..4), 0..4),
    ) {
        prop_assert_eq!(decode(&encode(&frames)), Ok((frames, false)));
    }

    #[test]
    fn hostile_bytes_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        noise in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut file = encode(&golden());
        for (index, byte) in changes {
            let at = index.index(file.len());
            file[at] = byte;
        }
        let _ = decode(&file);
        let _ = decode(&noise);
        let mut after_header = encode_header(SALT);
        after_header.extend(noise);
        let _ = decode(&after_header);
    }
}
