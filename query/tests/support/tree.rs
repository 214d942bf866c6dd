//! Random trees that the parser could have made.

use foothold_query::ast::*;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

fn span() -> Span {
    Span::default()
}

fn ident() -> impl Strategy<Value = Ident> {
    name().prop_map(|name| Ident { name, span: span() })
}

/// Plain names, words of the language and names that need quotes.
fn name() -> impl Strategy<Value = String> {
    select(vec![
        "a",
        "n",
        "x1",
        "_y",
        "Name",
        "match",
        "RETURN",
        "order",
        "end",
        "count",
        "exists",
        "collect",
        "cost",
        "all",
        "any",
        "none",
        "reduce",
        "shortestPath",
        "from",
        "to",
        "limit",
        "attack",
        "paths",
        "a b",
        "x`y",
        "é",
        "rules",
        "group",
        "in",
        "not",
        "top",
        "rule",
        "fix",
    ])
    .prop_map(str::to_owned)
}

fn string() -> impl Strategy<Value = String> {
    select(vec![
        "",
        "a",
        "it's",
        "a\"b",
        "back\\slash",
        "line\nbreak",
        "\u{1}",
        "é😀",
        "// no",
        "`",
    ])
    .prop_map(str::to_owned)
}

fn text() -> impl Strategy<Value = Text> {
    string().prop_map(|value| Text {
        value,
        span: span(),
    })
}

fn title() -> impl Strategy<Value = Ident> {
    select(vec![
        "r",
        "exploit-network-cve",
        "R01",
        "to-x-2",
        "a b",
        "T1552.001",
        "match",
        "plan",
    ])
    .prop_map(|name| Ident {
        name: name.to_owned(),
        span: span(),
    })
}

fn expr_of(kind: ExprKind) -> Expr {
    Expr { kind, span: span() }
}

fn amount() -> impl Strategy<Value = Expr> {
    prop_oneof![
        (0i64..100).prop_map(ExprKind::Integer),
        Just(ExprKind::Float(0.5)),
        name().prop_map(ExprKind::Parameter),
    ]
    .prop_map(expr_of)
}

fn leaf() -> impl Strategy<Value = Expr> {
    prop_oneof![
        Just(ExprKind::Null),
        any::<bool>().prop_map(ExprKind::Boolean),
        prop_oneof![0i64..10, Just(i64::MAX), Just(i64::MIN)].prop_map(ExprKind::Integer),
        select(vec![0.0, 0.5, 1e300, 1.5e-9, 123_456.75]).prop_map(ExprKind::Float),
        string().prop_map(ExprKind::String),
        name().prop_map(ExprKind::Parameter),
        name().prop_map(ExprKind::Variable),
    ]
    .prop_map(expr_of)
}

fn boxed(expr: Expr) -> Box<Expr> {
    Box::new(expr)
}

pub(crate) fn expr() -> BoxedStrategy<Expr> {
    leaf()
        .prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                4 => operator(inner.clone()),
                3 => access(inner.clone()),
                3 => scoped(inner.clone()),
                1 => pattern_expr(inner),
            ]
        })
        .boxed()
}

