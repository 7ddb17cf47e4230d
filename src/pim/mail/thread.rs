//! Which conversation a mail belongs to ([MS-ASEMAIL] 2.2.2.20 and 2.2.2.21).

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Milliseconds between 1601 and 1970, the two beginnings of time.
const FILETIME_EPOCH_MS: i64 = 11_644_473_600_000;
/// Replies that an index tells apart; deeper ones share the last place.
const REPLIES_MAX: usize = 50;

/// Bytes of what may be one of [`PREFIXES`], in any case.
const PREFIX_BYTES_MAX: usize = 24;

/// What was written before a subject by a reply or a forward, in the languages of common clients.
const PREFIXES: &[&str] = &[
    "re",
    "aw",
    "antw",
    "antwort",
    "sv",
    "vs",
    "ref",
    "rif",
    "r",
    "odp",
    "res",
    "ynt",
    "ang",
    "atb",
    "fwd",
    "fw",
    "wg",
    "tr",
    "vb",
    "doorst",
    "i",
    "rv",
    "enc",
    "pd",
    "vl",
    "ilt",
    "továbbítás",
    "回复",
    "答复",
    "回覆",
    "转发",
    "轉寄",
    "转寄",
    "antwoord",
    "отв",
    "ответ",
    "fyi",
];

/// The subject without what replies and forwards put before it.
#[must_use]
pub fn topic(subject: &str) -> &str {
    let mut rest = subject.trim();
    while let Some((before, after)) = rest.split_once([':', '：']) {
        let word = before.trim().trim_end_matches([']', ')']);
        // `Re[2]:` and `Re(2):` count how often.
        let word = word
            .split_once(['[', '('])
            .filter(|(_, n)| n.bytes().all(|b| b.is_ascii_digit()))
            .map_or(word, |(w, _)| w.trim_end());
        let known = || PREFIXES.contains(&word.to_lowercase().as_str());
        if word.len() > PREFIX_BYTES_MAX || !known() || after.trim().is_empty() {
            break;
        }
        rest = after.trim_start();
    }
    rest
}

/// The first 16 bytes of the SHA-256 of the first message of the thread that is known, or of the
/// topic where no message has an id.
pub(super) fn conversation_id(
    references: &[String],
    in_reply_to: &[String],
    message_id: &str,
    topic: &str,
) -> [u8; 16] {
    let root = references.first().or_else(|| in_reply_to.first());
    let root = root.map_or(message_id, String::as_str);
    if root.is_empty() {
        first16(&format!("topic:{}", topic.to_lowercase()))
    } else {
        first16(root)
    }
}

fn first16(text: &str) -> [u8; 16] {
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    hash.as_ref()
        .first_chunk::<16>()
        .copied()
        .unwrap_or_default()
}

/// Five bytes of date, then five for each reply between the first message and this one.
///
/// Outlook's `Thread-Index` has them; else the date is this mail's and a reply stands for each
/// ancestor, named by its id, so that two mails with the same ancestors share the beginning.
pub(super) fn conversation_index(
    thread_index: &str,
    references: &[String],
    in_reply_to: &[String],
    message_id: &str,
    sent_ms: i64,
) -> Vec<u8> {
    if let Some(index) = from_outlook(thread_index) {
        return index;
    }
    // The five bytes below the highest: a FILETIME counts 100 ns, these about 6.5 ms.
    let filetime = sent_ms
        .saturating_add(FILETIME_EPOCH_MS)
        .saturating_mul(10_000);
    let [_, date @ .., _, _] = filetime.to_be_bytes();
    let mut index = date.to_vec();
    let ancestors = if references.is_empty() {
        in_reply_to
    } else {
        references
    };
    let replies = ancestors
        .iter()
        .map(String::as_str)
        .skip(1)
        .chain([message_id]);
    for id in replies.take(ancestors.len().min(REPLIES_MAX)) {
        index.extend(first16(id).iter().take(5));
    }
    index
}

/// `Thread-Index`: one reserved byte, five of date, sixteen of identity, five for each reply
/// ([MS-OXOMSG] 2.2.1.3).
fn from_outlook(thread_index: &str) -> Option<Vec<u8>> {
    let compact: String = thread_index.split_whitespace().take(64).collect();
    let bytes = STANDARD.decode(compact).ok()?;
    let (head, replies) = bytes.split_at_checked(22)?;
    let mut index = head.get(1..6)?.to_vec();
    let kept = replies.chunks_exact(5).take(REPLIES_MAX).flatten();
    index.extend(kept);
    Some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_of_many_clients_fall_away() {
        let check = |subject: &str, expect: &str| assert_eq!(topic(subject), expect);
        check("Lunch", "Lunch");
        check("Re: Lunch", "Lunch");
        check("RE: AW: Fwd: WG: Lunch", "Lunch");
        check("Re[2]: Lunch", "Lunch");
        check("Re (3): Lunch", "Lunch");
        check("回复：午饭", "午饭");
        check("[team] Re: Lunch", "[team] Re: Lunch");
        check("Rust: a language", "Rust: a language");
        check("Re:", "Re:");
        check("", "");
    }

    #[test]
    fn a_thread_shares_its_conversation() {
        let id = |refs: &[&str], reply: &[&str], own: &str| {
            let owned = |l: &[&str]| l.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
            conversation_id(&owned(refs), &owned(reply), own, "topic")
        };
        let root = id(&[], &[], "a@x");
        assert_eq!(id(&[], &["a@x"], "b@x"), root);
        assert_eq!(id(&["a@x", "b@x"], &["b@x"], "c@x"), root);
        assert_ne!(id(&[], &[], "b@x"), root);
        assert_eq!(id(&[], &[], ""), id(&[], &[], ""));
    }

    #[test]
    fn the_index_grows_by_five_per_reply() {
        let refs = ["a@x".to_owned(), "b@x".to_owned()];
        let index = |refs: &[String]| conversation_index("", refs, &[], "c@x", 1_795_348_800_000);
        assert_eq!(index(&[]).len(), 5);
        assert_eq!(index(&refs[..1]).len(), 10);
        assert_eq!(index(&refs).len(), 15);
        // 2010-02-10T20:49:00Z, taken from its FILETIME 01CAAA92_D3....
        let outlook = conversation_index("AcqqktMAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", &[], &[], "", 0);
        assert_eq!(outlook, [0xca, 0xaa, 0x92, 0xd3, 0x00]);
    }
}
