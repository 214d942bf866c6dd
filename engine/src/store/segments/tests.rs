use proptest::prelude::*;

use super::*;
use crate::store::files::{FaultyFiles, MemoryFiles};

fn document(name: &str, nodes: &[&str]) -> (SourceInfo, Facts) {
    let mut facts = Facts::new();
    for id in nodes {
        facts.node(id, &["Thing"]).unwrap();
    }
    let info = SourceInfo {
        name: name.into(),
        ..SourceInfo::default()
    };
    (info, facts)
}

fn open(files: &Arc<MemoryFiles>) -> (Segments, Recovery) {
    let files: Arc<dyn Files> = Arc::clone(files) as _;
    Segments::open(files, Path::new("db"), 3).unwrap()
}

fn import(store: &Segments, documents: &[(SourceInfo, Facts)], at_ms: i64) -> Result<Imported> {
    store.import(&Import {
        documents,
        group: None,
        unread: &[],
        reason: "test",
        at_ms,
    })
}

/// Everything a snapshot says: source, node, first seen.
fn said(store: &Segments, id: Option<SnapshotId>) -> Vec<(String, String, i64)> {
    let mut said = Vec::new();
    for source in store.load(id).unwrap() {
        for (idx, node) in source.facts.nodes().iter().enumerate() {
            let id = source.facts.str(node.id).to_owned();
            said.push((
                source.info.name.to_string(),
                id,
                source.first_seen.node(idx),
            ));
        }
    }
    said.sort();
    said
}

fn row(source: &str, node: &str, at_ms: i64) -> (String, String, i64) {
    (source.to_owned(), node.to_owned(), at_ms)
}

#[test]
fn a_source_replaces_itself_and_importing_twice_doubles_nothing() {
    let files = Arc::new(MemoryFiles::default());
    let (store, _) = open(&files);
    let first = [document("a", &["x:1", "x:2"]), document("b", &["x:2"])];
    let done = import(&store, &first, 100).unwrap();
    assert_eq!((done.n_added, done.snapshot), (2, Some(SnapshotId(1))));

    let again = import(&store, &first, 200).unwrap();
    assert_eq!(
        (again.n_unchanged, again.snapshot),
        (2, Some(SnapshotId(1)))
    );
    assert_eq!(store.sources()[0].last_seen_ms, 200);
    assert_eq!(store.sources()[0].first_seen_ms, 100);

    let done = import(&store, &[document("a", &["x:2", "x:3"])], 300).unwrap();
    assert_eq!((done.n_replaced, done.snapshot), (1, Some(SnapshotId(2))));
    let expected = [
        row("a", "x:2", 100),
        row("a", "x:3", 300),
        row("b", "x:2", 100),
    ];
    assert_eq!(said(&store, None), expected);
    let expected = [
        row("a", "x:1", 100),
        row("a", "x:2", 100),
        row("b", "x:2", 100),
    ];
    assert_eq!(said(&store, Some(SnapshotId(1))), expected, "history stays");

    let (reopened, recovery) = open(&files);
    assert_eq!(recovery, Recovery::default());
    assert_eq!(reopened.sources(), store.sources());
}

/// Whoever observed last wins a disagreement; the same bytes once more observe nothing.
#[test]
fn the_same_bytes_again_are_no_new_observation() {
    let files = Arc::new(MemoryFiles::default());
    let (store, _) = open(&files);
    let seen = |digest: &str, at_ms| {
        let (mut info, facts) = document("a", &["x:1"]);
        (info.digest, info.observed_at_ms) = (digest.into(), at_ms);
        import(&store, &[(info, facts)], at_ms).unwrap();
        let source = store.sources().remove(0);
        (source.info.observed_at_ms, source.last_seen_ms)
    };
    assert_eq!(seen("one", 100), (100, 100));
    assert_eq!(seen("one", 200), (100, 200));
    // Written anew, if with the same facts.
    assert_eq!(seen("two", 300), (300, 300));
    assert_eq!(seen("one", 400), (400, 400));
    assert_eq!(seen("one", 500), (400, 500));
    assert_eq!(store.snapshots().len(), 1);
}

