//! Ways that would exist if what nobody supplied were so.
//!
//! Backwards from what is asked for: the steps that gain it, the matches of rules that would gain it
//! if an unknown condition held, and so on with what these need. Then forwards from what is held,
//! over all of them: only what lies on a way that comes through is said.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use foothold_engine::attack::{AttackGraph, State, unknown_steps};
use foothold_engine::budget::{Budget, Stop};
use rustc_hash::FxHashMap;

use super::between::Held;

/// So many states are looked at on the way back.
const MAX_STATES: usize = 256;

/// So many unknown matches of one rule are looked at for one state.
const MAX_MATCHES: usize = 16;

pub(super) struct UnknownWays<'a> {
    graph: &'a AttackGraph,
    held: &'a Held,
    asked: Vec<State>,
    /// Whether each state that was looked at comes to be held.
    states: FxHashMap<State, bool>,
    pending: VecDeque<State>,
    steps: Vec<Step>,
}

/// A step, or a match that would be one.
struct Step {
    given: Vec<State>,
    gain: State,
    /// What is not known of it.
    unknown: Option<String>,
}

impl<'a> UnknownWays<'a> {
    pub(super) fn new(graph: &'a AttackGraph, held: &'a Held) -> Self {
        UnknownWays {
            graph,
            held,
            asked: Vec::new(),
            states: FxHashMap::default(),
            pending: VecDeque::new(),
            steps: Vec::new(),
        }
    }

    /// Asks for a state.
    pub(super) fn lead_to(&mut self, state: State) {
        if self.want(state) {
            self.asked.push(state);
        }
    }

    /// What is not known of the steps on ways to what was asked for, in words, nearest to it first.
    pub(super) fn find(mut self, budget: &Budget) -> Result<Vec<String>, Stop> {
        while let Some(state) = self.pending.pop_front() {
            budget.check()?;
            self.known_steps(state);
            self.unknown_steps(state, budget)?;
        }
        self.come_through();
        Ok(self.on_the_way())
    }

    /// Whether the state was not looked at before and is not held.
    fn want(&mut self, state: State) -> bool {
        let is_new = self.states.len() < MAX_STATES
            && !self.states.contains_key(&state)
            && !self.held.has(self.graph, state);
        if is_new {
            self.states.insert(state, false);
            self.pending.push_back(state);
        }
        is_new
    }

    fn add(&mut self, step: Step) {
        for &given in &step.given {
            self.want(given);
        }
        self.steps.push(step);
    }

    fn known_steps(&mut self, gain: State) {
        let Some(id) = self.graph.find_state(gain) else {
            return;
        };
        let topology = self.graph.topology();
        let singles = topology.in_steps(id).map(|(step, ..)| step);
        for step in singles.chain(topology.in_and_steps(id)).take(MAX_STATES) {
            let given = topology.premises(step).into_iter();
            self.add(Step {
                given: given.map(|state| self.graph.state(state)).collect(),
                gain,
                unknown: None,
            });
        }
    }

    fn unknown_steps(&mut self, gain: State, budget: &Budget) -> Result<(), Stop> {
        let snapshot = self.graph.snapshot();
        let rules = self.graph.rules().rules().iter();
        let gains = rules.flat_map(|rule| rule.gain.iter().map(move |gain| (rule, *gain)));
        for (rule, template) in gains.filter(|(_, one)| one.capability == gain.capability) {
            let mut found = Vec::new();
            let mut take = |step| {
                found.push(step);
                if found.len() < MAX_MATCHES {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            };
            unknown_steps(snapshot, rule, template, gain.asset, budget, &mut take)?;
            for step in found {
                let (capability, id) = (gain.capability, snapshot.stable_id(gain.asset));
                let (rule, text) = (&rule.name, step.text);
                let unknown = format!("{capability}({id}) by {rule}: not known whether {text}");
                self.add(Step {
                    given: step.given,
                    gain,
                    unknown: Some(unknown),
                });
            }
        }
        Ok(())
    }

    /// Whether everything that the step needs is held or comes to be held.
    fn is_possible(&self, step: &Step) -> bool {
        step.given.iter().all(|given| match self.states.get(given) {
            Some(&comes) => comes,
            None => self.held.has(self.graph, *given),
        })
    }

    fn come_through(&mut self) {
        loop {
            let next = self
                .steps
                .iter()
                .filter(|step| self.states.get(&step.gain) == Some(&false))
                .find(|step| self.is_possible(step))
                .map(|step| step.gain);
            match next {
                Some(gain) => self.states.insert(gain, true),
                None => return,
            };
        }
    }

    /// Backwards once more, over what comes through; of each rule and gain the first match.
    fn on_the_way(&self) -> Vec<String> {
        let comes = |state: &State| self.states.get(state) == Some(&true);
        let mut needed: Vec<State> = self.asked.iter().copied().filter(comes).collect();
        let mut texts: Vec<String> = Vec::new();
        let mut next = 0;
        while let Some(&gain) = needed.get(next) {
            next += 1;
            let steps = self.steps.iter().filter(|step| step.gain == gain);
            for step in steps.filter(|step| self.is_possible(step)) {
                if let Some(text) = &step.unknown
                    && !texts.contains(text)
                {
                    texts.push(text.clone());
                }
                for given in step.given.iter().filter(|given| comes(given)) {
                    if !needed.contains(given) {
                        needed.push(*given);
                    }
                }
            }
        }
        texts
    }
}
