//! The libFuzzer binary of every target: which one it is, its name says.
#![no_main]

use libfuzzer_sys::fuzz_target;

// As in the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CHECK: fn(&[u8]) = roost_fuzz::check(env!("CARGO_BIN_NAME"));

fuzz_target!(|data: &[u8]| CHECK(data));
