//! The commands over a house in memory, as phones of several versions see it.

mod find;
mod folders;
mod items;
mod mail;
mod noise;
mod requests;
mod search;
mod smart;
mod waiting;
