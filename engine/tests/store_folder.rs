//! The store folder from outside: lock, restart, damage, check, backup and restore.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::fs;
use std::path::Path;

use foothold_engine::model::{Facts, SourceInfo};
use foothold_engine::store::records::{get, put};
use foothold_engine::store::{
    Import, Severity, Store, StoreError, StoreOptions, Table, check, restore,
};

const TABLE: Table = Table(9);

fn open(dir: &Path) -> Store {
    Store::open(dir, StoreOptions::create_or_open()).unwrap().0
}

fn import(store: &Store, name: &str, ids: &[&str], at_ms: i64) {
    let mut facts = Facts::new();
    for id in ids {
        let node = facts.node(id, &["Thing"]).unwrap();
        facts.set(node, "name", "some name that fills a few bytes");
    }
    let info = SourceInfo {
        name: name.into(),
        ..SourceInfo::default()
    };
    store
        .segments()
        .import(&Import {
            documents: &[(info, facts)],
            group: None,
            unread: &[],
            reason: "test",
            at_ms,
        })
        .unwrap();
}

fn set(store: &Store, key: &str, value: &str) {
    let change = put(TABLE, key.as_bytes(), 1, &value.to_owned()).unwrap();
    store.records().apply(&[change]).unwrap();
}

fn value(store: &Store, key: &str) -> Option<String> {
    get(&**store.records(), TABLE, key.as_bytes(), 1).unwrap()
}

fn ids(store: &Store) -> Vec<String> {
    let mut ids = Vec::new();
    for source in store.segments().load(None).unwrap() {
        let facts = &source.facts;
        ids.extend(
            facts
                .nodes()
                .iter()
                .map(|node| facts.str(node.id).to_owned()),
        );
    }
    ids.sort();
    ids
}

#[test]
fn a_second_process_is_told_who_owns_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let refused = Store::open(dir.path(), StoreOptions::create_or_open())
        .err()
        .unwrap();
    assert_eq!(refused.code(), "store.locked");
    let me = format!("process {}", std::process::id());
    assert!(refused.to_string().contains(&me), "{refused}");
    assert_eq!(check(dir.path()).unwrap_err().code(), "store.locked");
    drop(store);
    open(dir.path());
}

#[test]
fn a_folder_with_other_files_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("letter.txt"), "dear").unwrap();
    let refused = Store::open(dir.path(), StoreOptions::create_or_open())
        .err()
        .unwrap();
    assert_eq!(refused.code(), "store.not_a_store");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    let absent = Store::open(&dir.path().join("x"), StoreOptions::open_existing());
    assert_eq!(absent.err().unwrap().code(), "store.not_a_store");
}

#[test]
fn facts_and_records_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    import(&store, "a", &["x:1", "x:2"], 1);
    set(&store, "k", "v");
    drop(store);
    let store = open(dir.path());
    assert_eq!(ids(&store), ["x:1", "x:2"]);
    assert_eq!(value(&store, "k").as_deref(), Some("v"));
    drop(store);
    let report = check(dir.path()).unwrap();
    assert!(
        report.is_sound() && report.findings.is_empty(),
        "{report:?}"
    );
    assert_eq!(
        (report.n_sources, report.n_segments, report.n_snapshots),
        (1, 1, 1)
    );
}

#[test]
fn what_an_interrupted_import_left_is_noted_and_then_removed() {
    let dir = tempfile::tempdir().unwrap();
    import(&open(dir.path()), "a", &["x:1"], 1);
    let orphan = dir.path().join("segments/00000099.seg");
    fs::write(&orphan, "half").unwrap();
    fs::write(dir.path().join("segments/00000100.seg.tmp"), "").unwrap();
    let report = check(dir.path()).unwrap();
    assert!(report.is_sound());
    assert_eq!(report.findings.len(), 2);
    let (_store, recovery) = Store::open(dir.path(), StoreOptions::open_existing()).unwrap();
    assert_eq!(recovery.removed, ["00000099.seg", "00000100.seg.tmp"]);
    assert!(!orphan.exists());
}

/// Every 64th byte of manifest, segments, exports and backups, flipped and cut.
#[test]
fn damage_to_any_sealed_file_is_found_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("db");
    let store = open(&db);
    import(&store, "docs/a", &["x:1", "x:2", "x:3"], 1);
    set(&store, "k", "v");
    store.export_records().unwrap();
    drop(store);
    for name in [
        "MANIFEST",
        "segments/00000001.seg",
        "exports/records-00000001.fhx",
    ] {
        let path = db.join(name);
        let sound = fs::read(&path).unwrap();
        for at in (0..sound.len()).step_by(64).chain([sound.len() - 1]) {
            let mut flipped = sound.clone();
            flipped[at] ^= 0x40;
            for damaged in [&flipped[..], &sound[..at]] {
                fs::write(&path, damaged).unwrap();
                let report = check(&db).unwrap();
                let finding = &report.findings[0];
                assert_eq!(finding.file, name, "byte {at}");
                assert_eq!(finding.severity, Severity::Damage);
                assert!(!finding.remedy.is_empty());
            }
        }
        fs::write(&path, &sound).unwrap();
        assert!(check(&db).unwrap().findings.is_empty());
    }
}

