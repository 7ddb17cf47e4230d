//! What a user shows in the address list: changed, and shown to the operator.

use super::desk::done;
use super::order::{CertificateRow, PortraitChange, PortraitRow};
use super::{Desk, Refusal, Reply};
use crate::limits;
use crate::mailbox::{self, Details, Portrait};
use crate::smime::Certificate;
use crate::store::Scope;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A detail: its name in orders and its place.
type Detail = (&'static str, fn(&mut Details) -> &mut String);

/// The details that a user may have.
pub const DETAILS: [Detail; 9] = [
    ("first_name", |d| &mut d.first_name),
    ("last_name", |d| &mut d.last_name),
    ("title", |d| &mut d.title),
    ("company", |d| &mut d.company),
    ("department", |d| &mut d.department),
    ("office", |d| &mut d.office),
    ("phone", |d| &mut d.phone),
    ("home_phone", |d| &mut d.home_phone),
    ("mobile_phone", |d| &mut d.mobile_phone),
];

impl Desk {
    pub(super) async fn user_portray(
        &self,
        name: &str,
        change: PortraitChange,
    ) -> Result<Reply, Refusal> {
        let row = self.user(name).await?;
        let photo = change.photo.as_deref().map(photo).transpose()?;
        let certificates = change.certificates.as_deref();
        let certificates = certificates.map(certificates_of).transpose()?;
        // Checked before anything is changed.
        change_details(&mut Details::default(), &change.details)?;
        let portray = self.mailbox().portray(row.scope, |mut details| {
            // It went well a moment ago.
            let _ = change_details(&mut details, &change.details);
            Portrait {
                details,
                photo,
                certificates,
            }
        });
        match Box::pin(portray).await {
            Ok(()) => done(format!("changed what the address list shows of {name}")),
            Err(mailbox::Error::TooLarge) => Err(Refusal::Wrong(format!(
                "the certificates have more than {} KiB together; leave out old ones",
                limits::CERTIFICATES_BYTES_MAX / 1024
            ))),
            Err(e) => Err(e.into()),
        }
    }

    pub(super) async fn portrait(&self, scope: Scope) -> Result<PortraitRow, Refusal> {
        let mut details = self.mailbox().details(scope).await?;
        let photo_bytes = details.photo.map_or(0, |photo| photo.bytes);
        let named = DETAILS.map(|(name, of)| (name.to_owned(), of(&mut details).clone()));
        let certificates = self.mailbox().certificates(scope).await?;
        let certificates = certificates
            .iter()
            .filter_map(|der| Certificate::from_der(der).ok());
        Ok(PortraitRow {
            details: named.into_iter().filter(|(_, v)| !v.is_empty()).collect(),
            photo_bytes,
            certificates: certificates.map(certificate_row).collect(),
        })
    }
}

fn certificate_row(read: Certificate) -> CertificateRow {
    CertificateRow {
        subject: read.subject,
        issuer: read.issuer,
        serial: read.serial,
        addresses: read.addresses,
        from_ms: read.not_before_s.saturating_mul(1_000),
        until_ms: read.not_after_s.saturating_mul(1_000),
    }
}

fn change_details(details: &mut Details, changes: &[(String, String)]) -> Result<(), Refusal> {
    for (name, value) in changes {
        let (_, of) = DETAILS
            .iter()
            .find(|(known, _)| known == name)
            .ok_or_else(|| Refusal::Wrong(format!("there is no detail {name}")))?;
        let value = value.trim();
        let is_long = value.chars().count() > limits::DETAIL_CHARS_MAX;
        if is_long || value.chars().any(char::is_control) {
            return Err(Refusal::Wrong(format!(
                "{name}: at most {} characters, on one line",
                limits::DETAIL_CHARS_MAX
            )));
        }
        value.clone_into(of(details));
    }
    Ok(())
}

/// A photo out of base64, empty to take it away.
fn photo(text: &str) -> Result<Vec<u8>, Refusal> {
    const JPEG: &[u8] = b"\xFF\xD8\xFF";
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
    let bytes = decoded(text)?;
    if bytes.len() > limits::PHOTO_BYTES_MAX {
        return Err(Refusal::Wrong(format!(
            "the photo has {} KiB, {} at most: scale it down to 96 x 96 pixels or so",
            bytes.len().div_ceil(1024),
            limits::PHOTO_BYTES_MAX / 1024
        )));
    }
    if !bytes.is_empty() && !bytes.starts_with(JPEG) && !bytes.starts_with(PNG) {
        return Err(Refusal::Wrong(
            "the photo is neither JPEG nor PNG; convert it to one of them".into(),
        ));
    }
    Ok(bytes)
}

fn certificates_of(files: &[String]) -> Result<Vec<Vec<u8>>, Refusal> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    for file in files {
        let read = Certificate::from_file(&decoded(file)?).map_err(|e| {
            Refusal::Wrong(format!("{e}: a certificate is PEM or DER, without its key"))
        })?;
        for certificate in read {
            if !certificate.for_mail {
                return Err(Refusal::Wrong(format!(
                    "the certificate of {} is not meant for mail; give those of the user only, \
                     not of their issuers",
                    certificate.subject
                )));
            }
            if !all.contains(&certificate.der) {
                all.push(certificate.der);
            }
        }
    }
    if all.len() > limits::CERTIFICATES_MAX {
        return Err(Refusal::Wrong(format!(
            "{} certificates, {} at most; leave out old ones",
            all.len(),
            limits::CERTIFICATES_MAX
        )));
    }
    if all.iter().map(Vec::len).sum::<usize>() > limits::CERTIFICATES_BYTES_MAX {
        return Err(mailbox::Error::TooLarge.into());
    }
    Ok(all)
}

