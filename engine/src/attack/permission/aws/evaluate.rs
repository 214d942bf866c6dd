//! One request against every policy that has a say.
//!
//! The order is AWS's: an explicit deny anywhere wins; then service control policies, the
//! permission boundary and session policies each have to allow; then an identity policy or the
//! resource's own policy has to grant, both of them across accounts. All of it in three values.

use super::super::{Effect, Truth};
use super::condition::Context;
use super::document::{Document, Principals, Statement};
use super::pattern::Coverage;

/// A policy with its name; without a document it exists but was not collected.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// How answers name it: its ARN.
    pub name: &'a str,
    /// Its text, where known.
    pub document: Option<&'a Document>,
}

impl Source<'_> {
    /// Policies that AWS keeps grant and do not deny, but for those that exist to deny.
    pub fn only_grants(&self) -> bool {
        self.name.starts_with("arn:aws:iam::aws:policy/")
            && !self.name.contains("Deny")
            && !self.name.contains("Quarantine")
    }
}

/// What sort of principal asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalKind {
    /// An IAM user.
    User,
    /// A role, or a session of it.
    Role,
    /// The root of an account.
    Root,
    /// An AWS service, `ec2.amazonaws.com`.
    Service,
    /// Someone an identity provider vouches for; the id is the provider's ARN.
    Federated,
    /// Someone without credentials.
    Anonymous,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Principal<'a> {
    /// ARN, service name, or provider ARN.
    pub id: &'a str,
    /// The account; empty for services and strangers.
    pub account: &'a str,
    /// What it is.
    pub kind: PrincipalKind,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Who asks.
    pub principal: Principal<'a>,
    /// `service:Action`.
    pub action: &'a str,
    /// ARN of the resource; a `*` at its end asks about everything in it.
    pub resource: &'a str,
    /// The account of the resource.
    pub resource_account: &'a str,
    /// What is known about the circumstances.
    pub context: &'a Context,
}

/// What weight the resource's own policy has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceSay {
    /// Inside the account it may grant on its own, and its silence does not matter.
    Optional,
    /// It has to admit the principal, by name or by handing the choice to the account: trust
    /// policies of roles and policies of keys.
    Required,
}

/// Every policy that has a say in one request.
#[derive(Debug, Clone, Copy)]
pub struct Policies<'a> {
    /// Policies of the principal and its groups.
    pub identity: &'a [Source<'a>],
    /// Its permission boundary, if it has one.
    pub boundary: Option<Source<'a>>,
    /// Service control policies, those of its account and those of each unit above it apart: every
    /// level has to allow. None where none are known to exist.
    pub service_control: &'a [Vec<Source<'a>>],
    /// Policies of the session, if it is restricted.
    pub session: Option<Source<'a>>,
    /// The policy of the resource, if it has one.
    pub resource: Option<Source<'a>>,
    /// What weight that one has.
    pub resource_say: ResourceSay,
}

/// Why a request is decided as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A statement grants it.
    Granted,
    /// A statement denies it, or may deny it.
    ExplicitDeny,
    /// No statement grants it, or the one that may has an open condition.
    NotGranted,
    /// Only a policy that was not collected could grant it.
    NotCollected,
    /// The permission boundary does not allow it.
    Boundary,
    /// The service control policies do not allow it.
    ServiceControl,
    /// The session policy does not allow it.
    Session,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Allowed, denied or unknown.
    pub effect: Effect,
    /// Why.
    pub reason: Reason,
    /// The deciding statement as `<policy>#<statement>`, or `<policy>` that was not collected;
    /// none where nothing speaks of the request.
    pub statement: Option<String>,
    /// Whether only a part of what was asked for is granted.
    pub partial: bool,
}

/// What a group of policies says.
#[derive(Debug, Clone)]
struct Say {
    truth: Truth,
    coverage: Coverage,
    statement: Option<String>,
    /// The policy's text is known.
    collected: bool,
}

impl Say {
    fn nothing() -> Self {
        Say {
            truth: Truth::False,
            coverage: Coverage::None,
            statement: None,
            collected: true,
        }
    }

    fn certain() -> Self {
        Say {
            truth: Truth::True,
            coverage: Coverage::Whole,
            statement: None,
            collected: true,
        }
    }

    /// The stronger of two; what is known before what may be, and the first where they are equal.
    fn or(self, other: Self) -> Self {
        // What a text says under a condition is more than what any text might say.
        if (other.truth, other.collected, other.coverage)
            > (self.truth, self.collected, self.coverage)
        {
            other
        } else {
            self
        }
    }

    /// The weaker of two; the first where they are equal.
    fn and(self, other: Self) -> Self {
        if (other.truth, other.coverage) < (self.truth, self.coverage) {
            other
        } else {
            self
        }
    }
}

/// Who of a resource policy's principals the asking one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Admission {
    /// Not named.
    No,
    /// Its account is named: the account's own policies decide.
    Account,
    /// Named itself, or everyone is.
    Direct,
}

