//! ValidateCert ([MS-ASCMD] 2.2.1.22): whether certificates are valid for mail, which a device cannot
//! tell that has neither the roots nor the revocation lists of its company.
//!
//! Deliberately absent: the status of a certificate that belongs to another address than its mail came
//! from (12): a request names no address; and that of a revocation server that is offline (14): none is
//! asked, least of all one that a client names.

use crate::eas::context::{Context, Done, Reply};
use crate::eas::status::{Common, Failure};
use crate::eas::value;
use crate::limits;
use crate::smime::{Chain, Verdict, judge};
use crate::wbxml::tags::validatecert as tags;
use crate::wbxml::{Reader, Writer};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::sync::Arc;

const DONE: u16 = 1;
const PROTOCOL_ERROR: u16 = 2;

/// Base64, padded or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a request asks. An empty certificate could not be read.
#[derive(Default)]
struct Asked {
    chain: Vec<Vec<u8>>,
    certificates: Vec<Vec<u8>>,
    /// That a revocation list speaks for a certificate is needed.
    strict: bool,
}

/// Carries out the command.
///
/// # Errors
/// A document that cannot be read; too much waiting for the workers.
pub async fn run(ctx: &Context<'_>) -> Result<Done, Failure> {
    let mut r = ctx.document(tags::VALIDATE_CERT)?;
    let Some(asked) = read(&mut r)? else {
        return Ok(answer(PROTOCOL_ERROR, &[]).into());
    };
    let trust = Arc::clone(&ctx.eas.settings().trust);
    let clock = ctx.eas.clock().clone();
    let job = move || {
        let (anchors, chain) = (trust.anchors(), Chain::of(&asked.chain));
        let (now_s, begun_ms) = (clock.now_ms().div_euclid(1_000), clock.mono_ms());
        let judged = asked.certificates.iter().map(|der| {
            if clock.mono_ms().saturating_sub(begun_ms) > limits::VALIDATE_MS_MAX {
                return Verdict::Failed;
            }
            judge(der, &chain, &anchors, now_s, asked.strict)
        });
        judged.collect::<Vec<_>>()
    };
    let verdicts = ctx.eas.workers().run(job).await?;
    Ok(answer(DONE, &verdicts).into())
}

/// The request; none if its parameters are out of range.
fn read(r: &mut Reader<'_>) -> Result<Option<Asked>, Failure> {
    let mut asked = Asked::default();
    let mut is_sound = true;
    while let Some(tag) = r.child()? {
        match tag {
            tags::CERTIFICATE_CHAIN => is_sound &= certificates(r, &mut asked.chain)?,
            tags::CERTIFICATES => is_sound &= certificates(r, &mut asked.certificates)?,
            tags::CHECK_CRL => match value::number(r)? {
                Some(number @ (0 | 1)) => asked.strict = number == 1,
                _ => is_sound = false,
            },
            _ => return Err(Common::InvalidXml.into()),
        }
    }
    Ok((is_sound && !asked.certificates.is_empty()).then_some(asked))
}

/// Reads a list of certificates; whether it has not too many of them.
fn certificates(r: &mut Reader<'_>, list: &mut Vec<Vec<u8>>) -> Result<bool, Failure> {
    let mut is_sound = true;
    while let Some(tag) = r.child()? {
        if tag != tags::CERTIFICATE {
            return Err(Common::InvalidXml.into());
        }
        if list.len() == limits::VALIDATE_CERTIFICATES_MAX {
            is_sound = false;
            r.skip()?;
        } else {
            list.push(certificate(r.bytes()?));
        }
    }
    Ok(is_sound)
}

/// A certificate out of base64, or as bytes, which some clients send; empty if it is neither.
fn certificate(sent: &[u8]) -> Vec<u8> {
    const SEQUENCE: u8 = 0x30;
    // No base64 of a certificate begins with the digit that this is.
    if sent.first() == Some(&SEQUENCE) {
        return sent.to_vec();
    }
    if sent.len() > limits::CERTIFICATE_BYTES_MAX * 2 {
        return Vec::new();
    }
    let mut text = sent.to_vec();
    text.retain(|b| !b.is_ascii_whitespace());
    BASE64.decode(text).unwrap_or_default()
}

fn answer(status: u16, verdicts: &[Verdict]) -> Reply {
    let mut w = Writer::new();
    w.open(tags::VALIDATE_CERT);
    w.num(tags::STATUS, status);
    for verdict in verdicts {
        w.open(tags::CERTIFICATE);
        w.num(tags::STATUS, number(*verdict));
        w.close();
    }
    w.close();
    Reply::document(w, status).with_changes(verdicts.len())
}

/// Its status ([MS-ASCMD] 2.2.3.177.18).
fn number(verdict: Verdict) -> u16 {
    match verdict {
        Verdict::Valid => 1,
        Verdict::Signature => 3,
        Verdict::Untrusted => 4,
        Verdict::Chain => 5,
        Verdict::NotForMail => 6,
        Verdict::OutOfDate => 7,
        Verdict::Periods => 8,
        Verdict::Misused => 9,
        Verdict::Malformed => 10,
        Verdict::Roles => 11,
        Verdict::Revoked => 13,
        Verdict::IssuerRevoked => 15,
        Verdict::RevocationUnknown => 16,
        Verdict::Failed => 17,
    }
}

#[cfg(test)]
mod tests;