#[test]
fn a_group_loses_what_it_no_longer_names_but_not_what_could_not_be_read() {
    let files = Arc::new(MemoryFiles::default());
    let (store, _) = open(&files);
    let both = |names: &[&str], unread: &[Arc<str>], at_ms| {
        let documents: Vec<_> = names.iter().map(|name| document(name, &["x:1"])).collect();
        store
            .import(&Import {
                documents: &documents,
                group: Some("prod"),
                unread,
                reason: "test",
                at_ms,
            })
            .unwrap()
    };
    both(&["prod/a", "prod/b", "prod/c"], &[], 1);
    import(&store, &[document("other", &["x:9"])], 2).unwrap();
    let done = both(&["prod/a"], &["prod/b".into()], 3);
    assert_eq!((done.n_unchanged, done.n_removed), (1, 1));
    let names: Vec<_> = store.sources().into_iter().map(|it| it.info.name).collect();
    assert_eq!(
        names,
        ["other".into(), "prod/a".into(), Arc::from("prod/b")]
    );
    assert_eq!(store.remove(&["prod", "absent"], 4).unwrap(), 2);
    assert_eq!(store.sources().len(), 1);
}

#[test]
fn old_snapshots_go_and_their_segments_with_them() {
    let files = Arc::new(MemoryFiles::default());
    let (store, _) = open(&files);
    for at in 1..=5 {
        import(&store, &[document("a", &[&format!("x:{at}")])], at).unwrap();
    }
    let ids: Vec<u64> = store.snapshots().iter().map(|it| it.id.0).collect();
    assert_eq!(ids, [3, 4, 5]);
    assert_eq!(files.list(Path::new("db/segments")).unwrap().len(), 3);
    let gone = store.load(Some(SnapshotId(1))).unwrap_err();
    assert_eq!(gone.code(), "store.unknown_snapshot");
}

#[test]
fn one_name_twice_in_one_import_is_refused() {
    let (store, _) = open(&Arc::new(MemoryFiles::default()));
    let twice = [document("a", &["x:1"]), document("a", &["x:2"])];
    assert_eq!(
        import(&store, &twice, 1).unwrap_err().code(),
        "store.duplicate_source"
    );
    assert!(store.sources().is_empty());
}

