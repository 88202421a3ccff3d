//! **`tail -f` to every browser.** Each user has a file; append one line of JSON to it and it appears in
//! that user's browsers as a Server-Sent Event.
//!
//! `docs/architecture.md` draws the layers and the road of one record.

pub mod address;
pub mod auth;
pub mod cli;
pub mod commands;
pub mod config;
pub mod cursor;
pub mod errors;
pub mod http;
pub mod hub;
pub mod meter;
pub mod position;
pub mod record;
pub mod reload;
pub mod sse;
pub mod store;
