//! The one integration binary: a module per resource, each through a public border.

mod auth;
mod batches;
mod command_line;
mod decode;
mod errors;
mod events;
mod files;
mod history;
mod ocr;
mod openapi;
mod plugins;
mod queue;
mod serving;
mod store;
mod templates;
mod tenancy;
mod tidy;
mod uploads;
mod worker;
