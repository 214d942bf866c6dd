//! `/api/v1/search`: find things by a piece of their id or name.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use foothold_engine::graph::{NodeId, Snapshot};
use serde::{Deserialize, Serialize};

use super::extract::Params;
use super::{Result, blocking};
use crate::dto::graph;
use crate::problem::Problem;
use crate::server::Server;

/// What to look for; `label:text` looks among the nodes of one label.
#[derive(Debug, Deserialize)]
pub(super) struct SearchParams {
    q: String,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    limit: Option<usize>,
}

/// What was found.
#[derive(Debug, Serialize)]
pub(super) struct SearchResult {
    items: Vec<Hit>,
    /// Whether there are more than these.
    more: bool,
}

#[derive(Debug, Serialize)]
struct Hit {
    id: String,
    name: Option<String>,
    labels: Vec<String>,
}

const DEFAULT_HITS: usize = 20;
const MAX_HITS: usize = 200;

/// The best hits: exact before prefix before anywhere, then in order of id.
pub(super) async fn get(
    State(server): State<Arc<Server>>,
    Params(params): Params<SearchParams>,
) -> Result<Json<SearchResult>> {
    let world = server.app().world();
    let limit = params.limit.unwrap_or(DEFAULT_HITS).clamp(1, MAX_HITS);
    blocking(move || {
        let snapshot = &world.snapshot;
        let (label, text) = split(snapshot, &params);
        let text = text.trim().to_lowercase();
        if text.is_empty() && label.is_none() {
            return Err(Problem::invalid("`q` is empty"));
        }
        let mut hits: Vec<(u8, NodeId)> = Vec::new();
        for node in snapshot.nodes() {
            let is_labelled = label.as_deref().is_none_or(|wanted| {
                snapshot
                    .labels_of(node)
                    .iter()
                    .any(|&label| snapshot.label_name(label) == wanted)
            });
            if !is_labelled {
                continue;
            }
            let by_id = rank(snapshot.stable_id(node), &text);
            let by_name = name(snapshot, node).and_then(|name| rank(name, &text));
            if let Some(rank) = by_id.into_iter().chain(by_name).min() {
                hits.push((rank, node));
            }
        }
        hits.sort_unstable();
        let more = hits.len() > limit;
        let items = hits
            .into_iter()
            .take(limit)
            .map(|(_, node)| Hit {
                id: snapshot.stable_id(node).to_owned(),
                name: name(snapshot, node).map(str::to_owned),
                labels: graph::labels(snapshot, node),
            })
            .collect();
        Ok(SearchResult { items, more })
    })
    .await
    .map(Json)
}

fn split(snapshot: &Snapshot, params: &SearchParams) -> (Option<String>, String) {
    if let Some(label) = &params.label {
        return (Some(label.clone()), params.q.clone());
    }
    if let Some((prefix, rest)) = params.q.split_once(':') {
        let label = snapshot
            .labels()
            .map(|label| snapshot.label_name(label))
            .find(|label| label.eq_ignore_ascii_case(prefix));
        if let Some(label) = label {
            return (Some(label.to_owned()), rest.to_owned());
        }
    }
    (None, params.q.clone())
}

fn name(snapshot: &Snapshot, node: NodeId) -> Option<&str> {
    snapshot.node_str(node, snapshot.prop_id("name")?)
}

fn rank(candidate: &str, text: &str) -> Option<u8> {
    let candidate = candidate.to_lowercase();
    if candidate == text {
        Some(0)
    } else if candidate.starts_with(text) {
        Some(1)
    } else if candidate.contains(text) {
        Some(2)
    } else {
        None
    }
}
