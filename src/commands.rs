//! A file per command of the command line.

pub mod check;
pub mod passwd;
pub mod path;
pub mod prune;
pub mod send;
pub mod serve;
pub mod tail;
