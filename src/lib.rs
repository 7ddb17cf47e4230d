//! Roost: an Exchange ActiveSync appliance in one process.
//!
//! Phones sync mail, contacts, calendars, tasks and notes over HTTPS and wait on parked requests;
//! the commit that changes something wakes them.
//!
//! # Layers
//!
//! A module uses modules of lower layers only, and inside a layer just where the table says so.
//! `tests/tidy.rs` enforces it.
//!
//! | Layer | Module | What it is | May use |
//! |---|---|---|---|
//! | 0 | [`clock`], [`limits`] | the only caller of the system clock; every bound with its reason | std |
//! | 0 | [`spare`] | large buffers that a thread uses again | std |
//! | 0 | [`work`] | a small bounded pool of threads for what blocks or burns | limits |
//! | 0 | [`wbxml`] | tokens, pull reader, push writer, code pages; knows tokens, not commands | spare, limits |
//! | 1 | [`pim`] | the records and their text forms (MIME, iCalendar, vCard) | limits |
//! | 1 | [`http`], [`smtp`] | HTTP/1.1 and LMTP as state machines over bytes | clock, limits |
//! | 1 | [`smime`] | certificates for mail: reading, trust, validity | limits |
//! | 2 | [`store`] | the ordered engine: read at a snapshot, commit a conditional batch, wakes | clock, work, limits |
//! | 3 | [`mailbox`] | accounts, folders, items, change log, devices and what each holds | store, pim |
//! | 3 | [`auth`] | credentials, log-in names, device access | store, clock, mailbox |
//! | 3 | [`queue`] | outbound mail: what is due, what became of it, bounces | store, pim, mailbox, smtp |
//! | 3 | [`push`] | who waits for what, and the signals that wake them; carries hints, never data | clock, store |
//! | 4 | [`eas`] | the protocol: request line, versions, commands, classes, statuses | wbxml, http, layer 3 |
//! | 4 | [`discover`] | Autodiscover: how phones find the service | http, mailbox, auth |
//! | 4 | [`delivery`] | LMTP into mailboxes | smtp, mailbox, queue |
//! | 4 | [`import`] | mail, calendars and contacts out of files | pim |
//! | 4 | [`demo`] | the made-up content of `roost demo` | pim, store |
//! | 4 | [`admin`] | what an operator may do, as orders | layer 3, delivery, import, eas |
//! | 5 | [`net`] | monoio: cores, listeners, TLS, connections, timers | http, smtp, spare, clock |
//! | 6 | [`appliance`] | the composition root | all |
//! | 6 | [`config`], [`cli`] | file to typed configuration; one file per subcommand | all below |
//!
//! # Invariants
//!
//! - Nothing below layer 5 knows monoio, a socket or the wall clock.
//! - Nothing outside `store/fjall` names fjall.
//! - Nothing outside `eas` knows a status number of the protocol.
//! - No handler holds a borrow across an await.
//! - A parked connection holds no buffer, no store handle, no snapshot.
//! - Durable, then acknowledged, then heard of: in that order, everywhere.

pub mod admin;
pub mod appliance;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod config;
pub mod delivery;
pub mod demo;
pub mod discover;
pub mod eas;
pub mod http;
pub mod import;
pub mod limits;
pub mod mailbox;
pub mod net;
pub mod pim;
pub mod push;
pub mod queue;
pub mod smime;
pub mod smtp;
pub mod spare;
pub mod store;
pub mod wbxml;
pub mod work;
