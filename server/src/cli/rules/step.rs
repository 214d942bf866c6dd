//! `foothold rules explain RULE --on STEP`: premises, evidence and guards of one step.

mod missing;

use foothold_engine::attack::{AttackGraph, RuleId};
use foothold_engine::search::StepId;
use foothold_query::verb::step_json;
use serde_json::{Value, json};

use super::super::output::{print_json, print_line, printable};
use super::super::{Exit, ListFormat};
use crate::app::World;

/// Explains every step of the rule that the text names: `premise & premise => gain`, the gained
/// state alone, or an asset.
pub(super) fn explain(
    world: &World,
    rule: &str,
    on: &str,
    format: ListFormat,
) -> anyhow::Result<Exit> {
    let graph = &*world.attack;
    let Some(id) = graph.rules().find(rule) else {
        let definitions = &world.rules.definitions;
        if definitions.rule(rule).is_some() {
            anyhow::bail!("the rule `{rule}` is not in force: it is disabled, or has errors");
        }
        anyhow::bail!(super::unknown(definitions, rule));
    };
    let steps: Vec<StepId> = graph
        .topology()
        .steps()
        .filter(|&step| graph.rule_of(step) == id && is_meant(graph, step, on))
        .collect();
    if steps.is_empty() {
        anyhow::bail!(missing::why(graph, id, on)?);
    }
    let explained: Vec<Value> = steps
        .iter()
        .map(|&step| describe(graph, id, step))
        .collect();
    match format {
        ListFormat::Json => print_json(&explained)?,
        ListFormat::Table => {
            for step in &explained {
                print_step(step)?;
            }
        }
    }
    Ok(Exit::Done)
}

fn is_meant(graph: &AttackGraph, step: StepId, on: &str) -> bool {
    let topology = graph.topology();
    let gain = topology.gain(step);
    let spaced: String = on.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((premises, wanted)) = spaced.rsplit_once(" => ") {
        let mut needed: Vec<String> = topology
            .premises(step)
            .into_iter()
            .map(|state| graph.state_text(state))
            .collect();
        needed.sort_unstable();
        let mut given: Vec<&str> = premises.split(" & ").collect();
        given.sort_unstable();
        return graph.state_text(gain) == wanted && needed == given;
    }
    let asset = graph.snapshot().stable_id(graph.state(gain).asset);
    graph.state_text(gain) == spaced || asset == spaced
}

/// The step as the API writes it, and beside its evidence how each guard stands.
fn describe(graph: &AttackGraph, id: RuleId, step: StepId) -> Value {
    let mut fields = step_json(graph, step);
    let rule = graph.rules().get(id);
    let Some(best) = graph.instances_of(step).next() else {
        return fields;
    };
    let bindings = graph.bindings_of(step, best);
    let snapshot = graph.snapshot();
    let guards: Vec<Value> = rule
        .guards
        .iter()
        .map(|guard| {
            let status = match guard.condition.eval(snapshot, &bindings) {
                Some(true) => "holds",
                Some(false) => "does not hold",
                None => "unknown, so it does not count",
            };
            json!({
                "name": guard.name, "condition": guard.condition.text(),
                "factor": guard.factor, "status": status,
            })
        })
        .collect();
    let conditions: Vec<&str> = rule
        .pattern
        .conditions
        .iter()
        .map(|condition| condition.text())
        .collect();
    fields["conditions"] = json!(conditions);
    fields["guards"] = json!(guards);
    fields["likelihood_rule"] = json!(rule.likelihood.text());
    fields
}

fn print_step(step: &Value) -> anyhow::Result<()> {
    let text = |value: &Value| printable(value.as_str().unwrap_or_default());
    let list = |name: &str| step[name].as_array().cloned().unwrap_or_default();
    let premises: Vec<String> = list("premises").iter().map(text).collect();
    print_line(&format!(
        "{} => {}",
        premises.join(" & "),
        text(&step["gain"])
    ))?;
    print_line(&format!("  {}", text(&step["explanation"])))?;
    let likelihood = step["likelihood"].as_f64().unwrap_or_default();
    let confidence = step["confidence"].as_f64().unwrap_or_default();
    print_line(&format!(
        "  likelihood {likelihood:.3} by {}, confidence {confidence:.2}",
        text(&step["likelihood_rule"])
    ))?;
    print_line("  premises:")?;
    for premise in &premises {
        print_line(&format!("    held: {premise}"))?;
    }
    for condition in list("conditions") {
        print_line(&format!("    true: {}", text(&condition)))?;
    }
    print_line("  evidence:")?;
    for item in list("evidence") {
        let sources: Vec<String> = item["sources"]
            .as_array()
            .into_iter()
            .flatten()
            .map(text)
            .collect();
        print_line(&format!(
            "    {}  ({})",
            text(&item["id"]),
            sources.join(", ")
        ))?;
    }
    print_line("  factors:")?;
    for factor in list("factors") {
        print_line(&format!(
            "    {}: {}",
            text(&factor["name"]),
            text(&factor["effect"])
        ))?;
    }
    print_line("  guards:")?;
    let guards = list("guards");
    if guards.is_empty() {
        print_line("    none")?;
    }
    for guard in guards {
        print_line(&format!(
            "    {} (x {}): {}: {}",
            text(&guard["name"]),
            guard["factor"],
            text(&guard["condition"]),
            text(&guard["status"])
        ))?;
    }
    print_line("  fixes:")?;
    for fix in list("fixes") {
        print_line(&format!(
            "    {}  [{}]",
            text(&fix["title"]),
            text(&fix["id"])
        ))?;
    }
    let others = step["alternatives"].as_u64().unwrap_or_default();
    if others > 0 {
        print_line(&format!("  {others} other matches give the same step"))?;
    }
    print_line("").map_err(Into::into)
}
