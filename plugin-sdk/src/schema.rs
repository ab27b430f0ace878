//! Fields as a template's JSON Schema asks for them: what each property wants ([`Spec`]), and where it stands on the
//! pages ([`Search`]).
//!
//! Extractors with fields of their own describe them by a schema that is part of them ([`Known`]).

mod known;
mod search;
mod spec;

pub use known::{Known, Wanted, without_hints};
pub use search::{Search, box_state};
pub use spec::{Kind, Spec};
