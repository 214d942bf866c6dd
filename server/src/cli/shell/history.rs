//! Where the shell keeps what was typed.

use std::path::PathBuf;

/// The file of the history, in the user's folder for state; `None` where there is no such folder.
///
/// Queries hold names of assets: the folder is made for the user alone, and the editor writes the
/// file with mode 0600.
pub(super) fn file() -> Option<PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let state = set("XDG_STATE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".local/state")))
        .or_else(|| set("LOCALAPPDATA"))?;
    let folder = state.join("foothold");
    make(&folder).ok()?;
    Some(folder.join("history"))
}

#[cfg(unix)]
fn make(folder: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(not(unix))]
fn make(folder: &std::path::Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)
}
