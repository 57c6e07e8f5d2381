//! What may import what, held against the real imports; and what must be nowhere.

mod floors;
mod source;

use std::collections::BTreeSet;
use std::fs;

use source::{Source, sources, workspace};

/// Where a right to read a site is made; see `heatgrid_engine::model::SiteScope`.
const GRANTS: &[&str] = &["server/src/access", "tools/src/", "benches/src/"];

#[test]
fn every_module_of_the_engine_imports_only_from_floors_below() {
    let floors = floors::floors();
    let mut wrong = Vec::new();
    for source in sources("engine/src").iter().filter(|source| source.path != "engine/src/lib.rs") {
        let inside = source.path.trim_start_matches("engine/src/");
        let own = inside.split(['/', '.']).next().expect("a path has a first part");
        let Some(own_module) = floors.get(own) else {
            wrong.push(format!("{}: module {own} is not in the table of docs/ARCHITECTURE.md", source.path));
            continue;
        };
        for named in source.modules_named() {
            let allowed = floors.get(&named).is_some_and(|module| {
                module.floor < own_module.floor
                    || (module.floor == own_module.floor && own_module.siblings.contains(&named))
            });
            if !allowed {
                wrong.push(format!("{}: {own} may not import {named}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_of_floors_names_the_modules_that_there_are() {
    let library = fs::read_to_string(workspace().join("engine/src/lib.rs")).expect("the engine has a root");
    let modules: BTreeSet<String> = library
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ").or_else(|| line.strip_prefix("mod ")))
        .map(|name| name.trim_end_matches(';').to_string())
        .collect();
    let table: BTreeSet<String> = floors::floors().into_keys().collect();
    assert_eq!(table, modules);
}

#[test]
fn packages_depend_downwards_only() {
    let allowed: [(&str, &[&str]); 4] = [
        ("engine", &[]),
        ("server", &["heatgrid-engine"]),
        ("tools", &["heatgrid-engine", "heatgrid-server"]),
        ("benches", &["heatgrid-engine", "heatgrid-server"]),
    ];
    for (package, allowed) in allowed {
        let manifest = fs::read_to_string(workspace().join(package).join("Cargo.toml")).expect("a manifest");
        let (_, dependencies) = manifest.split_once("[dependencies]").expect("it has dependencies");
        let dependencies = dependencies.split("\n[").next().expect("a section");
        for line in dependencies.lines().filter(|line| line.starts_with("heatgrid")) {
            let name = line.split([' ', '.', '=']).next().expect("a name");
            assert!(allowed.contains(&name), "{package} may not depend on {name}");
        }
        if package == "engine" {
            for foreign in ["tokio", "hyper", "http", "serde", "serde_json", "futures"] {
                assert!(
                    !dependencies.lines().any(|line| line.starts_with(foreign)),
                    "the engine uses {foreign}"
                );
            }
        }
    }
}

#[test]
fn tools_use_only_what_offline_import_and_queries_share_with_the_server() {
    for source in sources("tools/src") {
        for module in source.named_of("heatgrid_server") {
            assert!(
                ["ask", "backup", "intake", "privacy", "wire"].contains(&module.as_str()),
                "{} uses heatgrid_server::{module}",
                source.path
            );
        }
    }
}

#[test]
fn the_right_to_read_a_site_is_made_only_where_access_is_decided() {
    let everywhere = ["engine/src", "server/src", "tools/src", "benches/src"];
    for source in everywhere.iter().flat_map(|below| sources(below)) {
        let allowed = GRANTS.iter().any(|place| source.path.starts_with(place));
        assert!(allowed || !source.says("SiteScope :: granted"), "{} makes a SiteScope", source.path);
    }
}

#[test]
fn unsafe_code_is_in_the_mapping_of_files_alone() {
    let everywhere = ["engine/src", "server/src", "tools/src", "benches/src", "tests/src"];
    for source in everywhere.iter().flat_map(|below| sources(below)) {
        assert!(source.path == "engine/src/disk/map.rs" || !source.says("unsafe"), "{}", source.path);
    }
}

#[test]
fn the_engine_has_no_clock_no_environment_no_files_and_no_threads_of_its_own() {
    let only_in: [(&str, &[&str]); 8] = [
        ("SystemTime :: now", &["clock"]),
        ("Instant :: now", &["throttle"]),
        ("std :: env", &[]),
        ("std :: fs", &["disk"]),
        ("std :: net", &[]),
        ("std :: process", &["disk"]),
        ("thread :: spawn", &["store"]),
        ("thread :: sleep", &["throttle"]),
    ];
    for source in sources("engine/src") {
        for (words, modules) in only_in {
            let allowed = modules.iter().any(|module| source.is_in(module));
            assert!(allowed || !source.says(words), "{} says {words}", source.path);
        }
        for print in ["println", "eprintln", "print", "eprint", "dbg"] {
            assert!(!source.says(&format!("{print} !")), "{} prints", source.path);
        }
    }
}

#[test]
fn every_file_has_one_reason_to_change() {
    let everywhere = ["engine/src", "server/src", "tools/src", "benches/src", "tests/src"];
    for source in everywhere.iter().flat_map(|below| sources(below)) {
        assert!(source.lines <= 500, "{} has {} lines: a second concept?", source.path, source.lines);
    }
}

#[test]
fn no_test_is_ignored_sleeps_or_is_left_to_do() {
    for (path, text) in rust_files() {
        for line in text.lines().map(str::trim_start) {
            // Put together here, so that this file does not find itself.
            for start in ["#[ignore", concat!("to", "do!("), concat!("unimple", "mented!(")] {
                assert!(!line.starts_with(start), "{path}: {line}");
            }
            // Background work paces itself, and the command looks again at what a server is doing.
            let waiting = ["engine/src/throttle.rs", "benches/", "tools/src/server/"];
            let may_wait = waiting.iter().any(|place| path.starts_with(place));
            let waits = may_wait || !line.contains(concat!("thread::", "sleep("));
            assert!(waits, "{path}: {line}");
        }
    }
}

#[test]
fn every_invariant_of_the_map_names_tests_that_exist() {
    let text = fs::read_to_string(workspace().join("docs/ARCHITECTURE.md")).expect("there is a map");
    let (_, invariants) = text.split_once("\n## Invariants").expect("it lists invariants");
    let proofs: Vec<&str> = invariants.split("\n## ").next().expect("a section").lines().collect();
    let functions = function_names();
    let mut named = 0;
    for row in proofs.iter().filter(|line| line.starts_with("| ") && !line.starts_with("| ---")).skip(1) {
        let proof = row.rsplit('|').nth(1).expect("a last column");
        for test in proof.split('`').skip(1).step_by(2) {
            named += 1;
            // Cases in a browser are told by their file.
            let is_there =
                functions.contains(test) || (test.contains('/') && workspace().join(test).exists());
            assert!(is_there, "no test is named {test}: {row}");
        }
        assert!(proof.contains('`'), "an invariant without a test: {row}");
    }
    assert!(named > 0);
}

/// Every function of the workspace, those of tests included.
fn function_names() -> BTreeSet<String> {
    let name = |line: &str| {
        let line = line.trim_start();
        let line = line.strip_prefix("async ").unwrap_or(line);
        Some(line.strip_prefix("fn ")?.split(['(', '<']).next()?.to_string())
    };
    rust_files().iter().flat_map(|(_, text)| text.lines().filter_map(name)).collect()
}

/// Path below the workspace and text of every Rust file, those of tests included.
fn rust_files() -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![workspace()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder can be listed") {
            let path = entry.expect("a folder can be listed").path();
            let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') && name != "target" && name != "node_modules" {
                folders.push(path);
            } else if name.ends_with(".rs") {
                let text = fs::read_to_string(&path).expect("a source file can be read");
                let below =
                    path.strip_prefix(workspace()).expect("it is below").to_string_lossy().into_owned();
                files.push((below, text));
            }
        }
    }
    files
}

#[test]
fn paths_are_found_however_they_are_written() {
    let text = r#"
        use crate::{model::Day, format::{frame, wal}, limits};
        use super::super::segment::Work;
        use super::plan::Plan;
        // crate::comment::is_none
        fn f() { let text = "crate::literal"; assert!(crate::clock::now(text) == 'c'); }
        mod inner { use super::super::super::view::View; fn g<'a>(x: &'a crate::disk::Disk) {} }
        #[cfg(test)]
        mod tests { use crate::store::Store; }
        #[cfg(test)]
        use crate::inspect;
    "#;
    let source = Source::parse("engine/src/query/scan.rs", text);
    assert_eq!(
        source.modules_named(),
        ["clock", "disk", "format", "limits", "model", "segment", "view"].map(String::from)
    );
    assert!(source.says("clock :: now") && !source.says("store :: Store"));
    assert!(source.is_in("query") && source.is_in("query::scan") && !source.is_in("query::plan"));
}
