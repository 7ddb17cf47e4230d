//! The reference: a server of the usual shape. tokio on one thread, rustls over it, epoll, a task for
//! each connection, a timer and a notification for each Ping that waits.
//!
//! It reads the same requests, writes the same answers, and hears of commits of the same store; it
//! has no mailboxes, so whatever it does besides is less than a real server would.

use crate::must;
use crate::push::control;
use crate::push::phone::{PASSWORD, name};
use base64::Engine as _;
use roost::mailbox::FolderId;
use roost::net::{Certificates, certificate};
use roost::store::{Options, Scope, Store, Wake};
use roost::wbxml::tags::ping;
use roost::wbxml::{Reader, Writer};
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// A user: what wakes the Ping of the device.
struct User {
    login: String,
    scope: Scope,
    news: Notify,
}

/// What all connections share.
struct Shared {
    /// By the value of the `Authorization` header.
    users: HashMap<String, Arc<User>>,
    parked: AtomicU64,
}

/// Serves until it is told to quit.
///
/// # Panics
/// If it cannot start.
#[expect(clippy::print_stdout, reason = "what it says goes to who drives it")]
pub fn serve(folder: &Path, users: usize) {
    let store = must(Store::open(&folder.join("store"), &Options::default()));
    let (shared, by_scope) = people(users);
    let news = by_scope.clone();
    let tell = move |wakes: &[Wake]| {
        for wake in wakes {
            if let Wake::Moved { scope, .. } = wake
                && let Some(user) = news.get(scope)
            {
                user.news.notify_waiters();
            }
        }
    };
    let stamps = control::stamp(&store);
    store.listen(Box::new(tell.clone()));
    let mut scopes: Vec<Scope> = by_scope.keys().copied().collect();
    scopes.sort();
    let (chain, key) = (folder.join("chain.pem"), folder.join("key.pem"));
    let now_ms = roost::clock::Clock::system().now_ms();
    must(certificate::make_self_signed(
        &["localhost".to_owned()],
        &chain,
        &key,
        now_ms,
    ));
    let tls = tls(must(Certificates::load(&chain, &key)));
    let (say, said) = std::sync::mpsc::channel();
    let serving = Arc::clone(&shared);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        must(runtime).block_on(async move {
            let listener = must(TcpListener::bind("127.0.0.1:0").await);
            let plain = must(TcpListener::bind("127.0.0.1:0").await);
            let _ = say.send((must(listener.local_addr()), must(plain.local_addr())));
            tokio::spawn(accept(plain, None, Arc::clone(&serving)));
            accept(listener, Some(tls), serving).await;
        });
    });
    let (https, http) = must(said.recv());
    println!("ready {https} {http} -");
    control::serve(&store, &stamps, &scopes, tell, || {
        vec![("parked", shared.parked.load(Ordering::Relaxed))]
    });
}

fn people(users: usize) -> (Arc<Shared>, HashMap<Scope, Arc<User>>) {
    let mut by_header = HashMap::new();
    let mut by_scope = HashMap::new();
    for n in 0..users {
        let login = name(n);
        let header =
            base64::engine::general_purpose::STANDARD.encode(format!("{login}:{PASSWORD}"));
        let user = Arc::new(User {
            login,
            scope: Scope(Scope::FIRST_ACCOUNT.0 + n as u64),
            news: Notify::new(),
        });
        by_header.insert(format!("Basic {header}"), Arc::clone(&user));
        by_scope.insert(user.scope, user);
    }
    let shared = Arc::new(Shared {
        users: by_header,
        parked: AtomicU64::new(0),
    });
    (shared, by_scope)
}

fn tls(certificates: Arc<Certificates>) -> tokio_rustls::TlsAcceptor {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config =
        rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = must(config)
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.ticketer = must(rustls::crypto::aws_lc_rs::Ticketer::new());
    config.send_tls13_tickets = 1;
    tokio_rustls::TlsAcceptor::from(Arc::new(config))
}

#[expect(
    clippy::large_futures,
    reason = "a task for each connection is the usual shape"
)]
async fn accept(
    listener: TcpListener,
    tls: Option<tokio_rustls::TlsAcceptor>,
    shared: Arc<Shared>,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (tls, shared) = (tls.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            match tls {
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        let _ = converse(stream, &shared).await;
                    }
                }
                None => drop(converse(stream, &shared).await),
            }
        });
    }
}

