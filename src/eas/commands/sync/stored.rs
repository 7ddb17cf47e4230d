//! The stored request that an empty or a partial one refers to ([MS-ASCMD] 2.2.1.21.1): without
//! keys, which the mailbox knows, and without commands.

use super::decode::{Collection, Request};
use crate::mailbox::FolderId;

const FORMAT: u8 = 1;
/// Two numbers and a byte.
const PART_BYTES: usize = 9;
/// Says that a window or a time is not given.
const NONE: u32 = u32::MAX;

/// The form in which a full request is kept with its device.
#[must_use]
pub(super) fn to_bytes(request: &Request<'_>) -> Vec<u8> {
    // The head is as long as the part of a collection.
    let mut out = Vec::with_capacity(PART_BYTES * (request.collections.len() + 1));
    out.extend([FORMAT]);
    put(&mut out, request.wait_s);
    put(&mut out, request.window);
    for c in &request.collections {
        let Some(folder) = c.folder else { continue };
        put(&mut out, Some(folder.0));
        put(&mut out, c.window);
        let get_changes = match c.get_changes {
            None => 0,
            Some(false) => 1,
            Some(true) => 2,
        };
        out.push(get_changes | u8::from(c.deletes_as_moves) << 2);
    }
    out
}

/// The request of that form; none for anything else.
#[must_use]
pub(super) fn from_bytes(bytes: &[u8]) -> Option<Request<'static>> {
    let (&[FORMAT], mut rest) = bytes.split_first_chunk::<1>()? else {
        return None;
    };
    let mut request = Request {
        wait_s: take(&mut rest)?,
        window: take(&mut rest)?,
        ..Request::default()
    };
    while !rest.is_empty() {
        let folder = FolderId(take(&mut rest)??);
        let window = take(&mut rest)?;
        let (flags, after) = rest.split_first()?;
        rest = after;
        request.collections.push(Collection {
            folder: Some(folder),
            id: folder.to_string(),
            window,
            get_changes: match flags & 3 {
                0 => None,
                n => Some(n == 2),
            },
            deletes_as_moves: flags & 4 != 0,
            ..Collection::default()
        });
    }
    Some(request)
}

/// A partial request: what it names replaces what was stored, the rest stands.
#[must_use]
pub(super) fn merge<'a>(stored: Request<'static>, mut partial: Request<'a>) -> Request<'a> {
    let named: Vec<_> = partial.collections.iter().map(|c| c.folder).collect();
    let rest = stored.collections.into_iter();
    let rest = rest.filter(|c| !named.contains(&c.folder));
    partial.collections.extend(rest);
    partial.wait_s = partial.wait_s.or(stored.wait_s);
    partial.window = partial.window.or(stored.window);
    partial.partial = false;
    partial
}

fn put(out: &mut Vec<u8>, n: Option<u32>) {
    out.extend_from_slice(&n.unwrap_or(NONE).to_be_bytes());
}

#[expect(clippy::option_option, reason = "cut off and not given are two things")]
fn take(rest: &mut &[u8]) -> Option<Option<u32>> {
    let (n, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    Some(Some(u32::from_be_bytes(*n)).filter(|n| *n != NONE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collection(folder: u32, window: Option<u32>) -> Collection<'static> {
        Collection {
            folder: Some(FolderId(folder)),
            id: folder.to_string(),
            window,
            deletes_as_moves: true,
            ..Collection::default()
        }
    }

    #[test]
    fn kept_and_read_again() {
        let request = Request {
            collections: vec![collection(2, Some(25)), collection(8, None)],
            wait_s: Some(600),
            window: None,
            partial: false,
        };
        let bytes = to_bytes(&request);
        assert_eq!(to_bytes(&from_bytes(&bytes).unwrap()), bytes);
        assert!(from_bytes(&[]).is_none());
        assert!(from_bytes(&bytes[..bytes.len() - 1]).is_none());
    }

    #[test]
    fn a_partial_request_replaces_what_it_names() {
        let stored = Request {
            collections: vec![collection(2, Some(1)), collection(8, Some(2))],
            wait_s: Some(60),
            ..Request::default()
        };
        let partial = Request {
            collections: vec![collection(8, Some(3))],
            partial: true,
            ..Request::default()
        };
        let merged = merge(stored, partial);
        let windows: Vec<_> = merged
            .collections
            .iter()
            .map(|c| (c.id.as_str(), c.window))
            .collect();
        assert_eq!(windows, [("8", Some(3)), ("2", Some(1))]);
        assert_eq!(merged.wait_s, Some(60));
    }
}
