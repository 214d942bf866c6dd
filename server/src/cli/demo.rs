//! `foothold demo`.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use clap::Args;
use foothold_engine::budget::Budget;
use foothold_engine::store::StoreOptions;
use foothold_loaders::Context as DocumentContext;
use foothold_query::Params;
use rust_embed::RustEmbed;

use super::output::{note, print_line, printable};
use super::query::{notes, print_stories, report_refusal};
use super::serve::{HttpArgs, Settings};
use super::{Context, Exit};
use crate::app::{
    Allowance, App, Estate, ImportRequest, Mode, Question, Unanswered, ask, import_into_store,
};
use crate::clock;

/// The demo estate, as its tools wrote it.
#[derive(RustEmbed)]
#[folder = "../datasets/demo"]
struct DemoEstate;

/// Load the demo estate, print its likeliest attack paths, and serve the console
///
/// Ferrypay, a payments company that does not exist, in the files its tools would have written. It
/// goes into a temporary store that is gone afterwards.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  foothold demo
  foothold demo --no-serve --top 3")]
pub(crate) struct DemoArgs {
    /// Stop after printing
    #[arg(long)]
    no_serve: bool,
    /// How many attack paths are printed
    #[arg(long, default_value_t = 5, value_name = "N")]
    top: u32,
    #[command(flatten)]
    http: HttpArgs,
}

pub(crate) fn run(context: &Context, args: &DemoArgs) -> anyhow::Result<Exit> {
    // Before anything is loaded: a wrong address should not cost seconds.
    let settings = if args.no_serve {
        None
    } else {
        Some(Settings::new(context, &args.http)?)
    };
    let folder = tempfile::Builder::new()
        .prefix("foothold-demo-")
        .tempdir()
        .context("cannot make a temporary folder")?;
    let files = folder.path().join("ferrypay");
    write_estate(&files)?;
    let db = folder.path().join("store");
    let (app, _) = App::open(
        &db,
        StoreOptions::create_or_open(),
        context.n_threads,
        &context.rules,
    )?;
    let app = Arc::new(app);
    load(context, &app, &files)?;
    let exit = print_paths(context, &app, args.top)?;
    if let Some(settings) = settings {
        note("the console is at the address below; press Ctrl+C to end");
        settings.serve(app)?;
    }
    Ok(exit)
}

fn write_estate(target: &Path) -> anyhow::Result<()> {
    for name in DemoEstate::iter() {
        let Some(file) = DemoEstate::get(&name) else {
            continue;
        };
        let path = target.join(&*name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)
                .with_context(|| format!("cannot write `{}`", parent.display()))?;
        }
        fs::write(&path, file.data)
            .with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(())
}

fn load(context: &Context, app: &App, files: &Path) -> anyhow::Result<()> {
    let terminal = context.terminal;
    let watch = clock::Stopwatch::start();
    let request = ImportRequest {
        paths: &[files.to_owned()],
        source: None,
        strip: Some(files),
        context: DocumentContext::default(),
        reason: "demo",
        now_ms: clock::now_ms(),
        cancelled: &AtomicBool::new(false),
        on_document: &|report| terminal.progress(&printable(&report.path)),
    };
    let loaded = import_into_store(app, &request);
    terminal.end_progress();
    let (reports, _) = loaded?;
    super::import::report_failures(context, &reports);
    let world = app.world();
    let n_read = reports
        .iter()
        .filter(|report| report.format.is_some())
        .count();
    print_line(&format!(
        "Ferrypay: {n_read} documents, {} nodes, {} edges; attackers: {} states, {} steps ({:.0} ms)\n",
        world.snapshot.n_nodes(),
        world.snapshot.n_edges(),
        world.attack.n_states(),
        world.attack.n_steps(),
        watch.elapsed_ms()
    ))?;
    Ok(())
}

fn print_paths(context: &Context, app: &Arc<App>, top: u32) -> anyhow::Result<Exit> {
    // One path a store: ten ways to the same table would hide the other tables.
    let text = format!(
        "ATTACK PATHS TO read(d:DataStore WHERE d.value > 0) TOP 1 PER TARGET RETURN path LIMIT {top}"
    );
    let allowance = Allowance::interactive();
    let question = Question {
        text: &text,
        tree: None,
        params: &Params::new(),
        at: None,
        what_if: None,
        mode: Mode::AsWritten,
        time: allowance.time,
    };
    let estate = Estate::Stored(Arc::clone(app));
    match ask(&estate, &question, &Budget::new(allowance.limits)) {
        Ok(answer) => {
            print_stories(context.terminal, &answer)?;
            notes(context.terminal, question.text, &answer.ending);
            Ok(Exit::Done)
        }
        Err(Unanswered::Refused(refused)) => {
            report_refusal(context.terminal, false, &refused)?;
            Ok(Exit::Failed)
        }
        Err(Unanswered::App(error)) => Err(error.into()),
    }
}
