//! The record layer against a peer that does what it likes: all that was said arrives up to the
//! first error, nothing behind it, and everything that we seal opens.

use std::sync::LazyLock;

use super::Fed;
use super::peer::Direction;
use super::record::Reduced;
use super::secrets::Half;
use crate::targets::input::{Input, cuts};

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const DATA: u8 = 23;
const CONTENT_BYTES_MAX: usize = 16 * 1024;
const IDLE_RECORDS_MAX: usize = 32;
const KEY_UPDATE: [u8; 5] = [24, 0, 0, 1, 0];

/// What the peer sends, and what has to come of it.
struct Script {
    wire: Vec<u8>,
    /// Application data up to the end or the first error.
    plain: Vec<u8>,
    closed: bool,
    failed: bool,
    /// Nothing can be said of what happens from here on.
    unknown: bool,
    idle: usize,
    /// KeyUpdates that ask for one in return.
    asked: usize,
}

/// Choices of what the peer sends.
pub(crate) fn records(data: &[u8]) {
    let mut input = Input::new(data);
    let aes = input.flag();
    // Keys take longer to make than most inputs to run.
    static SIDES: LazyLock<[[Direction; 2]; 2]> =
        LazyLock::new(|| [false, true].map(|aes| [1, 2].map(|byte| Direction::new(aes, byte))));
    let [client, server] = &SIDES[usize::from(aes)];
    let script = script(&mut input, client.clone());
    let whole = play(&script, client, server, &[]);
    let pieces = cuts(data, script.wire.len());
    assert_eq!(whole, play(&script, client, server, &pieces), "in pieces");
}

fn script(input: &mut Input<'_>, mut client: Direction) -> Script {
    let mut script = Script {
        wire: Vec::new(),
        plain: Vec::new(),
        closed: false,
        failed: false,
        unknown: false,
        idle: 0,
        asked: 0,
    };
    // Enough for everything that can go wrong in a row.
    for _ in 0..64 {
        if input.is_empty() {
            break;
        }
        let record = match input.below(8) {
            0 | 1 => {
                let content = input.piece();
                script.data(content, 0);
                client.seal(DATA, content, 0)
            }
            2 => {
                let content = input.take(64).repeat(1 + usize::from(input.byte()) * 2);
                let zeros = usize::from(input.u16()) % 600;
                script.data(&content, zeros);
                client.seal(DATA, &content, zeros)
            }
            3 => {
                let content = [input.byte(), *input.pick(&[0, 90, 10, 255])];
                script.alert(content[1]);
                client.seal(ALERT, &content, 0)
            }
            4 => {
                let mut update = KEY_UPDATE;
                update[4] = *input.pick(&[0, 1, 0, 1, 2]);
                script.key_update(update[4]);
                let record = client.seal(HANDSHAKE, &update, 0);
                client.update();
                record
            }
            5 => {
                let (kind, content) = (input.byte(), input.piece());
                script.unknown = true;
                client.seal(kind, content, input.below(4))
            }
            6 => {
                let mut record = client.seal(DATA, input.piece(), 0);
                let (at, bits) = (usize::from(input.u16()), input.byte() | 1);
                let at = at % record.len();
                record[at] ^= bits;
                // The version in the head is ignored, but is part of what is authenticated.
                script.unknown = true;
                record
            }
            _ => {
                script.unknown = true;
                input.piece().to_vec()
            }
        };
        script.wire.extend_from_slice(&record);
    }
    script
}

impl Script {
    fn is_over(&self) -> bool {
        self.closed || self.failed || self.unknown
    }

    fn idles(&mut self) {
        self.idle += 1;
        self.failed |= self.idle > IDLE_RECORDS_MAX;
    }

    fn data(&mut self, content: &[u8], zeros: usize) {
        if self.is_over() {
            return;
        }
        if content.len() + zeros > CONTENT_BYTES_MAX {
            self.failed = true;
        } else if content.is_empty() {
            self.idles();
        } else {
            self.idle = 0;
            self.plain.extend_from_slice(content);
        }
    }

    fn alert(&mut self, said: u8) {
        match said {
            _ if self.is_over() => {}
            0 => self.closed = true,
            90 => self.idles(),
            _ => self.failed = true,
        }
    }

    fn key_update(&mut self, requested: u8) {
        if self.is_over() {
            return;
        }
        self.idles();
        self.failed |= requested > 1;
        self.asked += usize::from(requested == 1 && !self.failed);
    }
}

fn play(script: &Script, client: &Direction, server: &Direction, cuts: &[usize]) -> Vec<u8> {
    let (suite, tx) = Half::new(0, &server.handed_out(), server.secret()).expect("keys");
    let (_, rx) = Half::new(0, &client.handed_out(), client.secret()).expect("keys");
    let mut reduced = Reduced::new(suite, tx, rx);
    let (mut plain, mut wire) = (Vec::new(), Vec::new());
    let (mut from, mut failed, mut closed) = (0, false, false);
    for end in cuts.iter().copied().chain([script.wire.len()]) {
        let mut input = script.wire[from..end].to_vec();
        from = end;
        let before = (plain.len(), wire.len());
        let fed = reduced.feed(&mut input, &mut plain, &mut wire);
        if failed {
            assert!(
                fed.is_err() && before == (plain.len(), wire.len()),
                "it goes on"
            );
        }
        failed |= fed.is_err();
        closed |= fed == Ok(Fed::Closed);
        assert!(reduced.carried() <= 2 * (script.wire.len() + 64));
    }
    answers(script, &mut reduced, wire, server.clone(), failed);
    if script.unknown {
        assert!(plain.starts_with(&script.plain));
    } else {
        assert_eq!((failed, closed), (script.failed, script.closed));
        assert!(plain == script.plain, "{} bytes", plain.len());
    }
    plain
}

/// What was said for the protocol's sake, and an answer behind it, open.
fn answers(
    script: &Script,
    reduced: &mut Reduced,
    mut wire: Vec<u8>,
    mut server: Direction,
    failed: bool,
) {
    let begun = wire.len();
    let sealed = reduced.seal(b"an answer", &mut wire);
    assert_eq!(sealed.is_err(), failed);
    if failed {
        assert_eq!(wire.len(), begun, "it speaks after an error");
    }
    let at = reduced.begin(&mut wire);
    wire.extend_from_slice(b"in place");
    let ended = reduced.end(&mut wire, at);
    assert_eq!(ended.is_err(), failed);
    let _ = reduced.close(&mut wire);
    let mut said = server.open(&wire);
    let updates = said.iter().filter(|(kind, _)| *kind == HANDSHAKE).count();
    assert!(script.unknown || updates == script.asked);
    said.retain(|(kind, _)| *kind != HANDSHAKE);
    if failed {
        assert!(
            said.len() <= 1
                && said
                    .iter()
                    .all(|(kind, alert)| *kind == ALERT && alert[0] == 2)
        );
    } else {
        let expect = [
            (DATA, &b"an answer"[..]),
            (DATA, b"in place"),
            (ALERT, &[1, 0]),
        ];
        assert!(
            said.iter()
                .map(|(kind, text)| (*kind, text.as_slice()))
                .eq(expect)
        );
    }
}
