//! Page texts: URLs of the length that shops and magazines have, some 40 to 60 bytes.

use rand_distr::Distribution;
use rand_distr::uniform::Uniform;
use rand_xoshiro::Xoshiro256PlusPlus;

const SECTIONS: [&str; 10] =
    ["products", "blog", "category", "docs", "help", "news", "stories", "collections", "guides", "events"];

const WORDS: [&str; 40] = [
    "winter", "summer", "leather", "walking", "shoes", "garden", "table", "kitchen", "large", "small", "oak",
    "linen", "coffee", "travel", "review", "how-to", "choose", "best", "new", "classic", "city", "mountain",
    "running", "jacket", "lamp", "desk", "paper", "green", "blue", "natural", "starter", "price", "compare",
    "for", "two", "weekend", "offer", "sale", "gift", "home",
];

/// Texts of every page of one site; no two are the same.
pub(super) fn pages(site: usize, count: usize, rng: &mut Xoshiro256PlusPlus) -> Vec<Box<str>> {
    let section = Uniform::new(0, SECTIONS.len()).expect("there are sections");
    let word = Uniform::new(0, WORDS.len()).expect("there are words");
    let page = |index: usize, rng: &mut Xoshiro256PlusPlus| {
        let mut words = || WORDS[word.sample(rng)];
        let slug = [words(), words(), words()].join("-");
        format!("site-{site:03}.example/{}/{slug}/{index}", SECTIONS[section.sample(rng)]).into()
    };
    (0..count).map(|index| page(index, rng)).collect()
}
