//! The text parts of an upload's form, read by name; all that is wrong with them is told at once.

use std::collections::HashMap;
use std::fmt::Display;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::api::error::ApiError;
use crate::api::extract::{Id, has_nul, shown};
use crate::domain::document::PageRange;

/// Highest and, negative, lowest priority.
const MAX_PRIORITY: i32 = 100;

/// The text parts of a form and what has been found wrong with them.
#[derive(Debug, Default)]
pub struct Fields {
    values: HashMap<String, String>,
    problems: Vec<String>,
}

/// What any upload may carry beside its file.
#[derive(Debug, Default)]
pub struct Extras {
    /// Kept with the record.
    pub metadata: Option<Map<String, Value>>,
    /// The pages to read.
    pub page_range: Option<PageRange>,
    /// Higher is sooner; 0 is usual.
    pub priority: i32,
}

impl Fields {
    /// Keeps a part; of several with one name the last one counts.
    pub fn insert(&mut self, name: String, value: String) {
        self.values.insert(name, value);
    }

    /// Notes something that is wrong with the form.
    pub fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// The value of a part that may be missing; an empty one is as good as missing.
    pub fn optional(&mut self, name: &str) -> Option<String> {
        self.values.remove(name).filter(|value| !value.is_empty())
    }

    /// The value of a part that has to be there; it may be empty.
    pub fn required(&mut self, name: &str) -> Option<String> {
        let value = self.values.remove(name);
        if value.is_none() {
            self.problem(format!("`{name}` is missing"));
        }
        value
    }

    /// An id that has to be there.
    pub fn required_id(&mut self, name: &str) -> Option<Id> {
        let value = self.required(name)?;
        self.parsed(name, &value, "an id", Id::parse)
    }

    /// An id that may be missing.
    pub fn id(&mut self, name: &str) -> Option<Id> {
        let value = self.optional(name)?;
        self.parsed(name, &value, "an id", Id::parse)
    }

    /// A whole number that has to be there.
    pub fn required_number(&mut self, name: &str) -> Option<u64> {
        let value = self.required(name)?;
        self.parsed(name, &value, "a whole number", |text| text.parse().ok())
    }

    /// A text that may be missing, and is not needed; it must not be longer than this many characters.
    pub fn at_most(&mut self, name: &str, most: usize) {
        if self.optional(name).is_some_and(|value| value.chars().count() > most) {
            self.problem(format!("`{name}` must have at most {most} characters"));
        }
    }

    /// One of several words, which has to be there.
    pub fn word<T: Display>(
        &mut self,
        name: &str,
        known: &[T],
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.required(name)?;
        let known: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
        self.parsed(name, &value, &format!("one of {}", known.join(", ")), parse)
    }

    /// A JSON object that may be missing.
    pub fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        let value = self.optional(name)?;
        self.parsed(name, &value, "a JSON object", |text| match serde_json::from_str(text).ok()? {
            value if has_nul(&value) => None,
            Value::Object(members) => Some(members),
            _ => None,
        })
    }

    /// What any upload may carry.
    pub fn extras(&mut self) -> Extras {
        let priority = self.optional("priority").and_then(|value| {
            let expected = format!("a whole number from -{MAX_PRIORITY} to {MAX_PRIORITY}");
            self.parsed("priority", &value, &expected, |text| {
                text.parse().ok().filter(|priority| (-MAX_PRIORITY..=MAX_PRIORITY).contains(priority))
            })
        });
        let page_range = self.optional("pageRange").and_then(|value| {
            self.parsed(
                "pageRange",
                &value,
                "JSON such as `{\"from\":1,\"to\":3}` with `from` at least 1",
                page_range,
            )
        });
        Extras { metadata: self.object("metadata"), page_range, priority: priority.unwrap_or(0) }
    }

    /// What was made of the form, or what is wrong with it. `None` stands for a form of which something was missing, and
    /// that has been noted as a problem.
    ///
    /// # Errors
    /// 400 with a sentence for each problem.
    pub fn finish<T>(self, made: Option<T>) -> Result<T, ApiError> {
        match made {
            Some(made) if self.problems.is_empty() => Ok(made),
            _ => Err(ApiError::fields(self.problems)),
        }
    }

    fn parsed<T>(
        &mut self,
        name: &str,
        value: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let parsed = parse(value);
        if parsed.is_none() {
            self.problem(format!("`{name}` is `{}`, it must be {expected}", shown(value)));
        }
        parsed
    }
}

#[derive(Deserialize)]
struct PageRangeText {
    from: u32,
    to: u32,
}

fn page_range(text: &str) -> Option<PageRange> {
    let PageRangeText { from, to } = serde_json::from_str(text).ok()?;
    (1 <= from && from <= to).then_some(PageRange { from, to })
}
