//! Assets with what they risk and endanger.

use std::cmp::Reverse;

use foothold_engine::recompute::AssetRisk;
use serde::{Deserialize, Serialize};

use crate::app::{Analysis, World};
use crate::dto::answer::limit_name;
use crate::dto::graph;

/// The answer to a bulk recomputation.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AnalysisDto {
    pub(crate) assets: Vec<AssetDto>,
    pub(crate) completeness: AnalysisCompletenessDto,
    pub(crate) stats: AnalysisStatsDto,
}

/// Whether it is whole.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AnalysisCompletenessDto {
    pub(crate) complete: bool,
    pub(crate) limit: Option<&'static str>,
    pub(crate) silent_rules: Vec<SilentRuleDto>,
    /// Where numbers of states and assets that fall are estimates: their relative standard error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) size_error: Option<f64>,
}

/// A rule that could not fire, and what it lacked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SilentRuleDto {
    pub(crate) rule: String,
    pub(crate) missing: Vec<String>,
}

/// Numbers about the work.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AnalysisStatsDto {
    pub(crate) elapsed_ms: f64,
    pub(crate) assets: usize,
    pub(crate) states: usize,
    pub(crate) states_reached: usize,
    pub(crate) steps: usize,
}

/// One asset.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AssetDto {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) labels: Vec<String>,
    /// Of the likeliest way for the attacker to hold more than network access; 0 if there is none.
    pub(crate) likelihood: f64,
    pub(crate) steps: u32,
    pub(crate) blast_radius: BlastDto,
}

/// What falls when the asset falls.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct BlastDto {
    pub(crate) states: u64,
    pub(crate) assets: u64,
    pub(crate) crown_jewels: u64,
    pub(crate) expected_loss: f64,
}

impl AnalysisDto {
    /// The riskiest `limit` assets, most likely first, then by loss, then by id.
    pub(crate) fn new(analysis: &Analysis, limit: usize) -> Self {
        let world = &analysis.world;
        let mut order: Vec<&AssetRisk> = analysis.risk.assets.iter().collect();
        order.sort_by(|a, b| {
            (a.cost, Reverse(a.crown_jewels))
                .cmp(&(b.cost, Reverse(b.crown_jewels)))
                .then(b.expected_loss.total_cmp(&a.expected_loss))
                .then(a.asset.cmp(&b.asset))
        });
        Self {
            assets: order
                .into_iter()
                .take(limit)
                .map(|risk| AssetDto::new(world, risk))
                .collect(),
            completeness: AnalysisCompletenessDto {
                complete: analysis.stop.is_none(),
                limit: analysis.stop.map(limit_name),
                silent_rules: silent_rules(world),
                size_error: analysis.risk.size_error,
            },
            stats: AnalysisStatsDto {
                elapsed_ms: analysis.elapsed_ms,
                assets: analysis.risk.assets.len(),
                states: world.attack.n_states(),
                states_reached: analysis.risk.n_reached,
                steps: world.attack.n_steps(),
            },
        }
    }
}

pub(crate) fn silent_rules(world: &World) -> Vec<SilentRuleDto> {
    world
        .attack
        .silent_rules()
        .iter()
        .map(|silent| SilentRuleDto {
            rule: silent.rule.to_string(),
            missing: silent.missing.clone(),
        })
        .collect()
}

impl AssetDto {
    fn new(world: &World, risk: &AssetRisk) -> Self {
        let snapshot = &*world.snapshot;
        let name = snapshot
            .prop_id("name")
            .and_then(|prop| snapshot.node_str(risk.asset, prop));
        Self {
            id: snapshot.stable_id(risk.asset).to_owned(),
            name: name.map(str::to_owned),
            labels: graph::labels(snapshot, risk.asset),
            likelihood: foothold_query::verb::shown_likelihood(risk.likelihood()),
            steps: risk.n_steps,
            blast_radius: BlastDto {
                states: risk.states,
                assets: risk.assets,
                crown_jewels: risk.crown_jewels,
                expected_loss: risk.expected_loss,
            },
        }
    }
}
