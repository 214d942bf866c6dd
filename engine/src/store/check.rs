//! `fsck`: reads every byte of a store and says what is wrong and what to do about it.

use std::path::Path;

use super::error::{OnPath, Result, StoreError};
use super::files::{DiskFiles, Files, TEMPORARY_SUFFIX};
use super::folder::{newest_export, records_dir, take_lock};
use super::manifest::{MANIFEST_NAME, Manifest, segment_name};
use super::records::{KvStore, SledRecords, decode_export, n_commits};
use super::segment;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is lost; the next start cleans up.
    Note,
    /// It could not be looked at, and that says nothing about it.
    Unchecked,
    /// A part of the store cannot be read.
    Damage,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// The file, relative to the folder.
    pub file: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

/// What a check read and found.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct CheckReport {
    /// Segments read.
    pub n_segments: usize,
    /// Bytes of segments read.
    pub n_segment_bytes: u64,
    /// Snapshots that can be asked.
    pub n_snapshots: usize,
    /// Sources.
    pub n_sources: usize,
    /// Records read.
    pub n_records: usize,
    /// Exports read.
    pub n_exports: usize,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
}

impl CheckReport {
    /// Whether everything was looked at and nothing that was acknowledged is lost.
    pub fn is_sound(&self) -> bool {
        self.findings
            .iter()
            .all(|finding| finding.severity == Severity::Note)
    }

    /// Whether something was found that cannot be read.
    pub fn is_damaged(&self) -> bool {
        let mut findings = self.findings.iter();
        findings.any(|finding| finding.severity == Severity::Damage)
    }

