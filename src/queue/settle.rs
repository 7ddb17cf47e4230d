//! From what an attempt came to, to the rows that are left of a mail.

use super::{Failed, QueueId, Queued, QueuedRow, Schedule};
use crate::clock::UnixMs;
use crate::limits;
use crate::smtp::client::{Fate, Reason, Report};

/// What is left of a mail after an attempt, and what became of its recipients.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Settled {
    /// Rows in place of the one that was tried.
    pub rows: Vec<(QueueId, Queued)>,
    /// Recipients that the next server has.
    pub accepted: usize,
    /// Recipients that are tried again.
    pub deferred: usize,
    /// Recipients that were given up.
    pub failed: usize,
}

/// When the rest is tried again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Again {
    /// As the schedule has it.
    Scheduled,
    /// The server is not to be reached before this time, whatever the mail.
    At(UnixMs),
}

/// Settles an attempt at `server`.
#[must_use]
pub fn settle(
    row: &QueuedRow,
    report: &Report,
    server: &str,
    (schedule, again): (&Schedule, Again),
    now_ms: UnixMs,
) -> Settled {
    let mut settled = Settled::default();
    let (mut rest, mut failed, mut last) = (Vec::new(), Vec::new(), None);
    for (n, recipient) in row.mail.recipients.iter().enumerate() {
        let (reason, is_final) = match report.fates.get(n) {
            Some(Fate::Accepted) => {
                settled.accepted += 1;
                continue;
            }
            Some(Fate::Refused(reason)) => (reason.clone(), true),
            Some(Fate::Later(reason)) => (reason.clone(), false),
            None => (Reason::default(), false),
        };
        if is_final {
            failed.push(given_up(recipient, &reason, server));
        } else {
            rest.push((recipient.clone(), reason.clone()));
        }
        last = Some(reason.text);
    }
    let attempts = row.mail.attempts.saturating_add(1);
    let mail = Queued {
        attempts,
        last_error: shorten(&last.unwrap_or_default()),
        recipients: Vec::new(),
        failed: Vec::new(),
        ..row.mail.clone()
    };
    let next = schedule.next(attempts, mail.queued_ms, now_ms, row.id.number);
    let due_ms = next.map(|scheduled_ms| match again {
        _ if report.more_at_once => now_ms,
        Again::At(at_ms) => at_ms,
        Again::Scheduled => scheduled_ms,
    });
    match due_ms {
        Some(due_ms) if !rest.is_empty() => {
            settled.deferred = rest.len();
            let recipients = rest.into_iter().map(|(recipient, _)| recipient).collect();
            let id = QueueId { due_ms, ..row.id };
            let mail = Queued {
                recipients,
                ..mail.clone()
            };
            settled.rows.push((id, mail));
        }
        Some(_) => {}
        None => failed.extend(rest.iter().map(|(recipient, reason)| {
            let expired = Reason {
                status: "4.4.7".into(),
                text: format!(
                    "given up after many attempts; the last one: {}",
                    reason.text
                ),
                ..reason.clone()
            };
            given_up(recipient, &expired, server)
        })),
    }
    settled.failed = failed.len();
    settled.rows.extend(to_tell(row, &mail, failed));
    settled
}

/// The rows for recipients that were given up, for a mail that was not tried (any more).
#[must_use]
pub fn give_up(row: &QueuedRow, status: &str, text: &str) -> Settled {
    let reason = Reason {
        status: status.to_owned(),
        text: text.to_owned(),
        is_remote: false,
    };
    let each = row.mail.recipients.iter();
    let failed: Vec<_> = each.map(|to| given_up(to, &reason, "")).collect();
    let mail = Queued {
        recipients: Vec::new(),
        failed: Vec::new(),
        ..row.mail.clone()
    };
    Settled {
        failed: failed.len(),
        rows: to_tell(row, &mail, failed),
        ..Settled::default()
    }
}

/// Rows of which the sender is told, each of a size that can be stored.
fn to_tell(row: &QueuedRow, mail: &Queued, mut failed: Vec<Failed>) -> Vec<(QueueId, Queued)> {
    let mut rows = Vec::new();
    while !failed.is_empty() {
        let rest = failed.split_off(failed.len().min(limits::BOUNCED_TOGETHER_MAX));
        let first = failed
            .first()
            .map(|f| f.recipient.clone())
            .unwrap_or_default();
        let attempts = mail.attempts.to_be_bytes();
        let about = [&b"failed"[..], &attempts, first.as_bytes()];
        let id = QueueId {
            due_ms: QueueId::AT_ONCE_MS,
            number: row.id.derived(&about),
        };
        let mail = Queued {
            failed,
            ..mail.clone()
        };
        rows.push((id, mail));
        failed = rest;
    }
    rows
}

