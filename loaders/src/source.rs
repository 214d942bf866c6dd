//! Which files a path stands for.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::context::{CONTEXT_FILE, Context};
use crate::error::LoadError;
use crate::limits::Limits;

/// Folders that never hold tool output.
const PRIVATE_FOLDERS: &[&str] = &[".git", ".hg", ".svn"];

/// A file to be read, or why it is not.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) name: Arc<str>,
    pub(crate) path: PathBuf,
    pub(crate) n_bytes: u64,
    pub(crate) context: Context,
    pub(crate) refused: Option<LoadError>,
}

/// Lists the files below the given paths, sorted by name, each once.
pub(crate) fn walk(paths: &[PathBuf], outer: &Context, limits: &Limits) -> Vec<Candidate> {
    let mut found = BTreeMap::new();
    for path in paths {
        let mut walk = Walk {
            root: fs::canonicalize(path).unwrap_or_else(|_| path.clone()),
            limits,
            found: &mut found,
        };
        walk.visit(path, outer, 0);
    }
    found.into_values().collect()
}

struct Walk<'a> {
    root: PathBuf,
    limits: &'a Limits,
    found: &'a mut BTreeMap<Arc<str>, Candidate>,
}

impl Walk<'_> {
    fn visit(&mut self, path: &Path, context: &Context, depth: usize) {
        // The path that the user names may be a link; what lies below a folder may not lead out.
        let metadata = if depth == 0 {
            fs::metadata(path)
        } else {
            fs::symlink_metadata(path)
        };
        let metadata = match metadata {
            Ok(metadata) => metadata,
            Err(error) => return self.add(path, 0, context, Some(error.into())),
        };
        if metadata.is_symlink() {
            // A target inside the folder is read at its own place.
            match fs::canonicalize(path) {
                Ok(target) if target.starts_with(&self.root) => {}
                Ok(_) => self.add(path, 0, context, Some(LoadError::LeavesFolder)),
                Err(error) => self.add(path, 0, context, Some(error.into())),
            }
        } else if metadata.is_dir() {
            self.visit_folder(path, context, depth);
        } else if metadata.is_file() {
            self.add(path, metadata.len(), context, None);
        } else {
            // Reading one could wait for ever.
            let what = what_is(metadata.file_type());
            self.add(path, 0, context, Some(LoadError::NoFile { what }));
        }
    }

    fn visit_folder(&mut self, path: &Path, context: &Context, depth: usize) {
        if depth >= self.limits.max_depth {
            let error = LoadError::Limit {
                what: "depth of folders",
                limit: self.limits.max_depth as u64,
            };
            return self.add(path, 0, context, Some(error));
        }
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => return self.add(path, 0, context, Some(error.into())),
        };
        let mut children: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        children.sort();
        let stated = match read_context(&path.join(CONTEXT_FILE), self.limits) {
            Ok(stated) => stated,
            Err(error) => {
                self.add(&path.join(CONTEXT_FILE), 0, context, Some(error));
                None
            }
        };
        let inner = stated.unwrap_or_default().within(context);
        for child in children {
            let file_name = child.file_name().unwrap_or_default().to_string_lossy();
            if file_name != CONTEXT_FILE && !PRIVATE_FOLDERS.contains(&file_name.as_ref()) {
                if child.is_dir() {
                    self.visit(&child, &inner, depth + 1);
                } else {
                    self.visit(&child, &inner.of_file(&file_name), depth + 1);
                }
            }
        }
    }

    fn add(&mut self, path: &Path, n_bytes: u64, context: &Context, refused: Option<LoadError>) {
        let name = document_name(path);
        let refused = if self.found.len() >= self.limits.max_entries {
            Some(LoadError::Limit {
                what: "number of files",
                limit: self.limits.max_entries as u64,
            })
        } else {
            refused
        };
        if self.found.len() > self.limits.max_entries {
            return;
        }
        let candidate = Candidate {
            name: Arc::clone(&name),
            path: path.to_owned(),
            n_bytes,
            context: context.clone(),
            refused,
        };
        self.found.entry(name).or_insert(candidate);
    }
}

#[cfg(unix)]
fn what_is(kind: fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn what_is(_: fs::FileType) -> &'static str {
    "a device"
}

/// The path as the user wrote it, with `/` and without `./`: two imports of one path agree.
fn document_name(path: &Path) -> Arc<str> {
    let name = path.to_string_lossy().replace('\\', "/");
    let name = name.strip_prefix("./").unwrap_or(&name);
    name.into()
}

fn read_context(path: &Path, limits: &Limits) -> Result<Option<Context>, LoadError> {
    if !path.is_file() {
        return Ok(None);
    }
    let text = fs::read_to_string(path)?;
    let mut stated = crate::decode::yaml::documents::<Context>(&text, limits)?;
    Ok(stated.pop())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_walked_in_order_with_their_context() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["b/x.json", "a/deep/y.json", ".git/config", "a/z.json"] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "{}").unwrap();
        }
        fs::write(root.join(CONTEXT_FILE), "cluster: prod\nservice: shop\n").unwrap();
        fs::write(root.join("a").join(CONTEXT_FILE), "cluster: test\n").unwrap();
        std::os::unix::fs::symlink("/etc/hostname", root.join("out")).unwrap();
        std::os::unix::fs::symlink(root.join("b/x.json"), root.join("in")).unwrap();
        let found = walk(&[root.to_owned()], &Context::default(), &Limits::default());
        let listed: Vec<_> = found
            .iter()
            .map(|candidate| {
                (
                    candidate.path.strip_prefix(root).unwrap().to_str().unwrap(),
                    candidate.context.cluster(),
                    candidate.context.service.as_deref(),
                    candidate.refused.as_ref().map(LoadError::code),
                )
            })
            .collect();
        assert_eq!(
            listed,
            [
                ("a/deep/y.json", "test", Some("shop"), None),
                ("a/z.json", "test", Some("shop"), None),
                ("b/x.json", "prod", Some("shop"), None),
                ("out", "prod", Some("shop"), Some("load.leaves_folder")),
            ]
        );
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_named_and_never_read() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let found = walk(
            &[folder.path().to_owned(), "/dev/null".into()],
            &Context::default(),
            &Limits::default(),
        );
        let refused: Vec<String> = found
            .iter()
            .map(|candidate| candidate.refused.as_ref().unwrap().to_string())
            .collect();
        assert_eq!(
            refused,
            [
                "it is a device and no file; write what it holds to a file and import that",
                "it is a socket and no file; write what it holds to a file and import that",
            ]
        );
    }

    #[test]
    fn a_path_that_is_not_there_is_refused() {
        let found = walk(
            &["/nowhere/at/all".into()],
            &Context::default(),
            &Limits::default(),
        );
        assert_eq!(found[0].refused.as_ref().unwrap().code(), "load.io");
    }
}
