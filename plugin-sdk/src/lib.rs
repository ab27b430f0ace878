//! Write an extractor for Ocriva: implement [`Extractor`], [`register!`] it, build it to a component.
//!
//! The same source runs natively: a [`Fixture`] stands for the document in `cargo test`.
//! An extractor has no clock, no file, no network: its answer depends on the document and the request alone. What it may
//! have beyond that it asks for in `plugin.toml`, and the operator grants it: see [`clock`], [`random`], [`kv`], [`http`]
//! and [`llm`].
#![doc = concat!("\n\n", include_str!("../README.md"))]

pub mod barcodes;
#[doc(hidden)]
pub mod bindings;
pub mod business;
pub mod clock;
pub mod completion;
mod document;
mod extractor;
pub mod finder;
mod fixture;
mod geometry;
pub mod grid;
#[doc(hidden)]
pub mod guest;
pub mod http;
pub mod kv;
pub mod labels;
pub mod llm;
pub mod log;
pub mod lookup;
pub mod output;
pub mod page;
pub mod pairs;
pub mod random;
pub mod reading;
pub mod schema;
mod surroundings;
pub mod table;
pub mod text;
pub mod values;

pub use barcodes::Barcode;
pub use document::{Document, Picture};
pub use extractor::{Description, Extractor, Failure, Request};
pub use finder::Finder;
pub use fixture::{Fixture, FixtureError};
pub use output::{Cell, Field, Output, Table, Warning};
pub use page::{Line, Page, Rect, Word};
pub use serde_json;
