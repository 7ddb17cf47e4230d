//! A task ([MS-ASTASK] 2.2.2).

use super::body::Body;
use super::event::Recurrence;
use rkyv::{Archive, Deserialize, Serialize};

/// A task. Dates come in pairs: the wall time of the user, and the instant.
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
pub struct Task {
    /// Subject.
    pub subject: String,
    /// 0 low, 1 normal, 2 high.
    pub importance: u8,
    /// Done.
    pub complete: bool,
    /// When it was done, Unix milliseconds.
    pub completed_ms: Option<i64>,
    /// `StartDate`: wall time written as if it were UTC, Unix milliseconds.
    pub start_ms: Option<i64>,
    /// `UtcStartDate`, Unix milliseconds.
    pub utc_start_ms: Option<i64>,
    /// `DueDate`: wall time written as if it were UTC.
    pub due_ms: Option<i64>,
    /// `UtcDueDate`.
    pub utc_due_ms: Option<i64>,
    /// 0 normal, 1 personal, 2 private, 3 confidential.
    pub sensitivity: u8,
    /// The reminder is on.
    pub reminder_set: bool,
    /// When it rings, Unix milliseconds (wall time written as if it were UTC).
    pub reminder_ms: Option<i64>,
    /// Categories.
    pub categories: Vec<String>,
    /// The series.
    pub recurrence: Option<TaskRecurrence>,
    /// Ordering of tasks on the same day.
    pub ordinal_ms: Option<i64>,
    /// Ordering of tasks with the same ordinal.
    pub sub_ordinal: String,
    /// The notes.
    pub body: Body,
    /// `UID` of the VTODO it came from, or empty.
    pub uid: String,
    /// When it was created here, Unix milliseconds.
    pub created_ms: i64,
}

/// A task's recurrence: the rule, and what only tasks have.
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug, Default)]
pub struct TaskRecurrence {
    /// The rule.
    pub rule: Recurrence,
    /// `Recurrence/Start`, Unix milliseconds (wall time written as if it were UTC).
    pub start_ms: i64,
    /// The next task is made when this one is done.
    pub regenerate: bool,
    /// An occurrence cut loose from its series.
    pub dead_occur: bool,
}
