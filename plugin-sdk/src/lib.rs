//! Write an extractor for Ocriva.
pub mod business;
pub mod labels;
pub mod output;
pub mod page;
pub mod reading;
pub mod table;
pub mod testing;
pub mod text;
pub mod values;
