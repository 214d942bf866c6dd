//! `/api/v1/nodes/{id}` and `/api/v1/nodes/{id}/neighbors`.
//!
//! Ids hold slashes, so everything behind `nodes/` is the id, but for the last word.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use foothold_engine::graph::{EdgeId, NodeId, Snapshot};
use serde::{Deserialize, Serialize};

use super::Result;
use super::extract::{Params, Part};
use crate::dto::graph::{EdgeDto, NodeDto};
use crate::dto::list::{ListDto, PageParams};
use crate::problem::Problem;
use crate::server::Server;

/// Which neighbours.
#[derive(Debug, Default, Deserialize)]
pub(super) struct NeighborParams {
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    direction: Option<Direction>,
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    limit: Option<usize>,
}

/// Which way the edge points, seen from the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Direction {
    Out,
    In,
}

/// A node with its surroundings in numbers.
#[derive(Debug, Serialize)]
struct NodeView {
    #[serde(flatten)]
    node: NodeDto,
    /// How many edges of each kind.
    neighbors: Vec<KindCount>,
}

#[derive(Debug, Serialize)]
struct KindCount {
    kind: String,
    direction: Direction,
    count: usize,
}

#[derive(Debug, Serialize)]
struct Neighbor {
    direction: Direction,
    edge: EdgeDto,
    node: NodeDto,
}

/// One node, or its neighbours.
pub(super) async fn get(
    State(server): State<Arc<Server>>,
    Part(path): Part<String>,
    Params(params): Params<NeighborParams>,
) -> Result<Response> {
    let world = server.app().world();
    let snapshot = &world.snapshot;
    if let Some(node) = snapshot.node(&path) {
        let node_view = NodeView {
            node: NodeDto::new(snapshot, node),
            neighbors: counts(snapshot, node),
        };
        return Ok(Json(node_view).into_response());
    }
    if let Some(id) = path.strip_suffix("/neighbors")
        && let Some(node) = snapshot.node(id)
    {
        return Ok(Json(neighbors(snapshot, node, &params)).into_response());
    }
    let id = path.strip_suffix("/neighbors").unwrap_or(&path);
    Err(Problem::not_found("node", id))
}

fn counts(snapshot: &Snapshot, node: NodeId) -> Vec<KindCount> {
    let mut counts: BTreeMap<(&str, Direction), usize> = BTreeMap::new();
    for (_, kind, _) in snapshot.out_all(node) {
        *counts
            .entry((snapshot.kind_name(kind), Direction::Out))
            .or_default() += 1;
    }
    for (_, kind, _) in snapshot.in_all(node) {
        *counts
            .entry((snapshot.kind_name(kind), Direction::In))
            .or_default() += 1;
    }
    counts
        .into_iter()
        .map(|((kind, direction), count)| KindCount {
            kind: kind.to_owned(),
            direction,
            count,
        })
        .collect()
}

fn neighbors(snapshot: &Snapshot, node: NodeId, params: &NeighborParams) -> ListDto<Neighbor> {
    let outgoing = snapshot
        .out_all(node)
        .map(|(edge, kind, other)| (Direction::Out, edge, kind, other));
    let incoming = snapshot
        .in_all(node)
        .map(|(edge, kind, other)| (Direction::In, edge, kind, other));
    let edges: Vec<(Direction, EdgeId, NodeId)> = outgoing
        .chain(incoming)
        .filter(|(direction, _, kind, _)| {
            params.direction.is_none_or(|wanted| wanted == *direction)
                && params
                    .kind
                    .as_deref()
                    .is_none_or(|wanted| wanted == snapshot.kind_name(*kind))
        })
        .map(|(direction, edge, _, other)| (direction, edge, other))
        .collect();
    let page = PageParams {
        cursor: params.cursor.clone(),
        limit: params.limit.or(Some(25)),
    };
    let ListDto { items, next_cursor } = page.cut(edges, |(direction, edge, _)| {
        let way = if *direction == Direction::Out {
            'o'
        } else {
            'i'
        };
        format!("{way}{}", edge.0)
    });
    ListDto {
        items: items
            .into_iter()
            .map(|(direction, edge, other)| Neighbor {
                direction,
                edge: EdgeDto::new(snapshot, edge),
                node: NodeDto::new(snapshot, other),
            })
            .collect(),
        next_cursor,
    }
}