/// Decides one request. O(statements).
pub fn evaluate(policies: &Policies<'_>, request: &Request<'_>) -> Decision {
    let boundary = policies.boundary.as_slice();
    let session = policies.session.as_slice();
    let resource = policies.resource.as_slice();
    let same_account = request.principal.account == request.resource_account;

    let own = [policies.identity, boundary, session];
    let control = policies.service_control.iter().map(Vec::as_slice);
    let mut deny = Denial::default();
    for sources in own.into_iter().chain(control) {
        deny.add(sources, request, |_| Truth::True);
    }
    deny.add(resource, request, |statement| {
        is_denied(statement, &request.principal, policies.boundary.is_some())
    });
    if deny.whole.truth == Truth::True {
        return Decision {
            effect: Effect::Deny,
            reason: Reason::ExplicitDeny,
            statement: deny.whole.statement,
            partial: false,
        };
    }

    let direct = grant(resource, request, |statement| {
        (admission(statement, &request.principal) == Admission::Direct).into()
    });
    let by_account = || {
        grant(resource, request, |statement| {
            (admission(statement, &request.principal) == Admission::Account).into()
        })
    };
    let identity = || match request.principal.kind {
        PrincipalKind::Root => Say::certain(),
        _ => grant(policies.identity, request, |_| Truth::True),
    };
    let stranger = matches!(
        request.principal.kind,
        PrincipalKind::Service | PrincipalKind::Federated | PrincipalKind::Anonymous
    );
    let named_truth = direct.truth;
    let granted = if stranger {
        direct
    } else if !same_account {
        // Both accounts have to agree.
        identity().and(direct.or(by_account()))
    } else if policies.resource_say == ResourceSay::Required {
        direct.or(identity().and(by_account()))
    } else {
        identity().or(direct)
    };

    let mut limits = Vec::new();
    for level in policies.service_control.iter().filter(|_| !stranger) {
        let say = grant(level, request, |_| Truth::True);
        limits.push((Reason::ServiceControl, say));
    }
    // A resource policy that names a user of its own account is not cut by the user's boundary.
    let boundary_counts = !(same_account
        && request.principal.kind == PrincipalKind::User
        && named_truth == Truth::True);
    if policies.boundary.is_some() && boundary_counts {
        limits.push((Reason::Boundary, grant(boundary, request, |_| Truth::True)));
    }
    if policies.session.is_some() {
        limits.push((Reason::Session, grant(session, request, |_| Truth::True)));
    }

    let mut reason = if granted.collected {
        Reason::NotGranted
    } else {
        Reason::NotCollected
    };
    let mut verdict = granted.clone();
    for (limit, say) in limits {
        if (say.truth, say.coverage) < (verdict.truth, verdict.coverage) {
            (reason, verdict) = (limit, say);
        }
    }
    let doubtful = deny.whole.truth == Truth::Unknown
        || (deny.part.truth > Truth::False && verdict.coverage == Coverage::Part);
    let partial = verdict.coverage == Coverage::Part || deny.part.truth > Truth::False;
    match verdict.truth {
        Truth::False => Decision {
            effect: Effect::Deny,
            reason,
            statement: verdict.statement,
            partial: false,
        },
        _ if doubtful && reason != Reason::NotCollected => Decision {
            effect: Effect::Unknown,
            reason: Reason::ExplicitDeny,
            statement: deny.whole.statement.or(deny.part.statement),
            partial,
        },
        Truth::Unknown => Decision {
            effect: Effect::Unknown,
            reason,
            statement: verdict.statement,
            partial,
        },
        Truth::True => Decision {
            effect: Effect::Allow,
            reason: Reason::Granted,
            statement: granted.statement,
            partial,
        },
    }
}

#[derive(Debug)]
struct Denial {
    /// Denies all of what is asked.
    whole: Say,
    /// Denies some of it.
    part: Say,
}

impl Default for Denial {
    fn default() -> Self {
        Denial {
            whole: Say::nothing(),
            part: Say::nothing(),
        }
    }
}

