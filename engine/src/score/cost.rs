//! Likelihood as a fixed-point cost, so that searches add integers and agree to the byte.
//!
//! The unit is 2^-16 nat: `cost = round(-ln(likelihood) * 65536)`.
//! Costs add where likelihoods multiply, and no sum depends on the order of its terms.

/// The cost of one step or of one path, in units of 2^-16 nat.
pub type Cost = u32;

/// One nat in cost units.
pub const UNIT: f64 = 65536.0;

/// The distance of what cannot be reached; its likelihood is 0.
pub const UNREACHED: Cost = u32::MAX;

/// The highest cost of one step, a likelihood of about 10^-111.
///
/// A lower likelihood is raised to this one: the bound keeps sums of costs in 64 bits and makes
/// no difference that a person could see.
pub const MAX_STEP_COST: Cost = (1 << 24) - 1;

/// The cost of a step of this likelihood.
///
/// A likelihood above 1 counts as 1, one below what [`MAX_STEP_COST`] stands for (also zero,
/// negative or not a number) costs [`MAX_STEP_COST`].
pub fn cost_of_likelihood(likelihood: f64) -> Cost {
    if likelihood >= 1.0 {
        return 0;
    }
    // Written so that NaN falls through to the highest cost.
    if likelihood > 0.0 {
        let cost = (-likelihood.ln() * UNIT).round();
        if cost < f64::from(MAX_STEP_COST) {
            #[allow(
                clippy::cast_sign_loss,
                reason = "-ln of a number between 0 and 1 is positive"
            )]
            return cost as Cost;
        }
    }
    MAX_STEP_COST
}

/// The likelihood that a cost stands for; 0 for [`UNREACHED`].
pub fn likelihood_of_cost(cost: Cost) -> f64 {
    if cost == UNREACHED {
        0.0
    } else {
        (-f64::from(cost) / UNIT).exp()
    }
}

/// The highest cost whose likelihood is at least this one: the limit to push into a search for
/// `LIKELIHOOD >= x`.
///
/// Half a unit of rounding is given to the user, so that a path of one step with exactly that
/// likelihood is always found. A limit of zero or less, or not a number, admits every cost.
pub fn cost_limit(at_least: f64) -> Cost {
    if at_least > 0.0 {
        let cost = (-at_least.ln() * UNIT).round();
        if cost < 0.0 {
            // More than certain: nothing but a sure path could qualify, and not even that one does.
            return 0;
        }
        if cost < f64::from(UNREACHED - 1) {
            #[allow(clippy::cast_sign_loss, reason = "negative costs returned above")]
            return cost as Cost;
        }
    }
    UNREACHED - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_survive_the_round_trip() {
        for likelihood in [0.98, 0.90, 0.70, 0.45, 0.20, 0.05, 0.01, 1.0] {
            let back = likelihood_of_cost(cost_of_likelihood(likelihood));
            assert!(
                (back - likelihood).abs() < 1e-5,
                "{likelihood} became {back}"
            );
        }
    }

    #[test]
    fn what_is_no_likelihood_costs_the_most_or_nothing() {
        for likelihood in [0.0, -1.0, f64::NAN, f64::NEG_INFINITY, 1e-200] {
            assert_eq!(cost_of_likelihood(likelihood), MAX_STEP_COST);
        }
        for likelihood in [1.0, 1.5, f64::INFINITY] {
            assert_eq!(cost_of_likelihood(likelihood), 0);
        }
    }

    #[test]
    fn a_likelier_step_never_costs_more() {
        let costs: Vec<Cost> = (0..=1000)
            .map(|p| cost_of_likelihood(f64::from(p) / 1000.0))
            .collect();
        assert!(costs.windows(2).all(|pair| pair[0] >= pair[1]));
    }

    #[test]
    fn a_limit_admits_the_step_of_exactly_that_likelihood() {
        for p in 1..=1000 {
            let likelihood = f64::from(p) / 1000.0;
            assert!(cost_of_likelihood(likelihood) <= cost_limit(likelihood));
            assert!(cost_of_likelihood(likelihood * 0.999) > cost_limit(likelihood));
        }
        assert_eq!(cost_limit(0.0), UNREACHED - 1);
        assert_eq!(cost_limit(f64::NAN), UNREACHED - 1);
    }
}
