//! The one integration binary: a module per resource, each through a public border.

mod access;
mod auth;
mod batches;
mod command_line;
mod decode;
mod errors;
mod events;
mod files;
mod formats;
mod history;
mod hostile;
mod idempotency;
mod ocr;
mod openapi;
mod pages;
mod plugins;
mod queue;
mod replicas;
mod serving;
mod store;
mod streams;
mod templates;
mod tidy;
mod uploads;
mod waiting;
mod worker;
