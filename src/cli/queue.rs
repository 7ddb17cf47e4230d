//! `roost queue`.

use super::args::Queue;
use super::ask;
use super::office::Office;
use super::table::moment;
use super::{Failure, table};
use crate::admin::order::QueueRow;
use crate::admin::{Order, Reply};
use std::process::ExitCode;

pub(super) fn run(command: Queue) -> Result<ExitCode, Failure> {
    let (place, order, json, whole) = match command {
        Queue::List { json, place } => (place, Order::QueueList, json, false),
        Queue::Show { id, json, place } => (place, Order::QueueShow { id }, json, true),
        Queue::Retry { ids, all, place } => {
            if ids.is_empty() && !all {
                return Err(Failure::new("name mails, or say --all"));
            }
            (place, Order::QueueRetry { ids }, false, false)
        }
        Queue::Drop { ids, yes, place } => {
            let question = format!("Drop {} without telling the sender?", ids.join(" "));
            if !yes && !ask::confirm(&question)? {
                return Ok(ExitCode::FAILURE);
            }
            (place, Order::QueueDrop { ids }, false, false)
        }
    };
    match Office::open(&place)?.ask(order, Vec::new())? {
        Reply::Done { text } => say!("{text}"),
        Reply::Queue { mails, .. } if json => say!("{}", serde_json::to_string_pretty(&mails)?),
        Reply::Queue { mails, .. } if whole => mails.iter().for_each(show),
        Reply::Queue { mails, .. } if mails.is_empty() => say!("nothing waits"),
        Reply::Queue { mails, total } => {
            put!("{}", list(&mails));
            if total > mails.len() as u64 {
                say!("and {} more", total - mails.len() as u64);
            }
        }
        _ => return Err(Failure::new("the appliance gave a reply of another kind")),
    }
    Ok(ExitCode::SUCCESS)
}

fn list(mails: &[QueueRow]) -> String {
    let rows: Vec<_> = mails
        .iter()
        .map(|mail| {
            let first = mail.recipients.first();
            let first = first.or_else(|| mail.failed.first().map(|failed| &failed.recipient));
            let count = mail.recipients.len() + mail.failed.len();
            let more = match count.saturating_sub(1) {
                0 => String::new(),
                n => format!(" and {n} more"),
            };
            [
                mail.id.clone(),
                moment(mail.queued_ms),
                sender(mail).to_owned(),
                format!("{}{more}", first.map_or("", String::as_str)),
                mail.attempts.to_string(),
                due(mail),
                mail.last_error.clone(),
            ]
        })
        .collect();
    table::render(
        [
            "ID",
            "SINCE (UTC)",
            "FROM",
            "TO",
            "TRIED",
            "DUE (UTC)",
            "LAST ERROR",
        ],
        &rows,
    )
}

fn sender(mail: &QueueRow) -> &str {
    match mail.sender.is_empty() {
        true => "<>",
        false => &mail.sender,
    }
}

fn due(mail: &QueueRow) -> String {
    match mail.due_ms {
        _ if !mail.failed.is_empty() => "to be bounced".into(),
        Some(due_ms) => moment(due_ms),
        None => "now".into(),
    }
}

fn show(mail: &QueueRow) {
    say!("{}  from {}, {} bytes", mail.id, sender(mail), mail.bytes);
    if let Some(subject) = &mail.subject {
        say!("subject     {subject}");
    }
    say!("since       {}", moment(mail.queued_ms));
    say!("tried       {} times", mail.attempts);
    say!("due         {}", due(mail));
    if !mail.last_error.is_empty() {
        say!("last error  {}", mail.last_error);
    }
    for recipient in &mail.recipients {
        say!("to          {recipient}");
    }
    for failed in &mail.failed {
        say!(
            "given up    {} ({} {})",
            failed.recipient,
            failed.status,
            failed.text
        );
    }
}
