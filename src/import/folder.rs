//! Where imported mail belongs, told from the names of directories and mailboxes.

use base64::Engine;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};

/// A folder by its role, or by its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Folder {
    /// Where nothing says otherwise.
    #[default]
    Inbox,
    /// Mail that the user sent.
    Sent,
    /// Mail that the user has not finished.
    Drafts,
    /// Mail that the user deleted.
    Trash,
    /// Any other; the levels of the hierarchy from the top.
    Named(Vec<String>),
}

/// Names of the folders with a role, in the languages of common clients, in lower case.
const SENT: &[&str] = &[
    "sent",
    "sent items",
    "sent messages",
    "sent mail",
    "gesendet",
    "gesendete objekte",
    "gesendete elemente",
    "envoyés",
    "éléments envoyés",
    "enviados",
    "inviata",
    "posta inviata",
    "verzonden",
    "verzonden items",
    "skickat",
    "wysłane",
    "sendt",
];
const DRAFTS: &[&str] = &[
    "drafts",
    "draft",
    "entwürfe",
    "brouillons",
    "borradores",
    "bozze",
    "concepten",
    "utkast",
    "kopie robocze",
    "rascunhos",
    "kladder",
];
const TRASH: &[&str] = &[
    "trash",
    "deleted items",
    "deleted messages",
    "papierkorb",
    "gelöschte objekte",
    "gelöschte elemente",
    "corbeille",
    "éléments supprimés",
    "papelera",
    "cestino",
    "prullenbak",
    "kosz",
    "lixo",
    "papperskorg",
];
const INBOX: &[&str] = &["inbox", "mbox", "posteingang", "incoming"];

/// Deeper hierarchies are cut to this.
const LEVELS_MAX: usize = 10;
/// Characters of a level's name.
const NAME_CHARS_MAX: usize = 100;

impl Folder {
    /// The folder with these levels, from the top. Names are cleaned of what no folder may carry.
    pub(super) fn of_levels<'a>(levels: impl IntoIterator<Item = &'a str>) -> Self {
        let mut clean: Vec<String> = levels
            .into_iter()
            .map(clean_name)
            .filter(|l| !l.is_empty())
            .take(LEVELS_MAX)
            .collect();
        // `INBOX.Sent` is how some servers write `Sent`.
        if clean.len() > 1 && clean.first().is_some_and(|l| is_one_of(l, INBOX)) {
            clean.remove(0);
        }
        match clean.as_slice() {
            [] => Self::Inbox,
            [one] if is_one_of(one, INBOX) => Self::Inbox,
            [one] if is_one_of(one, SENT) => Self::Sent,
            [one] if is_one_of(one, DRAFTS) => Self::Drafts,
            [one] if is_one_of(one, TRASH) => Self::Trash,
            _ => Self::Named(clean),
        }
    }

    /// Whether the name is that of a folder with a role.
    pub(super) fn has_role(name: &str) -> bool {
        !matches!(Self::of_levels([name]), Self::Named(_))
    }
}

fn is_one_of(name: &str, list: &[&str]) -> bool {
    list.contains(&name.to_lowercase().as_str())
}

fn clean_name(level: &str) -> String {
    let kept = level.chars().filter(|c| !c.is_control() && *c != '/');
    let short: String = kept.take(NAME_CHARS_MAX).collect();
    short.trim().to_owned()
}

/// A name in the modified UTF-7 of IMAP (RFC 3501 5.1.3), as Maildir++ writes them; one that is
/// not is returned as it is.
pub(super) fn decode_utf7(name: &str) -> String {
    let engine = GeneralPurpose::new(
        &IMAP_MUTF7,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let mut out = String::new();
    let mut rest = name;
    while let Some((plain, encoded)) = rest.split_once('&') {
        out.push_str(plain);
        let Some((word, after)) = encoded.split_once('-') else {
            return name.to_owned();
        };
        if word.is_empty() {
            out.push('&');
        } else {
            let Ok(bytes) = engine.decode(word) else {
                return name.to_owned();
            };
            let units = bytes.chunks_exact(2).filter_map(|c| c.try_into().ok());
            let units = units.map(u16::from_be_bytes);
            out.extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_folders() {
        let check = |name: &str, expect: Folder| {
            assert_eq!(Folder::of_levels(name.split('.')), expect, "{name}");
        };
        let named =
            |levels: &[&str]| Folder::Named(levels.iter().map(|l| (*l).to_owned()).collect());
        check("", Folder::Inbox);
        check("INBOX", Folder::Inbox);
        check("Sent", Folder::Sent);
        check("INBOX.Sent Items", Folder::Sent);
        check("Entwürfe", Folder::Drafts);
        check("Trash", Folder::Trash);
        check("Trash.Old", named(&["Trash", "Old"]));
        check("Clubs.Chess", named(&["Clubs", "Chess"]));
        check("a/b", named(&["ab"]));
    }

    #[test]
    fn modified_utf7() {
        assert_eq!(decode_utf7("Entw&APw-rfe"), "Entwürfe");
        assert_eq!(decode_utf7("R&-D"), "R&D");
        assert_eq!(decode_utf7("&ZeVnLIqe-"), "日本語");
        assert_eq!(decode_utf7("A & B"), "A & B");
        assert_eq!(decode_utf7("plain"), "plain");
    }
}
