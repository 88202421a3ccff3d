//! What must hold for every input of the pure parsers: for libFuzzer's (`fuzz_targets/`), for the kept corpus and for
//! generated ones (`tests/fuzz`). Each property is a function of some bytes that panics where it does not hold.

mod cookie;
mod cursor;
mod form;
mod record;
mod sse;

pub use cookie::cookie;
pub use cursor::cursor;
pub use form::form;
pub use record::{heap, record};
pub use sse::sse;
