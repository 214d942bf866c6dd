//! CVSS vectors of versions 2, 3 and 4.

use std::cmp::Ordering;

/// A vector and its base score.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Vector {
    /// The vector with its version prefix, except version 2, which has none.
    pub(crate) text: String,
    /// Base score, as given or computed.
    pub(crate) score: Option<f64>,
    version: u8,
}

impl Vector {
    /// Reads a vector; `None` where the text is none. Version 3 vectors may lack their prefix.
    pub(crate) fn parse(text: &str, score: Option<f64>) -> Option<Self> {
        let text = text.trim().trim_start_matches('(').trim_end_matches(')');
        if text.len() > 400 || text.chars().any(|c| !c.is_ascii_graphic()) {
            return None;
        }
        let (version, text) = match text.split_once('/').map(|(first, _)| first) {
            Some("CVSS:4.0") => (4, text.to_owned()),
            Some("CVSS:3.0" | "CVSS:3.1") => (3, text.to_owned()),
            Some(first) if first.starts_with("AV:") => {
                if text.contains("/Au:") {
                    (2, text.to_owned())
                } else if text.contains("/VC:") {
                    (4, format!("CVSS:4.0/{text}"))
                } else {
                    (3, format!("CVSS:3.1/{text}"))
                }
            }
            _ => return None,
        };
        let valid = |score: &f64| (0.0..=10.0).contains(score);
        let score = score.filter(valid).or_else(|| {
            let base = base_part(&text, version);
            base.parse::<cvss::Cvss>().ok().map(|vector| vector.score())
        });
        Some(Self {
            text,
            score,
            version,
        })
    }

    fn metric(&self, name: &str) -> Option<&str> {
        self.text
            .split('/')
            .filter_map(|part| part.split_once(':'))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// The metrics as properties of a vulnerability.
    pub(crate) fn metrics(&self) -> Vec<(&'static str, &'static str)> {
        let vector = self.metric("AV").and_then(|value| {
            Some(match value {
                "N" => "network",
                "A" => "adjacent",
                "L" => "local",
                "P" => "physical",
                _ => return None,
            })
        });
        let complexity = match self.metric("AC") {
            // Version 4 took what must be so beforehand out of the complexity and into `AT`.
            Some("L") if self.version == 4 && self.metric("AT") == Some("P") => Some("high"),
            Some("L") => Some("low"),
            // Version 2 has a middle value for special, not improbable, conditions.
            Some("M") => Some("low"),
            Some("H") => Some("high"),
            _ => None,
        };
        let privileges = match (self.version, self.metric("PR"), self.metric("Au")) {
            (2, _, Some("N")) | (3 | 4, Some("N"), _) => Some("none"),
            (2, _, Some("S")) | (3 | 4, Some("L"), _) => Some("low"),
            (2, _, Some("M")) | (3 | 4, Some("H"), _) => Some("high"),
            _ => None,
        };
        let interaction = match self.metric("UI") {
            Some("N") => Some("none"),
            Some("R" | "A" | "P") => Some("required"),
            _ => None,
        };
        [
            ("attack_vector", vector),
            ("attack_complexity", complexity),
            ("privileges_required", privileges),
            ("user_interaction", interaction),
            ("integrity_impact", self.impact("I")),
            ("confidentiality_impact", self.impact("C")),
            ("availability_impact", self.impact("A")),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }

    /// Impact on confidentiality (`C`), integrity (`I`) or availability (`A`).
    pub(crate) fn impact(&self, of: &str) -> Option<&'static str> {
        let value = match self.version {
            4 => self.metric(match of {
                "C" => "VC",
                "I" => "VI",
                _ => "VA",
            }),
            _ => self.metric(of),
        };
        match value {
            Some("N") => Some("none"),
            Some("L" | "P") => Some("low"),
            Some("H" | "C") => Some("high"),
            _ => None,
        }
    }

    /// Whether other components than the vulnerable one are hit.
    pub(crate) fn scope_changed(&self) -> Option<bool> {
        match self.version {
            3 => self.metric("S").map(|value| value == "C"),
            4 => {
                let later = ["SC", "SI", "SA"].map(|name| self.metric(name));
                Some(
                    later
                        .iter()
                        .any(|value| matches!(value, Some("H" | "L" | "S"))),
                )
            }
            _ => None,
        }
    }

    /// Severity by score.
    pub(crate) fn severity(&self) -> Option<&'static str> {
        let score = self.score?;
        Some(match score {
            _ if score >= 9.0 => "critical",
            _ if score >= 7.0 => "high",
            _ if score >= 4.0 => "medium",
            _ if score > 0.0 => "low",
            _ => "info",
        })
    }

    /// Orders by usefulness: versions 3 and 4, which tell privileges and interaction, before
    /// version 2; then by score; then by text, for determinism.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        (self.version > 2)
            .cmp(&(other.version > 2))
            .then_with(|| {
                let score = |vector: &Self| vector.score.unwrap_or(-1.0);
                score(self).total_cmp(&score(other))
            })
            .then_with(|| self.text.cmp(&other.text))
    }
}

/// The base metrics only: environmental and temporal ones are not about the vulnerability.
fn base_part(text: &str, version: u8) -> String {
    let base: &[&str] = match version {
        2 => &["AV", "AC", "Au", "C", "I", "A"],
        3 => &["CVSS", "AV", "AC", "PR", "UI", "S", "C", "I", "A"],
        _ => return text.to_owned(),
    };
    let kept: Vec<_> = text
        .split('/')
        .filter(|part| {
            part.split_once(':')
                .is_some_and(|(name, _)| base.contains(&name))
        })
        .collect();
    kept.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_and_metrics_of_every_version() {
        for (text, score) in [
            ("AV:N/AC:M/Au:N/C:C/I:C/A:C", 9.3),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
            ("AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
            ("AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H/CR:X/MC:N", 10.0),
            (
                "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
                9.3,
            ),
        ] {
            let vector = Vector::parse(text, None).unwrap();
            assert_eq!(vector.score, Some(score), "{text}");
            assert!(
                vector.metrics().contains(&("attack_vector", "network")),
                "{text}"
            );
            assert!(
                vector.metrics().contains(&("privileges_required", "none")),
                "{text}"
            );
            assert!(
                vector.metrics().contains(&("integrity_impact", "high")),
                "{text}"
            );
        }
        let four = Vector::parse(
            "CVSS:4.0/AV:L/AC:H/AT:N/PR:L/UI:P/VC:N/VI:L/VA:N/SC:H/SI:N/SA:N",
            Some(3.0),
        )
        .unwrap();
        assert_eq!(four.scope_changed(), Some(true));
        assert!(four.metrics().contains(&("user_interaction", "required")));
        for (requirements, complexity) in [("N", "low"), ("P", "high")] {
            let text = format!(
                "CVSS:4.0/AV:N/AC:L/AT:{requirements}/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
            );
            let metrics = Vector::parse(&text, None).unwrap().metrics();
            assert!(
                metrics.contains(&("attack_complexity", complexity)),
                "{text}"
            );
        }
        for text in ["", "high", "CVSS:9.9/AV:N", "AV:N\u{7}/AC:L", "7.5"] {
            assert_eq!(Vector::parse(text, None), None, "{text}");
        }
    }

    #[test]
    fn version_three_is_preferred_over_a_higher_version_two() {
        let two = Vector::parse("AV:N/AC:L/Au:N/C:C/I:C/A:C", None).unwrap();
        let three = Vector::parse("CVSS:3.0/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:H", None).unwrap();
        assert!(two.score > three.score);
        assert_eq!(two.compare(&three), Ordering::Less);
    }
}
