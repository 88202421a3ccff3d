//! Holds what `tailcast_fuzz::cursor` says against inputs of libFuzzer's making.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tailcast_fuzz::cursor(input));