fn given_up(recipient: &str, reason: &Reason, server: &str) -> Failed {
    Failed {
        recipient: recipient.to_owned(),
        status: reason.status.clone(),
        text: shorten(&reason.text),
        server: match reason.is_remote {
            true => cut(server, limits::SERVER_NAME_KEPT_BYTES),
            false => String::new(),
        },
    }
}

/// As much of a text for people as is kept.
pub(super) fn shorten(text: &str) -> String {
    cut(text, limits::SMTP_REPLY_KEPT_BYTES)
}

fn cut(text: &str, bytes_max: usize) -> String {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pim::body::BlobRef;

    const SCHEDULE: fn() -> Schedule = || Schedule {
        retry_ms: vec![1_000],
        expire_ms: 100_000,
    };

    fn row(recipients: usize) -> QueuedRow {
        QueuedRow {
            id: QueueId {
                due_ms: 0,
                number: 7,
            },
            version: 1,
            mail: Queued {
                account: 16,
                sender: "me@example.org".into(),
                recipients: (0..recipients).map(|n| format!("r{n}@x.example")).collect(),
                mime: BlobRef {
                    hash: [0; 32],
                    bytes: 1,
                },
                queued_ms: 0,
                attempts: 0,
                last_error: String::new(),
                failed: Vec::new(),
            },
        }
    }

    fn reason(text: &str) -> Reason {
        Reason {
            status: "5.1.1".into(),
            text: text.into(),
            is_remote: true,
        }
    }

    fn report(fates: Vec<Fate>) -> Report {
        Report {
            fates,
            in_doubt: false,
            is_lost: false,
            more_at_once: false,
        }
    }

    #[test]
    fn each_recipient_goes_its_own_way() {
        let fates = vec![
            Fate::Accepted,
            Fate::Refused(reason("550 nobody")),
            Fate::Later(reason("451 grey")),
        ];
        let schedule = SCHEDULE();
        let settled = settle(
            &row(3),
            &report(fates),
            "mx",
            (&schedule, Again::Scheduled),
            10,
        );
        assert_eq!(
            (settled.accepted, settled.deferred, settled.failed),
            (1, 1, 1)
        );
        let [(again, rest), (told, failed)] = &settled.rows[..] else {
            panic!("{settled:?}")
        };
        assert_eq!((again.number, rest.recipients.len()), (7, 1));
        assert_eq!((rest.attempts, rest.last_error.as_str()), (1, "451 grey"));
        assert!((1_010..=1_110).contains(&again.due_ms));
        assert!(told.number != 7 && told.due_ms == 0);
        assert_eq!(failed.failed[0].server, "mx");
        assert!(failed.recipients.is_empty());
    }

    #[test]
    fn a_mail_that_is_taken_leaves_nothing() {
        let schedule = SCHEDULE();
        let all = report(vec![Fate::Accepted; 2]);
        let settled = settle(&row(2), &all, "mx", (&schedule, Again::Scheduled), 10);
        assert!(settled.rows.is_empty() && settled.accepted == 2);
    }

    #[test]
    fn what_cannot_be_delivered_in_time_fails() {
        let schedule = SCHEDULE();
        let later = report(vec![Fate::Later(reason("451 grey"))]);
        let settled = settle(
            &row(1),
            &later,
            "mx",
            (&schedule, Again::At(200_000)),
            100_000,
        );
        let [(_, failed)] = &settled.rows[..] else {
            panic!("{settled:?}")
        };
        assert_eq!(failed.failed[0].status, "4.4.7");
        assert!(failed.failed[0].text.ends_with("451 grey"));
    }

    #[test]
    fn a_thousand_refusals_fit_into_the_store() {
        let long = "x".repeat(1_000);
        let fates = vec![Fate::Refused(reason(&long)); 1_000];
        let mut row = row(1_000);
        for recipient in &mut row.mail.recipients {
            recipient.insert_str(0, &"y".repeat(250));
        }
        let schedule = SCHEDULE();
        let settled = settle(
            &row,
            &report(fates),
            "mx",
            (&schedule, Again::Scheduled),
            10,
        );
        assert_eq!(settled.failed, 1_000);
        assert!(settled.rows.iter().all(|(_, mail)| mail.write().is_ok()));
        let mut numbers: Vec<_> = settled.rows.iter().map(|(id, _)| id.number).collect();
        numbers.dedup();
        assert_eq!(numbers.len(), settled.rows.len());
        let told: usize = settled.rows.iter().map(|(_, mail)| mail.failed.len()).sum();
        assert_eq!(told, 1_000);
    }
}
