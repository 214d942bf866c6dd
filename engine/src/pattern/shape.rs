//! Counting without listing: steps whose variables nobody wants are replaced by how many matches
//! they have.
//!
//! What follows a node and binds nothing that is wanted is a *tail*: its matches are counted, once
//! for each node (message passing over a join tree; Yannakakis 1981, and for sums Abo Khamis et
//! al., "FAQ", PODS 2016). What leads to a node and is wanted no more is a *fold*: only the node
//! goes on, once, with the number of ways that led there.

use super::compile::NodeTest;
use super::ir::{Condition, Direction, EdgePattern, Mode, Read, Var, VarKind};
use super::plan::{Planner, get, set};
use super::step::{Fold, Op, Step, Sums, Tail, Union};

/// A step with the edges of the pattern it walks.
pub(super) type Walked<C> = (Step<C>, Vec<usize>);

pub(super) struct Shaper<'p, 'a, C> {
    pub(super) planner: &'p Planner<'a, C>,
    /// Variables whose values are wanted.
    pub(super) wanted: Vec<bool>,
    /// Variables bound beforehand.
    pub(super) given: Vec<bool>,
    /// How many equal matches there are does not matter.
    pub(super) is_once: bool,
    pub(super) n_memos: usize,
}

impl<C: Condition + Clone> Shaper<'_, '_, C> {
    pub(super) fn shape(&mut self, mut steps: Vec<Walked<C>>) -> Vec<Step<C>> {
        // Relationships bound beforehand tie everything together.
        let is_tied = steps
            .iter()
            .any(|(step, _)| matches!(step.op, Op::Given { .. } | Op::GivenWalk { .. }));
        if is_tied {
            return steps.into_iter().map(|(step, _)| step).collect();
        }
        let mut wanted = self.wanted.clone();
        let bound = vec![false; wanted.len()];
        let tail = self.tail_at(&steps, 0, &bound, &wanted).map(|at| {
            let rest = steps.split_off(at);
            self.tail(&steps, rest, &bound)
        });
        if let Some(key) = tail.as_ref().and_then(|tail| tail.key) {
            set(&mut wanted, key);
        }
        let mut shaped = self.folded(&steps, &wanted);
        shaped.extend(tail.map(tail_step));
        let wanted = std::mem::take(&mut self.wanted);
        self.mark_sums(&mut shaped, &wanted);
        shaped
    }

    /// Where the first tail begins, not before `from`. `bound` are the variables bound before all
    /// of these steps.
    fn tail_at(
        &self,
        steps: &[Walked<C>],
        from: usize,
        bound: &[bool],
        wanted: &[bool],
    ) -> Option<usize> {
        (from..steps.len()).find(|&at| {
            let (before, after) = steps.split_at(at);
            let mut binds_wanted = false;
            for (step, _) in after {
                step.op
                    .binds(&mut |var| binds_wanted |= get(wanted, var) && !get(&self.given, var));
            }
            !binds_wanted
                && after
                    .iter()
                    .any(|(step, _)| !matches!(step.op, Op::Test { .. }))
                && self.key(&with(bound, before), after).is_some()
                && self.are_apart(before, after)
        })
    }

    /// The one bound node that `after` reads; `None` when it reads more.
    #[expect(clippy::option_option, reason = "no key, one key, too many keys")]
    fn key(&self, bound: &[bool], after: &[Walked<C>]) -> Option<Option<Var>> {
        let mut key = None;
        let mut is_one = true;
        for (step, _) in after {
            step.reads(&mut |var| {
                if !get(bound, var) || get(&self.given, var) || key == Some(var) {
                    return;
                }
                is_one &= key.is_none() && self.is_node(var);
                key = Some(var);
            });
        }
        is_one.then_some(key)
    }

    fn is_node(&self, var: Var) -> bool {
        let spec = self.planner.pattern.vars.get(usize::from(var.0));
        spec.is_some_and(|spec| spec.kind == VarKind::Node)
    }

    /// Whether no edge before a cut can be an edge after it.
    fn are_apart(&self, before: &[Walked<C>], after: &[Walked<C>]) -> bool {
        before.iter().flat_map(|(_, edges)| edges).all(|&one| {
            after
                .iter()
                .flat_map(|(_, edges)| edges)
                .all(|&other| !self.planner.may_coincide(one, other))
        })
    }