fn operator(inner: BoxedStrategy<Expr>) -> impl Strategy<Value = Expr> {
    let unary = select(vec![
        UnaryOp::Minus,
        UnaryOp::Plus,
        UnaryOp::Not,
        UnaryOp::IsNull,
        UnaryOp::IsNotNull,
    ]);
    let binary = select(vec![
        BinaryOp::Add,
        BinaryOp::Subtract,
        BinaryOp::Multiply,
        BinaryOp::Divide,
        BinaryOp::Modulo,
        BinaryOp::Power,
        BinaryOp::Concat,
        BinaryOp::In,
        BinaryOp::StartsWith,
        BinaryOp::EndsWith,
        BinaryOp::Contains,
        BinaryOp::Matches,
    ]);
    let compare = select(vec![
        CompareOp::Equal,
        CompareOp::NotEqual,
        CompareOp::Less,
        CompareOp::LessOrEqual,
        CompareOp::Greater,
        CompareOp::GreaterOrEqual,
    ]);
    let link = (compare, inner.clone()).prop_map(|(op, operand)| CompareLink { op, operand });
    prop_oneof![
        (unary, inner.clone()).prop_map(|(op, operand)| ExprKind::Unary {
            op,
            operand: boxed(operand)
        }),
        (binary, inner.clone(), inner.clone()).prop_map(|(op, left, right)| ExprKind::Binary {
            op,
            left: boxed(left),
            right: boxed(right)
        }),
        vec(inner.clone(), 2..4).prop_map(ExprKind::And),
        vec(inner.clone(), 2..4).prop_map(ExprKind::Or),
        vec(inner.clone(), 2..4).prop_map(ExprKind::Xor),
        (inner.clone(), vec(link, 1..3)).prop_map(|(first, rest)| ExprKind::Compare {
            first: boxed(first),
            rest
        }),
        (inner, labels()).prop_map(|(operand, labels)| ExprKind::HasLabels {
            operand: boxed(operand),
            labels
        }),
    ]
    .prop_map(expr_of)
}

fn entry(inner: BoxedStrategy<Expr>) -> impl Strategy<Value = MapEntry> {
    (ident(), inner).prop_map(|(key, value)| MapEntry { key, value })
}

fn access(inner: BoxedStrategy<Expr>) -> impl Strategy<Value = Expr> {
    let item = prop_oneof![
        ident().prop_map(MapProjectionItem::Property),
        Just(MapProjectionItem::All(span())),
        entry(inner.clone()).prop_map(MapProjectionItem::Entry),
        ident().prop_map(MapProjectionItem::Variable),
    ];
    let function = select(vec![
        "size",
        "toUpper",
        "date.truncate",
        "count",
        "match",
        "a b",
        "all",
        "left",
        "reduce",
    ]);
    prop_oneof![
        vec(inner.clone(), 0..4).prop_map(ExprKind::List),
        vec(entry(inner.clone()), 0..3).prop_map(ExprKind::Map),
        (inner.clone(), ident()).prop_map(|(base, key)| ExprKind::Property {
            base: boxed(base),
            key
        }),
        (inner.clone(), inner.clone()).prop_map(|(base, index)| ExprKind::Index {
            base: boxed(base),
            index: boxed(index)
        }),
        (inner.clone(), of(inner.clone()), of(inner.clone())).prop_map(|(base, from, to)| {
            ExprKind::Slice {
                base: boxed(base),
                from: from.map(boxed),
                to: to.map(boxed),
            }
        }),
        (ident(), vec(item, 0..3))
            .prop_map(|(variable, items)| ExprKind::MapProjection { variable, items }),
        (function, any::<bool>(), vec(inner, 0..3)).prop_map(|(name, distinct, args)| {
            ExprKind::Call {
                name: Ident {
                    name: name.to_owned(),
                    span: span(),
                },
                distinct: distinct && !args.is_empty(),
                star: name == "count" && args.is_empty(),
                args,
            }
        }),
    ]
    .prop_map(expr_of)
}

