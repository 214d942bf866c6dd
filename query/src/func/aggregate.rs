//! Aggregate functions.

use std::cmp::Ordering;

use rustc_hash::FxHashSet;

use crate::ast::Span;
use crate::diagnostic::Code;
use crate::fault::Fault;
use crate::func::exact_sum::ExactSum;
use crate::types::Ty;
use crate::value::{Duration, RowKey, Val, order};

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
    total: Option<Box<Total>>,
    values: Vec<Val>,
    percentile: Option<f64>,
    /// Running mean and sum of squared differences (Welford 1962).
    mean: f64,
    squares: f64,
}

/// A sum that is the same in any order of its parts.
#[derive(Debug, Default)]
struct Total {
    whole: i128,
    floats: Option<ExactSum>,
    /// Infinite parts and those that are no number, added up.
    special: f64,
    duration: Option<Duration>,
    has_number: bool,
}

impl Total {
    fn add(&mut self, value: &Val, n: u64, span: Span) -> Result<(), Fault> {
        match value {
            Val::Int(number) => {
                self.has_number = true;
                let product = i128::from(*number).checked_mul(i128::from(n));
                self.whole = product
                    .and_then(|product| self.whole.checked_add(product))
                    .ok_or_else(|| overflow(span))?;
            }
            Val::Float(number) if number.is_finite() => {
                self.has_number = true;
                self.floats.get_or_insert_default().add(*number, n);
            }
            Val::Float(number) => {
                self.has_number = true;
                self.floats.get_or_insert_default();
                self.special += number;
            }
            Val::Duration(duration) => {
                let times = if n == 1 {
                    *duration
                } else {
                    duration.times(n as f64)
                };
                let before = self.duration.unwrap_or_default();
                self.duration = Some(before.plus(times));
            }
            other => return Err(Fault::wrong_type(span, "a number", other.type_name())),
        }
        if self.has_number && self.duration.is_some() {
            return Err(Fault::wrong_type(span, "a number", "a duration"));
        }
        Ok(())
    }

    fn merge(&mut self, other: Total, span: Span) -> Result<(), Fault> {
        self.whole = self
            .whole
            .checked_add(other.whole)
            .ok_or_else(|| overflow(span))?;
        if let Some(floats) = other.floats {
            self.floats.get_or_insert_default().merge(&floats);
        }
        self.special += other.special;
        if let Some(duration) = other.duration {
            self.duration = Some(self.duration.unwrap_or_default().plus(duration));
        }
        self.has_number |= other.has_number;
        if self.has_number && self.duration.is_some() {
            return Err(Fault::wrong_type(span, "a number", "a duration"));
        }
        Ok(())
    }

    /// The sum as a float.
    fn float(&self) -> f64 {
        let mut sum = self.floats.clone().unwrap_or_default();
        sum.add_whole(self.whole);
        // Nothing special adds nothing.
        if self.special == 0.0 {
            sum.value()
        } else {
            sum.value() + self.special
        }
    }

    fn finish(&self, span: Span) -> Result<Val, Fault> {
        if let Some(duration) = self.duration {
            return Ok(Val::Duration(duration));
        }
        if self.floats.is_some() {
            return Ok(Val::Float(self.float()));
        }
        let whole = i64::try_from(self.whole).map_err(|_| overflow(span))?;
        Ok(Val::Int(whole))
    }
}

fn overflow(span: Span) -> Fault {
    let message = "a sum does not fit 64 bits";
    Fault::error(Code::IntegerOverflow, span, message)
}

impl Accumulator {
    pub(crate) fn new(aggregate: Aggregate, is_distinct: bool, span: Span) -> Self {
        Accumulator {
            aggregate,
            span,
            seen: is_distinct.then(FxHashSet::default),
            n: 0,
            best: Val::Null,
            total: matches!(aggregate, Aggregate::Sum | Aggregate::Avg).then(Box::default),
            values: Vec::new(),
            percentile: None,
            mean: 0.0,
            squares: 0.0,
        }
    }

