//! What a search and a first Sync of a large folder take, in time and in memory.
//!
//! ```text
//! cargo run --release -p roost-bench --bin search [-- MAILS]
//! ```
//!
//! Fills one folder on disk with 10,000 mails and then with 100,000 (or as many as are named), and looks
//! at the memory of the process while it searches and while a device fetches everything. It fails if
//! memory grows with the folder, or if a search takes longer than a phone waits.

#![expect(clippy::print_stdout, reason = "a command for the terminal")]

use roost::clock::Clock;
use roost::mailbox::search::{Bounds, Expr, Query};
use roost::mailbox::{Account, By, DeviceNo, FolderId, Mailbox, Window};
use roost::pim::words::{Field, phrase, terms};
use roost::pim::{Class, Record};
use roost::store::{Fjall, Options, Scope, Store};
use roost::work::Pool;
use roost_bench::push::sys::{anonymous_bytes, now_ns};
use roost_bench::wait::block_on;
use roost_bench::{must, sample};
use std::cell::Cell;
use std::process::ExitCode;

/// Milliseconds that a search may take.
const BAR_MS: f64 = 5_000.0;
/// Mebibytes that a search or a Sync may need of a folder of any size, caches filled.
const BAR_MIB: f64 = 32.0;
/// Mails of one answer of a Sync.
const WINDOW: usize = 100;
/// Bytes of the engine's caches: so small that they do not hide what grows.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;

fn main() -> ExitCode {
    let most = std::env::args().nth(1).and_then(|n| n.parse().ok());
    let most: u32 = most.unwrap_or(100_000);
    let mut holds = true;
    println!(
        "{:>8} {:<28} {:>9} {:>10} {:>7}",
        "mails", "what", "ms", "MiB more", "found"
    );
    for mails in [most / 10, most] {
        let folder = must(tempfile::tempdir());
        let options = Options {
            cache_bytes: CACHE_BYTES,
            answers_bytes: CACHE_BYTES,
            ..Options::default()
        };
        let store = must(Fjall::open(folder.path(), &options));
        let house = block_on(House::filled(Store::Fjall(store), mails));
        let quoted = must(phrase("the minutes along", 9).ok_or("no phrase"));
        for (what, expr) in [
            ("a word of every mail", words("minutes")),
            ("a word of one mail", words(&format!("seldom{}", mails / 2))),
            ("a word of no mail", words("nowhere")),
            ("three words", words("minutes seldom1 meeting")),
            ("a phrase", Expr::of_terms(Field::Any, vec![quoted])),
        ] {
            holds &= house.show(what, |house| house.search(expr.clone()));
        }
        holds &= house.show("a first Sync", House::first_sync);
    }
    println!(
        "at most {BAR_MS:.0} ms for a search and {BAR_MIB:.0} MiB: {}",
        verdict(holds)
    );
    if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn verdict(holds: bool) -> &'static str {
    if holds { "holds" } else { "FAILS" }
}

fn words(text: &str) -> Expr {
    Expr::of_terms(Field::Any, terms(text, 9))
}

/// An account with one large folder.
struct House {
    mailbox: Mailbox,
    scope: Scope,
    device: DeviceNo,
    mails: u32,
    workers: Pool,
    /// The most memory that was seen.
    peak: Cell<u64>,
}

impl House {
    async fn filled(store: Store, mails: u32) -> Self {
        let mailbox = Mailbox::new(store, Clock::system(), true);
        let account = Account {
            login: "anna".to_owned(),
            ..Account::default()
        };
        let scope = must(mailbox.add_account(&account).await);
        let device = must(mailbox.get_or_add_device(scope, "bench", "Phone", "").await).number;
        let inbox = must(mailbox.folder(scope, FolderId::INBOX).await);
        let mut tx = mailbox.transaction(scope, By::default());
        for n in 0..mails {
            must(tx.add(&inbox, &letter(n)).await);
            if tx.is_full() {
                must(tx.commit().await);
                tx = mailbox.transaction(scope, By::default());
            }
        }
        must(tx.commit().await);
        Self {
            mailbox,
            scope,
            device,
            mails,
            workers: must(Pool::start(1)),
            peak: Cell::new(0),
        }
    }

    /// Does something, and shows what it took; whether that is within the bars.
    fn show(&self, what: &str, run: impl Fn(&Self) -> usize) -> bool {
        // The first time fills the caches.
        run(self);
        let before = must(anonymous_bytes(std::process::id()));
        self.peak.set(before);
        let begun = now_ns();
        let found = run(self);
        let took = now_ns() - begun;
        let more = self.peak.get() - before;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let (ms, mib) = (took as f64 / 1e6, more as f64 / 1_048_576.0);
        println!(
            "{:>8} {what:<28} {ms:>9.1} {mib:>10.1} {found:>7}",
            self.mails
        );
        mib <= BAR_MIB && (ms <= BAR_MS || what == "a first Sync")
    }

    fn sample(&self) {
        let bytes = must(anonymous_bytes(std::process::id()));
        self.peak.set(self.peak.get().max(bytes));
    }

    fn search(&self, expr: Expr) -> usize {
        let query = Query {
            expr,
            classes: vec![Class::Email],
            folders: Vec::new(),
            deep: false,
        };
        let wanted = || {
            self.sample();
            true
        };
        let bounds = Bounds {
            results: 1_000,
            wanted: &wanted,
        };
        let search = self
            .mailbox
            .search(self.scope, &query, bounds, &self.workers);
        must(block_on(Box::pin(search))).hits.len()
    }

    /// Fetches everything, page by page; returns how many mails came.
    fn first_sync(&self) -> usize {
        block_on(async {
            let (mut key, mut count) = (0, 0);
            loop {
                let round = self
                    .mailbox
                    .sync(self.scope, self.device, FolderId::INBOX, key);
                let mut round = must(must(Box::pin(round).await).ok_or("the key is unknown"));
                round.set_window(Window::ALL);
                let mut told = 0;
                while key != 0 && told < WINDOW && must(round.next().await).is_some() {
                    told += 1;
                }
                count += told;
                self.sample();
                let is_first = key == 0;
                key = must(Box::pin(round.finish()).await).key;
                if told < WINDOW && !is_first {
                    return count;
                }
            }
        })
    }
}

/// A mail with some words of its own.
fn letter(n: u32) -> Record {
    let mut mail = sample::mail(n);
    let own = (0..80).map(|i| format!("w{} ", (n.wrapping_mul(2_654_435_761) >> 12) ^ (i * 977)));
    mail.text_head = format!("{}seldom{n} {}", mail.text_head, own.collect::<String>());
    mail.text_bytes = u32::try_from(mail.text_head.len()).unwrap_or(u32::MAX);
    Record::Message(mail)
}
