//! The command at a live server: every verb of backups, and what it says when something is wrong.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::served::{Served, refusal};

/// A site with some events.
fn fill(served: &Served) {
    let file = served.data().with_file_name("events.ndjson");
    let lines: String = (0..20)
        .map(|at| {
            let (ts, page) = (1_589_000_000_000_u64 + at, ["p", "canary"][at as usize % 2]);
            format!(
                "{{\"ts\":{ts},\"url\":\"https://a.example/{page}\",\"kind\":\"click\",\"x\":3,\"y\":8}}\n"
            )
        })
        .collect();
    fs::write(&file, lines).unwrap();
    served.done(&format!("import --site shop {} --retention-days 36500", file.display()));
}

fn names(listed: &Value) -> Vec<&str> {
    listed.as_array().unwrap().iter().map(|backup| backup["name"].as_str().unwrap()).collect()
}

#[test]
fn a_servers_backups_are_made_listed_verified_restored_pruned_and_deleted() {
    let served = Served::with_target();
    fill(&served);
    assert_eq!(served.json("backup list"), json!([]));
    let made = served.json("backup create --name one");
    assert_eq!((&made[0]["name"], &made[0]["events"]), (&json!("one"), &json!(20)));
    assert_eq!(made[0]["target"].as_str(), served.copies().to_str());
    served.json("backup create --name two");
    assert_eq!(names(&served.json("backup list")), ["two", "one"]);
    assert!(served.done("backup list").contains("one"));
    let verified = served.json("backup verify one");
    assert_eq!((&verified[0]["problems"], &verified[0]["segments"]), (&json!([]), &json!(1)));
    let pruned = served.json("backup prune");
    assert_eq!((&pruned[0]["backups"], &pruned[0]["segments"]), (&json!([]), &json!(0)));

    // What a purge would do and does there.
    let taken = served.json("erasure request --site shop --page a.example/canary");
    let plan = served.json("purge plan");
    assert_eq!((&plan["targets"][0]["segments"], &plan["targets"][0]["unreadable"]), (&json!(1), &json!(0)));
    assert!(plan["targets"][0]["bytes"].as_u64() > Some(0));
    served.done("purge run");
    assert_eq!(served.json("purge plan")["targets"][0]["segments"], 0);
    let id = taken["erasure"].as_str().unwrap();
    let evidence = served.json(&format!("erasure evidence {id}"));
    let certified = served.json(&format!("erasure certificate --site shop {id}"));
    assert_eq!(evidence["files_before"], certified["fields"]["files_before"]);

    served.done("backup delete two");
    assert_eq!(names(&served.json("backup list")), ["one"]);

    // It comes back elsewhere, by the key of the server's ledger.
    let (target, key) = (served.copies(), served.data().join("ledger.key"));
    let elsewhere = tempfile::tempdir().unwrap();
    let restored = Command::new(env!("CARGO_BIN_EXE_heatgrid"))
        .args(["backup", "restore", "one", "--json", "--data"])
        .arg(elsewhere.path().join("data"))
        .arg("--target")
        .arg(&target)
        .arg("--ledger-key")
        .arg(key)
        .output()
        .unwrap();
    assert_eq!(restored.status.code(), Some(0), "{}", String::from_utf8_lossy(&restored.stderr));
    let restored: Value = serde_json::from_slice(&restored.stdout).unwrap();
    assert_eq!(restored["events"], 10, "without what was erased");

    // A backup with rot in it is found out.
    for segment in fs::read_dir(target.join("segments")).unwrap() {
        fs::write(segment.unwrap().path(), b"rot").unwrap();
    }
    let found = served.run("backup verify one --json");
    assert_eq!(found.status.code(), Some(3), "{found:?}");
    assert!(String::from_utf8_lossy(&found.stdout).contains("is damaged"));
}

#[test]
fn what_is_wrong_with_a_servers_backup_is_said() {
    let served = Served::with_target();
    fill(&served);
    served.done("backup create --name one");
    assert!(served.refused("backup create --name one", 1).contains("there is a backup one already"));
    for verb in ["create --name One", "verify One", "delete One"] {
        assert!(served.refused(&format!("backup {verb}"), 2).contains("a name is"), "{verb}");
    }
    for verb in ["verify none", "delete none"] {
        assert!(served.refused(&format!("backup {verb}"), 1).contains("there is no backup none"), "{verb}");
    }
    for verb in ["create", "delete one", "prune"] {
        let said = served.refused(&format!("backup {verb} --target /elsewhere"), 2);
        assert!(said.contains("configuration"), "{verb}: {said}");
    }
    assert!(served.refused("backup restore one", 2).contains("--data"), "only into a directory");

    // Who may not.
    let made = served.json("token create --site shop --name reader --role reader");
    let reader = made["token"].as_str().unwrap();
    for verb in ["create", "list", "verify one", "delete one", "prune"] {
        let line = format!("backup {verb}");
        let said = refusal(&served.run_as(reader, &line), &line, 1);
        assert!(said.contains("HTTP status 403"), "{verb}: {said}");
        let said = refusal(&served.run_as("nobody-has-this-token", &line), &line, 1);
        assert!(said.contains("HTTP status 401"), "{verb}: {said}");
    }
    assert_eq!(names(&served.json("backup list")), ["one"]);
}

#[test]
fn a_target_that_cannot_be_reached_is_named_and_purges_wait_for_it() {
    let served = Served::with_target();
    fill(&served);
    served.done("backup create --name one");
    // The disk with the backups is gone, and something else is in its place.
    let (target, away) = (served.copies(), served.copies().with_file_name("away"));
    fs::rename(&target, &away).unwrap();
    fs::write(&target, b"no directory").unwrap();
    let place = target.to_str().unwrap().to_owned();
    for verb in ["create --name two", "list", "verify one", "delete one", "prune"] {
        let said = served.refused(&format!("backup {verb}"), 1);
        assert!(said.contains(&place), "{verb}: {said}");
    }
    let taken = served.json("erasure request --site shop --page a.example/canary");
    assert!(served.json("purge plan")["targets"][0]["error"].as_str().unwrap().contains(&place));
    assert!(served.refused("purge run", 1).contains(&place));
    fs::remove_file(&target).unwrap();
    fs::rename(&away, &target).unwrap();
    served.done("purge run");
    let id = taken["erasure"].as_str().unwrap();
    assert_eq!(served.json(&format!("erasure show --site shop {id}"))["state"], "certified");
    served.done("backup delete one");
    assert_eq!(served.json("backup list"), json!([]));
}

#[test]
fn without_a_target_every_verb_of_backups_says_what_to_set() {
    let served = Served::start(|_, _| {});
    for verb in ["create", "verify one", "delete one", "prune"] {
        assert!(served.refused(&format!("backup {verb}"), 1).contains("set backup_targets"), "{verb}");
    }
    let directory = served.stop();
    // A directory that a server has had is one like any other.
    let offline = |line: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_heatgrid"));
        let target = directory.path().join("copies");
        command.args(line.split(' ')).arg("--data").arg(directory.path().join("data"));
        command.arg("--target").arg(target).output().unwrap()
    };
    let line = "backup delete none";
    assert!(refusal(&offline(line), line, 1).contains("there is no backup none"));
    let line = "backup create --name one";
    assert_eq!(offline(line).status.code(), Some(0));
    let line = "backup delete one";
    assert_eq!(offline(line).status.code(), Some(0));
    assert!(refusal(&offline(line), line, 1).contains("there is no backup one"));
    let line = "backup delete One";
    assert!(refusal(&offline(line), line, 2).contains("a name is"));
}
