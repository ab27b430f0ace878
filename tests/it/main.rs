//! The one integration binary: a module per resource, each through a public border.

mod ocr;
mod plugins;
mod queue;
mod store;
mod tidy;
mod worker;