    /// Takes a row that stands for `n` equal ones; returns the bytes it keeps because of it.
    pub(crate) fn add(&mut self, value: Val, second: Option<&Val>, n: u64) -> Result<u64, Fault> {
        if self.aggregate == Aggregate::CountRows {
            self.n = self.n.saturating_add(n);
            return Ok(0);
        }
        if let Some(percentile) = second {
            self.check_percentile(percentile)?;
        }
        if value.is_null() {
            return Ok(0);
        }
        let mut kept = 0;
        let mut n = n;
        if let Some(seen) = &mut self.seen {
            let key = RowKey(Box::new([value.clone()]));
            let bytes = key.heap_bytes() + 32;
            if !seen.insert(key) {
                return Ok(0);
            }
            kept += bytes;
            n = 1;
        }
        match self.aggregate {
            Aggregate::CountRows | Aggregate::Count => self.n = self.n.saturating_add(n),
            Aggregate::Sum | Aggregate::Avg => {
                self.n = self.n.saturating_add(n);
                if let Some(total) = &mut self.total {
                    total.add(&value, n, self.span)?;
                }
            }
            Aggregate::Min => self.keep(value, Ordering::Less),
            Aggregate::Max => self.keep(value, Ordering::Greater),
            Aggregate::Collect => {
                for _ in 0..n {
                    kept += Val::BYTES + value.heap_bytes();
                    self.values.push(value.clone());
                }
            }
            Aggregate::PercentileCont | Aggregate::PercentileDisc => {
                self.number(&value)?;
                for _ in 0..n {
                    kept += Val::BYTES;
                    self.values.push(value.clone());
                }
            }
            Aggregate::StDev | Aggregate::StDevP => {
                let number = self.number(&value)?;
                for _ in 0..n {
                    self.n += 1;
                    let difference = number - self.mean;
                    self.mean += difference / self.n as f64;
                    self.squares += difference * (number - self.mean);
                }
            }
        }
        Ok(kept)
    }

    /// Whether two parts of a group can be put together without changing the result.
    pub(crate) fn is_mergeable(aggregate: Aggregate, is_distinct: bool) -> bool {
        match aggregate {
            Aggregate::StDev | Aggregate::StDevP => false,
            // Which of equal values comes first would have to be known.
            Aggregate::Sum
            | Aggregate::Avg
            | Aggregate::Collect
            | Aggregate::PercentileCont
            | Aggregate::PercentileDisc => !is_distinct,
            Aggregate::CountRows | Aggregate::Count | Aggregate::Min | Aggregate::Max => true,
        }
    }

    /// Takes over what another part of the same group found after this one.
    pub(crate) fn merge(&mut self, other: Accumulator) -> Result<(), Fault> {
        if let (Some(seen), Some(more)) = (&mut self.seen, other.seen) {
            seen.extend(more);
            self.n = seen.len() as u64;
        } else {
            self.n = self.n.saturating_add(other.n);
        }
        match self.aggregate {
            Aggregate::Min if !other.best.is_null() => self.keep(other.best, Ordering::Less),
            Aggregate::Max if !other.best.is_null() => self.keep(other.best, Ordering::Greater),
            _ => {}
        }
        if let (Some(total), Some(more)) = (&mut self.total, other.total) {
            total.merge(*more, self.span)?;
        }
        self.values.extend(other.values);
        self.percentile = self.percentile.or(other.percentile);
        Ok(())
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
    pub(crate) fn finish(mut self) -> Result<Val, Fault> {
        let n = self.n as f64;
        Ok(match self.aggregate {
            Aggregate::CountRows | Aggregate::Count => {
                Val::Int(i64::try_from(self.n).map_err(|_| overflow(self.span))?)
            }
            Aggregate::Min | Aggregate::Max => self.best,
            Aggregate::Sum => match &self.total {
                Some(total) => total.finish(self.span)?,
                None => Val::Null,
            },
            Aggregate::Avg => match &self.total {
                Some(total) if self.n > 0 => match total.duration {
                    Some(sum) => Val::Duration(sum.times(1.0 / n)),
                    None => Val::Float(total.float() / n),
                },
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
        })
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
