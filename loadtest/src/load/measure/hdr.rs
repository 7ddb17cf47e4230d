//! Histograms as text: the V2 format of HdrHistogram, deflated, in base64, as its own tools read it.
//!
//! Written here, since the library's own writer brings a parser and a second inflater along.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use hdrhistogram::Histogram;
use std::io::Write as _;

/// V2 with counts of variable length.
const COOKIE: u32 = 0x1c84_9303 | 0x10;
/// V2, deflated.
const COOKIE_DEFLATED: u32 = 0x1c84_9304 | 0x10;

/// A histogram as text.
#[must_use]
pub fn encode(found: &Histogram<u64>) -> String {
    let counts = counts(found);
    let mut plain = Vec::with_capacity(40 + counts.len());
    plain.extend_from_slice(&COOKIE.to_be_bytes());
    plain.extend_from_slice(&length(&counts).to_be_bytes());
    // The normalizing index offset.
    plain.extend_from_slice(&0_u32.to_be_bytes());
    plain.extend_from_slice(&u32::from(found.sigfig()).to_be_bytes());
    plain.extend_from_slice(&found.low().to_be_bytes());
    plain.extend_from_slice(&found.high().to_be_bytes());
    // The ratio from integers to values.
    plain.extend_from_slice(&1_f64.to_be_bytes());
    plain.extend_from_slice(&counts);
    let mut deflated = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing into memory does not fail.
    let _ = deflated.write_all(&plain);
    let deflated = deflated.finish().unwrap_or_default();
    let mut all = Vec::with_capacity(8 + deflated.len());
    all.extend_from_slice(&COOKIE_DEFLATED.to_be_bytes());
    all.extend_from_slice(&length(&deflated).to_be_bytes());
    all.extend_from_slice(&deflated);
    STANDARD.encode(all)
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// The counts up to the highest value; a run of zeros as its length, negative.
fn counts(found: &Histogram<u64>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut zeros = 0_i64;
    for step in found.iter_all() {
        if step.value_iterated_to() > found.max() && step.count_at_value() == 0 {
            break;
        }
        match step.count_at_value() {
            0 => zeros += 1,
            n => {
                if zeros > 0 {
                    zigzag(&mut out, -zeros);
                    zeros = 0;
                }
                zigzag(&mut out, i64::try_from(n).unwrap_or(i64::MAX));
            }
        }
    }
    out
}

/// A number in the ZigZag form of LEB128, of at most 9 bytes: the ninth has all its bits.
fn zigzag(out: &mut Vec<u8>, n: i64) {
    let mut left = (n.cast_unsigned() << 1) ^ (n >> 63).cast_unsigned();
    for _ in 0..8 {
        let low = u8::try_from(left & 0x7F).unwrap_or(0);
        left >>= 7;
        if left == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
    out.push(u8::try_from(left & 0xFF).unwrap_or(0));
}
