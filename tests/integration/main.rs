//! Runs the real program: servers on port 0 in folders of their own, and tools that change files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::format_collect,
    clippy::too_many_lines,
    reason = "tests panic, and a table of cases may be long"
)]

mod access;
mod attacks;
mod changes;
mod cli;
mod dialects;
mod events;
mod files;
mod hostile;
mod kit;
mod layers;
mod pages;
mod past;
mod reload;
mod retention;
mod status;
mod writer;
