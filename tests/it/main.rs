//! The one integration binary: a module per resource, each through a public border.

mod auth;
mod batches;
mod errors;
mod files;
mod history;
mod openapi;
mod plugins;
mod queue;
mod store;
mod templates;
mod tenancy;
mod tidy;
mod uploads;
mod worker;
