//! A page of a list.

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// From 1.
    pub number: u32,
    /// Most items on the page.
    pub limit: u32,
}

impl Page {
    /// How many items stand before the page.
    pub fn offset(self) -> u64 {
        u64::from(self.number.saturating_sub(1)) * u64::from(self.limit)
    }
}

/// One page of a list, and how long the whole list is.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing<T> {
    /// The items of the page, in the list's order.
    pub items: Vec<T>,
    /// How many items there are on all pages.
    pub total: u64,
}