/// What a request asks for.
struct Asked {
    user: Option<Arc<User>>,
    options: bool,
    body: Vec<u8>,
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    shared: &Shared,
) -> io::Result<()> {
    let mut buf = Vec::with_capacity(2 * 1024);
    loop {
        let asked = loop {
            if let Some((asked, used)) = parse(&buf, shared)? {
                buf.drain(..used);
                break asked;
            }
            if stream.read_buf(&mut buf).await? == 0 {
                return Ok(());
            }
        };
        let answer = match &asked.user {
            None => b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n".to_vec(),
            Some(_) if asked.options => answer(&[]),
            Some(user) => {
                let (heartbeat_s, folders) = ping_of(&asked.body).unwrap_or((60, Vec::new()));
                shared.parked.fetch_add(1, Ordering::Relaxed);
                // A peer that closes is noticed, as in any server that means it.
                let mut one = [0; 1];
                let document = tokio::select! {
                    () = user.news.notified() => changed(&folders),
                    () = tokio::time::sleep(Duration::from_secs(heartbeat_s)) => expired(),
                    read = stream.read(&mut one) => {
                        shared.parked.fetch_sub(1, Ordering::Relaxed);
                        read?;
                        return Ok(());
                    }
                };
                shared.parked.fetch_sub(1, Ordering::Relaxed);
                answer(&document)
            }
        };
        stream.write_all(&answer).await?;
        stream.flush().await?;
    }
}

/// A complete request and its length.
fn parse(bytes: &[u8], shared: &Shared) -> io::Result<Option<(Asked, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut headers);
    let head = match request.parse(bytes).map_err(io::Error::other)? {
        httparse::Status::Complete(n) => n,
        httparse::Status::Partial => return Ok(None),
    };
    let mut asked = Asked {
        user: None,
        options: request.method == Some("OPTIONS"),
        body: Vec::new(),
    };
    let mut length = 0;
    for header in request.headers.iter() {
        let value = std::str::from_utf8(header.value).unwrap_or_default();
        if header.name.eq_ignore_ascii_case("authorization") {
            asked.user = shared.users.get(value).cloned();
        } else if header.name.eq_ignore_ascii_case("content-length") {
            length = value.parse().unwrap_or(0);
        }
    }
    // The query names the user again, as for a real server.
    let names = |user: &Arc<User>| request.path.is_some_and(|p| p.contains(&user.login));
    if !asked.options && !asked.user.as_ref().is_some_and(names) {
        asked.user = None;
    }
    let Some(body) = bytes.get(head..head + length) else {
        return Ok(None);
    };
    asked.body = body.to_vec();
    Ok(Some((asked, head + length)))
}

fn ping_of(document: &[u8]) -> Option<(u64, Vec<u32>)> {
    let (mut heartbeat_s, mut folders) = (60, Vec::new());
    let mut r = Reader::new(document).ok()?;
    r.root().ok()?;
    while let Some(tag) = r.child().ok()? {
        match tag {
            ping::HEARTBEAT_INTERVAL => heartbeat_s = r.text().ok()?.parse().ok()?,
            ping::FOLDERS => {
                while r.child().ok()?.is_some() {
                    while let Some(tag) = r.child().ok()? {
                        match tag {
                            ping::ID => folders.push(r.text().ok()?.parse().ok()?),
                            _ => r.skip().ok()?,
                        }
                    }
                }
            }
            _ => r.skip().ok()?,
        }
    }
    Some((heartbeat_s, folders))
}

fn changed(folders: &[u32]) -> Vec<u8> {
    let mut w = Writer::new();
    w.open(ping::PING);
    w.num(ping::STATUS, 2);
    w.open(ping::FOLDERS);
    for folder in folders.iter().filter(|f| **f == FolderId::INBOX.0) {
        w.num(ping::FOLDER, *folder);
    }
    w.close();
    w.close();
    w.finish()
}

fn expired() -> Vec<u8> {
    let mut w = Writer::new();
    w.open(ping::PING);
    w.num(ping::STATUS, 1);
    w.close();
    w.finish()
}

fn answer(document: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: \
         application/vnd.ms-sync.wbxml\r\nMS-Server-ActiveSync: 16.1\r\nCache-Control: \
         private\r\nContent-Length: {}\r\n\r\n",
        document.len()
    )
    .into_bytes();
    bytes.extend_from_slice(document);
    bytes
}
