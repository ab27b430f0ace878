//! Pages of lists: `page` from 1, `limit` at most 100, and the envelope of the answer.

use serde::{Deserialize, Deserializer, Serialize};

use super::access::Face;

/// Most records of one page.
const MAX_LIMIT: u32 = 100;

/// The query parameter `page`: a number from 1.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct PageNumber(#[serde(deserialize_with = "page_number")] u32);

/// The query parameter `limit`: a number from 1 to 100.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct PageLimit(#[serde(deserialize_with = "page_limit")] u32);

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Paging {
    /// From 1.
    pub page: u32,
    /// Most records, from 1 to 100.
    pub limit: u32,
}

/// A part of a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The records, newest first.
    pub data: Vec<T>,
    /// Where they stand in the whole list.
    pub pagination: Pagination,
}

/// Where a page stands in its list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Pagination {
    /// This page, from 1.
    pub page: u32,
    /// Most records of a page.
    pub limit: u32,
    /// Records in the whole list.
    pub total: u64,
    /// Pages of the whole list.
    pub pages: u64,
}

impl Paging {
    /// What was asked for, with the defaults of the face it was asked at.
    pub fn new(page: Option<PageNumber>, limit: Option<PageLimit>, face: Face) -> Self {
        let default_limit = match face {
            Face::Platform => 20,
            Face::OpenApi => 10,
        };
        Self { page: page.map_or(1, |page| page.0), limit: limit.map_or(default_limit, |limit| limit.0) }
    }

    /// Records before this page.
    pub fn offset(self) -> u64 {
        u64::from(self.page - 1) * u64::from(self.limit)
    }

    /// The envelope around the records of this page.
    pub fn envelope<T>(self, data: Vec<T>, total: u64) -> Page<T> {
        let pages = total.div_ceil(u64::from(self.limit));
        Page { data, pagination: Pagination { page: self.page, limit: self.limit, total, pages } }
    }
}

fn page_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    number(deserializer, u32::MAX)
}

fn page_limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    number(deserializer, MAX_LIMIT)
}

fn number<'de, D: Deserializer<'de>>(deserializer: D, most: u32) -> Result<u32, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse::<u32>()
        .ok()
        .filter(|number| (1..=most).contains(number))
        .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not a number from 1 to {most}")))
}
