//! The commands, one file (or folder) each.

pub mod find;
pub mod folder_create;
pub mod folder_delete;
pub mod folder_sync;
pub mod folder_update;
mod forward_meeting;
pub mod get_attachment;
pub mod get_hierarchy;
pub mod get_item_estimate;
pub mod item_operations;
pub mod meeting_response;
pub mod move_items;
pub mod options;
pub mod ping;
pub mod provision;
pub mod resolve_recipients;
pub mod search;
pub mod send_mail;
pub mod settings;
pub mod smart;
pub mod sync;
pub mod validate_cert;
