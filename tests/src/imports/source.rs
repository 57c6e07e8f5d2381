//! Rust source as tokens: comments and literals cannot be mistaken for code.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// One file of the workspace, with the parts that only tests compile taken out.
pub(super) struct Source {
    /// Path below the workspace, with `/`.
    pub(super) path: String,
    /// Lines of the whole file.
    pub(super) lines: usize,
    /// The module the file is, as a path below its crate's root: `["query", "scan"]`.
    module: Vec<String>,
    tokens: Vec<TokenTree>,
}

/// The folder that holds `engine/`, `server/`, `tools/`.
pub(super) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the workspace").to_path_buf()
}

/// Every source file below a folder of the workspace but `tests.rs` files and `tests/` folders, by path.
pub(super) fn sources(below: &str) -> Vec<Source> {
    let mut files = Vec::new();
    collect(&workspace().join(below), &mut files);
    files.sort();
    let product = |path: &PathBuf| {
        let name = path.to_string_lossy();
        !name.ends_with("/tests.rs") && !name.contains("/tests/")
    };
    files.iter().filter(|path| product(path)).map(|path| Source::read(path)).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("a folder can be listed").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

impl Source {
    fn read(path: &Path) -> Source {
        let text = fs::read_to_string(path).expect("a source file can be read");
        let path = path.strip_prefix(workspace()).expect("it is below").to_string_lossy().into_owned();
        Source::parse(&path, &text)
    }

    /// A file of this path and text.
    pub(super) fn parse(path: &str, text: &str) -> Source {
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        Source {
            path: path.into(),
            lines: text.lines().count(),
            module: module_of(path),
            tokens: without_tests(tokens),
        }
    }

    /// Top-level modules of its own crate that its paths name, through `crate::` and through `super::`.
    pub(super) fn modules_named(&self) -> Vec<String> {
        let mut named = Vec::new();
        named_in(&self.tokens, &self.module, &mut named);
        named.retain(|name| Some(name) != self.module.first());
        named.sort();
        named.dedup();
        named
    }

    /// What stands right after `<crate_name>::`: the modules of another crate that it names.
    pub(super) fn named_of(&self, crate_name: &str) -> Vec<String> {
        let mut named = Vec::new();
        after_path_head(&self.tokens, crate_name, &mut named);
        named.sort();
        named.dedup();
        named
    }

    /// Whether these tokens follow each other in it: `says("SystemTime :: now")`.
    pub(super) fn says(&self, words: &str) -> bool {
        let words: Vec<&str> = words.split(' ').flat_map(split_colons).collect();
        contains(&self.tokens, &words)
    }

    /// Whether the file is, or is below, the module of this path: `"store"`, `"disk::map"`.
    pub(super) fn is_in(&self, module: &str) -> bool {
        let parts: Vec<&str> = module.split("::").collect();
        self.module.len() >= parts.len() && self.module.iter().zip(&parts).all(|(a, b)| a == b)
    }
}

/// `::` is two tokens.
fn split_colons(word: &str) -> Vec<&str> {
    if word == "::" { vec![":", ":"] } else { vec![word] }
}

fn module_of(path: &str) -> Vec<String> {
    let inside = path.split_once("src/").map_or(path, |(_, inside)| inside);
    let mut parts: Vec<String> = inside.trim_end_matches(".rs").split('/').map(String::from).collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        parts.pop();
    }
    parts
}

/// Takes out every item behind `#[cfg(test)]`: up to its braces or its semicolon.
fn without_tests(tokens: TokenStream) -> Vec<TokenTree> {
    let mut kept: Vec<TokenTree> = Vec::new();
    let mut skipping = false;
    for token in tokens {
        if skipping {
            let ends = match &token {
                TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                TokenTree::Punct(punct) => punct.as_char() == ';',
                _ => false,
            };
            skipping = !ends;
            continue;
        }
        let is_test_attribute = matches!(&token, TokenTree::Group(group)
            if group.delimiter() == Delimiter::Bracket && group.stream().to_string().replace(' ', "") == "cfg(test)");
        if is_test_attribute && is_punct(kept.last(), '#') {
            kept.pop();
            skipping = true;
        } else {
            kept.push(token);
        }
    }
    kept
}

fn is_punct(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

fn is_path_separator(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')
}

fn word(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        _ => None,
    }
}

/// Walks the tokens of a module; a `mod name { ... }` inside is one level deeper.
fn named_in(tokens: &[TokenTree], module: &[String], named: &mut Vec<String>) {
    let mut at = 0;
    while at < tokens.len() {
        match word(tokens.get(at)).as_deref() {
            Some("mod") => {
                if let (Some(name), Some(TokenTree::Group(body))) =
                    (word(tokens.get(at + 1)), tokens.get(at + 2))
                {
                    let inner: Vec<String> = module.iter().cloned().chain([name]).collect();
                    named_in(&body.stream().into_iter().collect::<Vec<_>>(), &inner, named);
                    at += 2;
                }
            }
            Some("crate") if is_path_separator(tokens, at + 1) => heads(tokens.get(at + 3), named),
            Some("super") if is_path_separator(tokens, at + 1) => {
                let mut depth = 1;
                while word(tokens.get(at + 3)).as_deref() == Some("super")
                    && is_path_separator(tokens, at + 4)
                {
                    (depth, at) = (depth + 1, at + 3);
                }
                if depth >= module.len() {
                    heads(tokens.get(at + 3), named);
                }
            }
            _ => {
                if let Some(TokenTree::Group(group)) = tokens.get(at) {
                    named_in(&group.stream().into_iter().collect::<Vec<_>>(), module, named);
                }
            }
        }
        at += 1;
    }
}

/// The first words of a path's rest: one word, or the first of each branch of `{a::b, c}`.
fn heads(rest: Option<&TokenTree>, named: &mut Vec<String>) {
    match rest {
        Some(TokenTree::Group(group)) => {
            let branches: Vec<TokenTree> = group.stream().into_iter().collect();
            for branch in branches.split(|token| is_punct(Some(token), ',')) {
                heads(branch.first(), named);
            }
        }
        Some(TokenTree::Punct(punct)) if punct.as_char() == '*' => named.push("*".into()),
        rest => named.extend(word(rest)),
    }
}

fn after_path_head(tokens: &[TokenTree], head: &str, named: &mut Vec<String>) {
    for (at, token) in tokens.iter().enumerate() {
        if word(Some(token)).as_deref() == Some(head) && is_path_separator(tokens, at + 1) {
            heads(tokens.get(at + 3), named);
        }
        if let TokenTree::Group(group) = token {
            after_path_head(&group.stream().into_iter().collect::<Vec<_>>(), head, named);
        }
    }
}

fn contains(tokens: &[TokenTree], words: &[&str]) -> bool {
    let same = |token: &TokenTree, word: &&str| match token {
        TokenTree::Group(_) => false,
        token => token.to_string() == **word,
    };
    tokens.windows(words.len()).any(|window| window.iter().zip(words).all(|(token, word)| same(token, word)))
        || tokens.iter().any(|token| match token {
            TokenTree::Group(group) => contains(&group.stream().into_iter().collect::<Vec<_>>(), words),
            _ => false,
        })
}
