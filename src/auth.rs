//! Who may what. In open mode, which is all there is yet, the cookie alone says who you are.

pub mod identity;
