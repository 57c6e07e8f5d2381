use proptest::prelude::*;

use super::*;

fn list(most: usize) -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[a-zé.*/]{0,12}", 0..most)
}

prop_compose! {
    fn settings()(
        hosts in list(3),
        timezone in prop::sample::select(vec!["UTC", "Europe/Berlin", "Asia/Kolkata"]),
        query_params in prop_oneof![
            Just(QueryParams::Drop), Just(QueryParams::Keep), list(3).prop_map(QueryParams::Only),
        ],
        keep_paths: bool,
        lists in (list(3), list(3), list(3)),
        numbers: [u32; 5],
    ) -> SiteSettings {
        let [retention_days, hourly_days, min_count, new_a_day, live] = numbers;
        SiteSettings {
            hosts,
            timezone: Zone::named(timezone).unwrap(),
            query_params,
            path_rules: if keep_paths { PathRules::Keep } else { PathRules::Redact },
            exclude_pages: lists.0,
            exclude_networks: lists.1,
            retention_days,
            hourly_days,
            min_count,
            read_origins: lists.2,
            page_limits: PageLimits { new_a_day, live },
        }
    }
}

prop_compose! {
    fn site()(
        id: u64,
        name in "[a-z0-9][a-z0-9-]{0,62}",
        region in "[a-z]{1,8}",
        key in "[a-z0-9_]{0,64}",
        old_key in proptest::option::of(("[a-z0-9_]{0,64}", any::<u64>())),
        created_at: u64,
        closed: bool,
        settings in settings(),
    ) -> Site {
        let old_key = old_key.map(|(key, until)| (key.into(), until));
        let (name, region) = (SiteName::new(&name).unwrap(), Region::new(&region).unwrap());
        Site { id: SiteId(id), name, region, key: key.into(), old_key, created_at, closed, settings }
    }
}

prop_compose! {
    fn token()(
        id: u64,
        name in "[a-z0-9][a-z0-9-]{0,62}",
        role in prop::sample::select(&Role::ALL[..]),
        sites in proptest::collection::btree_set(any::<u64>(), 0..4),
        hash: [u8; 32],
        created_at: u64,
        expires_at: Option<u64>,
        last_used: Option<u16>,
        allow_from in list(3),
    ) -> Token {
        Token {
            id: TokenId(id),
            name: SiteName::new(&name).unwrap(),
            role,
            sites: sites.into_iter().map(SiteId).collect(),
            hash,
            created_at,
            expires_at,
            last_used: last_used.map(Day::from_number),
            allow_from,
        }
    }
}

/// Any edit, in or out of what the accounts let pass.
pub(crate) fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        4 => site().prop_map(Edit::PutSite),
        4 => token().prop_map(Edit::PutToken),
        1 => any::<u64>().prop_map(|id| Edit::RemoveSite(SiteId(id))),
        1 => any::<u64>().prop_map(|id| Edit::RemoveToken(TokenId(id))),
        1 => any::<(u64, u16)>().prop_map(|(id, day)| Edit::UseToken(TokenId(id), Day::from_number(day))),
    ]
}

fn decode(bytes: &[u8]) -> Result<(Edit, usize), FormatError> {
    let mut cursor = Cursor::new("test", bytes);
    let edit = Edit::decode(&mut cursor, &mut |name| Zone::named(name).ok())?;
    Ok((edit, cursor.position()))
}

proptest! {
    #[test]
    fn every_edit_is_read_back_and_every_cut_of_it_refused(edit in edit()) {
        let mut bytes = Vec::new();
        edit.encode(&mut bytes);
        prop_assert_eq!(decode(&bytes), Ok((edit, bytes.len())));
        for length in 0..bytes.len() {
            prop_assert!(decode(&bytes[..length]).is_err(), "{} of {}", length, bytes.len());
        }
    }

    #[test]
    fn hostile_bytes_are_refused_or_mean_what_they_say(
        edit in edit(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = Vec::new();
        edit.encode(&mut bytes);
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok((edit, length)) = decode(&bytes) {
            let mut again = Vec::new();
            edit.encode(&mut again);
            // The names of zones alone may be written in more ways than one.
            prop_assert_eq!(again.to_ascii_lowercase(), bytes[..length].to_ascii_lowercase());
        }
    }

    #[test]
    fn noise_allocates_no_more_than_it_has(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok((Edit::PutToken(token), _)) = decode(&bytes) {
            prop_assert!(token.sites.len() * 8 <= bytes.len());
        }
    }
}

#[test]
fn a_zone_that_nobody_knows_is_refused() {
    let mut bytes = Vec::new();
    let settings = SiteSettings::standard();
    let name = SiteName::new("shop").unwrap();
    let region = Region::new("eu").unwrap();
    let (key, old_key) = ("eu_1".into(), None);
    put_site(
        &mut bytes,
        &Site { id: SiteId(1), name, region, key, old_key, created_at: 0, closed: false, settings },
    );
    let at = bytes.windows(3).position(|window| window == b"UTC").unwrap();
    bytes[at] = b'X';
    assert!(matches!(decode(&bytes), Err(FormatError::Invalid { .. })));
}
