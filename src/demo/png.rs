//! The smallest encoder of PNG that will do, and the pictures of the made-up people.

use super::dice::Dice;
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use std::io::Write;

/// Edge of a portrait in pixels, and of one of its squares.
const EDGE: u32 = 96;
const CELL: u32 = 16;

/// Red, green and blue.
pub(super) type Pixel = [u8; 3];

/// A picture from the colour of each pixel, given column and row.
pub(super) fn encode(width: u32, height: u32, pixel: impl Fn(u32, u32) -> Pixel) -> Vec<u8> {
    let mut rows = Vec::new();
    for y in 0..height {
        rows.push(0);
        rows.extend((0..width).flat_map(|x| pixel(x, y)));
    }
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut head = Vec::new();
    head.extend(width.to_be_bytes());
    head.extend(height.to_be_bytes());
    // Eight bits each of red, green and blue, not interlaced.
    head.extend([8, 2, 0, 0, 0]);
    chunk(&mut png, b"IHDR", &head);
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing to memory cannot fail.
    let _ = packed.write_all(&rows);
    chunk(&mut png, b"IDAT", &packed.finish().unwrap_or_default());
    chunk(&mut png, b"IEND", b"");
    png
}

fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], body: &[u8]) {
    png.extend(u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
    png.extend(kind);
    png.extend(body);
    let mut crc = Crc::new();
    crc.update(kind);
    crc.update(body);
    png.extend(crc.sum().to_be_bytes());
}

/// A portrait of squares, the same on both sides, that is always the same for the same name.
#[must_use]
pub fn portrait(name: &str) -> Vec<u8> {
    let seed = name
        .bytes()
        .fold(7u64, |s, b| s.wrapping_mul(131).wrapping_add(u64::from(b)));
    let mut dice = Dice::new(seed);
    let pattern = dice.roll();
    // Not too dark and not too light, so that it stands out from the ground.
    let mut shade = || 70 + u8::try_from(dice.below(120)).unwrap_or(0);
    let ink = [shade(), shade(), shade()];
    let last = EDGE / CELL - 1;
    encode(EDGE, EDGE, |x, y| {
        let (column, row) = (x / CELL, y / CELL);
        let mirrored = column.min(last - column);
        let bit = row * (last + 1) / 2 + mirrored;
        if pattern >> (bit % 64) & 1 == 1 {
            ink
        } else {
            [240, 240, 236]
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::ZlibDecoder;
    use std::io::Read;

    #[test]
    fn the_pixels_come_out_as_they_went_in() {
        let png = encode(3, 2, |x, y| {
            [u8::try_from(x).unwrap(), u8::try_from(y).unwrap(), 9]
        });
        let at = png.windows(4).position(|w| w == b"IDAT").unwrap() + 4;
        let mut rows = Vec::new();
        ZlibDecoder::new(&png[at..]).read_to_end(&mut rows).unwrap();
        assert_eq!(
            rows,
            [0, 0, 0, 9, 1, 0, 9, 2, 0, 9, 0, 0, 1, 9, 1, 1, 9, 2, 1, 9]
        );
    }

    #[test]
    fn a_name_has_one_portrait_and_it_is_small() {
        assert_eq!(portrait("Ada"), portrait("Ada"));
        assert_ne!(portrait("Ada"), portrait("Emre"));
        assert!(portrait("Ada").len() < 2_000);
    }
}
