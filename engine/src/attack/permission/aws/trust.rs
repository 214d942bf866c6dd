//! Who a role's trust policy admits, on its own: identity providers, services and strangers.
//!
//! Users and roles need their own policies as well; ask [`evaluate`](super::evaluate()) with
//! [`ResourceSay::Required`] for them.

use super::super::{Effect, Truth};
use super::condition::Context;
use super::document::Document;
use super::evaluate::{
    Decision, Policies, Principal, PrincipalKind, Request, ResourceSay, Source, evaluate,
};

/// The action that exchanges a token of an identity provider for a role.
pub const WEB_IDENTITY: &str = "sts:AssumeRoleWithWebIdentity";

/// A token that an identity provider signs.
#[derive(Debug, Clone, Copy)]
pub struct WebIdentity<'a> {
    /// The issuer without `https://`; none where it is not known which one signs.
    pub issuer: Option<&'a str>,
    /// `system:serviceaccount:<namespace>:<name>`, `repo:<org>/<name>:ref:refs/heads/main`, ..
    pub subject: &'a str,
    /// Whom the token is for.
    pub audience: &'a str,
}

/// A role and its trust policy.
#[derive(Debug, Clone, Copy)]
pub struct Trust<'a> {
    /// The role's ARN.
    pub role: &'a str,
    /// Its trust policy.
    pub document: &'a Document,
}

impl Trust<'_> {
    /// Whether a web identity is admitted. Where the issuer is not known, every provider the
    /// policy names is tried and the answer is at most unknown.
    pub fn admits_web_identity(&self, token: &WebIdentity<'_>) -> Decision {
        let account = account_of(self.role);
        let mut best: Option<Decision> = None;
        for provider in self.providers() {
            let Some((_, issuer)) = provider.split_once(":oidc-provider/") else {
                continue;
            };
            let same = token.issuer.map(|known| without_scheme(known) == issuer);
            if same == Some(false) {
                continue;
            }
            let context = Context::new()
                .with(&format!("{issuer}:sub"), token.subject)
                .with(&format!("{issuer}:aud"), token.audience)
                .with("aws:FederatedProvider", provider);
            let principal = Principal {
                id: provider,
                account: "",
                kind: PrincipalKind::Federated,
            };
            let mut decision = self.ask(principal, WEB_IDENTITY, account, &context);
            if same.is_none() && decision.effect == Effect::Allow {
                decision.effect = Effect::Unknown;
            }
            if best
                .as_ref()
                .is_none_or(|best| decision.effect > best.effect)
            {
                best = Some(decision);
            }
        }
        best.unwrap_or(Decision {
            effect: Effect::Deny,
            reason: super::evaluate::Reason::NotGranted,
            statement: None,
            partial: false,
        })
    }

    /// Whether a service such as `lambda.amazonaws.com` is admitted.
    pub fn admits_service(&self, service: &str) -> Decision {
        let principal = Principal {
            id: service,
            account: "",
            kind: PrincipalKind::Service,
        };
        self.ask(
            principal,
            "sts:AssumeRole",
            account_of(self.role),
            &Context::new(),
        )
    }

    /// Whether the role's side admits a user, role or account; its own side is not asked.
    pub fn admits_principal(&self, principal: Principal<'_>, context: &Context) -> Decision {
        let everything = Document::everything();
        let identity = [Source {
            name: principal.id,
            document: Some(&everything),
        }];
        let policies = Policies {
            identity: &identity,
            ..self.policies()
        };
        let request = Request {
            principal,
            action: "sts:AssumeRole",
            resource: self.role,
            resource_account: account_of(self.role),
            context,
        };
        let decision = evaluate(&policies, &request);
        let own_side = |statement: &String| !statement.starts_with(self.role);
        Decision {
            statement: match decision.statement {
                Some(statement) if own_side(&statement) => Some(self.role.to_owned()),
                other => other,
            },
            ..decision
        }
    }

    /// Whether any principal of any account is admitted.
    pub fn admits_anyone(&self) -> Decision {
        let principal = Principal {
            id: "*",
            account: "",
            kind: PrincipalKind::Anonymous,
        };
        let ask = |context| {
            let account = account_of(self.role);
            self.ask(principal, "sts:AssumeRole", account, context)
        };
        let [alone, organised] = Context::of_strangers();
        let (alone, organised) = (ask(&alone), ask(&organised));
        if organised.effect > alone.effect {
            organised
        } else {
            alone
        }
    }

    /// The identity providers it names, sorted.
    pub fn providers(&self) -> Vec<&str> {
        self.named("Federated")
    }

    /// The services it names, sorted.
    pub fn services(&self) -> Vec<&str> {
        self.named("Service")
    }

    /// The users, roles and accounts it names, sorted: ARNs, bare account numbers or `*`.
    pub fn principals(&self) -> Vec<&str> {
        self.named("AWS")
    }

    fn named(&self, ty: &str) -> Vec<&str> {
        let statements = self
            .document
            .statements
            .iter()
            .filter(|statement| statement.allows);
        let principals = statements.filter_map(|statement| statement.principals.as_ref());
        let mut names: Vec<_> = principals
            .filter_map(|principals| principals.by_type.get(ty))
            .flatten()
            .map(String::as_str)
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Providers that are admitted whatever the subject of the token: anyone with an account at
    /// the provider gets in.
    pub fn providers_without_subject(&self) -> Vec<&str> {
        let open = |provider: &&str| {
            let Some((_, issuer)) = provider.split_once(":oidc-provider/") else {
                return false;
            };
            let subject = format!("{issuer}:sub").to_ascii_lowercase();
            self.document.statements.iter().any(|statement| {
                statement.allows
                    && statement.covers_action(WEB_IDENTITY)
                    && statement.principals.as_ref().is_some_and(|principals| {
                        let federated = principals.by_type.get("Federated");
                        federated.is_some_and(|names| names.iter().any(|name| name == provider))
                    })
                    && !statement.conditions.iter().any(|condition| {
                        condition.key == subject
                            && condition.values.iter().all(|value| value != "*")
                    })
                    && statement.conditions_hold(&Context::new()) != Truth::False
            })
        };
        self.providers().into_iter().filter(open).collect()
    }

    fn ask(
        &self,
        principal: Principal<'_>,
        action: &str,
        account: &str,
        context: &Context,
    ) -> Decision {
        let request = Request {
            principal,
            action,
            resource: self.role,
            resource_account: account,
            context,
        };
        evaluate(&self.policies(), &request)
    }

    fn policies(&self) -> Policies<'_> {
        Policies {
            identity: &[],
            boundary: None,
            service_control: &[],
            session: None,
            resource: Some(Source {
                name: self.role,
                document: Some(self.document),
            }),
            resource_say: ResourceSay::Required,
        }
    }
}

/// The account of an ARN; empty where it names none.
pub fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

fn without_scheme(issuer: &str) -> &str {
    issuer.strip_prefix("https://").unwrap_or(issuer)
}
