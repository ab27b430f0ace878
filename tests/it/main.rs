//! The one integration binary: a module per resource, each through a public border.

mod access;
mod accounts;
mod admin;
mod auth;
mod batches;
mod command_line;
mod decode;
mod errors;
mod events;
mod files;
mod history;
mod invitations;
mod members;
mod ocr;
mod openapi;
mod organizations;
mod plugins;
mod projects;
mod queue;
mod serving;
mod store;
mod templates;
mod tidy;
mod tokens;
mod uploads;
mod worker;
