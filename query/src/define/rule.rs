//! One rule from its text to the engine's types.

use std::collections::BTreeSet;
use std::sync::Arc;

use foothold_engine::attack::{
    Beyond, FixTemplate, Guard, Likelihood, Reads, Rule, StateTemplate, Template,
};
use foothold_engine::graph::Snapshot;
use foothold_engine::pattern::{Pattern, RuleCondition, RulePattern, Var};
use foothold_engine::score::{ExploitFacts, ScoringModel};

use crate::ast::{self, Expr as Tree, ExprKind, PathPattern, RuleDefinition, Span};
use crate::diagnostic::{Code, Diagnostic, has_errors};
use crate::expr::{Expr, Slot};
use crate::plan::{Body, Cond, Output};
use crate::resolve::{Params, Resolver, Scope};
use crate::run::CoreOnly;
use crate::types::Ty;
use crate::value::Val;

use super::evaluate::{Evaluator, ExploitLikelihood, ExpressionLikelihood, RulePredicate};
use super::reads::{Reading, needs, variables};
use super::template::template;

/// Compiles one rule for one snapshot. `scoring` is the scoring model in words.
pub(super) fn compile(
    snapshot: &Snapshot,
    text: &str,
    definition: &RuleDefinition,
    (model, scoring): (&Arc<ScoringModel>, &str),
) -> Result<Rule, Vec<Diagnostic>> {
    let params = Params::new();
    let mut resolver = Resolver::new(snapshot, text, &params, &CoreOnly);
    let paths: Vec<&PathPattern> = definition
        .matches
        .iter()
        .flat_map(|clause| &clause.patterns)
        .collect();
    if let Some(optional) = definition.matches.iter().find(|clause| clause.optional) {
        let message = "a rule's facts must hold: `OPTIONAL MATCH` cannot be among them";
        resolver.report(Diagnostic::new(
            Code::InvalidPattern,
            optional.span,
            message,
        ));
    }
    let filter = joined_filter(definition);
    let (op, scope, _) = resolver.matching(&paths, filter.as_ref(), &Scope::default());

    // The likelihood classes are names that only these expressions see.
    let mut with_classes = scope.clone();
    let mut constants: Vec<(Slot, Val)> = Vec::new();
    for (name, likelihood) in &model.classes {
        let slot = resolver.slot();
        with_classes.add(name, slot, Ty::Float);
        constants.push((slot, Val::Float(*likelihood)));
    }
    let constants: Arc<[(Slot, Val)]> = constants.into();
    let mut compiler = Compiler {
        resolver,
        text,
        fills: op.outputs.clone().into(),
        constants,
        scope: with_classes,
        pattern: op.pattern,
        model,
        scoring,
        diagnostics: Vec::new(),
    };
    let rule = compiler.rule(definition);
    let Compiler {
        resolver,
        mut diagnostics,
        ..
    } = compiler;
    let nothing = Body {
        parts: Vec::new(),
        is_distinct: false,
        columns: Vec::new(),
        results: Vec::new(),
    };
    match resolver.finish(nothing) {
        Ok(resolved) if !has_errors(&diagnostics) => Ok(rule.sized(resolved.n_slots)),
        Ok(_) => Err(diagnostics),
        Err(more) => {
            diagnostics.extend(more.into_iter().filter(Diagnostic::is_error));
            Err(diagnostics)
        }
    }
}

/// The `WHERE`s of every `MATCH`, joined.
fn joined_filter(definition: &RuleDefinition) -> Option<Tree> {
    let mut filters = definition
        .matches
        .iter()
        .filter_map(|clause| clause.filter.clone());
    let first = filters.next()?;
    let mut all = vec![first];
    all.extend(filters);
    if all.len() == 1 {
        return all.pop();
    }
    let span = all.first().map_or(definition.span, |first| first.span);
    Some(Tree {
        kind: ExprKind::And(all),
        span,
    })
}

struct Compiler<'a> {
    resolver: Resolver<'a>,
    text: &'a str,
    fills: Arc<[Output]>,
    constants: Arc<[(Slot, Val)]>,
    scope: Scope,
    pattern: Pattern<Cond>,
    model: &'a Arc<ScoringModel>,
    scoring: &'a str,
    diagnostics: Vec<Diagnostic>,
}