impl Denial {
    fn add(
        &mut self,
        sources: &[Source<'_>],
        request: &Request<'_>,
        counts: impl Fn(&Statement) -> Truth,
    ) {
        each(sources, request, Kind::Deny, counts, |say| {
            let slot = match say.coverage {
                Coverage::Whole => &mut self.whole,
                _ => &mut self.part,
            };
            *slot = std::mem::replace(slot, Say::nothing()).or(say);
        });
    }
}

fn grant(
    sources: &[Source<'_>],
    request: &Request<'_>,
    counts: impl Fn(&Statement) -> Truth,
) -> Say {
    let mut best = Say::nothing();
    each(sources, request, Kind::Allow, counts, |say| {
        best = std::mem::replace(&mut best, Say::nothing()).or(say);
    });
    best
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Allow,
    Deny,
}

/// Hands every statement of one kind that speaks of the request to `found`; a policy that was not
/// collected may say anything.
fn each(
    sources: &[Source<'_>],
    request: &Request<'_>,
    kind: Kind,
    counts: impl Fn(&Statement) -> Truth,
    mut found: impl FnMut(Say),
) {
    for source in sources {
        let Some(document) = source.document else {
            if kind == Kind::Deny && source.only_grants() {
                continue;
            }
            found(Say {
                truth: Truth::Unknown,
                coverage: Coverage::Whole,
                statement: Some(source.name.to_owned()),
                collected: false,
            });
            continue;
        };
        for statement in &document.statements {
            if statement.allows != (kind == Kind::Allow) || !statement.covers_action(request.action)
            {
                continue;
            }
            let counted = counts(statement);
            if counted == Truth::False {
                continue;
            }
            let (coverage, covers) = statement.covers_resource(request.resource, request.context);
            let truth = counted
                .and(covers)
                .and(statement.conditions_hold(request.context));
            if truth > Truth::False && coverage > Coverage::None {
                found(Say {
                    truth,
                    coverage,
                    statement: Some(format!("{}#{}", source.name, statement.name)),
                    collected: true,
                });
            }
        }
    }
}

/// Who `principal` is to a statement of a resource or trust policy.
pub(super) fn admission(statement: &Statement, principal: &Principal<'_>) -> Admission {
    let Some(principals) = &statement.principals else {
        return Admission::No;
    };
    let found = named(principals, principal);
    if !principals.negated {
        found
    } else if found == Admission::No {
        Admission::Direct
    } else {
        Admission::No
    }
}

/// Whether a denying statement of a resource policy speaks of `principal`.
///
/// `NotPrincipal` spares whom it names, if it names the account as well: without the account AWS
/// may deny the account before it looks at who asks. An account named beside some of its own
/// identities spares these and nobody else. Identities with a permission boundary are always
/// denied.
fn is_denied(statement: &Statement, principal: &Principal<'_>, bounded: bool) -> Truth {
    let Some(principals) = statement.principals.as_ref().filter(|list| list.negated) else {
        return (admission(statement, principal) > Admission::No).into();
    };
    let of_account = matches!(principal.kind, PrincipalKind::User | PrincipalKind::Role);
    if bounded && of_account {
        return Truth::True;
    }
    let mut names = principals.by_type.get("AWS").into_iter().flatten();
    match named(principals, principal) {
        Admission::No => Truth::True,
        Admission::Direct => {
            let spared = !of_account
                || principals.anyone
                || names.any(|name| is_account(name, principal.account));
            if spared { Truth::False } else { Truth::Unknown }
        }
        Admission::Account => {
            let others = names.any(|name| {
                name.split(':').nth(4) == Some(principal.account)
                    && !is_account(name, principal.account)
            });
            if others { Truth::True } else { Truth::Unknown }
        }
    }
}

fn named(principals: &Principals, principal: &Principal<'_>) -> Admission {
    if principals.anyone {
        return Admission::Direct;
    }
    let of_type = |ty: &str| principals.by_type.get(ty).into_iter().flatten();
    match principal.kind {
        PrincipalKind::Service => of_type("Service")
            .any(|name| name == principal.id)
            .then_some(Admission::Direct),
        PrincipalKind::Federated => of_type("Federated")
            .any(|name| name == principal.id || name == "*")
            .then_some(Admission::Direct),
        PrincipalKind::Anonymous => None,
        PrincipalKind::User | PrincipalKind::Role | PrincipalKind::Root => of_type("AWS")
            .filter_map(|name| {
                if name == principal.id || is_session_of(name, principal) {
                    Some(Admission::Direct)
                } else if is_account(name, principal.account) {
                    Some(match principal.kind {
                        PrincipalKind::Root => Admission::Direct,
                        _ => Admission::Account,
                    })
                } else {
                    None
                }
            })
            .max(),
    }
    .unwrap_or(Admission::No)
}

/// `123456789012` or `arn:aws:iam::123456789012:root`.
fn is_account(name: &str, account: &str) -> bool {
    if name == account {
        return true;
    }
    let mut parts = name.split(':');
    parts.nth(2) == Some("iam") && parts.nth(1) == Some(account) && parts.next() == Some("root")
}

/// `arn:aws:sts::123456789012:assumed-role/<role>/<session>`: whoever assumes the role chooses the
/// name of the session, so naming a session is naming the role.
fn is_session_of(name: &str, principal: &Principal<'_>) -> bool {
    let Some((start, rest)) = name.split_once(":assumed-role/") else {
        return false;
    };
    let role = rest.split('/').next().unwrap_or_default();
    principal.kind == PrincipalKind::Role
        && start.ends_with(principal.account)
        && principal.id.rsplit('/').next() == Some(role)
}
