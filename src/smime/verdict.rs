//! Whether a certificate is valid for mail: its period and purpose, a chain of signatures up to a trusted
//! root, and what the revocation lists say.

use super::{Anchors, Certificate};
use crate::limits;
use rustls::pki_types::{CertificateDer, UnixTime};
use std::time::Duration;
use webpki::{
    ALL_VERIFICATION_ALGS, CertRevocationList, EndEntityCert, Error, ExpirationPolicy,
    ExtendedKeyUsageValidator, KeyPurposeId, KeyPurposeIdIter, KeyUsage,
    RequiredEkuNotFoundContext, RevocationCheckDepth, RevocationOptionsBuilder,
    UnknownStatusPolicy, VerifiedPath,
};

/// id-kp-emailProtection, 1.3.6.1.5.5.7.3.4.
const MAIL_OID: &[u8] = &[0x2B, 6, 1, 5, 5, 7, 3, 4];
const MAIL: KeyPurposeId<'static> = KeyPurposeId::new(MAIL_OID);
/// anyExtendedKeyUsage, 2.5.29.37.0.
const ANYTHING: KeyPurposeId<'static> = KeyPurposeId::new(&[0x55, 0x1D, 0x25, 0]);

/// What became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is valid.
    Valid,
    /// A signature of the chain is false, or made in a way that is not accepted any more.
    Signature,
    /// The chain ends at a root that is not trusted.
    Untrusted,
    /// The chain has a gap, or is built against its own rules.
    Chain,
    /// It is not meant for mail.
    NotForMail,
    /// It has expired, or is not valid yet.
    OutOfDate,
    /// It is in its period, and one that it depends on is not.
    Periods,
    /// One that it depends on is not meant for mail, or not for this name.
    Misused,
    /// It cannot be read, or says what nobody here understands.
    Malformed,
    /// One that may not issue has issued, or an issuer is used as a person.
    Roles,
    /// It was revoked.
    Revoked,
    /// One that it depends on was revoked.
    IssuerRevoked,
    /// No list says whether it, or what it depends on, was revoked.
    RevocationUnknown,
    /// It was not found out: too much work.
    Failed,
}

/// Certificates that came along, to help: issuers between those that are judged and a root.
#[derive(Debug, Default)]
pub struct Chain(Vec<Certificate>);

impl Chain {
    /// Of these, DER each: those that can be read, each once. Of a name a few are kept. An issuer that was
    /// certified by several others has two or three; with many of one name, a chain could be made that
    /// branches without end.
    #[must_use]
    pub fn of(all: &[Vec<u8>]) -> Self {
        let mut kept: Vec<Certificate> = Vec::new();
        for read in all.iter().filter_map(|der| Certificate::from_der(der).ok()) {
            let namesakes = kept
                .iter()
                .filter(|other| read.is_namesake_of(other))
                .count();
            if namesakes < limits::CERTIFICATE_NAMESAKES_MAX && !kept.contains(&read) {
                kept.push(read);
            }
        }
        Self(kept)
    }

    /// Whether the names lead nowhere, rather than to a root that is not trusted.
    fn has_gap(&self, leaf: &Certificate) -> bool {
        let mut at = leaf;
        for _ in 0..=self.0.len() {
            if at.is_self_issued() {
                return false;
            }
            match self.0.iter().find(|other| at.names_as_issuer(other)) {
                Some(issuer) => at = issuer,
                None => return true,
            }
        }
        // They lead in a circle.
        true
    }
}

/// Judges a certificate (DER) at a moment (Unix seconds), with the help of the others that came with it.
/// `strict`: it is not enough that no list names it, a list has to speak for it. Blocks and burns: for a
/// worker.
#[must_use]
pub fn judge(der: &[u8], chain: &Chain, anchors: &Anchors, now_s: i64, strict: bool) -> Verdict {
    let Ok(read) = Certificate::from_der(der) else {
        return Verdict::Malformed;
    };
    if !read.is_in_time(now_s) {
        return Verdict::OutOfDate;
    }
    if !read.for_mail {
        return Verdict::NotForMail;
    }
    let der = CertificateDer::from(der);
    let others: Vec<_> = chain
        .0
        .iter()
        .map(|other| CertificateDer::from(other.der.as_slice()))
        .collect();
    let case = Case {
        leaf: match EndEntityCert::try_from(&der) {
            Ok(leaf) => leaf,
            Err(e) => return of(&e),
        },
        chain: &others,
        anchors,
        now: UnixTime::since_unix_epoch(Duration::from_secs(now_s.try_into().unwrap_or(0))),
    };
    match case.verify(None) {
        Ok(()) => case.revocation(strict),
        Err(Error::UnknownIssuer) if chain.has_gap(&read) => Verdict::Chain,
        Err(e) => of(&e),
    }
}