/// A rule whose evaluators do not know yet how many slots there are.
struct Draft {
    rule: Rule,
    conditions: Vec<Evaluator>,
    likelihood: DraftLikelihood,
    guards: Vec<(Arc<str>, f64, Evaluator)>,
}

enum DraftLikelihood {
    Exploit(ExploitLikelihood),
    Expression(Evaluator),
}

impl Draft {
    fn sized(self, n_slots: usize) -> Rule {
        let Draft {
            mut rule,
            conditions,
            likelihood,
            guards,
        } = self;
        // What decides, and what only makes a match more or less likely.
        let (mut deciding, mut scoring) = (Reading::default(), Reading::default());
        for evaluator in &conditions {
            deciding.add(&evaluator.expr);
        }
        for (_, factor, evaluator) in &guards {
            // Many tiny factors would come to nothing in the end.
            let removes = *factor < 1e-9;
            let reading = if removes { &mut deciding } else { &mut scoring };
            reading.add(&evaluator.expr);
        }
        match &likelihood {
            DraftLikelihood::Exploit(exploit) => {
                let model = &exploit.model.exploit;
                let may_be_zero = model.min <= 0.0 || model.max <= 0.0;
                let reading = if may_be_zero {
                    &mut deciding
                } else {
                    &mut scoring
                };
                reading.add_properties(ExploitFacts::PROPERTIES);
            }
            DraftLikelihood::Expression(evaluator) => deciding.add(&evaluator.expr),
        }
        let needed: BTreeSet<Arc<str>> = conditions
            .iter()
            .flat_map(|evaluator| needs(&evaluator.expr))
            .collect();
        rule.needs = needed.into_iter().collect();
        rule.decides = deciding.clone().reads();
        let all = deciding.and(scoring);
        rule.beyond = all.beyond();
        rule.reads = all.reads();
        let predicate = |mut evaluator: Evaluator| -> RuleCondition {
            evaluator.n_slots = n_slots;
            Arc::new(RulePredicate(evaluator))
        };
        rule.pattern.conditions = conditions.into_iter().map(predicate).collect();
        rule.likelihood = match likelihood {
            DraftLikelihood::Exploit(exploit) => Arc::new(exploit),
            DraftLikelihood::Expression(mut evaluator) => {
                evaluator.n_slots = n_slots;
                Arc::new(ExpressionLikelihood(evaluator))
            }
        };
        rule.guards = guards
            .into_iter()
            .map(|(name, factor, condition)| Guard {
                name,
                factor,
                condition: predicate(condition),
            })
            .collect();
        rule
    }
}

