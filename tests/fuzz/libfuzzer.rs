//! The libFuzzer binary of every target: which one it is, its name says.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

// As in the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

static CHECK: LazyLock<fn(&[u8])> = LazyLock::new(|| roost_fuzz::check(env!("CARGO_BIN_NAME")));

fuzz_target!(|data: &[u8]| (*CHECK)(data));
