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
mod ocr;
mod openapi;
mod plugins;
mod queue;
mod replicas;
mod serving;
mod store;
mod telemetry;
mod templates;
mod tidy;
mod uploads;
mod webhooks;
mod worker;
