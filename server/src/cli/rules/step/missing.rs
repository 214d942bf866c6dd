//! Why there is no step to explain.

use foothold_engine::attack::{
    AttackGraph, Capability, Places, Rule, RuleId, StateTemplate, Verdict, display_name, why_not,
};
use foothold_engine::budget::Budget;
use foothold_engine::graph::{NodeId, Snapshot};
use foothold_query::nearest::nearest;

/// What is wrong with the place that was named, or what the rule lacks there.
pub(super) fn why(graph: &AttackGraph, id: RuleId, on: &str) -> anyhow::Result<String> {
    let (snapshot, rule) = (graph.snapshot(), graph.rules().get(id));
    let gain = on.rsplit_once("=>").map_or(on, |(_, gain)| gain).trim();
    let (capability, asset) = match gain.split_once('(') {
        Some((name, rest)) if rest.ends_with(')') && !name.contains([':', '/']) => {
            let Some(capability) = Capability::from_name(name) else {
                let known = Capability::ALL.map(Capability::name).join(", ");
                return Ok(format!("`{name}` is no capability; they are {known}"));
            };
            (Some(capability), rest.trim_end_matches(')'))
        }
        _ => (None, gain),
    };
    let Some(node) = snapshot.node(asset) else {
        let meant = meant(snapshot, asset).map(|meant| format!("; did you mean `{meant}`?"));
        let meant = meant.unwrap_or_default();
        return Ok(format!("no asset `{asset}` in the graph{meant}"));
    };
    let name = &rule.name;
    let is_meant = |gain: &&StateTemplate| capability.is_none_or(|one| one == gain.capability);
    let gains: Vec<&StateTemplate> = rule.gain.iter().filter(is_meant).collect();
    if let (Some(capability), true) = (capability, gains.is_empty()) {
        let gained: Vec<String> = rule.gain.iter().map(|gain| written(rule, *gain)).collect();
        let gained = gained.join(", ");
        return Ok(format!("`{name}` gains {gained}, not {capability}"));
    }
    let has = |label: &str| {
        let label = snapshot.label_id(label);
        label.is_some_and(|label| snapshot.has_label(node, label))
    };
    let fits = |gain: &&StateTemplate| {
        let mut nodes = rule.pattern.nodes.iter();
        let place = nodes.find(|node| node.var == gain.var);
        place.is_none_or(|place| place.labels.holds(&has))
    };
    if !gains.iter().copied().any(|gain| fits(&gain)) {
        let labels: Vec<&str> = snapshot
            .labels_of(node)
            .iter()
            .map(|&label| snapshot.label_name(label))
            .collect();
        let mut wanted: Vec<&str> = Vec::new();
        for place in &rule.pattern.nodes {
            if gains.iter().any(|gain| gain.var == place.var) {
                wanted.extend(place.labels.names());
            }
        }
        let (labels, wanted) = (labels.join(", "), wanted.join(" or "));
        return Ok(format!(
            "`{name}` is about a {wanted}, and `{asset}` is not one: it is {labels}"
        ));
    }
    let others = premises(graph, id, node, capability);
    if !others.is_empty() {
        let others = others.join(", or ");
        return Ok(format!("`{name}` gives no such step: it needs {others}"));
    }
    let mut furthest: Option<Verdict> = None;
    for gain in gains {
        let budget = Budget::unlimited();
        let found = why_not(
            snapshot,
            rule,
            *gain,
            node,
            &|_| true,
            &Places::new(),
            &budget,
        )?;
        if furthest
            .as_ref()
            .is_none_or(|before| found.n_held > before.n_held)
        {
            furthest = Some(found);
        }
    }
    let reason = furthest.and_then(|verdict| {
        let standing = verdict.standing.name();
        verdict
            .premise
            .map(|premise| format!(": {premise} is {standing}"))
    });
    let reason = reason.unwrap_or_default();
    Ok(format!(
        "`{name}` gives no step on `{asset}`{reason}; \
         `WHY NOT {name} FROM .. TO (n WHERE id(n) = '{asset}')` asks it for one attacker"
    ))
}

/// A gain as the rule writes it: `exec(w)`.
fn written(rule: &Rule, gain: StateTemplate) -> String {
    let spec = rule.pattern.vars.get(usize::from(gain.var.0));
    let name = spec.map_or("", |spec| &spec.name);
    format!("{}({name})", gain.capability)
}

/// What the steps of the rule onto the node need, where there are some.
fn premises(
    graph: &AttackGraph,
    id: RuleId,
    node: NodeId,
    capability: Option<Capability>,
) -> Vec<String> {
    let topology = graph.topology();
    let of_rule = topology.steps().filter(|&step| graph.rule_of(step) == id);
    let onto = of_rule.filter(|&step| {
        let gain = graph.state(topology.gain(step));
        gain.asset == node && capability.is_none_or(|one| one == gain.capability)
    });
    let texts = onto.take(3).map(|step| {
        let premises = topology.premises(step).into_iter();
        let texts: Vec<String> = premises.map(|state| graph.state_text(state)).collect();
        texts.join(" & ")
    });
    texts.collect()
}

/// The asset that was probably meant: by its whole id, else by its name or the end of its id.
fn meant<'a>(snapshot: &'a Snapshot, asset: &str) -> Option<&'a str> {
    let ids = || snapshot.nodes().map(|node| snapshot.stable_id(node));
    if let Some(found) = nearest(asset, ids()) {
        return Some(found);
    }
    let end = |id: &'a str| id.rsplit(['/', ':']).next().unwrap_or(id);
    let asked = asset.rsplit(['/', ':']).next().unwrap_or(asset);
    let named = |node: &NodeId| {
        let id = snapshot.stable_id(*node);
        end(id) == asked || display_name(snapshot, *node) == asked
    };
    let same = snapshot.nodes().find(named);
    let same = same.map(|node| snapshot.stable_id(node));
    same.or_else(|| {
        let near = nearest(asked, ids().map(end))?;
        ids().find(|&id| end(id) == near)
    })
}
