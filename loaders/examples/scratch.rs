use foothold_engine::build::{Staging, assemble};
use foothold_loaders::*;
use std::time::Instant;
fn main() {
    let paths: Vec<_> = std::env::args().skip(1).filter(|a| !a.starts_with('+')).map(Into::into).collect();
    let kinds: Vec<String> = std::env::args().filter_map(|a| a.strip_prefix('+').map(str::to_owned)).collect();
    let mut staging = Staging::new();
    let t = Instant::now();
    let mut n = 0;
    load_paths(&paths, &Options::new(0), &mut |o| match o {
        Outcome::Read(l) => { n += 1; staging.add(&l.source, &l.facts); }
        Outcome::Skipped(r) => eprintln!("skip {} {:?}", r.path, r.reason),
        Outcome::Failed(r) => eprintln!("fail {} {:?}", r.path, r.error),
    }).unwrap();
    eprintln!("loaded {n} {:?}", t.elapsed());
    let t = Instant::now();
    let s = assemble(staging).unwrap();
    eprintln!("assembled {:?} {:?}", t.elapsed(), s.stats());
    let m = s.prop_id("method");
    let mut by: std::collections::BTreeMap<(String, String), usize> = Default::default();
    for e in s.edges() {
        let ends = s.edge(e);
        let k = s.kind_name(ends.kind);
        let method = m.and_then(|m| s.edge_prop(e, m)).map(|v| format!("{v:?}")).unwrap_or("-".into());
        *by.entry((k.to_owned(), method.clone())).or_default() += 1;
        if kinds.iter().any(|w| w == k) {
            let p: Vec<_> = s.edge_props(e).map(|(p, v)| format!("{}={:?}", s.prop_name(p), v)).collect();
            println!("{} -{k}-> {} {}", s.stable_id(ends.source), s.stable_id(ends.target), p.join(" "));
        }
    }
    for (k, n) in by { eprintln!("{n:8} {k:?}"); }
}
