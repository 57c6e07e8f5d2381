//! Countries: two letters, 676 codes, `ZZ` for unknown and for rare ones.

use std::fmt;
use std::str::FromStr;

/// An ISO 3166-1 alpha-2 shaped code: two letters A-Z. 10 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country(u16);

impl Country {
    /// Number of distinct codes.
    pub const CODES: u16 = 676;
    /// Unknown, or too rare to be named.
    pub const ZZ: Country = Country(675);

    /// The country of a code as stored, or `None` if none has it.
    #[must_use]
    pub fn from_code(code: u16) -> Option<Country> {
        (code < Self::CODES).then_some(Country(code))
    }

    /// The code as stored: `26 * first + second`, letters counted from A = 0.
    #[must_use]
    pub fn code(self) -> u16 {
        self.0
    }
}

impl FromStr for Country {
    type Err = ();

    /// Two ASCII letters, either case.
    fn from_str(text: &str) -> Result<Country, ()> {
        match text.as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                let letter = |c: &u8| u16::from(c.to_ascii_uppercase() - b'A');
                Ok(Country(letter(a) * 26 + letter(b)))
            }
            _ => Err(()),
        }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Both are below 26, so the casts lose nothing.
        write!(f, "{}{}", char::from(b'A' + (self.0 / 26) as u8), char::from(b'A' + (self.0 % 26) as u8))
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A set of countries, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct CountrySet([u64; 11]);

impl CountrySet {
    /// The empty set.
    #[must_use]
    pub fn new() -> CountrySet {
        CountrySet::default()
    }

    /// Adds one.
    pub fn insert(&mut self, country: Country) {
        self.0[usize::from(country.0 / 64)] |= 1 << (country.0 % 64);
    }

    /// Takes one out.
    pub fn remove(&mut self, country: Country) {
        self.0[usize::from(country.0 / 64)] &= !(1 << (country.0 % 64));
    }

    /// Whether it holds `country`.
    #[must_use]
    pub fn contains(&self, country: Country) -> bool {
        self.0[usize::from(country.0 / 64)] >> (country.0 % 64) & 1 == 1
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Its countries, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Country> + '_ {
        (0..Country::CODES).map(Country).filter(|country| self.contains(*country))
    }
}

impl FromIterator<Country> for CountrySet {
    fn from_iter<I: IntoIterator<Item = Country>>(countries: I) -> CountrySet {
        let mut set = CountrySet::new();
        countries.into_iter().for_each(|country| set.insert(country));
        set
    }
}
