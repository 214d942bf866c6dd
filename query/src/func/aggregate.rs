//! Aggregate functions.

use std::cmp::Ordering;

use rustc_hash::FxHashSet;

use crate::ast::Span;
use crate::diagnostic::Code;
use crate::expr::{Arith, arithmetic};
use crate::fault::Fault;
use crate::types::Ty;
use crate::value::{RowKey, Val, order};

/// An aggregate function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    /// `count(*)`
    CountRows,
    /// `count(x)`
    Count,
    /// `sum(x)`
    Sum,
    /// `avg(x)`
    Avg,
    /// `min(x)`
    Min,
    /// `max(x)`
    Max,
    /// `collect(x)`
    Collect,
    /// `stDev(x)`: of a sample.
    StDev,
    /// `stDevP(x)`: of a population.
    StDevP,
    /// `percentileCont(x, p)`
    PercentileCont,
    /// `percentileDisc(x, p)`
    PercentileDisc,
}

impl Aggregate {
    /// The names of the language.
    pub const NAMES: &'static [&'static str] = &[
        "count",
        "sum",
        "avg",
        "min",
        "max",
        "collect",
        "stDev",
        "stDevP",
        "percentileCont",
        "percentileDisc",
    ];

    /// Finds an aggregate by name, whatever its case.
    pub fn find(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "count" => Some(Aggregate::Count),
            "sum" => Some(Aggregate::Sum),
            "avg" => Some(Aggregate::Avg),
            "min" => Some(Aggregate::Min),
            "max" => Some(Aggregate::Max),
            "collect" | "collect_list" => Some(Aggregate::Collect),
            "stdev" | "stddev_samp" => Some(Aggregate::StDev),
            "stdevp" | "stddev_pop" => Some(Aggregate::StDevP),
            "percentilecont" | "percentile_cont" => Some(Aggregate::PercentileCont),
            "percentiledisc" | "percentile_disc" => Some(Aggregate::PercentileDisc),
            _ => None,
        }
    }

    /// How many arguments it takes.
    pub fn n_args(self) -> usize {
        match self {
            Aggregate::CountRows => 0,
            Aggregate::PercentileCont | Aggregate::PercentileDisc => 2,
            _ => 1,
        }
    }

    /// The static type of its result.
    pub fn ty(self, arg: Option<&Ty>) -> Ty {
        match self {
            Aggregate::CountRows | Aggregate::Count => Ty::Int,
            Aggregate::Collect => Ty::list(arg.cloned().unwrap_or(Ty::Any)),
            Aggregate::Min | Aggregate::Max => arg.cloned().unwrap_or(Ty::Any),
            Aggregate::StDev | Aggregate::StDevP | Aggregate::PercentileCont => Ty::Float,
            Aggregate::Sum | Aggregate::Avg | Aggregate::PercentileDisc => Ty::Any,
        }
    }
}

/// An aggregate over the rows of one group so far.
#[derive(Debug)]
pub(crate) struct Accumulator {
    aggregate: Aggregate,
    span: Span,
    /// Values seen, when only distinct ones count.
    seen: Option<FxHashSet<RowKey>>,
    n: u64,
    best: Val,
    values: Vec<Val>,
    percentile: Option<f64>,
    /// Running mean and sum of squared differences (Welford 1962).
    mean: f64,
    squares: f64,
}

impl Accumulator {
    pub(crate) fn new(aggregate: Aggregate, is_distinct: bool, span: Span) -> Self {
        let best = match aggregate {
            Aggregate::Sum => Val::Int(0),
            _ => Val::Null,
        };
        Accumulator {
            aggregate,
            span,
            seen: is_distinct.then(FxHashSet::default),
            n: 0,
            best,
            values: Vec::new(),
            percentile: None,
            mean: 0.0,
            squares: 0.0,
        }
    }