#[test]
fn a_damaged_segment_is_named_and_can_be_imported_over() {
    let files = Arc::new(MemoryFiles::default());
    let (store, _) = open(&files);
    import(&store, &[document("a", &["x:1"])], 1).unwrap();
    let path = Path::new("db/segments/00000001.seg");
    let mut bytes = files.read(path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    files.write(path, &bytes).unwrap();
    let error = store.load(None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`00000001.seg` failed its checksum; run `foothold fsck` for the remedy"
    );
    import(&store, &[document("a", &["x:1"])], 2).unwrap();
    assert_eq!(said(&store, None), [row("a", "x:1", 2)]);
}

/// Every single operation of an import fails once; then the power goes. What is there afterwards
/// is the state before or the state after, and an acknowledged import is there.
#[test]
fn whatever_fails_and_whenever_the_power_goes_an_import_is_whole_or_absent() {
    let before = [row("a", "x:1", 1), row("b", "x:2", 1)];
    let after = [row("a", "x:3", 2), row("b", "x:2", 1), row("c", "x:4", 2)];
    let mut n_acknowledged = 0;
    let mut n_refused = 0;
    for n_operations in 0..200 {
        let disk = Arc::new(MemoryFiles::default());
        let (store, _) = open(&disk);
        import(
            &store,
            &[document("a", &["x:1"]), document("b", &["x:2"])],
            1,
        )
        .unwrap();
        drop(store);

        let faulty = Arc::new(FaultyFiles::failing_after(Arc::clone(&disk), n_operations));
        let files: Arc<dyn Files> = Arc::clone(&faulty) as _;
        let change = [document("a", &["x:3"]), document("c", &["x:4"])];
        let acknowledged = Segments::open(files, Path::new("db"), 3)
            .and_then(|(store, _)| {
                let done = import(&store, &change, 2);
                if done.is_err() {
                    // The process lives on and tries again once the fault is gone.
                    faulty.repair();
                    let state = said(&store, None);
                    assert_eq!(state, before, "a failed import is not served");
                    faulty.inner().power_cut();
                }
                done
            })
            .is_ok();
        disk.power_cut();
        let (store, recovery) = open(&disk);
        assert_eq!(recovery.missing, Vec::<String>::new());
        let state = said(&store, None);
        if acknowledged {
            n_acknowledged += 1;
            assert_eq!(state, after, "after {n_operations} operations");
        } else {
            n_refused += 1;
            assert!(
                state == before || state == after,
                "{n_operations}: {state:?}"
            );
        }
    }
    assert!(
        n_refused > 10 && n_acknowledged > 10,
        "{n_refused} {n_acknowledged}"
    );
}

#[test]
fn a_retry_after_a_failed_import_never_mixes_the_two() {
    for n_operations in 0..60 {
        let disk = Arc::new(MemoryFiles::default());
        let faulty = Arc::new(FaultyFiles::failing_after(Arc::clone(&disk), i64::MAX));
        let files: Arc<dyn Files> = Arc::clone(&faulty) as _;
        let (store, _) = Segments::open(files, Path::new("db"), 3).unwrap();
        import(&store, &[document("a", &["x:1"])], 1).unwrap();
        faulty.fail_after(n_operations);
        let first = import(&store, &[document("a", &["x:2"])], 2).is_ok();
        faulty.repair();
        // The second import stops just before its manifest would be replaced.
        faulty.fail_after(4);
        let second = import(&store, &[document("a", &["x:3"])], 3).is_ok();
        disk.power_cut();
        let (store, _) = open(&disk);
        let state = said(&store, None);
        assert!(!second);
        if first {
            assert_eq!(state, [row("a", "x:2", 2)]);
        } else {
            let whole = [[row("a", "x:1", 1)], [row("a", "x:2", 2)]];
            assert!(whole.iter().any(|it| it[..] == state[..]), "{state:?}");
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Import(Vec<(u8, Vec<u8>)>),
    Remove(u8),
    Reopen,
    PowerCut,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let documents = prop::collection::btree_map(0u8..4, prop::collection::vec(0u8..6, 0..4), 0..4);
    let step = prop_oneof![
        4 => documents.prop_map(|it| Step::Import(it.into_iter().collect())),
        1 => (0u8..4).prop_map(Step::Remove),
        1 => Just(Step::Reopen),
        1 => Just(Step::PowerCut),
    ];
    prop::collection::vec(step, 0..24)
}

proptest! {
    /// The store against a map: random imports, removals, restarts and power cuts.
    #[test]
    fn the_store_says_what_a_plain_map_says(steps in steps()) {
        let files = Arc::new(MemoryFiles::default());
        let (mut store, _) = open(&files);
        let mut model: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
        for (at, step) in (1i64..).zip(steps) {
            match step {
                Step::Import(sources) => {
                    let mut documents = Vec::new();
                    for (source, nodes) in sources {
                        let name = format!("source-{source}");
                        let ids: Vec<String> = nodes.iter().map(|it| format!("x:{it}")).collect();
                        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                        documents.push(document(&name, &ids));
                        let before = model.remove(&name).unwrap_or_default();
                        let now = ids.iter().map(|&id| {
                            (id.to_owned(), before.get(id).copied().unwrap_or(at))
                        });
                        model.insert(name, now.collect());
                    }
                    import(&store, &documents, at).unwrap();
                }
                Step::Remove(source) => {
                    let name = format!("source-{source}");
                    let n_removed = store.remove(&[&name], at).unwrap();
                    prop_assert_eq!(n_removed, usize::from(model.remove(&name).is_some()));
                }
                Step::Reopen => store = open(&files).0,
                Step::PowerCut => {
                    files.power_cut();
                    store = open(&files).0;
                }
            }
            let expected: Vec<_> = model
                .iter()
                .flat_map(|(source, nodes)| {
                    nodes.iter().map(|(id, at)| row(source, id, *at))
                })
                .collect();
            let mut actual = said(&store, None);
            actual.dedup();
            prop_assert_eq!(actual, expected);
        }
    }
}
