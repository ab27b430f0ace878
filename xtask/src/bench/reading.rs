//! Workloads with `engines`: the same pictures by each engine in turn, in a process of its own, in one table.
//!
//! Every engine is charged for all it does, from its start on. Machines are busy with other things now and then, so
//! engines take turns and the best round of each counts; their ratios are worth more than their times.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::engines::{Engine, Prepared, Run};
use super::score::{self, Reliability, Words};
use crate::workspace::Workspace;

/// What all of the engines read.
const PICTURES: [&str; 7] = ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp"];

/// The best of an engine's rounds.
struct Best {
    run: Run,
    cpu: Duration,
    wall: Duration,
    peak_memory_bytes: u64,
}

/// Runs the engines over the pictures of a folder and prints what they used and how well they read.
pub(crate) fn run(
    workspace: &Workspace,
    program: &Path,
    documents: &Path,
    engines: &[Engine],
    rounds: usize,
) -> Result<()> {
    let mut pictures = Vec::new();
    walk(documents, &mut pictures)?;
    pictures.sort();
    ensure!(!pictures.is_empty(), "no pictures in `{}`", documents.display());
    let labels: Vec<Option<String>> = pictures.iter().map(|picture| score::labelled(picture)).collect();
    let mut prepared = Vec::new();
    for &engine in engines {
        match engine.prepare(workspace, program) {
            Ok(ready) => prepared.push((ready, None)),
            Err(error) => println!("{} is left out: {error:#}", engine.name()),
        }
    }
    for _ in 0..rounds.max(1) {
        for (engine, best) in &mut prepared {
            let run = engine.read(&pictures, None)?;
            *best = Some(better(best.take(), run));
        }
    }
    println!(
        "{} pictures, {} with labels; best of {} rounds; a page is a picture",
        pictures.len(),
        labels.iter().flatten().count(),
        rounds.max(1),
    );
    print_table(&prepared, &labels);
    for (engine, best) in &prepared {
        if let (Engine::Ocriva, Some(best)) = (engine.engine, best) {
            print_reliability(&best.run, &labels);
            print_throughput(engine, &pictures);
        }
    }
    Ok(())
}

fn better(best: Option<Best>, run: Run) -> Best {
    let (cpu, wall, peak) = (run.cpu, run.wall, run.peak_memory_bytes);
    match best {
        None => Best { run, cpu, wall, peak_memory_bytes: peak },
        Some(best) => Best {
            run,
            cpu: best.cpu.min(cpu),
            wall: best.wall.min(wall),
            peak_memory_bytes: best.peak_memory_bytes.max(peak),
        },
    }
}

fn print_table(prepared: &[(Prepared, Option<Best>)], labels: &[Option<String>]) {
    let ours = prepared.iter().find(|(engine, _)| engine.engine == Engine::Ocriva);
    let our_cpu = ours.and_then(|(_, best)| best.as_ref()).map(|best| best.cpu.as_secs_f64());
    println!("  engine              failed  CPU s/pg  wall s/pg  peak MB  word F1  CPU/ours");
    for (engine, best) in prepared {
        let Some(best) = best else { continue };
        let pages = best.run.pictures.len().max(1) as f64;
        let words = best
            .run
            .pictures
            .iter()
            .zip(labels)
            .filter_map(|(picture, label)| {
                Some(Words::compare(picture.text.as_deref().unwrap_or_default(), label.as_ref()?))
            })
            .fold(Words::default(), Words::and);
        println!(
            "  {:<18} {:>7} {:>9.3} {:>10.3} {:>8.0} {:>8} {:>9}",
            engine.engine.name(),
            best.run.pictures.iter().filter(|picture| picture.text.is_none()).count(),
            best.cpu.as_secs_f64() / pages,
            best.wall.as_secs_f64() / pages,
            best.peak_memory_bytes as f64 / 1e6,
            words.f1().map_or("-".to_owned(), |f1| format!("{f1:.3}")),
            our_cpu.map_or("-".to_owned(), |ours| format!("{:.2}", best.cpu.as_secs_f64() / ours)),
        );
    }
}

fn print_reliability(run: &Run, labels: &[Option<String>]) {
    let mut reliability = Reliability::default();
    for (picture, label) in run.pictures.iter().zip(labels) {
        if let Some(label) = label {
            reliability.add(&picture.words, label);
        }
    }
    let Some(error) = reliability.error() else { return };
    println!("confidence of our words beside how often they are right; {error:.3} apart on average");
    println!("  confidence   words    mean   right");
    for (index, bin) in reliability.bins.iter().enumerate().filter(|(_, bin)| bin.words > 0) {
        let words = bin.words as f64;
        let (from, to) = (index as f64 / 10.0, (index + 1) as f64 / 10.0);
        let (mean, right) = (bin.sum / words, bin.right as f64 / words);
        println!("  {from:.1} to {to:.1} {:>8} {mean:>7.3} {right:>7.3}", bin.words);
    }
}

/// Runs on one core and on two. Where the system cannot keep a program on some cores, that is said.
fn print_throughput(engine: &Prepared, pictures: &[PathBuf]) {
    let rate = |cores| -> Result<f64> {
        let run = engine.read(pictures, Some(cores))?;
        ensure!(
            run.pictures.iter().any(|picture| picture.text.is_some()),
            "nothing was read on cores {cores}"
        );
        Ok(pictures.len() as f64 / run.wall.as_secs_f64())
    };
    match rate("0").and_then(|one| Ok((one, rate("0,1")?))) {
        Ok((one, two)) => println!(
            "throughput: {one:.2} pages/s on one core, {two:.2} on two: {:.2} times as many",
            two / one
        ),
        Err(error) => println!("throughput on one core and on two is left out: {error:#}"),
    }
}

/// Collects the pictures below a folder, or the one that a file is.
fn walk(path: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_dir() {
        let entries = fs::read_dir(path).with_context(|| format!("cannot list `{}`", path.display()))?;
        for entry in entries {
            walk(&entry?.path(), found)?;
        }
    } else if path.extension().is_some_and(|end| PICTURES.iter().any(|known| end.eq_ignore_ascii_case(known)))
    {
        found.push(path.to_owned());
    }
    Ok(())
}