    /// Takes one row; returns the bytes it keeps because of it.
    pub(crate) fn add(&mut self, value: Val, second: Option<&Val>) -> Result<u64, Fault> {
        if self.aggregate == Aggregate::CountRows {
            self.n += 1;
            return Ok(0);
        }
        if let Some(percentile) = second {
            self.check_percentile(percentile)?;
        }
        if value.is_null() {
            return Ok(0);
        }
        let mut kept = 0;
        if let Some(seen) = &mut self.seen {
            let key = RowKey(Box::new([value.clone()]));
            let bytes = key.heap_bytes() + 32;
            if !seen.insert(key) {
                return Ok(0);
            }
            kept += bytes;
        }
        self.n += 1;
        match self.aggregate {
            Aggregate::CountRows | Aggregate::Count => {}
            Aggregate::Sum | Aggregate::Avg => {
                self.number_or_duration(&value)?;
                // The sum behind an average must not overflow.
                let value = match value {
                    Val::Int(number) if self.aggregate == Aggregate::Avg => {
                        Val::Float(number as f64)
                    }
                    other => other,
                };
                let before = std::mem::take(&mut self.best);
                self.best = if before.is_null() || matches!((&before, self.n), (Val::Int(0), 1)) {
                    value
                } else {
                    arithmetic(Arith::Add, before, value, self.span)?
                };
            }
            Aggregate::Min => self.keep(value, Ordering::Less),
            Aggregate::Max => self.keep(value, Ordering::Greater),
            Aggregate::Collect => {
                kept += 24 + value.heap_bytes();
                self.values.push(value);
            }
            Aggregate::PercentileCont | Aggregate::PercentileDisc => {
                self.number(&value)?;
                kept += 24;
                self.values.push(value);
            }
            Aggregate::StDev | Aggregate::StDevP => {
                let number = self.number(&value)?;
                let difference = number - self.mean;
                self.mean += difference / self.n as f64;
                self.squares += difference * (number - self.mean);
            }
        }
        Ok(kept)
    }

    fn keep(&mut self, value: Val, wanted: Ordering) {
        if self.best.is_null() || order(&value, &self.best) == wanted {
            self.best = value;
        }
    }

    fn number(&self, value: &Val) -> Result<f64, Fault> {
        value
            .as_f64()
            .ok_or_else(|| Fault::wrong_type(self.span, "a number", value.type_name()))
    }

    fn number_or_duration(&self, value: &Val) -> Result<(), Fault> {
        match value {
            Val::Int(_) | Val::Float(_) | Val::Duration(_) => Ok(()),
            other => Err(Fault::wrong_type(self.span, "a number", other.type_name())),
        }
    }

    fn check_percentile(&mut self, percentile: &Val) -> Result<(), Fault> {
        let number = self.number(percentile)?;
        if !(0.0..=1.0).contains(&number) {
            let message = format!("a percentile lies between 0.0 and 1.0, not at {number}");
            return Err(Fault::error(Code::OutOfRange, self.span, message));
        }
        self.percentile = Some(number);
        Ok(())
    }

    /// The result over every row taken.
    pub(crate) fn finish(mut self) -> Val {
        let n = self.n as f64;
        match self.aggregate {
            Aggregate::CountRows | Aggregate::Count => {
                Val::Int(i64::try_from(self.n).unwrap_or(i64::MAX))
            }
            Aggregate::Sum | Aggregate::Min | Aggregate::Max => self.best,
            Aggregate::Avg => match (&self.best, self.best.as_f64()) {
                (Val::Duration(sum), _) => Val::Duration(sum.times(1.0 / n)),
                (_, Some(sum)) if self.n > 0 => Val::Float(sum / n),
                _ => Val::Null,
            },
            Aggregate::Collect => Val::list(self.values),
            Aggregate::StDev if self.n < 2 => Val::Float(0.0),
            Aggregate::StDev => Val::Float((self.squares / (n - 1.0)).sqrt()),
            Aggregate::StDevP if self.n == 0 => Val::Float(0.0),
            Aggregate::StDevP => Val::Float((self.squares / n).sqrt()),
            Aggregate::PercentileCont | Aggregate::PercentileDisc => {
                self.values.sort_by(order);
                self.percentile()
            }
        }
    }

    #[expect(clippy::cast_sign_loss, reason = "a percentile lies between 0 and 1")]
    fn percentile(&self) -> Val {
        let (Some(percentile), false) = (self.percentile, self.values.is_empty()) else {
            return Val::Null;
        };
        let at = |idx: usize| self.values.get(idx).cloned().unwrap_or_default();
        if self.aggregate == Aggregate::PercentileDisc {
            let rank = (percentile * self.values.len() as f64).ceil() as usize;
            return at(rank.saturating_sub(1));
        }
        let rank = percentile * (self.values.len() - 1) as f64;
        let (low, high) = (rank.floor(), rank.ceil());
        match (at(low as usize).as_f64(), at(high as usize).as_f64()) {
            (Some(from), Some(to)) => Val::Float(from + (to - from) * (rank - low)),
            _ => Val::Null,
        }
    }
}
