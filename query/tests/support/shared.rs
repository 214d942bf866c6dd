//! Where the shared test inputs are.

use std::path::{Path, PathBuf};

/// The folder that `variable` names, or `../shared/<name>` beside the repository. Without one the
/// test is skipped with a note, except in CI, where that is a failure.
pub(crate) fn folder(variable: &str, name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let named = std::env::var_os(variable).map(PathBuf::from);
    let beside = ["../shared", "../../shared"].map(|shared| root.join(shared).join(name));
    let found = named.into_iter().chain(beside).find(|path| path.is_dir());
    if found.is_none() {
        let note = format!("neither {variable} nor ../shared/{name} is a folder");
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{note}");
        skip(&note);
    }
    found
}

#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn skip(note: &str) {
    println!("skipped: {note}");
}