#[test]
fn a_damaged_manifest_is_refused_and_the_segment_of_a_source_is_named_with_its_remedy() {
    let dir = tempfile::tempdir().unwrap();
    import(&open(dir.path()), "docs/a", &["x:1"], 1);
    let segment = dir.path().join("segments/00000001.seg");
    let mut bytes = fs::read(&segment).unwrap();
    bytes[40] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let report = check(dir.path()).unwrap();
    assert_eq!(
        report.findings[0].remedy,
        "import the source `docs/a` again, or restore a backup"
    );
    let manifest = dir.path().join("MANIFEST");
    fs::write(&manifest, "not a manifest").unwrap();
    let refused = Store::open(dir.path(), StoreOptions::create_or_open())
        .err()
        .unwrap();
    assert_eq!(refused.code(), "store.damaged");
}

/// The database of the records is damaged all over: the folder opens, or says why it cannot; it
/// never panics, and it never shows a wrong value.
#[test]
fn damaged_records_are_rebuilt_from_their_export() {
    let mut n_restored = 0;
    for at_percent in (0..100).step_by(7) {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        import(&store, "a", &["x:1"], 1);
        for number in 0..50 {
            set(&store, &format!("key-{number}"), &format!("value-{number}"));
        }
        store.export_records().unwrap();
        drop(store);
        let path = dir.path().join("records-1/db");
        let mut bytes = fs::read(&path).unwrap();
        let used = bytes.iter().rposition(|&byte| byte != 0).unwrap();
        let at = used * at_percent / 100;
        for byte in bytes.iter_mut().skip(at).take(64) {
            *byte ^= 0xa5;
        }
        fs::write(&path, bytes).unwrap();

        match Store::open(dir.path(), StoreOptions::open_existing()) {
            Ok((store, recovery)) => {
                n_restored += usize::from(recovery.records_restored.is_some());
                for number in 0..50 {
                    let found = value(&store, &format!("key-{number}"));
                    if recovery.records_restored.is_some() {
                        assert_eq!(found, Some(format!("value-{number}")));
                    } else if let Some(found) = found {
                        assert_eq!(found, format!("value-{number}"));
                    }
                }
                assert_eq!(ids(&store), ["x:1"], "facts do not depend on records");
            }
            Err(error) => assert!(matches!(error, StoreError::Records { .. }), "{error}"),
        }
    }
    assert!(n_restored > 0, "no damage led to a restore");
}

#[test]
fn a_backup_restores_to_the_same_answers() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("db"));
    import(&store, "a", &["x:1"], 1);
    import(&store, "a", &["x:2"], 2);
    set(&store, "k", "v");
    let backup = dir.path().join("backup");
    let written = store.backup(&backup).unwrap();
    assert_eq!(
        (written.n_sources, written.n_snapshots, written.n_segments),
        (1, 2, 2)
    );
    assert_eq!(store.backup(&backup).unwrap_err().code(), "store.not_empty");

    let target = dir.path().join("restored");
    assert_eq!(restore(&backup, &target).unwrap(), written);
    assert_eq!(
        restore(&backup, &target).unwrap_err().code(),
        "store.not_empty"
    );
    let restored = open(&target);
    assert_eq!(restored.segments().sources(), store.segments().sources());
    assert_eq!(
        restored.segments().snapshots(),
        store.segments().snapshots()
    );
    assert_eq!(
        restored.records().dump().unwrap(),
        store.records().dump().unwrap()
    );
    assert_eq!(ids(&restored), ["x:2"]);
    drop(restored);
    assert!(check(&target).unwrap().findings.is_empty());
}

#[test]
fn a_damaged_backup_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("db"));
    import(&store, "a", &["x:1"], 1);
    let backup = dir.path().join("backup");
    store.backup(&backup).unwrap();
    for name in ["MANIFEST", "segments/00000001.seg", "records.fhx"] {
        let path = backup.join(name);
        let sound = fs::read(&path).unwrap();
        let mut damaged = sound.clone();
        damaged[sound.len() / 2] ^= 1;
        fs::write(&path, damaged).unwrap();
        let target = dir.path().join("target");
        assert!(restore(&backup, &target).is_err(), "{name}");
        assert!(!target.exists(), "{name}");
        fs::write(&path, sound).unwrap();
    }
}

#[test]
fn an_interrupted_restore_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("segments")).unwrap();
    fs::write(dir.path().join("RESTORING"), "").unwrap();
    let refused = Store::open(dir.path(), StoreOptions::create_or_open())
        .err()
        .unwrap();
    assert_eq!(refused.code(), "store.not_a_store");
}

#[test]
fn seven_exports_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for _ in 0..9 {
        store.export_records().unwrap();
    }
    let mut names: Vec<_> = fs::read_dir(dir.path().join("exports"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 7);
    assert_eq!(names[6], "records-00000009.fhx");
}
