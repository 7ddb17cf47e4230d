//! The client's side of each command: what it sends, and what it makes of the answer.

pub(crate) mod folders;
pub(crate) mod items;
pub(crate) mod lookup;
pub(crate) mod mail;
pub(crate) mod ping;
pub(crate) mod provision;
pub(crate) mod search;
pub(crate) mod sync_answer;
pub(crate) mod sync_request;
