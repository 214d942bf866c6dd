//! Cloud accounts: roles, users, groups, who may assume whom, compute, secrets and data stores.

use std::io::{self, Write};

use super::cluster::permission;
use super::emit::{Emitter, Prop, Props};
use super::layout::{Layout, StoreKind, count_in, member};
use super::rng::{Class, Rng};

/// Every sixteenth role opens a ring of this many roles that assume each other in turn.
const RING: u64 = 4;

pub(crate) fn emit<W: Write>(layout: &Layout, out: &mut Emitter<'_, W>) -> io::Result<()> {
    for idx in 0..layout.n.accounts {
        let name = format!("account-{idx}");
        let props = vec![("name", Prop::Str(&name))];
        out.node(&layout.account(idx), &["Account"], &props)?;
    }
    for idx in 0..layout.n.stores {
        store(layout, idx, out)?;
    }
    for idx in 0..layout.n.cloud_secrets {
        cloud_secret(layout, idx, out)?;
    }
    for idx in 0..layout.n.roles {
        role(layout, idx, out)?;
    }
    for idx in 0..layout.n.groups {
        group(layout, idx, out)?;
    }
    for idx in 0..layout.n.users {
        user(layout, idx, out)?;
    }
    compute(layout, out)
}

fn store<W: Write>(layout: &Layout, idx: u64, out: &mut Emitter<'_, W>) -> io::Result<()> {
    let mut rng = layout.rng(Class::Store, idx ^ (1 << 60));
    let kind = layout.store_kind(idx);
    let id = layout.store(idx);
    let name = format!("{}-{idx}", kind.name());
    let jewel = Layout::is_crown_jewel(idx);
    let sensitivity = if jewel {
        rng.weighted(&[("pii", 60), ("card", 25), ("health", 10), ("credential", 5)])
    } else {
        rng.weighted(&[("internal", 85), ("public", 15)])
    };
    let records = rng.magnitude(2, 6) as i64;
    let mut props: Props<'_> = vec![
        ("name", Prop::Str(&name)),
        ("kind", Prop::Str(kind.name())),
        ("sensitivity", Prop::Str(sensitivity)),
        ("records", Prop::Int(records)),
    ];
    if jewel {
        let value = rng.magnitude(1, 3);
        props.push(("value", Prop::Float(value)));
    }
    if kind == StoreKind::Database {
        props.push((
            "endpoint",
            Prop::Text(format!("db-{idx}.eu-west-1.rds.example.com")),
        ));
    }
    if kind == StoreKind::Bucket && !jewel && rng.chance(0.03) {
        props.push(("public_read", Prop::Bool(true)));
    }
    out.node(&id, &["DataStore", kind.label()], &props)?;
    out.edge(&id, "IN_ACCOUNT", &layout.account(idx % layout.n.accounts))?;
    out.edge(&id, "OWNED_BY", &Layout::team(rng.below(layout.n.teams)))
}

fn cloud_secret<W: Write>(layout: &Layout, idx: u64, out: &mut Emitter<'_, W>) -> io::Result<()> {
    let mut rng = layout.rng(Class::CloudSecret, idx);
    let id = layout.cloud_secret(idx);
    let name = format!("sec-{idx}");
    out.node(&id, &["Secret"], &vec![("name", Prop::Str(&name))])?;
    let account = idx % layout.n.accounts;
    out.edge(&id, "IN_ACCOUNT", &layout.account(account))?;
    let nth = rng.next() >> 32;
    let store = member(layout.n.stores, layout.n.accounts, account, nth);
    if let Some(store) = store.filter(|_| rng.chance(0.5)) {
        out.edge(&id, "AUTHENTICATES", &layout.store(store))?;
    }
    Ok(())
}

