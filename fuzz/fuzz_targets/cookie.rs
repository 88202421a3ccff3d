//! Holds what `tailcast_fuzz::cookie` says against inputs of libFuzzer's making.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tailcast_fuzz::cookie(input));
