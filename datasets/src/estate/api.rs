//! APIs, their operations, who answers them and which findings lie in the handlers.

use std::io::{self, Write};

use super::code::{Finding, findings_in};
use super::emit::{Emitter, Prop, Props};
use super::layout::{Layout, ROUTES_PER_API};
use super::rng::Class;

pub(crate) fn emit<W: Write>(layout: &Layout, out: &mut Emitter<'_, W>) -> io::Result<()> {
    for api in 0..layout.n.apis {
        let id = Layout::api(api);
        let name = format!("svc-{api}");
        let props = vec![("name", Prop::Str(&name)), ("version", Prop::Str("1.0.0"))];
        out.node(&id, &["Api"], &props)?;
        let service = layout.service(layout.service_of_api(api));
        for nth in 0..ROUTES_PER_API {
            let route = operation(layout, api, nth, out)?;
            out.edge(&id, "HAS_ROUTE", &route)?;
            out.edge(&route, "SERVED_BY", &service)?;
        }
    }
    Ok(())
}

fn operation<W: Write>(
    layout: &Layout,
    api: u64,
    nth: u64,
    out: &mut Emitter<'_, W>,
) -> io::Result<String> {
    let mut rng = layout.rng(Class::Route, api * ROUTES_PER_API + nth);
    let authenticated = rng.chance(0.85);
    let data_class = rng.weighted(&[
        (None, 70),
        (Some("pii"), 18),
        (Some("card"), 6),
        (Some("credential"), 4),
        (Some("health"), 2),
    ]);
    let id = Layout::route(api, nth);
    let path = Layout::route_path(nth);
    let function = format!("thing_{nth}");
    let mut props: Props<'_> = vec![
        ("method", Prop::Str(Layout::route_method(nth))),
        ("path", Prop::Str(&path)),
        ("operation_id", Prop::Str(&function)),
        ("authenticated", Prop::Bool(authenticated)),
        ("takes_object_id", Prop::Bool(path.contains('{'))),
        ("sensitive", Prop::Bool(data_class.is_some())),
    ];
    if let Some(class) = data_class {
        props.push(("data_class", Prop::List(vec![class.to_owned()])));
    }
    if authenticated {
        props.push(("auth_schemes", Prop::List(vec!["oidc".to_owned()])));
    }
    out.node(&id, &["Route"], &props)?;
    if let Some((repository, file)) = layout.handler_of(api, nth) {
        let handler = vec![("function", Prop::Str(function.as_str()))];
        out.edge_with(&id, "HANDLED_BY", &Layout::file(repository, file), &handler)?;
        for idx in findings_in(layout, repository) {
            let finding = Finding::new(layout, idx);
            if finding.place() == (repository, file) && finding.is_in_handler() {
                out.edge(&finding.id, "EXPLOITABLE_VIA", &id)?;
            }
        }
    }
    Ok(id)
}
