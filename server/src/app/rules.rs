//! The rules that are in force: the shipped ones, and beside them a folder of the user's own.
//!
//! The folder holds `.fql` files, in subfolders too, and may hold `settings.toml`:
//!
//! ```toml
//! disable = ["R14", "dangling-record"]     # by name or catalogue number
//! [likelihood]
//! exploit-network-cve = 0.3                # a number, or a class such as "D2"
//! [blast_radius]
//! estimate_above = 1000000                 # states; without it sizes are always counted
//! ```
//!
//! A rule of the folder replaces a shipped one of the same name. A broken file is reported and the
//! others are in force.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use foothold_engine::attack::RuleSet;
use foothold_engine::graph::Snapshot;
use foothold_engine::score::ScoringModel;
use foothold_query::define::{Definitions, FileDiagnostic};
use foothold_query::diagnostic::{Code, Diagnostic};
use serde::Deserialize;

use super::{AppError, Result};

/// Beside the files of a rules folder.
const SETTINGS: &str = "settings.toml";

/// Definitions and constants that graphs are analysed with.
#[derive(Debug)]
pub(crate) struct InForce {
    /// Rules, policies, attackers and groups.
    pub(crate) definitions: Arc<Definitions>,
    /// The constants of likelihoods.
    pub(crate) model: Arc<ScoringModel>,
    /// What is wrong in the user's files.
    pub(crate) problems: Vec<FileDiagnostic>,
    /// The user's folder.
    pub(crate) folder: Option<PathBuf>,
    /// Above so many states sizes of blast radii are estimated.
    pub(crate) estimate_above: usize,
}

/// `settings.toml` of a rules folder.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    disable: Vec<String>,
    #[serde(default)]
    likelihood: BTreeMap<String, toml::Value>,
    #[serde(default)]
    blast_radius: BlastRadiusSettings,
}

/// How sizes of blast radii are found for all assets at once.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct BlastRadiusSettings {
    estimate_above: Option<usize>,
}

impl InForce {
    /// What comes with the program.
    pub(crate) fn shipped() -> Self {
        Self {
            definitions: Arc::new(Definitions::shipped()),
            model: Arc::new(ScoringModel::shipped()),
            problems: Vec::new(),
            folder: None,
            estimate_above: usize::MAX,
        }
    }

    /// The shipped definitions, the user's folder beside them, and the user's constants.
    pub(crate) fn load(folder: Option<&Path>, model: Option<&Path>) -> Result<Self> {
        let model = match model {
            Some(path) => {
                let text = read(path)?;
                ScoringModel::from_json(&text).map_err(|error| AppError::Model {
                    path: path.to_owned(),
                    reason: error.to_string(),
                })?
            }
            None => ScoringModel::shipped(),
        };
        let Some(folder) = folder else {
            return Ok(Self {
                model: Arc::new(model),
                ..Self::shipped()
            });
        };
        let root = folder
            .canonicalize()
            .map_err(|_| AppError::NoSuchPath(folder.to_owned()))?;
        let mut definitions = Definitions::shipped();
        let mut problems = Vec::new();
        for path in files_below(&root, "fql")? {
            let name = relative(&root, &path);
            definitions.add(&name, &read(&path)?);
            for (text, import) in definitions.imports(&name) {
                if let Some(problem) = refused_import(&root, &path, &import.path.value) {
                    let span = import.path.span;
                    problems.push(FileDiagnostic {
                        file: name.as_str().into(),
                        text,
                        diagnostic: Diagnostic::new(Code::ImportRefused, span, problem),
                    });
                }
            }
        }
        let settings = root.join(SETTINGS);
        let mut estimate_above = None;
        if settings.is_file() {
            let settings = apply_settings(&settings, &model, &mut definitions)?;
            estimate_above = settings.blast_radius.estimate_above;
        }
        let model = Arc::new(model);
        problems.extend(definitions.diagnostics().iter().cloned());
        // Names of labels and kinds only matter on a graph; everything else is wrong everywhere.
        problems.extend(definitions.compile(&Snapshot::empty(), &model).1);
        Ok(Self {
            definitions: Arc::new(definitions),
            model,
            problems,
            folder: Some(root),
            estimate_above: estimate_above.unwrap_or(usize::MAX),
        })
    }

    /// Whether something in the user's files is not in force because of an error in it.
    pub(crate) fn is_broken(&self) -> bool {
        let mut diagnostics = self.problems.iter().map(|problem| &problem.diagnostic);
        diagnostics.any(Diagnostic::is_error)
    }

    /// Whether a condition or guard of a rule looks at relationships beyond the rule's pattern.
    pub(crate) fn reads_relationships(&self) -> bool {
        self.definitions.conditions_read_relationships()
    }

    /// The rules for one snapshot; a rule that does not compile is left out.
    pub(crate) fn compile(&self, snapshot: &Snapshot) -> Arc<RuleSet> {
        Arc::new(self.definitions.compile(snapshot, &self.model).0)
    }
}

fn apply_settings(
    path: &Path,
    model: &ScoringModel,
    definitions: &mut Definitions,
) -> Result<Settings> {
    let wrong = |reason: String| AppError::RuleSettings {
        path: path.to_owned(),
        reason,
    };
    let settings: Settings =
        toml::from_str(&read(path)?).map_err(|error| wrong(error.to_string()))?;
    for name in &settings.disable {
        if definitions.rule(name).is_none() {
            return Err(wrong(format!("`disable` names no rule: `{name}`")));
        }
        definitions.disable(name);
    }
    for (name, value) in &settings.likelihood {
        if definitions.rule(name).is_none() {
            return Err(wrong(format!("`likelihood` names no rule: `{name}`")));
        }
        let likelihood = match value {
            toml::Value::Float(number) => Some(*number),
            toml::Value::Integer(number) => Some(*number as f64),
            toml::Value::String(class) => model.classes.get(class).copied(),
            _ => None,
        };
        let likelihood = likelihood.filter(|number| (0.0..=1.0).contains(number));
        let Some(likelihood) = likelihood else {
            let known: Vec<&str> = model.classes.keys().map(String::as_str).collect();
            let reason = format!(
                "the likelihood of `{name}` is neither a number between 0 and 1 nor one of {}",
                known.join(", ")
            );
            return Err(wrong(reason));
        };
        definitions.override_likelihood(name, likelihood);
    }
    Ok(settings)
}

/// Why one file may not import another, if it may not.
fn refused_import(root: &Path, file: &Path, written: &str) -> Option<String> {
    let folder = file.parent().unwrap_or(root);
    let Ok(target) = folder.join(written).canonicalize() else {
        return Some(format!("there is no file `{written}` beside this one"));
    };
    if !target.starts_with(root) {
        return Some(format!("`{written}` lies outside the folder of rules"));
    }
    if target
        .extension()
        .is_none_or(|extension| extension != "fql")
    {
        return Some(format!("`{written}` is no `.fql` file"));
    }
    // Every file of the folder is read anyway.
    None
}

/// The files of a folder and its subfolders with this extension, by path. Links that lead out of
/// the folder are passed over.
pub(crate) fn files_below(root: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let unreadable = |error: std::io::Error| AppError::Unreadable {
            path: folder.clone(),
            reason: error.to_string(),
        };
        for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let Ok(real) = path.canonicalize() else {
                continue;
            };
            if !real.starts_with(root) {
                continue;
            }
            if real.is_dir() {
                if real == path {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .to_string_lossy()
        .replace('\\', "/")
}

pub(crate) fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| AppError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}