fn role<W: Write>(layout: &Layout, idx: u64, out: &mut Emitter<'_, W>) -> io::Result<()> {
    let mut rng = layout.rng(Class::Role, idx);
    let id = layout.role(idx);
    let account = idx % layout.n.accounts;
    let name = format!("role-{idx}");
    let admin = idx.is_multiple_of(250);
    let mut props: Props<'_> = vec![("name", Prop::Str(&name)), ("kind", Prop::Str("role"))];
    if admin {
        props.push(("admin", Prop::Bool(true)));
    }
    out.node(&id, &["Identity", "CloudRole"], &props)?;
    out.edge(&id, "IN_ACCOUNT", &layout.account(account))?;

    let nth = idx / layout.n.accounts;
    let n_roles = count_in(layout.n.roles, layout.n.accounts, account);
    let mut targets: Vec<u64> = (0..rng.geometric(2.6, 30))
        .map(|_| rng.popular(n_roles, 10))
        .filter_map(|nth| member(layout.n.roles, layout.n.accounts, account, nth))
        .collect();
    if nth % 16 < RING {
        let ring_start = nth / 16 * 16;
        let next = ring_start + (nth % 16 + 1) % RING;
        targets.extend(member(
            layout.n.roles,
            layout.n.accounts,
            account,
            next.min(n_roles.saturating_sub(1)),
        ));
    }
    if rng.chance(0.06) {
        targets.push(rng.below(layout.n.roles));
    }
    targets.retain(|target| *target != idx);
    targets.sort_unstable();
    targets.dedup();
    for target in targets {
        assume(layout, out, &id, target)?;
    }
    rights(layout, &mut rng, &id, account, 7.0, out)?;
    escalation(layout, &mut rng, &id, account, 0.03, out)?;
    if admin {
        permission(out, &id, "*:*", &layout.account(account), "admin#0")?;
    }
    Ok(())
}

/// Permitted by the one and trusted by the other.
fn assume<W: Write>(
    layout: &Layout,
    out: &mut Emitter<'_, W>,
    from: &str,
    target: u64,
) -> io::Result<()> {
    let to = layout.role(target);
    let props = vec![
        ("decision", Prop::Str("allow")),
        ("statement", Prop::Str("trust#0")),
    ];
    out.edge_with(from, "CAN_ASSUME", &to, &props)?;
    let trust = vec![("conditional", Prop::Bool(false))];
    out.edge_with(&to, "TRUSTS", from, &trust)
}

/// Rights on stores and secrets of the account.
fn rights<W: Write>(
    layout: &Layout,
    rng: &mut Rng,
    identity: &str,
    account: u64,
    mean: f64,
    out: &mut Emitter<'_, W>,
) -> io::Result<()> {
    if rng.chance(0.35) {
        return Ok(());
    }
    let n_stores = count_in(layout.n.stores, layout.n.accounts, account);
    let mut stores: Vec<u64> = (0..rng.geometric(mean, 60))
        .map(|_| rng.popular(n_stores, 7))
        .filter_map(|nth| member(layout.n.stores, layout.n.accounts, account, nth))
        .collect();
    stores.sort_unstable();
    stores.dedup();
    for store in stores {
        let kind = layout.store_kind(store);
        let id = layout.store(store);
        permission(out, identity, kind.read_action(), &id, "data-access#0")?;
        if rng.chance(0.35) {
            permission(out, identity, kind.write_action(), &id, "data-access#1")?;
        }
    }
    if rng.chance(0.15) {
        let nth = rng.next() >> 32;
        let secret = member(layout.n.cloud_secrets, layout.n.accounts, account, nth);
        if let Some(secret) = secret {
            let id = layout.cloud_secret(secret);
            permission(
                out,
                identity,
                "secretsmanager:GetSecretValue",
                &id,
                "secret-access#0",
            )?;
        }
    }
    Ok(())
}

/// Rights over identities, which few hold.
fn escalation<W: Write>(
    layout: &Layout,
    rng: &mut Rng,
    identity: &str,
    account: u64,
    share: f64,
    out: &mut Emitter<'_, W>,
) -> io::Result<()> {
    if !rng.chance(share) {
        return Ok(());
    }
    let nth = rng.next() >> 32;
    let role = member(layout.n.roles, layout.n.accounts, account, nth)
        .map(|role| layout.role(role))
        .filter(|role| role != identity);
    match (rng.below(4), role) {
        (0, Some(role)) => permission(out, identity, "iam:UpdateAssumeRolePolicy", &role, "iam#0"),
        (1 | 2, Some(role)) => {
            permission(out, identity, "iam:PassRole", &role, "iam#0")?;
            let account = layout.account(account);
            permission(out, identity, "lambda:CreateFunction", &account, "iam#1")?;
            permission(out, identity, "lambda:InvokeFunction", &account, "iam#1")
        }
        _ => permission(
            out,
            identity,
            "iam:AttachRolePolicy",
            &layout.account(account),
            "iam#0",
        ),
    }
}

