//! The scoring model: every constant of a likelihood in one versioned file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The constants. The shipped ones are in `score/model.json`; a user's file may replace them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoringModel {
    /// Stamped on every answer.
    pub version: String,
    /// Likelihood classes by name, `D0` to `D5`.
    pub classes: BTreeMap<String, f64>,
    /// The exploitation of a vulnerability.
    pub exploit: ExploitModel,
}

/// Constants of a vulnerability step.
///
/// `p = clamp(base x complexity x interaction x reachability, min, max)`; privileges that a
/// vulnerability requires are a premise of the rule and no factor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExploitModel {
    /// The least likelihood.
    pub min: f64,
    /// The highest likelihood.
    pub max: f64,
    /// The base when the vulnerability is on a known-exploited list.
    pub known_exploited: f64,
    /// The least base when a public exploit exists.
    pub public_exploit_floor: f64,
    /// The least base by severity, where EPSS is lower or missing.
    pub severity_floor: BTreeMap<String, f64>,
    /// Attack complexity high.
    pub complexity_high: f64,
    /// User interaction required.
    pub user_interaction: f64,
    /// Not known whether the code is reached.
    pub reachability_unknown: f64,
    /// Evidence says that the code is not reached.
    pub reachability_no: f64,
}

impl ScoringModel {
    /// The shipped model.
    pub fn shipped() -> Self {
        // The file is part of the program; `the_shipped_model_parses` holds it.
        #[allow(clippy::expect_used, reason = "an embedded file that a test parses")]
        Self::from_json(include_str!("model.json")).expect("the shipped model parses")
    }

    /// Reads a model from JSON.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_model_parses() {
        let model = ScoringModel::shipped();
        assert_eq!(model.classes.len(), 6);
        assert!(model.classes.values().all(|p| *p > 0.0 && *p <= 1.0));
    }

    #[test]
    fn a_misspelt_constant_is_refused() {
        let text = include_str!("model.json").replace("complexity_high", "complexity_hihg");
        assert!(ScoringModel::from_json(&text).is_err());
    }
}
