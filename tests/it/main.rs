//! The one integration binary: a module per resource, each through a public border.

mod decode;
mod ocr;
mod plugins;
mod queue;
mod serving;
mod store;
mod tidy;
mod worker;
