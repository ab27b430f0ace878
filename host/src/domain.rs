//! Plain types and rules shared by every layer. Uses no other module of this crate and does no I/O.

pub mod extraction;
pub mod format;
pub mod geometry;
pub mod layout;
pub mod page;
pub mod raster;
