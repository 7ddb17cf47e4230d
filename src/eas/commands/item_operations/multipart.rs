//! The multipart form of an answer ([MS-ASCMD] 2.2.1.10.1): the document, then binary parts.

/// The type of such an answer.
pub(super) const CONTENT_TYPE: &str = "application/vnd.ms-sync.multipart";

/// Count, then offset and length of each part, all 32 bits and little-endian; then the parts, of
/// which the document is the first. Sizes are bounded by the caller far below 4 GiB.
#[must_use]
pub(super) fn assemble(document: &[u8], parts: &[Vec<u8>]) -> Vec<u8> {
    let count = parts.len() + 1;
    let all = || std::iter::once(document).chain(parts.iter().map(Vec::as_slice));
    let bytes: usize = all().map(<[u8]>::len).sum();
    let head = 4 + 8 * count;
    let mut out = Vec::with_capacity(head + bytes);
    let mut put = |n: usize| out.extend_from_slice(&u32::try_from(n).unwrap_or(0).to_le_bytes());
    put(count);
    let mut at = head;
    for part in all() {
        put(at);
        put(part.len());
        at += part.len();
    }
    all().for_each(|part| out.extend_from_slice(part));
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn offsets_count_from_the_start() {
        let out = super::assemble(b"doc", &[b"first".to_vec(), Vec::new()]);
        let number = |at: usize| {
            let bytes = out[at..at + 4].try_into().unwrap();
            usize::try_from(u32::from_le_bytes(bytes)).unwrap()
        };
        assert_eq!(number(0), 3);
        let part = |i: usize| &out[number(4 + 8 * i)..][..number(8 + 8 * i)];
        assert_eq!(
            (part(0), part(1), part(2)),
            (&b"doc"[..], &b"first"[..], &b""[..])
        );
        assert_eq!(number(4), 28);
    }
}
