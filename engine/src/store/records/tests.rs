use proptest::prelude::*;

use super::*;

const TABLE: Table = Table(7);
const NEXT: Table = Table(8);

fn change(key: &str, value: &str) -> Change {
    put(TABLE, key.as_bytes(), 1, &value.to_owned()).unwrap()
}

fn implementations(test: impl Fn(&dyn KvStore)) {
    test(&MemoryRecords::default());
    let dir = tempfile::tempdir().unwrap();
    test(&SledRecords::open(&dir.path().join("records")).unwrap());
}

#[test]
fn a_table_lists_its_own_records_in_order_and_by_page() {
    implementations(|store| {
        store
            .apply(&[change("b", "2"), change("a", "1"), change("c", "3")])
            .unwrap();
        store.apply(&[put(NEXT, b"a", 1, &0u8).unwrap()]).unwrap();
        let rows: Vec<(Vec<u8>, String)> = list(store, TABLE, 1).unwrap();
        let values: Vec<&str> = rows.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["1", "2", "3"]);
        let page = store.scan(TABLE, Some(b"a"), 1).unwrap();
        assert_eq!(page[0].0, b"b");
        assert_eq!(page.len(), 1);
    });
}

#[test]
fn a_value_beyond_the_limit_is_refused_and_nothing_of_its_batch_is_kept() {
    implementations(|store| {
        let large = Change::Put(TABLE, b"large".to_vec(), vec![0; MAX_VALUE_BYTES + 1]);
        let error = store.apply(&[change("small", "1"), large]).unwrap_err();
        assert_eq!(error.code(), "store.value_too_large");
        assert_eq!(store.get(TABLE, b"small").unwrap(), None);
        assert!(put(TABLE, b"k", 1, &vec![0u8; MAX_VALUE_BYTES]).is_err());
    });
}

#[test]
fn a_sequence_never_repeats() {
    implementations(|store| {
        let ids: Vec<u64> = (0..3).map(|_| store.next_id("jobs").unwrap()).collect();
        assert_eq!(ids, [1, 2, 3]);
        assert_eq!(store.next_id("runs").unwrap(), 1);
    });
}

#[test]
fn a_swap_happens_only_from_the_expected_value() {
    implementations(|store| {
        assert!(
            store
                .compare_and_swap(TABLE, b"k", None, Some(b"1"))
                .unwrap()
        );
        assert!(
            !store
                .compare_and_swap(TABLE, b"k", None, Some(b"2"))
                .unwrap()
        );
        assert!(
            store
                .compare_and_swap(TABLE, b"k", Some(b"1"), None)
                .unwrap()
        );
        assert_eq!(store.get(TABLE, b"k").unwrap(), None);
    });
}

#[test]
fn a_record_of_another_version_is_refused() {
    implementations(|store| {
        store.apply(&[put(TABLE, b"k", 2, &1u8).unwrap()]).unwrap();
        let error = get::<u8>(store, TABLE, b"k", 1).unwrap_err();
        assert_eq!(error.code(), "store.format_too_new");
    });
}

#[test]
fn records_survive_a_restart_and_other_formats_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("records");
    SledRecords::open(&path)
        .unwrap()
        .apply(&[change("a", "1")])
        .unwrap();
    let store = SledRecords::open(&path).unwrap();
    assert_eq!(
        get::<String>(&store, TABLE, b"a", 1).unwrap().as_deref(),
        Some("1")
    );
    assert_eq!(store.check().unwrap(), Vec::<String>::new());

    let newer = frame::seal(1, &("foothold-records", 2u32)).unwrap();
    store
        .apply(&[Change::Put(Table::META, b"format".to_vec(), newer)])
        .unwrap();
    drop(store);
    let error = SledRecords::open(&path).err().unwrap();
    assert_eq!(error.code(), "store.format_too_new");
}

#[test]
fn a_flipped_byte_in_a_record_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let store = SledRecords::open(&dir.path().join("records")).unwrap();
    let Change::Put(table, key, mut value) = change("a", "1") else {
        unreachable!("put makes a Put");
    };
    *value.last_mut().unwrap() ^= 1;
    store.apply(&[Change::Put(table, key, value)]).unwrap();
    assert_eq!(
        get::<String>(&store, TABLE, b"a", 1).unwrap_err().code(),
        "store.checksum_mismatch"
    );
    assert_eq!(store.check().unwrap().len(), 1);
}

#[derive(Debug, Clone)]
enum Step {
    Apply(Vec<(u8, Option<u8>)>),
    Swap(u8, Option<u8>, Option<u8>),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let value = || prop::option::of(0u8..3);
    let step = prop_oneof![
        3 => prop::collection::vec((0u8..6, value()), 0..5).prop_map(Step::Apply),
        2 => (0u8..6, value(), value()).prop_map(|(k, e, v)| Step::Swap(k, e, v)),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The same random operations, with restarts, on the real records and on the model.
    #[test]
    fn the_database_does_what_the_model_does(steps in steps()) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("records");
        let mut real = SledRecords::open(&path).unwrap();
        let model = MemoryRecords::default();
        for step in steps {
            match step {
                Step::Apply(changes) => {
                    let changes: Vec<Change> = changes
                        .into_iter()
                        .map(|(key, value)| match value {
                            Some(value) => Change::Put(TABLE, vec![key], vec![value]),
                            None => Change::Delete(TABLE, vec![key]),
                        })
                        .collect();
                    real.apply(&changes).unwrap();
                    model.apply(&changes).unwrap();
                }
                Step::Swap(key, expected, value) => {
                    let swap = |store: &dyn KvStore| {
                        let expected = expected.as_ref().map(std::slice::from_ref);
                        let value = value.as_ref().map(std::slice::from_ref);
                        store.compare_and_swap(TABLE, &[key], expected, value).unwrap()
                    };
                    prop_assert_eq!(swap(&real), swap(&model));
                }
                Step::Reopen => {
                    drop(real);
                    real = SledRecords::open(&path).unwrap();
                }
            }
            prop_assert_eq!(
                real.scan(TABLE, None, usize::MAX).unwrap(),
                model.scan(TABLE, None, usize::MAX).unwrap()
            );
        }
    }
}

/// Who opens while the last handle is still being closed waits for it.
#[test]
fn a_database_that_is_still_closing_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("records");
    let first = SledRecords::open(&path).unwrap();
    std::thread::scope(|scope| {
        let opening = scope.spawn(|| SledRecords::open(&path).map(drop));
        std::thread::sleep(std::time::Duration::from_millis(50));
        drop(first);
        opening.join().unwrap().unwrap();
    });
}
