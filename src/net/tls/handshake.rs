//! The handshake, and all of a connection of TLS 1.2: rustls' unbuffered connection, which holds no
//! buffer of its own between records.

use std::sync::Arc;

use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus, WriteTraffic,
};
use rustls::{ProtocolVersion, ServerConfig};

use super::Fed;
use super::record::Reduced;
use super::secrets::{Caught, Half, caught};

/// A handshake message may span records: so much of one is kept before the peer is dropped.
const CARRY_BYTES_MAX: usize = 128 * 1024;
/// What a record adds to its content at most, in any version and suite.
const RECORD_OVERHEAD: usize = 128;
/// Content of one record (RFC 8446 5.1).
const RECORD_BYTES: usize = 16 * 1024;

/// A connection in the hands of rustls.
pub(in crate::net) struct Session {
    connection: UnbufferedServerConnection,
    /// A record that has not arrived completely. Owns no memory otherwise.
    carry: Vec<u8>,
    pub(super) handshaken: bool,
    /// After an error nothing is asked of the connection any more.
    failed: bool,
    /// What the handshake has computed so far.
    caught: Caught,
}

impl Session {
    pub(super) fn new(config: &Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        Ok(Self {
            connection: UnbufferedServerConnection::new(Arc::clone(config))?,
            carry: Vec::new(),
            handshaken: false,
            failed: false,
            caught: Caught::default(),
        })
    }

    pub(super) fn is_tls12(&self) -> bool {
        self.connection.protocol_version() == Some(ProtocolVersion::TLSv1_2)
    }

    /// Whether the session was resumed; nothing before that is known.
    pub(super) fn is_resumed(&self) -> Option<bool> {
        let kind = self.connection.handshake_kind()?;
        Some(kind == rustls::HandshakeKind::Resumed)
    }

    pub(super) fn carried(&self) -> usize {
        self.carry.capacity()
    }

    /// What is left of it once the handshake is over, where that is TLS 1.3; with the bytes that
    /// were not used yet.
    ///
    /// # Errors
    /// When what rustls hands out and what it told of do not belong together.
    pub(super) fn reduce(self) -> Result<(Reduced, Vec<u8>), rustls::Error> {
        let unsure = || rustls::Error::General("secrets that do not belong together".into());
        let Caught { client, server } = self.caught;
        let (client, server) = (client.ok_or_else(unsure)?, server.ok_or_else(unsure)?);
        let (secrets, _kernel) = self.connection.dangerous_into_kernel_connection()?;
        let (suite, tx) = Half::new(secrets.tx.0, &secrets.tx.1, &server).ok_or_else(unsure)?;
        let (same, rx) = Half::new(secrets.rx.0, &secrets.rx.1, &client).ok_or_else(unsure)?;
        if same != suite {
            return Err(unsure());
        }
        Ok((Reduced::new(suite, tx, rx), self.carry))
    }

    pub(super) fn feed(
        &mut self,
        input: &mut [u8],
        plain: &mut Vec<u8>,
        wire: &mut Vec<u8>,
    ) -> Result<Fed, rustls::Error> {
        let fed = self.feed_all(input, plain, wire);
        if !self.handshaken || !self.is_tls12() {
            self.caught.add(caught());
        }
        self.failed |= fed.is_err();
        fed
    }

    /// Appends `plain` as records.
    pub(super) fn seal(&mut self, plain: &[u8], wire: &mut Vec<u8>) -> Result<(), rustls::Error> {
        self.write(wire, |traffic, wire| {
            let records = plain.len() / RECORD_BYTES + 1;
            append(wire, plain.len() + records * RECORD_OVERHEAD, |out| {
                traffic.encrypt(plain, out)
            })
        })
    }

    /// Appends the orderly end of our side.
    pub(super) fn close(&mut self, wire: &mut Vec<u8>) -> Result<(), rustls::Error> {
        self.write(wire, |traffic, wire| {
            append(wire, RECORD_OVERHEAD, |out| traffic.queue_close_notify(out))
        })
    }

    fn feed_all(
        &mut self,
        input: &mut [u8],
        plain: &mut Vec<u8>,
        wire: &mut Vec<u8>,
    ) -> Result<Fed, rustls::Error> {
        if self.carry.is_empty() {
            let (used, fed) = self.process(input, plain, wire)?;
            self.carry
                .extend_from_slice(input.get(used..).unwrap_or_default());
            return Ok(fed);
        }
        let mut carry = std::mem::take(&mut self.carry);
        carry.extend_from_slice(input);
        let (used, fed) = self.process(&mut carry, plain, wire)?;
        if used < carry.len() {
            carry.drain(..used);
            self.carry = carry;
        }
        if self.carry.len() > CARRY_BYTES_MAX {
            return Err(rustls::Error::General("a message without end".into()));
        }
        Ok(fed)
    }

