//! Roost under test: the appliance as a library, on a folder with accounts for the fleet.

use crate::must;
use crate::push::control::{self, Stamps};
use crate::push::phone::{PASSWORD, name};
use roost::appliance;
use roost::auth::password;
use roost::config::{Config, Level};
use roost::mailbox::{Account, By, FolderId};
use roost::pim::Class;
use roost::store::{Scope, Store};
use roost::work::{block_on, join_all};
use std::net::SocketAddr;
use std::path::Path;

/// What the password checks cost: they are about other things here.
const COST: password::Cost = password::Cost {
    memory_kib: 64,
    passes: 1,
};

/// The configuration of the server under test.
#[must_use]
pub fn config(folder: &Path, cores: usize, driver: roost::config::Driver) -> Config {
    let any = || vec![SocketAddr::from(([127, 0, 0, 1], 0))];
    let mut config = Config::default();
    config.server.data = folder.to_owned();
    config.server.https = any();
    config.server.http = any();
    config.server.cores = cores;
    config.server.driver = driver;
    config.server.drain_s = 1;
    config.lmtp.listen = any();
    config.auth.argon2_memory_kib = COST.memory_kib;
    config.auth.argon2_passes = COST.passes;
    config.limits.connections_per_address_max = 20_000;
    config.limits.handshakes_per_s = 1_000_000;
    // The bench repeats requests on purpose.
    config.limits.repeats_per_min_max = 0;
    config.log.level = Level::Warn;
    config
}

/// Makes the accounts that are missing, so that there are `users`; `mails` for the first of them.
///
/// # Panics
/// If the store fails.
pub fn make(folder: &Path, users: usize, mails: u32) {
    let config = config(folder, 1, roost::config::Driver::Auto);
    let desk = must(appliance::open_desk(&config));
    let mailbox = desk.mailbox();
    let hash = must(password::hash(PASSWORD, COST));
    let there = must(block_on(mailbox.accounts())).len();
    let numbers: Vec<usize> = (there..users).collect();
    for some in numbers.chunks(256) {
        let accounts: Vec<Account> = some
            .iter()
            .map(|n| Account {
                login: name(*n),
                addresses: vec![format!("{}@example.org", name(*n))],
                password_hash: hash.clone(),
                ..Account::default()
            })
            .collect();
        let added = accounts.iter().map(|account| mailbox.add_account(account));
        for done in block_on(join_all(added)) {
            let _ = must(done);
        }
    }
    if there == 0 && mails > 0 {
        block_on(fill(mailbox, mails));
    }
}

/// Rounds of filling: far more than the journals take.
const FILL_ROUNDS_MAX: u32 = 10_000;

/// Mails of 4 KiB for the first account.
async fn fill(mailbox: &roost::mailbox::Mailbox, mails: u32) {
    let row = must(mailbox.find_login(&name(0), "").await);
    let scope = must(row.ok_or("no first account")).scope;
    let folder = must(mailbox.folder(scope, FolderId::INBOX).await);
    let mut tx = mailbox.transaction(scope, By::default());
    for n in 0..mails {
        let mut record = crate::sample::record(Class::Email, n);
        if let roost::pim::Record::Message(mail) = &mut record {
            mail.text_head = "All work and no play, line by line. ".repeat(114);
            mail.text_bytes = u32::try_from(mail.text_head.len()).unwrap_or(u32::MAX);
        }
        must(tx.add(&folder, &record).await);
        if tx.is_full() {
            must(tx.commit().await);
            tx = mailbox.transaction(scope, By::default());
        }
    }
    must(tx.commit().await);
}

/// Adds mails to all accounts, many at a time, until it is killed, or long after it should have been.
///
/// # Panics
/// If the store fails.
pub fn fill_for_ever(folder: &Path) {
    let config = config(folder, 1, roost::config::Driver::Auto);
    let desk = must(appliance::open_desk(&config));
    let mailbox = desk.mailbox();
    let scopes: Vec<Scope> = must(block_on(mailbox.accounts()))
        .iter()
        .map(|row| row.scope)
        .collect();
    for n in 0..FILL_ROUNDS_MAX {
        let added = scopes.iter().map(|scope| async move {
            let folder = must(mailbox.folder(*scope, FolderId::INBOX).await);
            let mut tx = mailbox.transaction(*scope, By::default());
            for m in 0..20 {
                must(
                    tx.add(&folder, &crate::sample::record(Class::Email, n * 20 + m))
                        .await,
                );
            }
            must(tx.commit().await);
        });
        block_on(join_all(added));
    }
}

/// Serves until it is told to quit; with caches of so many mebibytes, where that is said.
///
/// # Panics
/// If it cannot start.
#[expect(clippy::print_stdout, reason = "what it says goes to who drives it")]
pub fn serve(folder: &Path, cores: usize, driver: roost::config::Driver, cache_mib: Option<u64>) {
    let mut config = config(folder, cores, driver);
    config.store.cache_mib = cache_mib.unwrap_or(config.store.cache_mib);
    let log = appliance::log::start(config.log.level);
    let mut stamps = Stamps::default();
    let running = appliance::start_with(&config, false, |store| stamps = control::stamp(store));
    let running = must(running);
    let mailbox = running.desk().mailbox().clone();
    let store: Store = mailbox.store().clone();
    // By the number in the name: accounts that are made at once have scopes in any order.
    let mut people: Vec<(usize, Scope)> = must(block_on(mailbox.accounts()))
        .iter()
        .filter_map(|row| {
            Some((
                row.account.login.strip_prefix("user")?.parse().ok()?,
                row.scope,
            ))
        })
        .collect();
    people.sort_unstable();
    let scopes: Vec<Scope> = people.into_iter().map(|(_, scope)| scope).collect();
    let first = |list: &[SocketAddr]| list.first().map(ToString::to_string).unwrap_or_default();
    println!(
        "ready {} {} {}",
        first(&running.https),
        first(&running.http),
        first(&running.lmtp)
    );
    let storm = |wakes: &[roost::store::Wake]| running.push().heard(wakes);
    control::serve(&store, &stamps, &scopes, storm, || running.counters());
    running.stop();
    drop(log);
}
