//! What an acknowledged write costs, what it costs to catch up, and how the server ends:
//! `cargo bench --bench durability`. Runs the real program, built for release, on the disk of the target folder.
//! Nothing here passes or fails but what must be there in the end: each acknowledged record in its file, each record in
//! order, each client told when to come back.

#[path = "../kit/mod.rs"]
mod kit;

mod catch_up;
mod floor;
mod stop;
mod writers;

use std::path::Path;

use floor::Sync;
use kit::{Result, file_system, percentile};
use writers::Load;

/// Each measurement is repeated so often, in turns with all others, because a machine has its moods.
const ROUNDS: usize = 3;

const MODES: [&str; 3] = ["never", "interval", "always"];
const LOADS: [Load; 3] = [
    Load {
        writers: 1,
        is_shared: false,
    },
    Load {
        writers: 64,
        is_shared: false,
    },
    Load {
        writers: 64,
        is_shared: true,
    },
];
const FLOORS: [(usize, Sync); 3] = [(1, Sync::Never), (1, Sync::Always), (64, Sync::Always)];

#[tokio::main]
async fn main() -> Result<()> {
    let only: Vec<String> = std::env::args()
        .skip(1)
        .filter(|it| !it.starts_with('-'))
        .collect();
    let wants = |name: &str| only.is_empty() || only.iter().any(|it| name.contains(it.as_str()));
    println!(
        "file system: {}",
        file_system(Path::new(env!("CARGO_TARGET_TMPDIR")))?
    );
    if wants("writes") {
        writes().await?;
    }
    if wants("catch-up") {
        catch_up::run().await?;
    }
    if wants("stop") {
        stop::run().await?;
    }
    Ok(())
}

/// Acknowledged writes per second, and beside them the bare system calls in this process.
async fn writes() -> Result<()> {
    let mut rates = vec![Vec::new(); MODES.len() * LOADS.len()];
    let mut floors = vec![Vec::new(); FLOORS.len()];
    for round in 1..=ROUNDS {
        println!("writes, round {round} of {ROUNDS}");
        for (at, mode) in MODES.iter().enumerate() {
            for (load, number) in LOADS.iter().zip(at * LOADS.len()..) {
                rates[number].push(writers::rate(mode, *load).await?);
            }
        }
        for ((threads, sync), rates) in FLOORS.iter().zip(&mut floors) {
            rates.push(floor::rate(*threads, *sync)?);
        }
    }
    println!(
        "acknowledged records of {} bytes per second, median of {ROUNDS} (least–most):",
        writers::RECORD
    );
    for (at, rates) in rates.iter_mut().enumerate() {
        let (mode, load) = (MODES[at / LOADS.len()], LOADS[at % LOADS.len()]);
        println!("  POST /writer, --fsync {mode}, {load}: {}", spread(rates)?);
    }
    for ((threads, sync), rates) in FLOORS.iter().zip(&mut floors) {
        println!(
            "  floor, {}, {threads} threads: {}",
            sync.calls(),
            spread(rates)?
        );
    }
    Ok(())
}

fn spread(rates: &mut [f64]) -> Result<String> {
    let [least, median, most] = [0, 50, 100].map(|it| percentile(rates, it));
    Ok(format!("{:.0} ({:.0}–{:.0})", median?, least?, most?))
}