impl Compiler<'_> {
    fn rule(&mut self, definition: &RuleDefinition) -> Draft {
        let conditions = self.conditions();
        let pattern = self.plain_pattern(definition.span);
        let given: Vec<StateTemplate> = definition
            .given
            .iter()
            .filter_map(|state| self.state(state))
            .collect();
        if definition.given.is_empty() {
            let message = "a rule needs `GIVEN`: the states an attacker must hold already";
            let help = "for what anyone can do, match `(i:Internet)` and write `GIVEN reach(i)`";
            let diagnostic = Diagnostic::new(Code::MissingPart, definition.name.span, message);
            self.diagnostics.push(diagnostic.help(help));
        }
        let gain = definition
            .gain
            .iter()
            .filter_map(|state| self.state(state))
            .collect();
        let likelihood = self.likelihood(definition);
        let guards = definition
            .guards
            .iter()
            .map(|guard| self.guard(guard))
            .collect();
        let fixes = definition
            .fixes
            .iter()
            .filter_map(|fix| self.fix(fix))
            .collect();
        let confidence = definition
            .confidence
            .as_ref()
            .map_or(1.0, |tree| self.number(tree));
        let title = definition
            .title
            .as_ref()
            .map_or(&definition.name.name, |title| &title.value);
        let explanation = definition
            .explanation
            .as_ref()
            .map_or_else(Template::default, |text| {
                template(text, &self.pattern, &mut self.diagnostics)
            });
        let rule = Rule {
            name: definition.name.name.as_str().into(),
            id: definition.id.as_ref().map(|id| id.name.as_str().into()),
            title: title.as_str().into(),
            family: definition
                .family
                .as_ref()
                .map_or("own", |family| &family.name)
                .into(),
            techniques: definition
                .techniques
                .iter()
                .map(|one| one.value.as_str().into())
                .collect(),
            pattern,
            given,
            gain,
            likelihood: Arc::new(Unset),
            confidence: confidence.clamp(0.0, 1.0),
            guards: Vec::new(),
            fixes,
            explanation,
            remediation: definition
                .remediation
                .as_ref()
                .map_or("", |text| &text.value)
                .into(),
            definition: self.definition(definition),
            reads: Reads::Everything,
            decides: Reads::Everything,
            beyond: Beyond::default(),
            needs: Vec::new(),
        };
        Draft {
            rule,
            conditions,
            likelihood,
            guards,
        }
    }

    /// Everything that decides what the rule says.
    fn definition(&self, definition: &RuleDefinition) -> Arc<str> {
        let text = definition.span.slice(self.text);
        format!("{text}\n{}", self.scoring).into()
    }

    /// The conditions of the pattern.
    fn conditions(&mut self) -> Vec<Evaluator> {
        self.pattern
            .conditions
            .iter()
            .map(|cond| Evaluator {
                vars: Arc::clone(&cond.vars),
                ..self.evaluates(Arc::clone(&cond.expr), &cond.fills, Arc::clone(&cond.text))
            })
            .collect()
    }

    /// The pattern without conditions. Evidence is a set of edges, so nothing may repeat.
    fn plain_pattern(&mut self, span: Span) -> RulePattern {
        let repeats = self.pattern.edges.iter().any(|edge| edge.repeat.is_some());
        if repeats || !self.pattern.paths.is_empty() {
            let message = "a rule's pattern cannot repeat relationships or select paths";
            let help = "write each relationship out; alternatives are rules of their own";
            let diagnostic = Diagnostic::new(Code::InvalidPattern, span, message);
            self.diagnostics.push(diagnostic.help(help));
        }
        let mut pattern = RulePattern {
            vars: self.pattern.vars.clone(),
            nodes: self.pattern.nodes.clone(),
            ..RulePattern::default()
        };
        for edge in &self.pattern.edges {
            pattern.edges.push(foothold_engine::pattern::EdgePattern {
                var: edge.var,
                from: edge.from,
                to: edge.to,
                direction: edge.direction,
                kinds: edge.kinds.clone(),
                repeat: None,
                cost: None,
            });
        }
        pattern
    }

    fn state(&mut self, state: &ast::State) -> Option<StateTemplate> {
        let named = state.node.variable.as_ref();
        let Some(var) = named.and_then(|name| self.pattern.find_var(&name.name)) else {
            let message = match named {
                Some(name) => format!("`{}` is no variable of the pattern", name.name),
                None => "a state of a rule names a variable of its pattern".to_owned(),
            };
            let known: Vec<String> = self
                .pattern
                .vars
                .iter()
                .map(|spec| spec.name.to_string())
                .collect();
            let known = known
                .iter()
                .map(String::as_str)
                .filter(|name| !name.is_empty());
            let diagnostic = Diagnostic::new(Code::UnknownVariable, state.span, message);
            let name = named.map_or("", |name| &name.name);
            self.diagnostics.push(diagnostic.suggest(name, known));
            return None;
        };
        Some(StateTemplate {
            var,
            capability: state.capability,
        })
    }

    fn likelihood(&mut self, definition: &RuleDefinition) -> DraftLikelihood {
        let Some(tree) = &definition.likelihood else {
            let message =
                "a rule needs `LIKELIHOOD`: a number, a class such as D1, or exploit(v, p)";
            let span = definition.name.span;
            self.diagnostics
                .push(Diagnostic::new(Code::MissingPart, span, message));
            let nothing = Tree {
                kind: ExprKind::Null,
                span,
            };
            return DraftLikelihood::Expression(self.evaluator(&nothing));
        };
        if let ExprKind::Call { name, args, .. } = &tree.kind
            && name.name.eq_ignore_ascii_case("exploit")
        {
            let vars: Vec<Var> = args
                .iter()
                .filter_map(|arg| match &arg.kind {
                    ExprKind::Variable(name) => self.pattern.find_var(name),
                    _ => None,
                })
                .collect();
            if matches!(vars.len(), 2 | 3) {
                return DraftLikelihood::Exploit(ExploitLikelihood {
                    vars,
                    model: Arc::clone(self.model),
                    text: tree.span.slice(self.text).into(),
                });
            }
            let message = "exploit takes a vulnerability and a package of the pattern, and the edge between holder and package";
            self.diagnostics
                .push(Diagnostic::new(Code::ArgumentCount, tree.span, message));
        }
        DraftLikelihood::Expression(self.evaluator(tree))
    }

    fn guard(&mut self, guard: &ast::Guard) -> (Arc<str>, f64, Evaluator) {
        let name = guard
            .name
            .as_ref()
            .map_or("guard", |name| &name.value)
            .into();
        let factor = self.number(&guard.factor);
        let scope = self.scope.clone();
        let expr = self.resolver.condition(&guard.condition, &scope);
        (name, factor, self.wrap(expr, guard.condition.span))
    }

    fn fix(&mut self, fix: &ast::Fix) -> Option<FixTemplate> {
        let target = match &fix.target.kind {
            ExprKind::Variable(name) => self.pattern.find_var(name),
            _ => None,
        };
        let Some(target) = target else {
            let message = "what a fix changes is a variable of the pattern";
            self.diagnostics.push(Diagnostic::new(
                Code::UnknownVariable,
                fix.target.span,
                message,
            ));
            return None;
        };
        let title = fix.text.as_ref().map_or_else(Template::default, |text| {
            template(text, &self.pattern, &mut self.diagnostics)
        });
        let cost = fix
            .cost
            .as_ref()
            .map_or(1.0, |tree| self.number(tree))
            .clamp(1.0, 1e6);
        #[allow(clippy::cast_sign_loss, reason = "clamped to positive above")]
        let cost = cost as u32;
        Some(FixTemplate {
            action: fix.action.name.as_str().into(),
            target,
            title,
            cost,
        })
    }

    /// A number that depends on no match.
    fn number(&mut self, tree: &Tree) -> f64 {
        let scope = self.scope.clone();
        let (expr, _) = self.resolver.value(tree, &scope);
        match expr.constant().and_then(Val::as_f64) {
            Some(number) => number,
            None => {
                let message = "expected a number that is the same for every match";
                self.diagnostics
                    .push(Diagnostic::new(Code::NotConstant, tree.span, message));
                1.0
            }
        }
    }

    fn evaluator(&mut self, tree: &Tree) -> Evaluator {
        let scope = self.scope.clone();
        let (expr, ty) = self.resolver.value(tree, &scope);
        if !ty.may_be_number() {
            let message = format!("a likelihood is a number, found {}", ty.name());
            self.diagnostics
                .push(Diagnostic::new(Code::TypeMismatch, tree.span, message));
        }
        self.wrap(expr, tree.span)
    }

    fn wrap(&self, expr: Expr, span: Span) -> Evaluator {
        self.evaluates(Arc::new(expr), &self.fills, span.slice(self.text).into())
    }

    /// An evaluator that fills only what the expression reads.
    fn evaluates(&self, expr: Arc<Expr>, fills: &[Output], text: Arc<str>) -> Evaluator {
        let mut slots = BTreeSet::new();
        expr.slots(&mut |slot| {
            slots.insert(slot);
        });
        let vars = variables(&expr, fills).into();
        let fills = fills.iter().filter(|fill| slots.contains(&fill.slot));
        let constants = self.constants.iter();
        let constants = constants.filter(|(slot, _)| slots.contains(slot));
        Evaluator {
            vars,
            fills: fills.cloned().collect(),
            constants: constants.cloned().collect(),
            n_slots: 0,
            expr,
            text,
        }
    }
}

/// Stands in a rule until its evaluators know their sizes.
#[derive(Debug)]
struct Unset;

impl Likelihood for Unset {
    fn eval(
        &self,
        _: &Snapshot,
        _: &foothold_engine::pattern::Bindings,
        _: Option<&mut Vec<foothold_engine::attack::Factor>>,
    ) -> f64 {
        0.0
    }

    fn text(&self) -> &'static str {
        "unset"
    }
}
