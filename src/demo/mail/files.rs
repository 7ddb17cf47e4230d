//! Small real files, made on the spot: a picture, a document, an archive, a table.

use super::super::png;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use std::io::Write;

/// A PNG of a harbour: sky over water, a sun, two hulls. `shade` (0 to 255) is the time of day.
pub(super) fn picture(width: u32, height: u32, shade: u8) -> Vec<u8> {
    let hundredths = |n: u32, of: u32| n * 100 / of.max(1);
    png::encode(width, height, |x, y| {
        pixel(hundredths(x, width), hundredths(y, height), shade)
    })
}

/// The colour at `x`, `y` (both in hundredths of the picture).
fn pixel(x: u32, y: u32, shade: u8) -> [u8; 3] {
    let sun_x = x.abs_diff(70) * 16 / 10;
    let sun_y = y.abs_diff(28);
    let hull =
        |left: u32, len: u32| (52..60).contains(&y) && x + 60 > left + y && x + y < left + len + 52;
    if sun_x * sun_x + sun_y * sun_y < 90 {
        [255, 236, 170]
    } else if hull(14, 30) || hull(52, 20) {
        [96, 48, 44]
    } else if y < 55 {
        let light = u8::try_from(y * 2).unwrap_or(110);
        [
            150 + light / 2,
            170 + light / 3,
            200_u8.saturating_add(shade / 5),
        ]
    } else {
        let wave = u8::try_from((x + y * 3) % 9).unwrap_or(0) * 4;
        [40 + wave, 90 + shade / 6 + wave, 130 + wave]
    }
}

/// A PDF of one page with these lines (Latin text).
pub(super) fn document(title: &str, lines: &[&str]) -> Vec<u8> {
    let latin = |s: &str| -> String {
        let plain = s.chars().filter(|c| c.is_ascii() && !c.is_control());
        plain
            .collect::<String>()
            .replace('\\', "\\\\")
            .replace('(', "\\(")
            .replace(')', "\\)")
    };
    let mut page = format!(
        "BT /F1 20 Tf 60 770 Td ({}) Tj /F1 11 Tf 0 -14 Td\n",
        latin(title)
    );
    for line in lines {
        page.push_str(&format!("0 -18 Td ({}) Tj\n", latin(line)));
    }
    page.push_str("ET\n");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{page}endstream", page.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut pdf = "%PDF-1.4\n".to_owned();
    let mut table = "0000000000 65535 f \n".to_owned();
    for (i, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", pdf.len()));
        pdf.push_str(&format!("{} 0 obj\n{object}\nendobj\n", i + 1));
    }
    let start = pdf.len();
    let count = objects.len() + 1;
    pdf.push_str(&format!(
        "xref\n0 {count}\n{table}trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    ));
    pdf.into_bytes()
}

/// A ZIP archive of these files: name and contents.
pub(super) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = Vec::new();
    let mut directory = Vec::new();
    for (name, contents) in files {
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::default());
        // Writing to memory cannot fail.
        let _ = packed.write_all(contents);
        let packed = packed.finish().unwrap_or_default();
        let mut crc = Crc::new();
        crc.update(contents);
        // Version 2.0, names in UTF-8, deflate, 2026-01-01 00:00.
        let mut common = vec![20, 0, 0, 8, 8, 0, 0, 0, 0x21, 0x5c];
        common.extend(crc.sum().to_le_bytes());
        common.extend(len32(&packed).to_le_bytes());
        common.extend(len32(contents).to_le_bytes());
        common.extend(u16::try_from(name.len()).unwrap_or(0).to_le_bytes());
        common.extend([0, 0]);
        let offset = len32(&zip);
        zip.extend(b"PK\x03\x04");
        zip.extend(&common);
        zip.extend(name.as_bytes());
        zip.extend(packed);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let count = u16::try_from(files.len()).unwrap_or(0).to_le_bytes();
    let start = len32(&zip);
    zip.extend(&directory);
    zip.extend(b"PK\x05\x06\0\0\0\0");
    zip.extend(count);
    zip.extend(count);
    zip.extend(len32(&directory).to_le_bytes());
    zip.extend(start.to_le_bytes());
    zip.extend([0, 0]);
    zip
}

fn len32(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::{DeflateDecoder, ZlibDecoder};
    use std::io::Read;

    #[test]
    fn the_picture_unpacks_to_its_rows() {
        let png = picture(20, 10, 100);
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n") && png.ends_with(&[0xae, 0x42, 0x60, 0x82]));
        let at = png.windows(4).position(|w| w == b"IDAT").unwrap();
        let len = u32::from_be_bytes(png[at - 4..at].try_into().unwrap());
        let mut rows = Vec::new();
        let packed = &png[at + 4..at + 4 + len as usize];
        ZlibDecoder::new(packed).read_to_end(&mut rows).unwrap();
        assert_eq!(rows.len(), 10 * (1 + 20 * 3));
    }

    #[test]
    fn the_document_points_at_its_objects() {
        let pdf = String::from_utf8(document("A (first) page", &["one", "two"])).unwrap();
        let table = pdf.find("xref\n0 6\n").unwrap();
        for (i, line) in pdf[table..].lines().skip(3).take(5).enumerate() {
            let offset: usize = line[..10].parse().unwrap();
            assert!(
                pdf[offset..].starts_with(&format!("{} 0 obj", i + 1)),
                "{line}"
            );
        }
        assert!(pdf.contains("(A \\(first\\) page) Tj"));
    }

    #[test]
    fn the_archive_unpacks_to_its_files() {
        let zip = archive(&[("a.txt", b"hello hello hello"), ("b.txt", b"")]);
        let from = 30 + "a.txt".len();
        let len = u32::from_le_bytes(zip[18..22].try_into().unwrap()) as usize;
        let mut text = String::new();
        DeflateDecoder::new(&zip[from..from + len])
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "hello hello hello");
        let end = zip.len() - 22;
        assert_eq!(&zip[end..end + 4], b"PK\x05\x06");
        let start = u32::from_le_bytes(zip[end + 16..end + 20].try_into().unwrap()) as usize;
        assert_eq!(&zip[start..start + 4], b"PK\x01\x02");
    }
}
