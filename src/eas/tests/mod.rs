//! The commands over a house in memory, as phones of several versions see it.

mod absent;
mod files;
mod find;
mod folders;
mod invitations;
mod items;
mod mail;
mod matrix;
mod meetings;
mod noise;
mod operations;
mod people;
mod quirks;
mod requests;
mod search;
mod settings;
mod smart;
mod texts;
mod waiting;