fn decoded(text: &str) -> Result<Vec<u8>, Refusal> {
    let wrong = |_| Refusal::Wrong("a file that is not base64 in an order".into());
    STANDARD.decode(text).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::Order;
    use crate::auth::{Naming, password};
    use crate::clock::Clock;
    use crate::mailbox::Mailbox;
    use crate::smime::testing::{Purpose, issuer};
    use crate::store::Store;
    use crate::work::block_on;

    fn desk() -> Desk {
        let mailbox = Mailbox::new(Store::memory(), Clock::manual(0), true);
        let cost = password::Cost {
            memory_kib: 64,
            passes: 1,
        };
        let desk = Desk::new(mailbox, Naming::default(), cost);
        let add = Order::UserAdd {
            name: "ada".into(),
            display_name: None,
            addresses: Vec::new(),
            password: "secret".into(),
        };
        assert!(matches!(ask(&desk, add), Reply::Done { .. }));
        desk
    }

    fn ask(desk: &Desk, order: Order) -> Reply {
        block_on(desk.carry_out(order, Vec::new()))
    }

    fn portray(desk: &Desk, change: PortraitChange) -> Reply {
        let name = "ada".into();
        ask(desk, Order::UserPortray { name, change })
    }

    fn shown(desk: &Desk) -> PortraitRow {
        match ask(desk, Order::UserShow { name: "ada".into() }) {
            Reply::User { portrait, .. } => *portrait,
            other => panic!("{other:?}"),
        }
    }

    fn with_details(details: &[(&str, &str)]) -> PortraitChange {
        let owned = details.iter().map(|(n, v)| ((*n).into(), (*v).into()));
        PortraitChange {
            details: owned.collect(),
            ..PortraitChange::default()
        }
    }

    fn with_photo(bytes: &[u8]) -> PortraitChange {
        PortraitChange {
            photo: Some(STANDARD.encode(bytes)),
            ..PortraitChange::default()
        }
    }

    fn with_certificates(files: &[&[u8]]) -> PortraitChange {
        PortraitChange {
            certificates: Some(files.iter().map(|f| STANDARD.encode(f)).collect()),
            ..PortraitChange::default()
        }
    }

    #[track_caller]
    fn refused(reply: &Reply, why: &str) {
        let Reply::Refused { refusal } = reply else {
            panic!("{reply:?}")
        };
        assert!(refusal.to_string().contains(why), "{refusal}");
    }

    #[test]
    fn details_are_set_changed_and_taken_away() {
        let desk = desk();
        let set = [("title", " Countess "), ("phone", "+44 1")];
        assert!(matches!(
            portray(&desk, with_details(&set)),
            Reply::Done { .. }
        ));
        portray(&desk, with_details(&[("phone", ""), ("office", "12b")]));
        let expect = [("title", "Countess"), ("office", "12b")];
        let expect = expect.map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(shown(&desk).details, expect);
        refused(
            &portray(&desk, with_details(&[("shoe_size", "40")])),
            "shoe_size",
        );
        let long = "x".repeat(limits::DETAIL_CHARS_MAX + 1);
        for bad in ["a\nb", &long] {
            let both = [("phone", "1"), ("title", bad)];
            refused(&portray(&desk, with_details(&both)), "title");
        }
        assert_eq!(shown(&desk).details, expect);
    }

    #[test]
    fn a_photo_is_jpeg_or_png_and_not_too_large() {
        let desk = desk();
        let mut photo = b"\xFF\xD8\xFF\xE0".to_vec();
        photo.resize(limits::PHOTO_BYTES_MAX, 0);
        assert!(matches!(
            portray(&desk, with_photo(&photo)),
            Reply::Done { .. }
        ));
        assert_eq!(shown(&desk).photo_bytes, limits::PHOTO_BYTES_MAX as u64);
        photo.push(0);
        refused(&portray(&desk, with_photo(&photo)), "scale it down");
        refused(
            &portray(&desk, with_photo(b"GIF89a")),
            "neither JPEG nor PNG",
        );
        assert_eq!(shown(&desk).photo_bytes, limits::PHOTO_BYTES_MAX as u64);
        portray(&desk, with_photo(b"\x89PNG\r\n\x1a\nx"));
        assert_eq!(shown(&desk).photo_bytes, 9);
        portray(&desk, with_photo(b""));
        assert_eq!(shown(&desk).photo_bytes, 0);
    }

    #[test]
    fn certificates_are_read_and_those_that_are_not_for_mail_are_refused() {
        let desk = desk();
        let root = issuer("Root");
        let made: Vec<_> = (0..9)
            .map(|_| root.mail("ada@example.org", Purpose::Mail))
            .collect();
        let pem = made[0].pem();
        let change = with_certificates(&[pem.as_bytes(), made[1].der(), made[1].der()]);
        assert!(matches!(portray(&desk, change), Reply::Done { .. }));
        let rows = shown(&desk).certificates;
        let [row, _] = &rows[..] else {
            panic!("{rows:?}")
        };
        assert_eq!(row.addresses, ["ada@example.org"]);
        assert_eq!(row.issuer, "CN=Root");
        assert!(row.from_ms < row.until_ms);
        refused(&portray(&desk, with_certificates(&[b"junk"])), "X.509");
        let issuers = with_certificates(&[root.der()]);
        refused(&portray(&desk, issuers), "not meant for mail");
        let many: Vec<_> = made.iter().map(|m| m.der()).collect();
        refused(&portray(&desk, with_certificates(&many)), "9 certificates");
        assert_eq!(shown(&desk).certificates.len(), 2);
        portray(&desk, with_certificates(&[]));
        assert!(shown(&desk).certificates.is_empty());
    }
}