fn scoped(inner: BoxedStrategy<Expr>) -> impl Strategy<Value = Expr> {
    let arm = (inner.clone(), inner.clone()).prop_map(|(when, then)| CaseArm { when, then });
    let kind = select(vec![
        QuantifierKind::All,
        QuantifierKind::Any,
        QuantifierKind::None,
        QuantifierKind::Single,
    ]);
    prop_oneof![
        (of(inner.clone()), vec(arm, 1..3), of(inner.clone())).prop_map(
            |(subject, arms, otherwise)| ExprKind::Case {
                subject: subject.map(boxed),
                arms,
                otherwise: otherwise.map(boxed)
            }
        ),
        (ident(), inner.clone(), of(inner.clone()), of(inner.clone())).prop_map(
            |(variable, list, filter, map)| {
                ExprKind::ListComprehension {
                    variable,
                    list: boxed(list),
                    filter: filter.map(boxed),
                    map: map.map(boxed),
                }
            }
        ),
        (kind, ident(), inner.clone(), inner.clone()).prop_map(|(kind, variable, list, filter)| {
            ExprKind::Quantifier {
                kind,
                variable,
                list: boxed(list),
                filter: Some(boxed(filter)),
            }
        }),
        (
            ident(),
            inner.clone(),
            ident(),
            inner.clone(),
            inner.clone()
        )
            .prop_map(
                |(accumulator, init, variable, list, body)| ExprKind::Reduce {
                    accumulator,
                    init: boxed(init),
                    variable,
                    list: boxed(list),
                    body: boxed(body)
                }
            ),
        subquery(inner.clone()).prop_map(|body| ExprKind::Exists(Box::new(body))),
        subquery(inner.clone()).prop_map(|body| ExprKind::CountQuery(Box::new(body))),
        subquery(inner).prop_map(|body| ExprKind::CollectQuery(Box::new(body))),
    ]
    .prop_map(expr_of)
}

fn pattern_expr(inner: BoxedStrategy<Expr>) -> impl Strategy<Value = Expr> {
    let plain = simple_path(inner.clone());
    prop_oneof![
        plain
            .clone()
            .prop_map(|path| ExprKind::Pattern(Box::new(path))),
        (plain.clone(), any::<bool>()).prop_map(|(mut path, all)| {
            path.selector = Some(if all {
                Selector::AllShortestPathsFunction
            } else {
                Selector::ShortestPathFunction
            });
            ExprKind::Pattern(Box::new(path))
        }),
        (of(ident()), plain, of(inner.clone()), inner).prop_map(
            |(variable, mut path, filter, map)| {
                path.variable = variable;
                ExprKind::PatternComprehension {
                    pattern: Box::new(path),
                    filter: filter.map(boxed),
                    map: boxed(map),
                }
            }
        ),
    ]
    .prop_map(expr_of)
}

fn labels() -> BoxedStrategy<Labels> {
    let leaf = prop_oneof![
        4 => name().prop_map(LabelsKind::Name),
        1 => Just(LabelsKind::Any),
    ]
    .prop_map(|kind| Labels { kind, span: span() });
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            inner
                .clone()
                .prop_map(|label| LabelsKind::Not(Box::new(label))),
            vec(inner.clone(), 2..4).prop_map(|mut parts| {
                // The parser joins what stands leftmost into one list.
                while let LabelsKind::And(first) = parts[0].kind.clone() {
                    parts.splice(0..1, first);
                }
                LabelsKind::And(parts)
            }),
            vec(inner, 2..4).prop_map(|mut parts| {
                while let LabelsKind::Or(first) = parts[0].kind.clone() {
                    parts.splice(0..1, first);
                }
                LabelsKind::Or(parts)
            }),
        ]
        .prop_map(|kind| Labels { kind, span: span() })
    })
    .boxed()
}

fn properties(inner: BoxedStrategy<Expr>) -> impl Strategy<Value = Expr> {
    prop_oneof![
        vec(entry(inner), 0..3).prop_map(ExprKind::Map),
        name().prop_map(ExprKind::Parameter),
    ]
    .prop_map(expr_of)
}

fn node(inner: BoxedStrategy<Expr>) -> impl Strategy<Value = NodePattern> {
    (
        of(ident()),
        of(labels()),
        of(properties(inner.clone())),
        of(inner),
    )
        .prop_map(|(variable, labels, properties, filter)| NodePattern {
            variable,
            labels,
            properties: properties.map(boxed),
            filter: filter.map(boxed),
            span: span(),
        })
}

