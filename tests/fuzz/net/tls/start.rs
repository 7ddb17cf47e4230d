//! The first bytes of a connection: the glance at a ClientHello, and the handshake, which is rustls'
//! but for the buffers around it.

use std::sync::{Arc, LazyLock};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::handshake::Session;
use super::hello::offers_resumption;
use crate::targets::input::cuts;

/// Nobody can finish a handshake by guessing: no certificate is needed.
#[derive(Debug)]
struct NoCertificate;

impl ResolvesServerCert for NoCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}

static CONFIG: LazyLock<Arc<ServerConfig>> = LazyLock::new(|| {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(NoCertificate));
    Arc::new(config)
});

/// Any bytes.
pub(crate) fn start(data: &[u8]) {
    let offers = offers_resumption(data);
    if let Some(offers) = offers {
        // What is told from the beginning is not taken back by what follows.
        let more = [data, b"more"].concat();
        assert_eq!(offers_resumption(&more), Some(offers));
    }
    let whole = shake(data, &[]);
    assert_eq!(whole, shake(data, &cuts(data, data.len())), "in pieces");
}

/// Whether it failed.
fn shake(data: &[u8], cuts: &[usize]) -> bool {
    let mut session = Session::new(&CONFIG).expect("a session");
    let (mut plain, mut wire) = (Vec::new(), Vec::new());
    let mut failed = false;
    let mut from = 0;
    for end in cuts.iter().copied().chain([data.len()]) {
        let mut input = data[from..end].to_vec();
        from = end;
        let fed = session.feed(&mut input, &mut plain, &mut wire);
        failed |= fed.is_err();
        if failed {
            break;
        }
    }
    assert!(plain.is_empty() && !session.handshaken);
    failed
}
