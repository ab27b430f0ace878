//! The one integration binary: a module per resource, each through a public border.

mod decode;
mod tidy;
