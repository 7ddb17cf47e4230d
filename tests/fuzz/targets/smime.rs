//! Certificates that a client sends to be judged.

use roost::smime::{Anchors, Certificate, Chain, Verdict, judge};

use super::mail::NEW_YEAR_MS;

/// Any bytes as a certificate, as the chain that leads to it, as a root and as a revocation list.
pub(crate) fn certificate(data: &[u8]) {
    let read = Certificate::from_der(data);
    let _ = Certificate::from_file(data);
    let some = [data.to_vec()];
    let anchors = Anchors::of(&some, &some);
    let chain = Chain::of(&some);
    let now_s = NEW_YEAR_MS / 1_000;
    for strict in [false, true] {
        let verdict = judge(data, &chain, &anchors, now_s, strict);
        assert!(read.is_ok() || verdict == Verdict::Malformed, "{verdict:?}");
        // Nothing is trusted that no root speaks for.
        let verdict = judge(data, &chain, &Anchors::default(), now_s, strict);
        assert_ne!(verdict, Verdict::Valid);
    }
}