/// What is judged, and with what.
struct Case<'a> {
    leaf: EndEntityCert<'a>,
    chain: &'a [CertificateDer<'a>],
    anchors: &'a Anchors,
    now: UnixTime,
}

/// How lists are asked.
type Asked = (RevocationCheckDepth, UnknownStatusPolicy, ExpirationPolicy);

impl Case<'_> {
    fn verify(&self, asked: Option<Asked>) -> Result<(), Error> {
        let lists: Vec<&CertRevocationList<'_>> = self.anchors.crls.iter().collect();
        let revocation = asked.and_then(|(depth, status, expiration)| {
            let builder = RevocationOptionsBuilder::new(&lists).ok()?;
            let builder = builder.with_depth(depth).with_status_policy(status);
            Some(builder.with_expiration_policy(expiration).build())
        });
        let path = self.leaf.verify_for_usage(
            ALL_VERIFICATION_ALGS,
            &self.anchors.roots,
            self.chain,
            self.now,
            ForMail,
            revocation,
            Some(&issuers_may_issue),
        );
        path.map(drop)
    }

    /// A list that names a certificate counts though it is an old one; that none names it counts only from
    /// a list that is still in its period.
    fn revocation(&self, strict: bool) -> Verdict {
        use RevocationCheckDepth::{Chain, EndEntity};
        if self.anchors.crls.is_empty() {
            return if strict {
                Verdict::RevocationUnknown
            } else {
                Verdict::Valid
            };
        }
        let named = |depth| {
            let asked = (depth, UnknownStatusPolicy::Allow, ExpirationPolicy::Ignore);
            self.verify(Some(asked)) == Err(Error::CertRevoked)
        };
        if named(EndEntity) {
            return Verdict::Revoked;
        }
        if named(Chain) {
            return Verdict::IssuerRevoked;
        }
        let asked = (Chain, UnknownStatusPolicy::Deny, ExpirationPolicy::Enforce);
        if strict && self.verify(Some(asked)).is_err() {
            return Verdict::RevocationUnknown;
        }
        Verdict::Valid
    }
}

/// Purposes, where a certificate of the chain names some, have mail or anything among them. One without
/// purposes is asked, too.
struct ForMail;

impl ExtendedKeyUsageValidator for ForMail {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        let mut named = false;
        for purpose in purposes {
            let purpose = purpose?;
            if purpose == MAIL || purpose == ANYTHING {
                return Ok(());
            }
            named = true;
        }
        if named { Err(misused()) } else { Ok(()) }
    }
}

fn misused() -> Error {
    Error::RequiredEkuNotFoundContext(RequiredEkuNotFoundContext {
        required: KeyUsage::required_if_present(MAIL_OID),
        present: Vec::new(),
    })
}

/// The library takes no notice of the key usage of issuers.
fn issuers_may_issue(path: &VerifiedPath<'_>) -> Result<(), Error> {
    let may = path
        .intermediate_certificates()
        .all(|issuer| Certificate::from_der(&issuer.der()).is_ok_and(|c| c.may_issue()));
    if may {
        Ok(())
    } else {
        Err(Error::EndEntityUsedAsCa)
    }
}

