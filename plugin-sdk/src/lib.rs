//! Write an extractor for Ocriva.
pub mod output;
pub mod page;