    fn damage(&mut self, file: &str, error: &StoreError, remedy: &str) {
        // A disk without space, or a file that may not be read, is no damage to what is stored.
        let (severity, remedy) = if error.is_for_want_of_space() {
            (
                Severity::Unchecked,
                "free some space on the disk and check again; opening the records takes a little",
            )
        } else if matches!(error, StoreError::Io { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied)
        {
            (Severity::Unchecked, "check again as a user who may read it")
        } else {
            (Severity::Damage, remedy)
        };
        self.findings.push(Finding {
            file: file.to_owned(),
            severity,
            message: with_cause(error),
            remedy: remedy.to_owned(),
        });
    }
}

fn with_cause(error: &StoreError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// Checks a store that no process has open. Changes nothing. O(bytes of the store).
pub fn check(root: &Path) -> Result<CheckReport> {
    if !root.is_dir() {
        return Err(StoreError::NotAStore {
            path: root.to_owned(),
            reason: "there is no such folder",
        });
    }
    if !root.join(MANIFEST_NAME).exists() {
        return Err(StoreError::NotAStore {
            path: root.to_owned(),
            reason: "it has no manifest",
        });
    }
    let _lock = take_lock(root)?;
    let mut report = CheckReport::default();
    let path = root.join(MANIFEST_NAME);
    let bytes = DiskFiles.read(&path).on("read", &path)?;
    match Manifest::decode(&bytes) {
        Ok(manifest) => {
            report.n_sources = manifest.sources.len();
            report.n_snapshots = manifest.snapshots.len();
            check_segments(root, &manifest, &mut report)?;
            check_records(root, manifest.records, &mut report);
        }
        Err(error) => report.damage(
            MANIFEST_NAME,
            &error,
            "restore the newest backup with `foothold restore`, or import the documents again into a new folder",
        ),
    }
    check_exports(root, &mut report)?;
    Ok(report)
}

fn check_segments(root: &Path, manifest: &Manifest, report: &mut CheckReport) -> Result<()> {
    let dir = root.join("segments");
    let live = manifest.live_segments();
    for &number in &live {
        let name = segment_name(number);
        let path = dir.join(&name);
        let decoded = DiskFiles
            .read(&path)
            .on("read", &path)
            .and_then(|bytes| segment::decode(&name, &bytes).map(|_| bytes.len()));
        match decoded {
            Ok(n_bytes) => {
                report.n_segments += 1;
                report.n_segment_bytes += n_bytes as u64;
            }
            Err(error) => {
                let source = manifest
                    .sources
                    .iter()
                    .find(|source| source.segment == number);
                let remedy = match source {
                    Some(source) => format!(
                        "import the source `{}` again, or restore a backup",
                        source.info.name
                    ),
                    None => "only older snapshots need it; restore a backup to ask them".to_owned(),
                };
                report.damage(&format!("segments/{name}"), &error, &remedy);
            }
        }
    }
    let live: Vec<String> = live.into_iter().map(segment_name).collect();
    for name in DiskFiles.list(&dir).on("list", &dir)? {
        if name.ends_with(TEMPORARY_SUFFIX) || live.binary_search(&name).is_err() {
            report.findings.push(Finding {
                file: format!("segments/{name}"),
                severity: Severity::Note,
                message: "left by a change that never completed".to_owned(),
                remedy: "none needed: the next start removes it".to_owned(),
            });
        }
    }
    Ok(())
}

fn check_records(root: &Path, number: u64, report: &mut CheckReport) {
    let file = format!("records-{number}");
    let remedy = "start the program: it rebuilds the records from their newest export";
    let dir = records_dir(root, number);
    if !dir.is_dir() {
        // Opening would create an empty one, and a check changes nothing.
        let error = StoreError::Damaged {
            name: file.clone(),
            reason: "the folder is gone",
        };
        report.damage(&file, &error, remedy);
        return;
    }
    let n_known_commits = newest_export(root)
        .ok()
        .flatten()
        .as_deref()
        .map_or(0, n_commits);
    let outcome = SledRecords::open(&dir).and_then(|records| {
        let rows = records.dump()?;
        report.n_records = rows.len();
        let mut problems = records.check()?;
        if n_commits(&rows) < n_known_commits {
            problems.push("it lost changes that the newest export has".to_owned());
        }
        Ok(problems)
    });
    match outcome {
        Ok(problems) => report
            .findings
            .extend(problems.into_iter().map(|message| Finding {
                file: file.clone(),
                severity: Severity::Damage,
                message,
                remedy: remedy.to_owned(),
            })),
        Err(error) => report.damage(&file, &error, remedy),
    }
}

fn check_exports(root: &Path, report: &mut CheckReport) -> Result<()> {
    let dir = root.join("exports");
    if !dir.is_dir() {
        return Ok(());
    }
    for name in DiskFiles.list(&dir).on("list", &dir)? {
        let path = dir.join(&name);
        let bytes = DiskFiles.read(&path).on("read", &path)?;
        match decode_export(&name, &bytes) {
            Ok(_) => report.n_exports += 1,
            Err(error) => report.damage(
                &format!("exports/{name}"),
                &error,
                "remove the file; the other exports and the records themselves are not touched by it",
            ),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    fn judged(error: &StoreError) -> CheckReport {
        let mut report = CheckReport::default();
        report.damage("records-1", error, "start the program");
        report
    }

    #[test]
    fn a_full_disk_is_no_damage() {
        let no_space = || io::Error::from(io::ErrorKind::StorageFull);
        for error in [
            StoreError::NoSpace {
                reason: "No space left on device".to_owned(),
            },
            StoreError::Io {
                action: "write",
                path: "records-1".into(),
                source: no_space(),
            },
        ] {
            let report = judged(&error);
            assert_eq!(report.findings[0].severity, Severity::Unchecked);
            assert!(report.findings[0].remedy.contains("free some space"));
            assert!(!report.is_sound() && !report.is_damaged());
        }
        let report = judged(&StoreError::Records {
            reason: "corrupted".to_owned(),
        });
        assert!(report.is_damaged());
        assert_eq!(report.findings[0].remedy, "start the program");
    }
}