fn group<W: Write>(layout: &Layout, idx: u64, out: &mut Emitter<'_, W>) -> io::Result<()> {
    let mut rng = layout.rng(Class::Group, idx);
    let id = layout.group(idx);
    let account = idx % layout.n.accounts;
    let name = format!("group-{idx}");
    let props = vec![
        ("name", Prop::Str(name.as_str())),
        ("kind", Prop::Str("group")),
    ];
    out.node(&id, &["Identity", "CloudGroup"], &props)?;
    out.edge(&id, "IN_ACCOUNT", &layout.account(account))?;
    rights(layout, &mut rng, &id, account, 8.0, out)
}

fn user<W: Write>(layout: &Layout, idx: u64, out: &mut Emitter<'_, W>) -> io::Result<()> {
    let mut rng = layout.rng(Class::User, idx);
    let id = layout.user(idx);
    let account = idx % layout.n.accounts;
    let name = format!("user-{idx}");
    let props = vec![
        ("name", Prop::Str(name.as_str())),
        ("kind", Prop::Str("user")),
    ];
    out.node(&id, &["Identity", "CloudUser"], &props)?;
    out.edge(&id, "IN_ACCOUNT", &layout.account(account))?;
    let nth = rng.next() >> 32;
    if let Some(group) = member(layout.n.groups, layout.n.accounts, account, nth) {
        out.edge(&id, "MEMBER_OF", &layout.group(group))?;
    }
    let mut roles: Vec<u64> = (0..rng.geometric(0.8, 4))
        .map(|_| rng.next() >> 32)
        .filter_map(|nth| member(layout.n.roles, layout.n.accounts, account, nth))
        .collect();
    roles.sort_unstable();
    roles.dedup();
    for role in roles {
        assume(layout, out, &id, role)?;
    }
    rights(layout, &mut rng, &id, account, 3.0, out)?;
    escalation(layout, &mut rng, &id, account, 0.02, out)
}

fn compute<W: Write>(layout: &Layout, out: &mut Emitter<'_, W>) -> io::Result<()> {
    for idx in 0..layout.n.functions {
        let account = layout.account_number(idx);
        let id = format!("arn:aws:lambda:eu-west-1:{account}:function:fn-{idx}");
        let props = vec![("name", Prop::Text(format!("fn-{idx}")))];
        computes(layout, idx * 2, &id, "Function", &props, out)?;
    }
    for idx in 0..layout.n.instances {
        let instance = format!("i-{idx:017x}");
        let id = format!("aws-ec2:{instance}");
        let props = vec![
            ("name", Prop::Text(format!("vm-{idx}"))),
            ("instance_id", Prop::Str(&instance)),
        ];
        computes(layout, idx * 2 + 1, &id, "Instance", &props, out)?;
    }
    Ok(())
}

/// A function or a machine with the role it runs as.
fn computes<W: Write>(
    layout: &Layout,
    idx: u64,
    id: &str,
    label: &str,
    props: &Props<'_>,
    out: &mut Emitter<'_, W>,
) -> io::Result<()> {
    let mut rng = layout.rng(Class::Compute, idx);
    let account = idx / 2 % layout.n.accounts;
    out.node(id, &[label], props)?;
    out.edge(id, "IN_ACCOUNT", &layout.account(account))?;
    let nth = rng.next() >> 32;
    let role = member(layout.n.roles, layout.n.accounts, account, nth);
    if let Some(role) = role.filter(|_| rng.chance(0.8)) {
        out.edge(id, "RUNS_AS", &layout.role(role))?;
    }
    Ok(())
}