fn quantifier() -> impl Strategy<Value = Quantifier> {
    let style = select(vec![QuantifierStyle::Star, QuantifierStyle::Postfix]);
    (of(0u64..4), of(4u64..9), style).prop_map(|(min, max, style)| Quantifier {
        min,
        max,
        style,
        span: span(),
    })
}

fn relationship(inner: BoxedStrategy<Expr>) -> impl Strategy<Value = PathElement> {
    let direction = select(vec![
        Direction::Outgoing,
        Direction::Incoming,
        Direction::Either,
    ]);
    let head = (direction, of(ident()), of(labels()), of(quantifier()));
    let tail = (of(properties(inner.clone())), of(inner.clone()), of(inner));
    (head, tail).prop_map(
        |((direction, variable, kinds, quantifier), (properties, filter, cost))| {
            PathElement::Relationship(Box::new(RelationshipPattern {
                direction,
                variable,
                kinds,
                quantifier,
                properties: properties.map(boxed),
                filter: filter.map(boxed),
                cost: cost.map(boxed),
                span: span(),
            }))
        },
    )
}

fn path_of(elements: Vec<PathElement>) -> PathPattern {
    PathPattern {
        variable: None,
        selector: None,
        mode: None,
        elements,
        span: span(),
    }
}

/// Nodes and relationships alone, at least one relationship.
fn simple_path(inner: BoxedStrategy<Expr>) -> impl Strategy<Value = PathPattern> + Clone {
    (
        node(inner.clone()),
        vec((relationship(inner.clone()), node(inner)), 1..3),
    )
        .prop_map(|(first, rest)| {
            let mut elements = vec![PathElement::Node(first)];
            for (relationship, node) in rest {
                elements.push(relationship);
                elements.push(PathElement::Node(node));
            }
            path_of(elements)
        })
        .boxed()
}

fn path(inner: BoxedStrategy<Expr>) -> impl Strategy<Value = PathPattern> {
    let mode = of(select(vec![
        PathMode::Walk,
        PathMode::Trail,
        PathMode::Acyclic,
        PathMode::Simple,
    ]));
    let count = || {
        prop_oneof![
            (1u64..9).prop_map(|count| Count::Number(count, span())),
            name().prop_map(|name| Count::Parameter(name, span())),
        ]
    };
    let selector = prop_oneof![
        Just(Selector::All),
        of(count()).prop_map(Selector::Any),
        Just(Selector::AnyShortest),
        Just(Selector::AllShortest),
        count().prop_map(Selector::Shortest),
        of(count()).prop_map(Selector::ShortestGroups),
        Just(Selector::AnyCheapest),
        of(count()).prop_map(Selector::Cheapest),
        Just(Selector::ShortestPathFunction),
    ];
    let group = (
        of(ident()),
        mode.clone(),
        simple_path(inner.clone()),
        of(inner.clone()),
        of(quantifier()),
    )
        .prop_map(|(variable, mode, mut path, filter, quantifier)| {
            path.variable = variable;
            path.mode = mode;
            PathElement::Group(Box::new(PathGroup {
                path,
                filter,
                quantifier: quantifier.map(|quantifier| Quantifier {
                    style: QuantifierStyle::Postfix,
                    ..quantifier
                }),
                span: span(),
            }))
        })
        .boxed();
    let body = prop_oneof![
        4 => simple_path(inner.clone()).prop_map(|path| path.elements),
        1 => node(inner.clone()).prop_map(|node| vec![PathElement::Node(node)]),
        2 => (simple_path(inner.clone()), group.clone(), simple_path(inner.clone())).prop_map(|(before, group, after)| {
            let mut elements = before.elements;
            elements.push(group);
            elements.extend(after.elements);
            elements
        }),
        1 => (group.clone(), relationship(inner), group).prop_map(|(before, relationship, after)| {
            vec![before, relationship, after]
        }),
    ];
    (of(ident()), of(selector), mode, body).prop_map(|(variable, selector, mode, elements)| {
        let is_function = selector == Some(Selector::ShortestPathFunction);
        PathPattern {
            variable,
            selector,
            mode: mode.filter(|_| !is_function),
            elements,
            span: span(),
        }
    })
}

