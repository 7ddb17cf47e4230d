//! Certificates for dialogues, made anew for each: they have names, since nobody can read them.
//!
//! | name | what it is |
//! |---|---|
//! | `good` | of bob, by `issuer`, which the trusted root has issued |
//! | `forged` | by somebody who has the root's name |
//! | `untrusted` | by `stranger`, a root that nobody trusts |
//! | `orphan` | by an issuer that nobody has |
//! | `server` | of a web server |
//! | `expired` | of last year |
//! | `late` | by `old-issuer`, which was over before |
//! | `misused` | by `server-issuer`, which is for web servers |
//! | `odd` | with a critical extension that nobody knows |
//! | `private` | by `person`, who is no issuer |
//! | `revoked` | by `issuer`, which has revoked it |
//! | `fallen` | by `gone-issuer`, which the root has revoked |
//! | `unlisted` | by `silent-issuer`, which has no list of what it revoked |

use crate::certificates::{Made, Purpose, issuer};
use crate::pattern::Names;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roost::smime::Trust;
use std::fs;
use std::sync::Arc;
use tempfile::TempDir;

const BOB: &str = "bob@example.org";

/// What a house trusts, and the names of what was made for it.
pub(crate) struct Papers {
    pub(crate) trust: Arc<Trust>,
    pub(crate) names: Names,
    /// The files of the trust, which are looked at again and again.
    _folder: TempDir,
}

/// Makes all of them.
pub(crate) fn make() -> Papers {
    let (root, stranger) = (issuer("Root"), issuer("Stranger"));
    let middle = root.issuer("Issuer");
    let (gone, silent) = (root.issuer("Gone"), root.issuer("Silent"));
    let old = root.dated_issuer("Old", 2020, 2025);
    let servers = root.issuer_for("Servers", Purpose::Server);
    let person = root.mail("Person", Purpose::Mail);
    let mail = |by: &Made| by.mail(BOB, Purpose::Mail);
    let revoked = mail(&middle);
    let lists = [root.revokes(&[&gone]), middle.revokes(&[&revoked])];
    let all = [
        ("good", mail(&middle)),
        ("forged", mail(&issuer("Root"))),
        ("untrusted", mail(&stranger)),
        ("orphan", mail(&root.issuer("Absent"))),
        ("server", root.mail(BOB, Purpose::Server)),
        ("expired", root.dated(BOB, 2020, 2025)),
        ("late", mail(&old)),
        ("misused", mail(&servers)),
        ("odd", root.with_unknown_extension(BOB)),
        ("private", mail(&person)),
        ("revoked", revoked),
        ("fallen", mail(&gone)),
        ("unlisted", mail(&silent)),
        ("issuer", middle),
        ("stranger", stranger),
        ("old-issuer", old),
        ("server-issuer", servers),
        ("person", person),
        ("gone-issuer", gone),
        ("silent-issuer", silent),
    ];
    let folder = tempfile::tempdir().unwrap();
    let (roots, crls) = (folder.path().join("roots.pem"), folder.path().join("crls"));
    fs::write(&roots, root.pem()).unwrap();
    fs::create_dir(&crls).unwrap();
    for (i, list) in lists.iter().enumerate() {
        fs::write(crls.join(i.to_string()), list).unwrap();
    }
    let trust = Trust::open(&roots, &crls).unwrap();
    let names = all.map(|(name, made)| (name.to_owned(), STANDARD.encode(made.der())));
    Papers {
        trust: Arc::new(trust),
        names: Names::from(names),
        _folder: folder,
    }
}