    /// Makes a tail of `rest`, which follows `before`; `bound` is what was bound before both.
    fn tail(&mut self, before: &[Walked<C>], mut rest: Vec<Walked<C>>, bound: &[bool]) -> Tail<C> {
        let bound = with(bound, before);
        let key = self.key(&bound, &rest).flatten();
        let rows = before.last().map_or(1.0, |(step, _)| step.estimate);
        // What is counted once for each row anyway is not worth remembering.
        let memo = key
            .filter(|&key| rows > 1.2 * self.planner.count(key).max(1.0) && rows > 64.0)
            .map(|_| {
                self.n_memos += 1;
                self.n_memos - 1
            });
        let mut binds = Vec::new();
        for (step, _) in &rest {
            step.op.binds(&mut |var| {
                if !get(&self.given, var) && !get(&bound, var) {
                    binds.push(var);
                }
            });
        }
        let nothing = vec![false; bound.len()];
        let inner = self.tail_at(&rest, 1, &bound, &nothing).map(|at| {
            let inner = rest.split_off(at);
            self.tail(&rest, inner, &bound)
        });
        let mut steps: Vec<Step<C>> = rest.into_iter().map(|(step, _)| step).collect();
        steps.extend(inner.map(tail_step));
        Tail {
            key,
            memo,
            is_once: self.is_once,
            binds,
            steps,
        }
    }

    /// Folds a line of steps wherever only one node goes on.
    fn folded(&self, steps: &[Walked<C>], wanted: &[bool]) -> Vec<Step<C>> {
        let mut done: Vec<Step<C>> = Vec::new();
        let mut since: Vec<Step<C>> = Vec::new();
        for (at, (step, _)) in steps.iter().enumerate() {
            since.push(step.clone());
            let (before, after) = steps.split_at(at + 1);
            if let Some(var) = self.fold_at(before, after, wanted) {
                let mut inner = std::mem::take(&mut done);
                inner.append(&mut since);
                let estimate = inner
                    .last()
                    .map_or(1.0, |step| step.estimate.min(self.planner.count(var)));
                done = vec![Step {
                    op: Op::Fold(self.fold(var, inner)),
                    conditions: Vec::new(),
                    decided: Vec::new(),
                    estimate,
                }];
            }
        }
        done.append(&mut since);
        done
    }

    /// The node that alone goes on after `before`, if folding pays.
    fn fold_at(&self, before: &[Walked<C>], after: &[Walked<C>], wanted: &[bool]) -> Option<Var> {
        let (last, _) = before.last()?;
        let multiplies = matches!(last.op, Op::Expand { .. } | Op::Repeat(_));
        if before.len() < 2 || !multiplies || !self.are_apart(before, after) {
            return None;
        }
        let mut live = vec![false; wanted.len()];
        for (step, _) in after {
            step.reads(&mut |var| set(&mut live, var));
        }
        let mut going_on: Vec<Var> = Vec::new();
        for (step, _) in before {
            step.op.binds(&mut |var| {
                let goes_on = get(&live, var) || get(wanted, var);
                if goes_on && !get(&self.given, var) && !going_on.contains(&var) {
                    going_on.push(var);
                }
            });
        }
        let [var] = going_on.as_slice() else {
            return None;
        };
        let var = *var;
        if !self.is_node(var) {
            return None;
        }
        let rows = last.estimate;
        let is_reach = matches!(&last.op, Op::Repeat(part) if part.is_reach);
        let pays = if self.is_once {
            is_reach || rows > 16.0
        } else {
            rows > 1.5 * self.planner.count(var) && rows > 16.0
        };
        pays.then_some(var)
    }

    fn fold(&self, var: Var, mut steps: Vec<Step<C>>) -> Fold<C> {
        let union = match steps.pop() {
            Some(Step {
                op: Op::Repeat(part),
                conditions,
                ..
            }) if self.is_union(var, &part, &conditions) && !binds(&steps, var) => {
                Some(Union { part, conditions })
            }
            last => {
                steps.extend(last);
                None
            }
        };
        Fold {
            var,
            is_once: self.is_once,
            steps,
            union,
        }
    }

    /// Whether all starts of a reach can be searched from as one.
    fn is_union(&self, var: Var, part: &super::step::Part<C>, conditions: &[C]) -> bool {
        let [hop] = part.hops.as_slice() else {
            return false;
        };
        // Nothing but the starts goes on to the search.
        let is_known = |var: &Var| {
            get(&self.given, *var) || [part.start, hop.edge, hop.target, part.to].contains(var)
        };
        let mut inside = hop
            .conditions
            .iter()
            .chain(&part.start_conditions)
            .chain(conditions);
        let reads_others = inside.any(|condition| !condition.variables().iter().all(is_known));
        self.is_once
            && part.is_reach
            && part.to == var
            && part.from != part.to
            && !get(&self.given, part.from)
            && !get(&self.given, part.to)
            && !reads_others
            && (part.min == 0 || hop.edges.direction != Direction::Any)
    }

