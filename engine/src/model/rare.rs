//! Rare countries: which groups are too small to be named.

use super::{Country, CountrySet};

/// Events of a site in one month by country, over all of what the month still stores.
#[derive(Clone)]
pub struct CountryTotals(Box<[u64; Country::CODES as usize]>);

impl Default for CountryTotals {
    fn default() -> CountryTotals {
        CountryTotals::new()
    }
}

impl CountryTotals {
    /// No events.
    #[must_use]
    pub fn new() -> CountryTotals {
        CountryTotals(Box::new([0; Country::CODES as usize]))
    }

    /// Adds events from a country.
    pub fn add(&mut self, country: Country, events: u64) {
        let total = &mut self.0[usize::from(country.code())];
        *total = total.saturating_add(events);
    }

    /// Countries that have events, but fewer than `min_count` (0: none): those that every answer and every merge of
    /// a closed month turns into `ZZ`. `ZZ` itself is never among them.
    #[must_use]
    pub fn rare(&self, min_count: u32) -> CountrySet {
        let rare = |events: u64| 0 < events && events < u64::from(min_count);
        let countries = (0..Country::CODES).filter_map(Country::from_code);
        countries
            .filter(|country| *country != Country::ZZ && rare(self.0[usize::from(country.code())]))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_rare_below_min_count_and_zz_never() {
        let country = |text: &str| text.parse::<Country>().unwrap();
        let mut totals = CountryTotals::new();
        for (text, events) in [("DE", 5), ("FR", 4), ("LI", 1), ("ZZ", 1), ("US", u64::MAX)] {
            totals.add(country(text), events);
        }
        totals.add(country("US"), 9);
        let rare: Vec<Country> = totals.rare(5).iter().collect();
        assert_eq!(rare, [country("FR"), country("LI")]);
        assert!(totals.rare(0).is_empty() && totals.rare(1).is_empty());
    }
}
