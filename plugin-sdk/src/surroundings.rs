//! What stands in native tests for the powers that a plugin can be granted.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use crate::http::Response;
use crate::llm::Answer;

/// A clock that stands still, values that a test put there, and answers that it prepared.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Surroundings {
    pub(crate) now_ms: f64,
    pub(crate) values: RefCell<BTreeMap<String, Vec<u8>>>,
    pub(crate) responses: BTreeMap<String, Response>,
    pub(crate) completions: RefCell<VecDeque<Answer>>,
    /// Counts up: random enough for a test, and the same each time.
    pub(crate) drawn: RefCell<u8>,
}
