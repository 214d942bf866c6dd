//! Puts the console where the program embeds it from: a folder named by `CONSOLE_DIST`, else a
//! build with Node, else one page that says what is missing.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

const CONSOLE: &str = "console";
const MIN_NODE: (u32, u32) = (20, 19);

fn main() -> io::Result<()> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    let target = out.join(CONSOLE);
    for path in [
        "src",
        "public",
        "index.html",
        "package.json",
        "package-lock.json",
        "vite.config.ts",
    ] {
        println!("cargo::rerun-if-changed={CONSOLE}/{path}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CONSOLE_DIST");

    if let Some(built) = std::env::var_os("CONSOLE_DIST").filter(|path| !path.is_empty()) {
        return replace(Path::new(&built), &target);
    }
    let built = match node_version() {
        Some(version) if version >= MIN_NODE => build(&out),
        Some((major, minor)) => Err(format!("Node {major}.{minor} is older than 20.19")),
        None => Err("Node was not found".to_owned()),
    };
    match built {
        Ok(dist) => replace(&dist, &target),
        Err(reason) => {
            println!("cargo::warning=the console is not in this build: {reason}");
            notice(&target, &reason)
        }
    }
}

fn node_version() -> Option<(u32, u32)> {
    let output = Command::new("node").arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut parts = text.trim().strip_prefix('v')?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Builds in a copy, so that nothing is ever written among the sources.
fn build(out: &Path) -> Result<PathBuf, String> {
    let work = out.join("console-build");
    let describe = |error: io::Error| error.to_string();
    if !Path::new(CONSOLE).join("package-lock.json").exists() {
        return Err("its sources are not here".to_owned());
    }
    fs::create_dir_all(&work).map_err(describe)?;
    for entry in fs::read_dir(&work).map_err(describe)? {
        let path = entry.map_err(describe)?.path();
        // Installed packages stay; the lock file says whether they are still right.
        if path.file_name() != Some(OsStr::new("node_modules"))
            && path.file_name() != Some(OsStr::new("installed-lock.json"))
        {
            if path.is_dir() {
                fs::remove_dir_all(&path).map_err(describe)?;
            } else {
                fs::remove_file(&path).map_err(describe)?;
            }
        }
    }
    copy(Path::new(CONSOLE), &work).map_err(describe)?;
    let lock = fs::read(work.join("package-lock.json")).map_err(describe)?;
    let installed = work.join("installed-lock.json");
    if fs::read(&installed).ok().as_ref() != Some(&lock) {
        run(
            &work,
            "npm",
            &["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        )?;
        fs::write(&installed, &lock).map_err(describe)?;
    }
    run(&work, "npm", &["run", "build"])?;
    Ok(work.join("dist"))
}

fn run(dir: &Path, program: &str, args: &[&str]) -> Result<(), String> {
    let output = Command::new(program)
        .args(args)
        .current_dir(dir)
        .output()
        .map_err(|error| format!("`{program}` could not be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    let args = args.join(" ");
    Err(format!(
        "`{program} {args}` failed: {}",
        last.unwrap_or("without a word")
    ))
}

fn replace(from: &Path, to: &Path) -> io::Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    copy(from, to)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == "node_modules" || name == "dist" {
            continue;
        }
        let target = to.join(&name);
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn notice(target: &Path, reason: &str) -> io::Result<()> {
    if target.exists() {
        fs::remove_dir_all(target)?;
    }
    fs::create_dir_all(target)?;
    let reason = reason.replace('&', "&amp;").replace('<', "&lt;");
    fs::write(
        target.join("index.html"),
        format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Foothold</title>\
             <h1>Foothold is running</h1><p>The console is not in this build: {reason}.</p>\
             <p>Install Node 20.19 or newer and build again. The HTTP API is complete: see \
             <a href=\"/api/v1/openapi.json\">/api/v1/openapi.json</a>.</p></html>\n"
        ),
    )
}