/// The first certificate has been looked at for itself: what is out of date or has another purpose now is
/// one of those that it depends on.
fn of(e: &Error) -> Verdict {
    match e {
        Error::CertExpired { .. } | Error::CertNotValidYet { .. } => Verdict::Periods,
        Error::UnknownIssuer | Error::CertDistrusted => Verdict::Untrusted,
        Error::PathLenConstraintViolated | Error::MaximumPathDepthExceeded => Verdict::Chain,
        Error::RequiredEkuNotFoundContext(_) | Error::NameConstraintViolation => Verdict::Misused,
        Error::CaUsedAsEndEntity | Error::EndEntityUsedAsCa => Verdict::Roles,
        Error::CertRevoked => Verdict::Revoked,
        Error::InvalidSignatureForPublicKey
        | Error::SignatureAlgorithmMismatch
        | Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => Verdict::Signature,
        Error::MaximumNameConstraintComparisonsExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumSignatureChecksExceeded => Verdict::Failed,
        _ => Verdict::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smime::testing::{Made, NOW_S, Purpose, issuer};

    const A: &str = "a@example.org";

    #[track_caller]
    fn check(leaf: &Made, chain: &[&Made], roots: &[&Made], expect: Verdict) {
        check_with(leaf, chain, roots, &[], false, expect);
    }

    #[track_caller]
    fn check_with(
        leaf: &Made,
        chain: &[&Made],
        roots: &[&Made],
        crls: &[Vec<u8>],
        strict: bool,
        expect: Verdict,
    ) {
        let ders = |all: &[&Made]| all.iter().map(|m| m.der().to_vec()).collect::<Vec<_>>();
        let anchors = Anchors::of(&ders(roots), crls);
        let verdict = judge(
            leaf.der(),
            &Chain::of(&ders(chain)),
            &anchors,
            NOW_S,
            strict,
        );
        assert_eq!(verdict, expect);
    }

    #[test]
    fn a_chain_to_a_trusted_root_is_valid_and_any_other_is_not() {
        let (root, other) = (issuer("Root"), issuer("Other"));
        let middle = root.issuer("Middle");
        let leaf = middle.mail(A, Purpose::Mail);
        check(&leaf, &[&middle], &[&root], Verdict::Valid);
        check(&leaf, &[&other, &root, &middle], &[&root], Verdict::Valid);
        check(
            &root.mail(A, Purpose::Unsaid),
            &[],
            &[&root],
            Verdict::Valid,
        );
        check(&leaf, &[&middle, &root], &[&other], Verdict::Untrusted);
        check(&leaf, &[&middle, &root], &[], Verdict::Untrusted);
        check(&leaf, &[], &[&root], Verdict::Chain);
        check(&leaf, &[&other], &[&root], Verdict::Chain);
        // Of the same name, with another key.
        check(&leaf, &[&middle], &[&issuer("Root")], Verdict::Signature);
    }

    #[test]
    fn a_certificate_that_was_changed_is_found_out() {
        let root = issuer("Root");
        let leaf = root.mail(A, Purpose::Mail);
        let at = leaf.der().windows(A.len()).position(|w| w == A.as_bytes());
        let mut changed = leaf.der().to_vec();
        changed[at.unwrap()] = b'b';
        let anchors = Anchors::of(&[root.der().to_vec()], &[]);
        let verdict = |der: &[u8]| judge(der, &Chain::default(), &anchors, NOW_S, false);
        assert_eq!(verdict(leaf.der()), Verdict::Valid);
        assert_eq!(verdict(&changed), Verdict::Signature);
        assert_eq!(verdict(b"junk"), Verdict::Malformed);
        assert_eq!(verdict(b""), Verdict::Malformed);
        for cut in 0..leaf.der().len() {
            let short = verdict(&leaf.der()[..cut]);
            assert_eq!(short, Verdict::Malformed, "{cut}");
        }
    }

    #[test]
    fn no_certificate_stays_valid_when_a_byte_of_it_changes() {
        let root = issuer("Root");
        let leaf = root.mail(A, Purpose::Mail);
        let anchors = Anchors::of(&[root.der().to_vec()], &[]);
        for at in 0..leaf.der().len() {
            for mask in [1, 0x80, 0xFF] {
                let mut changed = leaf.der().to_vec();
                changed[at] ^= mask;
                let verdict = judge(&changed, &Chain::default(), &anchors, NOW_S, false);
                assert_ne!(verdict, Verdict::Valid, "byte {at} ^ {mask}");
            }
        }
    }

    #[test]
    fn periods_purposes_and_roles_count() {
        let root = issuer("Root");
        let check_leaf = |leaf: &Made, expect| check(leaf, &[], &[&root], expect);
        check_leaf(&root.dated(A, 2020, 2025), Verdict::OutOfDate);
        check_leaf(&root.dated(A, 2027, 2030), Verdict::OutOfDate);
        check_leaf(&root.mail(A, Purpose::Server), Verdict::NotForMail);
        check_leaf(&root.mail(A, Purpose::Crls), Verdict::NotForMail);
        check_leaf(&root.mail(A, Purpose::Anything), Verdict::Valid);
        let unknown = root.with_unknown_extension(A);
        check_leaf(&unknown, Verdict::Malformed);
        check(&root.issuer("Middle"), &[], &[&root], Verdict::NotForMail);

        let old = root.dated_issuer("Old", 2020, 2025);
        let leaf = old.mail(A, Purpose::Mail);
        check(&leaf, &[&old], &[&root], Verdict::Periods);
        let person = root.mail("Person", Purpose::Mail);
        let leaf = person.mail(A, Purpose::Mail);
        check(&leaf, &[&person], &[&root], Verdict::Roles);
        let server = root.issuer_for("Servers", Purpose::Server);
        let leaf = server.mail(A, Purpose::Mail);
        check(&leaf, &[&server], &[&root], Verdict::Misused);
        let listing = root.issuer_for("Lists", Purpose::Crls);
        let leaf = listing.mail(A, Purpose::Mail);
        check(&leaf, &[&listing], &[&root], Verdict::Roles);
        let short = root.issuer_of_leaves("Short");
        let below = short.issuer("Below");
        let leaf = below.mail(A, Purpose::Mail);
        check(&leaf, &[&below, &short], &[&root], Verdict::Chain);
    }

    #[test]
    fn what_a_list_names_is_revoked_and_what_none_knows_is_unknown_where_that_counts() {
        let root = issuer("Root");
        let middle = root.issuer("Middle");
        let leaf = middle.mail(A, Purpose::Mail);
        let check = |crls: &[Vec<u8>], strict, expect| {
            check_with(&leaf, &[&middle], &[&root], crls, strict, expect);
        };
        let none = (root.revokes(&[]), middle.revokes(&[]));
        check(&[], false, Verdict::Valid);
        check(&[], true, Verdict::RevocationUnknown);
        check(&[none.0.clone(), none.1.clone()], true, Verdict::Valid);
        check(
            std::slice::from_ref(&none.0),
            true,
            Verdict::RevocationUnknown,
        );
        check(std::slice::from_ref(&none.0), false, Verdict::Valid);
        for strict in [false, true] {
            let named = middle.revokes(&[&leaf]);
            check(&[none.0.clone(), named], strict, Verdict::Revoked);
            let named = root.revokes(&[&middle]);
            check(&[named, none.1.clone()], strict, Verdict::IssuerRevoked);
        }
        // The latest list of an issuer counts; an old one says nothing good, but what it names is gone.
        let old = middle.revokes_in(&[], 2024);
        check(
            &[none.0.clone(), old.clone()],
            true,
            Verdict::RevocationUnknown,
        );
        let named = middle.revokes(&[&leaf]);
        check(&[none.0.clone(), old, named], true, Verdict::Revoked);
        let named = middle.revokes_in(&[&leaf], 2024);
        check(&[none.0.clone(), named], false, Verdict::Revoked);
        // Somebody else's list of the same name.
        let forged = root.issuer("Middle").revokes(&[&leaf]);
        check(&[forged], false, Verdict::Valid);
    }

    #[test]
    fn a_chain_that_branches_everywhere_is_refused_soon() {
        let root = issuer("Root");
        let mut above = vec![issuer("Top"), issuer("Top")];
        let mut all = Vec::new();
        for level in ["D", "C", "B", "A"] {
            let level: Vec<_> = (0..12)
                .map(|i| above[i % above.len()].issuer(level))
                .collect();
            all.extend(above);
            above = level;
        }
        all.extend(above);
        let ders: Vec<_> = all.iter().map(|made| made.der().to_vec()).collect();
        let chain = Chain::of(&ders);
        assert_eq!(chain.0.len(), 2 + 4 * limits::CERTIFICATE_NAMESAKES_MAX);
        let leaf = all[all.len() - 1].mail(A, Purpose::Mail);
        let anchors = Anchors::of(&[root.der().to_vec()], &[]);
        let verdict = judge(leaf.der(), &chain, &anchors, NOW_S, false);
        assert_eq!(verdict, Verdict::Untrusted);
    }
}