    /// Marks shortest paths of which only sums over the starts are wanted.
    fn mark_sums(&self, steps: &mut [Step<C>], wanted: &[bool]) {
        for at in 0..steps.len() {
            if let Some(Step {
                op: Op::Tail(tail), ..
            }) = steps.get_mut(at)
            {
                let nothing = vec![false; wanted.len()];
                self.mark_sums(&mut tail.steps, &nothing);
                continue;
            }
            let Some(Step {
                op: Op::Scan { var, test },
                ..
            }) = steps.get(at)
            else {
                continue;
            };
            let (var, test) = (*var, test.clone());
            let mut live = wanted.to_vec();
            for step in steps.iter().skip(at + 2) {
                step.reads(&mut |read| set(&mut live, read));
            }
            let Some(step) = steps.get_mut(at + 1) else {
                continue;
            };
            for condition in &step.conditions {
                for &read in condition.variables() {
                    set(&mut live, read);
                }
            }
            if let Op::Path(path) = &mut step.op
                && path.from() == Some(var)
                && !get(&live, var)
            {
                path.sums = self.sums(path, &test, &live);
            }
        }
    }

    fn sums(
        &self,
        path: &super::step::PathStep<C>,
        start_test: &NodeTest,
        live: &[bool],
    ) -> Option<Sums<C>> {
        let [part] = path.parts.as_slice() else {
            return None;
        };
        if part.read == Read::Edges || path.takes_all() || part.is_single {
            return None;
        }
        let mut conditions = Vec::new();
        let mut excludes_start = false;
        for condition in part.exit_conditions.iter().chain(&path.end_conditions) {
            match condition.differing() {
                Some(ends) if ends == (part.from, part.to) || ends == (part.to, part.from) => {
                    excludes_start = true;
                }
                _ if condition.variables().contains(&part.from) => return None,
                _ => conditions.push(condition.clone()),
            }
        }
        let is_free = part
            .hops
            .iter()
            .any(|hop| hop.edges.direction == Direction::Any);
        let needs_step = part.min > 0 && path.mode != Mode::Walk;
        if needs_step && path.mode == Mode::Acyclic {
            excludes_start = true;
        }
        let is_apart = start_test.is_disjoint(self.planner.snapshot, &part.to_test);
        if needs_step && is_free && !excludes_start && !is_apart {
            return None;
        }
        Some(Sums {
            by_end: get(live, part.to),
            by_length: part.read == Read::Length && get(live, part.var),
            excludes_start,
            conditions,
        })
    }
}

fn binds<C: Condition>(steps: &[Step<C>], var: Var) -> bool {
    let mut is_bound = false;
    for step in steps {
        step.op.binds(&mut |bound| is_bound |= bound == var);
    }
    is_bound
}

fn with<C: Condition>(bound: &[bool], steps: &[Walked<C>]) -> Vec<bool> {
    let mut bound = bound.to_vec();
    for (step, _) in steps {
        step.op.binds(&mut |var| set(&mut bound, var));
    }
    bound
}

fn tail_step<C>(tail: Tail<C>) -> Step<C> {
    Step {
        op: Op::Tail(tail),
        conditions: Vec::new(),
        decided: Vec::new(),
        estimate: 1.0,
    }
}

impl<C: Condition + Clone> Planner<'_, C> {
    /// Whether two edges of the pattern could match the same edge of the graph.
    pub(super) fn may_coincide(&self, one: usize, other: usize) -> bool {
        let (Some(first), Some(second)) =
            (self.pattern.edges.get(one), self.pattern.edges.get(other))
        else {
            return true;
        };
        let kinds = |edge: &EdgePattern<C>| self.kinds_of(edge);
        let (first_kinds, second_kinds) = (kinds(first), kinds(second));
        if !first_kinds.iter().any(|kind| second_kinds.contains(kind)) {
            return false;
        }
        let is_directed =
            |edge: &EdgePattern<C>| edge.repeat.is_none() && edge.direction != Direction::Any;
        if !is_directed(first) || !is_directed(second) {
            return true;
        }
        let oriented = |edge: &EdgePattern<C>| match edge.direction {
            Direction::In => (edge.to, edge.from),
            _ => (edge.from, edge.to),
        };
        let ((a, b), (c, d)) = (oriented(first), oriented(second));
        !self.are_disjoint(a, c) && !self.are_disjoint(b, d)
    }

    fn are_disjoint(&self, one: Var, other: Var) -> bool {
        match (self.test(one), self.test(other)) {
            (Some(one), Some(other)) => one.is_disjoint(self.snapshot, other),
            _ => false,
        }
    }
}