    /// Returns how many bytes were used.
    fn process(
        &mut self,
        input: &mut [u8],
        plain: &mut Vec<u8>,
        wire: &mut Vec<u8>,
    ) -> Result<(usize, Fed), rustls::Error> {
        let mut used = 0;
        let mut fed = Fed::Open;
        loop {
            let rest = input.get_mut(used..).unwrap_or_default();
            let UnbufferedStatus { mut discard, state } = self.connection.process_tls_records(rest);
            let mut last = false;
            let failed = match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record?;
                        plain.extend_from_slice(record.payload);
                        discard += record.discard;
                    }
                    None
                }
                Ok(ConnectionState::EncodeTlsData(data)) => {
                    encode(data, wire)?;
                    None
                }
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    None
                }
                Ok(ConnectionState::WriteTraffic(_)) => {
                    self.handshaken = true;
                    last = true;
                    None
                }
                Ok(ConnectionState::BlockedHandshake) => {
                    last = true;
                    None
                }
                Ok(ConnectionState::PeerClosed) => {
                    fed = Fed::Closed;
                    None
                }
                Ok(ConnectionState::Closed) => {
                    last = true;
                    fed = Fed::Closed;
                    None
                }
                Ok(_) => Some(rustls::Error::General("early data".into())),
                Err(e) => Some(e),
            };
            used += discard;
            if let Some(e) = failed {
                // To an alert of the peer's there is nothing to say.
                if !matches!(e, rustls::Error::AlertReceived(_)) {
                    self.alert(input.get_mut(used..).unwrap_or_default(), wire);
                }
                return Err(e);
            }
            if last {
                return Ok((used, fed));
            }
        }
    }

    /// Appends the alert that tells the peer of a failure. `rest` is what was not used. rustls
    /// may be asked once only, and has to see those bytes: it remembers places in them, and
    /// would take them up where nothing waits to be sent.
    fn alert(&mut self, rest: &mut [u8], wire: &mut Vec<u8>) {
        if let Ok(ConnectionState::EncodeTlsData(data)) =
            self.connection.process_tls_records(rest).state
        {
            let _ = encode(data, wire);
        }
    }

    /// Writes once the connection has nothing of its own to send (an answer to a key update).
    fn write<T>(
        &mut self,
        wire: &mut Vec<u8>,
        write: impl FnOnce(
            &mut WriteTraffic<'_, ServerConnectionData>,
            &mut Vec<u8>,
        ) -> Result<T, rustls::Error>,
    ) -> Result<T, rustls::Error> {
        if self.failed {
            return Err(rustls::Error::EncryptError);
        }
        // rustls remembers places in what it was fed: it has to see the same bytes again. They
        // are no complete record, so nothing is decrypted here.
        let mut used = 0;
        let outcome = loop {
            let rest = self.carry.get_mut(used..).unwrap_or_default();
            let UnbufferedStatus { discard, state } = self.connection.process_tls_records(rest);
            used += discard;
            match state {
                Ok(ConnectionState::WriteTraffic(mut traffic)) => break write(&mut traffic, wire),
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, wire)?,
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::PeerClosed) => {}
                Ok(_) => break Err(rustls::Error::HandshakeNotComplete),
                Err(e) => break Err(e),
            }
        };
        self.carry.drain(..used.min(self.carry.len()));
        self.failed |= outcome.is_err();
        outcome
    }
}

fn encode(
    mut data: EncodeTlsData<'_, ServerConnectionData>,
    wire: &mut Vec<u8>,
) -> Result<(), rustls::Error> {
    let start = wire.len();
    let mut room = 2 * 1024;
    loop {
        wire.resize(start + room, 0);
        match data.encode(wire.get_mut(start..).unwrap_or_default()) {
            Ok(n) => {
                wire.truncate(start + n);
                return Ok(());
            }
            Err(EncodeError::InsufficientSize(e)) if e.required_size > room => {
                room = e.required_size;
            }
            Err(e) => {
                wire.truncate(start);
                return Err(rustls::Error::General(e.to_string()));
            }
        }
    }
}

/// Lets `write` fill up to `room` bytes behind `wire`.
fn append(
    wire: &mut Vec<u8>,
    room: usize,
    write: impl FnOnce(&mut [u8]) -> Result<usize, EncryptError>,
) -> Result<(), rustls::Error> {
    let start = wire.len();
    wire.resize(start + room, 0);
    let written = write(wire.get_mut(start..).unwrap_or_default());
    wire.truncate(start + written.as_ref().map_or(0, |n| *n));
    match written {
        Ok(_) => Ok(()),
        Err(EncryptError::EncryptExhausted) => Err(rustls::Error::EncryptError),
        Err(e) => Err(rustls::Error::General(e.to_string())),
    }
}
