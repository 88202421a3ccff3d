//! Who somebody is, and what proves it.

pub mod claims;
pub mod identity;
pub mod password;
pub mod sseid;
pub mod token;
