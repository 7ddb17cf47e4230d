//! The commands over a house in memory, as phones of several versions see it.

mod find;
mod folders;
mod items;
mod mail;
mod meetings;
mod noise;
mod quirks;
mod requests;
mod search;
mod smart;
mod waiting;