fn projection(inner: BoxedStrategy<Expr>, is_with: bool) -> impl Strategy<Value = Projection> {
    let item = (inner.clone(), of(ident())).prop_map(move |(expr, alias)| {
        let fallback = Ident {
            name: "named".to_owned(),
            span: span(),
        };
        let is_pattern = matches!(expr.kind, ExprKind::Pattern(_));
        ProjectionItem {
            expr: if is_pattern {
                expr_of(ExprKind::Null)
            } else {
                expr
            },
            alias: if is_with {
                alias.or(Some(fallback))
            } else {
                alias
            },
            text: span(),
            span: span(),
        }
    });
    let sort = (inner.clone(), any::<bool>()).prop_map(|(expr, descending)| SortItem {
        expr,
        descending,
        span: span(),
    });
    (
        any::<bool>(),
        any::<bool>(),
        vec(item, 1..4),
        vec(sort, 0..3),
        of(inner.clone()),
        of(inner),
    )
        .prop_map(
            |(distinct, star, items, order_by, skip, limit)| Projection {
                distinct,
                star: star.then(span),
                items,
                order_by,
                skip,
                limit,
                span: span(),
            },
        )
}

fn match_clause(inner: BoxedStrategy<Expr>) -> impl Strategy<Value = MatchClause> {
    (any::<bool>(), vec(path(inner.clone()), 1..3), of(inner)).prop_map(
        |(optional, patterns, filter)| MatchClause {
            optional,
            patterns,
            filter,
            span: span(),
        },
    )
}

fn union_of(clauses: Vec<Clause>) -> Union {
    Union {
        first: SingleQuery {
            clauses,
            span: span(),
        },
        rest: Vec::new(),
        span: span(),
    }
}

fn subquery(inner: BoxedStrategy<Expr>) -> impl Strategy<Value = Union> {
    (match_clause(inner.clone()), projection(inner, false)).prop_map(|(clause, projection)| {
        union_of(vec![Clause::Match(clause), Clause::Return(projection)])
    })
}

fn state() -> impl Strategy<Value = State> {
    (select(Capability::ALL.to_vec()), node(leaf().boxed())).prop_map(|(capability, node)| State {
        capability,
        node,
        span: span(),
    })
}

fn ends() -> impl Strategy<Value = Ends> {
    let end = prop_oneof![
        node(leaf().boxed()).prop_map(EndKind::Node),
        state().prop_map(EndKind::State),
        title().prop_map(EndKind::Attacker),
    ];
    vec(end.prop_map(|kind| End { kind, span: span() }), 1..3).prop_map(|items| Ends {
        items,
        span: span(),
    })
}

