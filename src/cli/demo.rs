//! `roost demo`: an appliance with something to look at.

use super::args::Demo;
use super::{Failure, office, serve};
use crate::admin::order::PortraitChange;
use crate::admin::{Desk, Order, Refusal, Reply};
use crate::appliance::{self, Running, log};
use crate::config::{Config, Level};
use crate::demo::{self, DemoMail};
use crate::import::{Kind, Marks};
use crate::pim::Record;
use crate::work::{block_on, join_all};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::net::SocketAddr;
use std::process::ExitCode;

/// Both users have it: the demo is for loopback.
const PASSWORD: &str = "roost-demo";
/// The two users and how they are called.
const USERS: [(&str, &str); 2] = [
    ("alice@example.org", "Alice Archer"),
    ("bob@example.org", "Bob Baker"),
];
/// Items stored at a time: their commits share the disk's syncs.
const AT_A_TIME: usize = 64;

pub(super) fn run(args: Demo) -> Result<ExitCode, Failure> {
    let config = configuration(&args);
    let _log = log::start(config.log.level);
    let running = appliance::start(&config, false)?;
    if add_users(running.desk())? {
        eprintln!(
            "roost: making the demo's data in {} ...",
            args.dir.display()
        );
        block_on(fill(running.desk()))?;
    }
    tell(&running, &config);
    serve::until_told(running)
}

fn configuration(args: &Demo) -> Config {
    let mut config = Config::default();
    config.server.data.clone_from(&args.dir);
    config.server.https = vec![SocketAddr::from(([127, 0, 0, 1], 8443))];
    config.server.admin = vec![SocketAddr::from(([127, 0, 0, 1], 8480))];
    config.log.level = Level::Warn;
    office::apply(&args.addresses, &mut config);
    config
}

/// Adds the users that are not there yet; whether there was one.
fn add_users(desk: &Desk) -> Result<bool, Failure> {
    let mut added = false;
    for (name, display_name) in USERS {
        let order = Order::UserAdd {
            name: name.to_owned(),
            display_name: Some(display_name.to_owned()),
            addresses: Vec::new(),
            password: PASSWORD.to_owned(),
        };
        match block_on(desk.carry_out(order, Vec::new())) {
            Reply::Refused {
                refusal: Refusal::Taken(_),
            } => {}
            Reply::Refused { refusal } => return Err(refusal.into()),
            _ => added = true,
        }
        if added {
            portray(desk, name, display_name)?;
        }
    }
    Ok(added)
}

/// Gives a user what the address list shows.
fn portray(desk: &Desk, name: &str, display_name: &str) -> Result<(), Failure> {
    let details = [
        ("title", "Keeper"),
        ("company", "Roost"),
        ("office", "Loft 2"),
        ("phone", "+1 555 0100"),
    ];
    let change = PortraitChange {
        details: details.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec(),
        photo: Some(STANDARD.encode(demo::portrait(display_name))),
        certificates: None,
    };
    let name = name.to_owned();
    match block_on(desk.carry_out(Order::UserPortray { name, change }, Vec::new())) {
        Reply::Refused { refusal } => Err(refusal.into()),
        _ => Ok(()),
    }
}

/// Stores everything that the demo makes up. Each item once: a first run that was cut short is
/// finished by the next.
async fn fill(desk: &Desk) -> Result<(), Failure> {
    let now_ms = desk.mailbox().clock().now_ms();
    let mails = demo::mails(now_ms).map(|m| Box::pin(put_mail(desk, m)));
    Box::pin(in_parts(mails)).await?;
    let contacts =
        demo::contacts(now_ms).map(|o| (o.user, Record::Contact(o.item.contact), o.item.photo));
    let events = demo::events(now_ms).map(|o| (o.user, Record::Event(o.item), None));
    let tasks = demo::tasks(now_ms).map(|o| (o.user, Record::Task(o.item), None));
    let notes = demo::notes(now_ms).map(|o| (o.user, Record::Note(o.item), None));
    let records = contacts.chain(events).chain(tasks).chain(notes);
    let stored = records.map(|(user, record, photo)| {
        Box::pin(async move {
            let put = desk.put(&user, record, photo.as_deref());
            Box::pin(put).await.map(drop)
        })
    });
    Box::pin(in_parts(stored)).await
}

async fn put_mail(desk: &Desk, mail: DemoMail) -> Result<(), Refusal> {
    let order = Order::ImportItem {
        user: mail.user,
        kind: Kind::Mail,
        folder: mail.folder,
        marks: Marks {
            read: mail.read,
            flagged: mail.flagged,
            ..Marks::default()
        },
        received_ms: Some(mail.received_ms),
        bytes: mail.raw.len() as u64,
    };
    match desk.carry_out(order, mail.raw).await {
        Reply::Refused { refusal } => Err(refusal),
        _ => Ok(()),
    }
}

/// Stores some at a time, so that their commits share the disk's syncs.
async fn in_parts<F>(mut all: impl Iterator<Item = F>) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Refusal>> + Unpin,
{
    loop {
        let part: Vec<_> = all.by_ref().take(AT_A_TIME).collect();
        if part.is_empty() {
            return Ok(());
        }
        for outcome in join_all(part).await {
            outcome?;
        }
    }
}

/// What a person needs to connect.
fn tell(running: &Running, config: &Config) {
    let first = |addresses: &[SocketAddr]| addresses.first().map(ToString::to_string);
    let (https, lmtp) = (first(&running.https), first(&running.lmtp));
    say!(
        "\nRoost serves a demo from {}.\n",
        config.server.data.display()
    );
    if let Some(https) = &https {
        say!("  server     {https}  (Exchange ActiveSync, TLS with a self-made certificate)");
    }
    for http in &running.http {
        say!("  server     {http}  (Exchange ActiveSync, plain HTTP)");
    }
    for (name, display_name) in USERS {
        say!("  user       {name}  password {PASSWORD}  ({display_name})");
    }
    say!("  domain     leave it empty\n");
    if let Some(https) = &https {
        say!("See that it is alive:\n");
        say!(
            "  curl -k -i -X OPTIONS -u alice@example.org:{PASSWORD} \
             https://{https}/Microsoft-Server-ActiveSync\n"
        );
    }
    if let Some((host, port)) = lmtp.as_deref().and_then(|a| a.rsplit_once(':')) {
        say!("Deliver a mail over LMTP, and a waiting phone is woken:\n");
        say!(
            "  printf 'LHLO me\\r\\nMAIL FROM:<bob@example.org>\\r\\nRCPT TO:<alice@example.org>\\r\\n\
             DATA\\r\\nSubject: Hello\\r\\n\\r\\nIt works.\\r\\n.\\r\\nQUIT\\r\\n' | nc {host} {port}\n"
        );
    }
    for admin in &running.admin {
        say!("How it is doing: http://{admin}/\n");
    }
    say!("Ctrl-C ends it; the data stays.");
}
