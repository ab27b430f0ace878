//! Values as they are printed, found in text and normalised.

pub mod amounts;
pub mod check_digits;
pub mod contacts;
pub mod currencies;
pub mod dates;
pub mod identifiers;
pub mod manner;
pub mod mrz;