fn verb() -> impl Strategy<Value = VerbClause> {
    let avoiding = prop_oneof![
        ends().prop_map(Avoiding::Ends),
        vec(title(), 1..3).prop_map(Avoiding::Rules),
        vec(title(), 1..3).prop_map(Avoiding::Techniques),
    ];
    let per = of(select(vec![Per::Source, Per::Target, Per::Pair]));
    let top = (amount(), per).prop_map(|(count, per)| Top {
        count,
        per,
        span: span(),
    });
    let attack = (
        of(ends()),
        of(ends()),
        of(ends()),
        vec(avoiding, 0..3),
        of(amount()),
        of(amount()),
        of(amount()),
        of(top),
    )
        .prop_map(
            |(from, to, via, avoiding, within, likelihood, confidence, top)| {
                Verb::AttackPaths(Box::new(AttackPaths {
                    from,
                    to,
                    via,
                    avoiding,
                    within,
                    likelihood,
                    confidence,
                    top,
                }))
            },
        );
    let goal = prop_oneof![
        amount().prop_map(FixGoal::Budget),
        amount().prop_map(FixGoal::Likelihood)
    ];
    let verb =
        prop_oneof![
            attack,
            (ends(), of(ends()), of(amount())).prop_map(
                |(of, from, sampled)| Verb::Exploitability(Exploitability { of, from, sampled })
            ),
            (ends(), of(amount()), of(amount())).prop_map(|(of, likelihood, within)| {
                Verb::BlastRadius(BlastRadius {
                    of,
                    likelihood,
                    within,
                })
            }),
            (of(ends()), of(ends()))
                .prop_map(|(from, to)| Verb::ChokePoints(ChokePoints { from, to })),
            (of(ends()), of(ends()), of(goal))
                .prop_map(|(from, to, goal)| Verb::FixPlan(FixPlan { from, to, goal })),
            (title(), of(ends()), ends()).prop_map(|(rule, from, to)| Verb::WhyNot(WhyNot {
                rule,
                from,
                to
            })),
        ];
    let item = (ident(), of(ident())).prop_map(|(column, alias)| YieldItem { column, alias });
    let yields = of((vec(item, 1..3), of(leaf())));
    (verb, yields).prop_map(|(verb, yields)| {
        let (yields, filter) = match yields {
            Some((items, filter)) => (Some(items), filter),
            None => (None, None),
        };
        VerbClause {
            verb,
            yields,
            filter,
            head: span(),
            span: span(),
        }
    })
}

fn change() -> impl Strategy<Value = Change> {
    let inner = || leaf().boxed();
    let elements = || simple_path(inner());
    prop_oneof![
        elements().prop_map(ChangeKind::Remove),
        elements().prop_map(ChangeKind::Add),
        (elements(), ident(), expr()).prop_map(|(pattern, property, value)| ChangeKind::Set {
            pattern,
            property,
            value
        }),
        (text(), text()).prop_map(|(package, version)| ChangeKind::Upgrade { package, version }),
        text().prop_map(ChangeKind::Apply),
    ]
    .prop_map(|kind| Change { kind, span: span() })
}

fn clauses() -> impl Strategy<Value = Vec<Clause>> {
    let clause = prop_oneof![
        3 => match_clause(expr()).prop_map(Clause::Match),
        1 => (expr(), ident()).prop_map(|(list, variable)| Clause::Unwind(UnwindClause { list, variable, span: span() })),
        1 => (projection(expr(), true), of(expr()))
            .prop_map(|(projection, filter)| Clause::With(WithClause { projection, filter, span: span() })),
        1 => (of(vec(ident(), 0..3)), any::<bool>(), subquery(leaf().boxed())).prop_map(|(imports, all, body)| {
            Clause::Call(CallClause {
                imports_all: all && imports.is_none(),
                imports,
                body: Box::new(body),
                span: span(),
            })
        }),
        2 => verb().prop_map(Clause::Verb),
    ];
    (vec(clause, 0..3), projection(expr(), false)).prop_map(|(mut clauses, last)| {
        clauses.push(Clause::Return(last));
        clauses
    })
}

fn snapshot() -> impl Strategy<Value = SnapshotRef> {
    prop_oneof![
        string().prop_map(SnapshotRefKind::Text),
        name().prop_map(SnapshotRefKind::Parameter),
    ]
    .prop_map(|kind| SnapshotRef { kind, span: span() })
}

pub(crate) fn query() -> impl Strategy<Value = Query> {
    let mode = select(vec![QueryMode::Run, QueryMode::Explain, QueryMode::Profile]);
    let diff = of((snapshot(), snapshot()).prop_map(|(from, to)| Diff {
        from,
        to,
        span: span(),
    }));
    let rest = (any::<bool>(), vec(clauses(), 0..2));
    (
        mode,
        diff,
        of(snapshot()),
        vec(change(), 0..2),
        clauses(),
        rest,
    )
        .prop_map(|(mode, diff, at, what_if, first, (all, rest))| {
            let rest = rest.into_iter().map(|clauses| UnionPart {
                all,
                query: SingleQuery {
                    clauses,
                    span: span(),
                },
                span: span(),
            });
            let mut body = union_of(first);
            body.rest = rest.collect();
            Query {
                mode,
                diff,
                at,
                what_if,
                body,
                span: span(),
            }
        })
}

