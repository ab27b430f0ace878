//! Pages of lists: `page` from 1, `limit` at most 100, and the envelope of the answer.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::access::Face;
use crate::domain::listing::Page;

/// Most records of one page.
const MAX_LIMIT: u32 = 100;

/// The query parameter `page`: a number from 1.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct PageNumber(#[serde(deserialize_with = "page_number")] u32);

/// The query parameter `limit`: a number from 1 to 100.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct PageLimit(#[serde(deserialize_with = "page_limit")] u32);

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageResponse<T> {
    /// The records, newest first.
    data: Vec<T>,
    /// Where they stand in the whole list.
    pagination: Pagination,
}

/// Where a page stands in its list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pagination {
    /// This page, from 1.
    page: u32,
    /// Most records of a page.
    limit: u32,
    /// Records in the whole list.
    total: u64,
    /// Pages of the whole list.
    pages: u64,
}

/// The page that was asked for, with the defaults of the face it was asked at.
pub fn page(number: Option<PageNumber>, limit: Option<PageLimit>, face: Face) -> Page {
    let default_limit = match face {
        Face::Platform => 20,
        Face::OpenApi => 10,
    };
    Page { number: number.map_or(1, |number| number.0), limit: limit.map_or(default_limit, |limit| limit.0) }
}

impl<T> PageResponse<T> {
    /// The envelope around the records of a page.
    pub fn new(data: Vec<T>, page: Page, total: u64) -> Self {
        let pages = total.div_ceil(u64::from(page.limit.max(1)));
        Self { data, pagination: Pagination { page: page.number, limit: page.limit, total, pages } }
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
