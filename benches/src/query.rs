//! The queries that are measured here and put to peers, and how Foothold answers them: text in,
//! rows out.

use std::sync::Arc;

use foothold_engine::budget::Budget;
use foothold_engine::graph::{NodeId, Snapshot};
use foothold_engine::model::Value;
use foothold_query::value::Val;
use foothold_query::{Env, Params, run};
use serde::Deserialize;

const QUERIES: &str = include_str!("../queries.toml");

/// How many pairs of a service and a data store are asked for their shortest path.
pub const N_PAIRS: usize = 20;

/// A question to an engine.
#[derive(Debug, Clone, Deserialize)]
pub struct Question {
    /// A short name.
    pub name: String,
    /// What it asks, in words.
    pub title: String,
    /// The text.
    pub fql: String,
    /// Whether it is asked once for each pair, with `$f` and `$t`.
    #[serde(default)]
    pub each_pair: bool,
}

/// Why the questions cannot be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QuestionError {
    /// `queries.toml` does not hold questions; mend it.
    #[error("queries.toml cannot be read: {0}")]
    Unreadable(#[from] toml::de::Error),
    /// A query was refused; the message says why.
    #[error("`{name}` was refused: {why}")]
    Refused {
        /// Of the question.
        name: String,
        /// The first diagnostic.
        why: String,
    },
}

#[derive(Deserialize)]
struct File {
    query: Vec<Question>,
}

/// All questions, in the order of the file.
///
/// # Errors
/// When the file cannot be read.
pub fn questions() -> Result<Vec<Question>, QuestionError> {
    Ok(toml::from_str::<File>(QUERIES)?.query)
}

/// Services and data stores far apart in the order of their names, always the same ones.
pub fn pairs(snapshot: &Snapshot) -> Vec<(String, String)> {
    let (services, stores) = (names(snapshot, "Service"), names(snapshot, "DataStore"));
    if services.is_empty() || stores.is_empty() {
        return Vec::new();
    }
    let spread =
        |names: &[String], nth: usize, step: usize| names[nth * step % names.len()].clone();
    (0..N_PAIRS)
        .map(|nth| (spread(&services, nth, 97), spread(&stores, nth, 89)))
        .collect()
}

/// The names of the nodes with a label, sorted.
fn names(snapshot: &Snapshot, label: &str) -> Vec<String> {
    let (Some(label), Some(name)) = (snapshot.label_id(label), snapshot.prop_id("name")) else {
        return Vec::new();
    };
    let nodes = snapshot.labelled(label).iter();
    let mut names: Vec<String> = nodes
        .filter_map(|node| match snapshot.node_prop(NodeId(node), name)? {
            Value::Str(name) => Some(name.to_string()),
            _ => None,
        })
        .collect();
    names.sort();
    names
}

/// A question with its parameters: one set, or one for each pair.
#[derive(Debug)]
pub struct Asked<'a> {
    question: &'a Question,
    params: Vec<Params>,
}

impl<'a> Asked<'a> {
    /// Puts the pairs where the question wants them.
    pub fn new(question: &'a Question, pairs: &[(String, String)]) -> Self {
        let text = |text: &str| Val::Str(text.into());
        let params = if question.each_pair {
            let of_pair = |(from, to): &(String, String)| {
                Params::from([("f".to_owned(), text(from)), ("t".to_owned(), text(to))])
            };
            pairs.iter().map(of_pair).collect()
        } else {
            let pair = |(from, to): &(String, String)| Val::List([text(from), text(to)].into());
            let list = Val::List(pairs.iter().map(pair).collect());
            vec![Params::from([("pairs".to_owned(), list)])]
        };
        Self { question, params }
    }

    /// Reads the text, plans, and collects the rows, as often as the question is asked.
    ///
    /// # Errors
    /// When a query is refused.
    pub fn answer(&self, snapshot: &Arc<Snapshot>) -> Result<Vec<Vec<Val>>, QuestionError> {
        let mut rows = Vec::new();
        for params in &self.params {
            let budget = Budget::unlimited();
            let answer = run(
                snapshot,
                &self.question.fql,
                params,
                &budget,
                &Env::default(),
            );
            let answer = answer.map_err(|diagnostics| QuestionError::Refused {
                name: self.question.name.clone(),
                why: diagnostics
                    .first()
                    .map_or_else(String::new, |one| one.message.clone()),
            })?;
            rows.extend(answer.rows);
        }
        Ok(rows)
    }
}
