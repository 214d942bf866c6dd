//! Packages with their dependencies, repositories, images and what they contain.

use std::io::{self, Write};

use super::emit::{Emitter, Prop, Props};
use super::layout::Layout;
use super::rng::{Class, Rng, whole};

/// The fewest and the most packages of an image.
const IMAGE_PACKAGES: (u64, u64) = (100, 1_500);

pub(crate) fn emit<W: Write>(layout: &Layout, out: &mut Emitter<'_, W>) -> io::Result<()> {
    for team in 0..layout.n.teams {
        let name = format!("team-{team}");
        out.node(
            &Layout::team(team),
            &["Team"],
            &vec![("name", Prop::Str(&name))],
        )?;
    }
    packages(layout, out)?;
    repositories(layout, out)?;
    images(layout, out)
}

fn packages<W: Write>(layout: &Layout, out: &mut Emitter<'_, W>) -> io::Result<()> {
    const REACHABILITY: [(Option<&str>, u32); 5] = [
        (None, 55),
        (Some("unreachable"), 20),
        (Some("loaded"), 12),
        (Some("reachable"), 8),
        (Some("executed"), 5),
    ];
    const LICENCES: [(&str, u32); 5] = [
        ("MIT", 50),
        ("Apache-2.0", 25),
        ("BSD-3-Clause", 12),
        ("GPL-3.0-only", 8),
        ("MPL-2.0", 5),
    ];
    for package in 0..layout.n.packages {
        let mut rng = layout.rng(Class::Package, package);
        let id = Layout::package(package);
        let ecosystem = Layout::ecosystem(package);
        let mut props: Props<'_> = vec![
            ("name", Prop::Text(Layout::package_name(package))),
            ("version", Prop::Text(Layout::package_version(package))),
            ("ecosystem", Prop::Str(ecosystem)),
            (
                "licenses",
                Prop::List(vec![rng.weighted(&LICENCES).to_owned()]),
            ),
        ];
        if let Some(reachability) = rng.weighted(&REACHABILITY) {
            props.push(("reachability", Prop::Str(reachability)));
        }
        out.node(&id, &["Package"], &props)?;

        let mut needed: Vec<u64> = (0..rng.geometric(5.2, 60))
            .map(|_| layout.nearest_of(rng.popular(layout.n.packages, 16), ecosystem))
            .filter(|other| *other != package)
            .collect();
        needed.sort_unstable();
        needed.dedup();
        for other in needed {
            out.edge(&id, "DEPENDS_ON", &Layout::package(other))?;
        }
    }
    Ok(())
}

fn repositories<W: Write>(layout: &Layout, out: &mut Emitter<'_, W>) -> io::Result<()> {
    let mut chosen = Chosen::new(layout.n.packages);
    for repository in 0..layout.n.repositories {
        let mut rng = layout.rng(Class::Repository, repository);
        let id = Layout::repository(repository);
        let name = format!("repo-{repository}");
        let visibility = rng.weighted(&[("private", 85), ("internal", 10), ("public", 5)]);
        out.node(
            &id,
            &["Repository"],
            &vec![
                ("name", Prop::Str(&name)),
                ("visibility", Prop::Str(visibility)),
                ("accepts_forks", Prop::Bool(visibility == "public")),
            ],
        )?;
        let team = Layout::team(rng.below(layout.n.teams));
        out.edge_with(&id, "OWNED_BY", &team, &vec![("path", Prop::Str("*"))])?;

        let mut rng = layout.rng(Class::RepositoryContent, repository);
        let wanted = rng.between(20, 180);
        let ecosystem = code_ecosystem(&mut rng);
        chosen.draw(layout, &mut rng, wanted, ecosystem, None);
        for (at, package) in chosen.take().into_iter().enumerate() {
            let direct = vec![("direct", Prop::Bool(at % 4 == 0))];
            out.edge_with(&id, "CONTAINS", &Layout::package(package), &direct)?;
        }
    }
    Ok(())
}

fn images<W: Write>(layout: &Layout, out: &mut Emitter<'_, W>) -> io::Result<()> {
    const SYSTEMS: [&str; 3] = ["debian 12", "debian 13", "ubuntu 24.04"];
    let n_bases = (layout.n.images / 40).max(1);
    let mut chosen = Chosen::new(layout.n.packages);
    for image in 0..layout.n.images {
        let mut rng = layout.rng(Class::ImageContent, image);
        let id = layout.image(image);
        let repository = layout.repository_of_image(image);
        let path = format!("estate/app-{image}");
        out.node(
            &id,
            &["Image"],
            &vec![
                (
                    "name",
                    Prop::Text(format!("registry.example.com/{path}:1.{image}")),
                ),
                ("digest", Prop::Text(layout.image_digest(image))),
                ("registry", Prop::Str("registry.example.com")),
                ("repository", Prop::Str(&path)),
                ("tag", Prop::Text(format!("1.{image}"))),
                ("os", Prop::Str(rng.pick(&SYSTEMS))),
            ],
        )?;
        out.edge(&Layout::repository(repository), "BUILDS", &id)?;
        let base = layout.n.images - 1 - rng.popular(n_bases, 8);
        if base != image {
            out.edge(&id, "BUILT_FROM", &layout.image(base))?;
        }

        let (fewest, most) = IMAGE_PACKAGES;
        let skewed = rng.skewed(9) * (most - fewest) as f64;
        let wanted = fewest + whole(skewed);
        let ecosystem = code_ecosystem(&mut rng);
        chosen.draw(layout, &mut rng, wanted, ecosystem, Some("deb"));
        for package in chosen.take() {
            out.edge(&id, "CONTAINS", &Layout::package(package))?;
        }
    }
    Ok(())
}

fn code_ecosystem(rng: &mut Rng) -> &'static str {
    rng.weighted(&[("npm", 45), ("pypi", 20), ("maven", 20), ("golang", 15)])
}

/// A set of packages under construction.
struct Chosen {
    taken: Vec<bool>,
    list: Vec<u64>,
}

impl Chosen {
    fn new(n_packages: u64) -> Self {
        Self {
            taken: vec![false; n_packages as usize],
            list: Vec::new(),
        }
    }

    /// Draws `wanted` different packages, popular ones first, about a third of them from the
    /// system's ecosystem if one is given. Small estates give what they have, at most a quarter
    /// of all packages.
    fn draw(
        &mut self,
        layout: &Layout,
        rng: &mut Rng,
        wanted: u64,
        ecosystem: &str,
        system: Option<&str>,
    ) {
        let n = layout.n.packages;
        let wanted = wanted.min((n / 4).max(1));
        for _ in 0..wanted {
            let from = match system {
                Some(system) if rng.chance(0.35) => system,
                _ => ecosystem,
            };
            let start = layout.nearest_of(rng.popular(n, 9), from);
            let free = (0..n).map(|step| (start + step) % n).find(|package| {
                Layout::ecosystem(*package) == from && !self.taken[*package as usize]
            });
            if let Some(package) = free {
                self.taken[package as usize] = true;
                self.list.push(package);
            }
        }
    }

    /// The packages in order of index; the set is empty again.
    fn take(&mut self) -> Vec<u64> {
        for package in &self.list {
            self.taken[*package as usize] = false;
        }
        let mut list = std::mem::take(&mut self.list);
        list.sort_unstable();
        list
    }
}
