//! Calls of functions and map projections.

use crate::ast::{Expr as Tree, ExprKind, Ident, MapProjectionItem, Span};
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::{Expr, ProjectionPart};
use crate::func::Function;
use crate::types::Ty;

use super::expr::null;
use super::{Resolver, Scope, advice};

impl Resolver<'_> {
    pub(super) fn call_function(
        &mut self,
        name: &Ident,
        args: &[Tree],
        span: Span,
        scope: &Scope,
    ) -> (Expr, Ty) {
        if name.name.eq_ignore_ascii_case("exists") {
            return self.exists_function(args, span, scope);
        }
        if name.name.eq_ignore_ascii_case("coalesce") {
            let mut resolved = Vec::new();
            let mut ty = Ty::Null;
            for arg in args {
                let (expr, arg_ty) = self.value(arg, scope);
                ty = ty.join(arg_ty);
                resolved.push(expr);
            }
            if args.is_empty() {
                self.error(
                    Code::ArgumentCount,
                    span,
                    "`coalesce()` takes at least one argument",
                );
            }
            return (Expr::Coalesce(resolved), ty);
        }
        let Some(function) = Function::find(&name.name) else {
            let message = format!("there is no function `{}()`", name.name);
            let diagnostic = Diagnostic::new(Code::UnknownFunction, name.span, message);
            self.report(match of_other_languages(&name.name) {
                Some(help) => diagnostic.help(help),
                None => diagnostic.suggest(&name.name, Function::names()),
            });
            for arg in args {
                self.value(arg, scope);
            }
            return null();
        };
        let (min, max) = (function.min, function.params.len());
        if args.len() < min || args.len() > max {
            let wanted = if min == max {
                format!("{min}")
            } else {
                format!("{min} to {max}")
            };
            let noun = if max == 1 { "argument" } else { "arguments" };
            let message = format!(
                "`{}()` takes {wanted} {noun}, not {}",
                function.name,
                args.len()
            );
            let diagnostic = Diagnostic::new(Code::ArgumentCount, span, message);
            self.report(diagnostic.help(advice::call(function)));
        }
        let mut resolved = Vec::new();
        let mut tys = Vec::new();
        for (at, arg) in args.iter().enumerate() {
            let (expr, ty) = self.value(arg, scope);
            if let Some(param) = function.params.get(at)
                && !param.admits(&ty)
            {
                let message = format!(
                    "`{}()` takes {} here, not {}",
                    function.name,
                    param.name(),
                    ty.name()
                );
                let help = advice::for_argument(function, &ty, arg.span.slice(self.text));
                let diagnostic = Diagnostic::new(Code::TypeMismatch, arg.span, message);
                self.report(advice::with(diagnostic, help));
            }
            resolved.push(expr);
            tys.push(ty);
        }
        self.is_random |= function.name == "rand";
        (Expr::Call(function, resolved, span), function.ty(&tys))
    }

    /// `exists(n.property)` and `exists((a)-->(b))`.
    pub(super) fn exists_function(
        &mut self,
        args: &[Tree],
        span: Span,
        scope: &Scope,
    ) -> (Expr, Ty) {
        let [arg] = args else {
            self.error(Code::ArgumentCount, span, "`exists()` takes one argument");
            return null();
        };
        if matches!(arg.kind, ExprKind::Pattern(_)) {
            let expr = self.condition(arg, scope);
            return (expr, Ty::Bool);
        }
        let (expr, _) = self.value(arg, scope);
        let is_null = Expr::IsNull(Box::new(expr));
        (Expr::Not(Box::new(is_null), span), Ty::Bool)
    }

    pub(super) fn map_projection(
        &mut self,
        variable: &Ident,
        items: &[MapProjectionItem],
        span: Span,
        scope: &Scope,
    ) -> (Expr, Ty) {
        let tree = Tree {
            kind: ExprKind::Variable(variable.name.clone()),
            span: variable.span,
        };
        let (base, ty) = self.value(&tree, scope);
        if !ty.may_have_properties() {
            self.mismatch(variable.span, "a node, a relationship or a map", &ty);
        }
        let mut parts = Vec::new();
        for item in items {
            parts.push(match item {
                MapProjectionItem::All(_) => ProjectionPart::All,
                MapProjectionItem::Property(key) => {
                    if matches!(ty, Ty::Node | Ty::Rel) {
                        self.check_property(&key.name, key.span);
                    }
                    let prop = self.snapshot.prop_id(&key.name);
                    ProjectionPart::Property(key.name.as_str().into(), prop)
                }
                MapProjectionItem::Entry(entry) => {
                    let value = self.value(&entry.value, scope).0;
                    ProjectionPart::Entry(entry.key.name.as_str().into(), value)
                }
                MapProjectionItem::Variable(name) => {
                    let value = self.variable(&name.name, name.span, scope).0;
                    ProjectionPart::Entry(name.name.as_str().into(), value)
                }
            });
        }
        (Expr::MapProjection(Box::new(base), parts, span), Ty::Map)
    }
}

/// What this language has for a function of another one.
fn of_other_languages(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    Some(match name.as_str() {
        "len" => "write `size()` for a text or a list, `length()` for a path",
        "if" | "iif" => "write `CASE WHEN x THEN 1 ELSE 0 END`",
        "average" | "mean" => "write `avg()`",
        "pow" | "power" => "write `x ^ 2`",
        "mod" => "write `x % 2`",
        "ceiling" => "write `ceil()`",
        "rels" | "edges" => "write `relationships()`",
        "label" | "haslabel" => "write `n:Label` for a test, `labels(n)` for the list",
        "explode" | "unnest" => "write `UNWIND list AS x`",
        "array_length" | "cardinality" => "write `size()`",
        "count_distinct" => "write `count(DISTINCT x)`",
        "substr" | "mid" => "write `substring()`",
        "concat" => "texts are joined with `+`",
        "isnull" | "ifnull" | "nvl" => {
            "write `x IS NULL` for a test, `coalesce(x, 0)` for a value instead"
        }
        "now" | "getdate" | "current_timestamp" | "sysdate" => "write `datetime()`",
        "curdate" | "today" => "write `date()`",
        "ucase" | "touppercase" | "uppercase" => "write `toUpper()`",
        "lcase" | "tolowercase" | "lowercase" => "write `toLower()`",
        "group_concat" | "string_agg" | "array_agg" | "listagg" => "write `collect()`",
        "instr" | "indexof" | "locate" | "charindex" => "write `a CONTAINS b`",
        "endswith" => "write `a ENDS WITH b`",
        "contains" => "write `a CONTAINS b`",
        "regexp_like" | "matches" => "write `a =~ 'pattern'`",
        "int" | "integer" | "to_int" => "write `toInteger()`",
        "str" | "string" | "to_string" => "write `toString()`",
        "float" | "double" => "write `toFloat()`",
        "stdev_samp" | "stddev" => "write `stDev()`",
        "percentile_cont" | "median" => "write `percentileCont(x, 0.5)`",
        name if name.starts_with("apoc.") || name.starts_with("gds.") => {
            "functions of plugins are not part of the language"
        }
        _ => return None,
    })
}