fn rule() -> impl Strategy<Value = Definition> {
    let guard = (of(text()), amount(), expr()).prop_map(|(name, factor, condition)| Guard {
        name,
        factor,
        condition,
        span: span(),
    });
    let action = select(vec!["upgrade", "detach", "remove", "plan", "close"]);
    let fix = (action, expr(), of(text()), of(expr()), of(expr())).prop_map(
        |(action, target, text, owner, cost)| Fix {
            action: Ident {
                name: action.to_owned(),
                span: span(),
            },
            target,
            text,
            owner,
            cost,
            span: span(),
        },
    );
    let head = (
        title(),
        of(text()),
        of(title()),
        of(title()),
        vec(text(), 0..3),
    );
    let body = (
        vec(match_clause(leaf().boxed()), 1..3),
        vec(state(), 0..3),
        vec(state(), 1..3),
        expr(),
        of(expr()),
        vec(guard, 0..3),
        vec(fix, 0..3),
        of(text()),
        of(text()),
    );
    (head, body).prop_map(|((name, title, id, family, techniques), body)| {
        let (matches, given, gain, likelihood, confidence, guards, fixes, explanation, remediation) = body;
        Definition::Rule(Box::new(RuleDefinition {
            name,
            title,
            id,
            family,
            techniques,
            matches,
            given,
            gain,
            likelihood: Some(likelihood),
            confidence,
            guards,
            fixes,
            explanation,
            remediation,
            span: span(),
        }))
    })
}

pub(crate) fn definition() -> impl Strategy<Value = Definition> {
    let severity = of(select(vec!["critical", "low", "info"]));
    let expectation = prop_oneof![
        Just(Expectation::NoRows),
        Just(Expectation::Rows),
        (0u64..9).prop_map(Expectation::AtMost),
        (0u64..9).prop_map(Expectation::AtLeast),
    ];
    let policy = (
        title(),
        of(text()),
        severity,
        vec(text(), 0..3),
        of(text()),
        of(text()),
        of(text()),
        expectation,
        query(),
    )
        .prop_map(
            |(
                name,
                title,
                severity,
                controls,
                owner,
                description,
                remediation,
                expectation,
                query,
            )| {
                Definition::Policy(Box::new(PolicyDefinition {
                    name,
                    title,
                    severity: severity.map(|name| Ident {
                        name: name.to_owned(),
                        span: span(),
                    }),
                    controls,
                    owner,
                    description,
                    remediation,
                    expectation,
                    query,
                    span: span(),
                }))
            },
        );
    let attacker = (
        title(),
        of(text()),
        ends(),
        vec(title(), 0..3),
        vec(title(), 0..3),
        of(expr()),
    )
        .prop_map(
            |(name, title, start, forbidden_rules, forbidden_techniques, skill)| {
                Definition::Attacker(Box::new(AttackerDefinition {
                    name,
                    title,
                    start: Some(start),
                    forbidden_rules,
                    forbidden_techniques,
                    skill,
                    span: span(),
                }))
            },
        );
    let group = (title(), of(text()), vec(ident(), 1..3)).prop_map(|(name, title, kinds)| {
        Definition::Group(GroupDefinition {
            name,
            title,
            kinds,
            span: span(),
        })
    });
    prop_oneof![
        3 => rule(),
        2 => policy,
        1 => attacker,
        1 => group,
        1 => text().prop_map(|path| Definition::Import(Import { path, span: span() })),
    ]
}
