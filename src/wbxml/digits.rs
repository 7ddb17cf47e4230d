//! Numbers as decimal digits, eight at once in a register: one after the other they would cost as
//! much as the rest of an item.

/// Eight digits of a number below 100,000,000, the first one in the lowest byte.
#[must_use]
pub fn eight(n: u32) -> u64 {
    let (upper, lower) = (n / 10_000, n % 10_000);
    pairs([upper / 100, upper % 100, lower / 100, lower % 100])
}

/// The digits of a number below 100,000,000 without zeros before them, and how many there are;
/// what stands behind them means nothing.
#[must_use]
pub fn leading(n: u32) -> ([u8; 8], usize) {
    let all = match n {
        0..10_000 => (u64::from(four(n)) << 32) | (ZEROS >> 32),
        _ => eight(n),
    };
    // The last one stays, also of 0.
    let zeros = ((all ^ ZEROS) | (1 << 56)).trailing_zeros() / 8;
    ((all >> (8 * zeros)).to_le_bytes(), 8 - zeros as usize)
}

/// Four digits of a number below 10,000, the first one in the lowest byte.
fn four(n: u32) -> u32 {
    let lanes = (n / 100) | ((n % 100) << 16);
    let tens = ((lanes * 103) >> 10) & 0x000F_000F;
    let ones = lanes - tens * 10;
    (tens | (ones << 8)) + u32::from_le_bytes([b'0'; 4])
}

/// Four numbers below 100 as two digits each, the first one in the lowest bytes.
#[must_use]
pub fn pairs(numbers: [u32; 4]) -> u64 {
    let lanes = numbers.into_iter().rev();
    let lanes = lanes.fold(0, |lanes, n| (lanes << 16) | u64::from(n));
    // A tenth of each; exact below 179.
    let tens = ((lanes * 103) >> 10) & 0x000F_000F_000F_000F;
    let ones = lanes - tens * 10;
    (tens | (ones << 8)) + ZEROS
}

const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_and_every_length() {
        for n in 0..100 {
            let text = format!("{n:02}{:02}{n:02}00", 99 - n);
            assert_eq!(pairs([n, 99 - n, n, 0]).to_le_bytes(), text.as_bytes());
        }
        let powers = (0..8).flat_map(|log| [10u32.pow(log), 10u32.pow(log + 1) - 1]);
        for n in powers.chain(0..10_000) {
            assert_eq!(eight(n).to_le_bytes(), format!("{n:08}").as_bytes());
            let (digits, count) = leading(n);
            assert_eq!(digits[..count], *n.to_string().as_bytes());
        }
    }
}
