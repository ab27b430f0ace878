//! SQL texts with a name, what is bound to them, and what comes back: the same for both engines.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Postgres, Sqlite};

use super::Error;
use crate::domain::tenant::Reach;
use crate::domain::timestamp::Timestamp;

/// A statement: one text for both engines, or one for each where they differ.
#[derive(Debug)]
pub(crate) struct Statement {
    /// `resource::NAME`, as in error messages.
    pub(crate) name: &'static str,
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

/// Declares the statements of a module, and `ALL` of them for the check that prepares each.
macro_rules! statements {
    (@postgres $common:expr) => { $common };
    (@postgres $sqlite:expr, $postgres:expr) => { $postgres };
    ($group:literal; $($(#[$about:meta])* $name:ident = $sqlite:expr $(, postgres: $postgres:expr)?;)*) => {
        $(
            $(#[$about])*
            static $name: $crate::store::statement::Statement = $crate::store::statement::Statement {
                name: concat!($group, "::", stringify!($name)),
                sqlite: $sqlite,
                postgres: $crate::store::statement::statements!(@postgres $sqlite $(, $postgres)?),
            };
        )*

        /// Every statement of this module.
        pub(super) static ALL: &[&$crate::store::statement::Statement] = &[$(&$name),*];
    };
}
pub(crate) use statements;

/// The condition that a row is the tenant's, of a table with organization and project: `$1` is
/// [`Tenant::organization_id`](crate::domain::tenant::Tenant), `$2` its [`Reach`]. A search in a text, as neither engine
/// has a list that the other one knows; ids are all of one length and have no character that means something to `like`.
macro_rules! within {
    ($table:literal) => {
        concat!(
            "where ",
            $table,
            ".organization_id = $1
                and (cast($2 as text) is null or cast($2 as text) like '%' || ",
            $table,
            ".project_id || '%') "
        )
    };
}
pub(crate) use within;

/// A value bound to a statement.
#[derive(Debug, Clone)]
pub(crate) enum Argument {
    Text(Option<String>),
    Integer(Option<i64>),
    Real(Option<f64>),
    Boolean(Option<bool>),
}

/// The arguments of a statement, `$1` first.
macro_rules! arguments {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::statement::Argument::from($value)),*] };
}
pub(crate) use arguments;

impl From<&str> for Argument {
    /// PostgreSQL refuses the character U+0000, so it is kept as U+FFFD on both.
    fn from(text: &str) -> Self {
        Self::Text(Some(text.replace('\0', "\u{fffd}")))
    }
}

impl From<Option<&str>> for Argument {
    fn from(text: Option<&str>) -> Self {
        text.map_or(Self::Text(None), Self::from)
    }
}

impl From<&String> for Argument {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<String> for Argument {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<Option<String>> for Argument {
    fn from(text: Option<String>) -> Self {
        Self::from(text.as_deref())
    }
}

impl From<&Option<String>> for Argument {
    fn from(text: &Option<String>) -> Self {
        Self::from(text.as_deref())
    }
}

impl From<i64> for Argument {
    fn from(number: i64) -> Self {
        Self::Integer(Some(number))
    }
}

impl From<i32> for Argument {
    fn from(number: i32) -> Self {
        Self::Integer(Some(number.into()))
    }
}

impl From<u8> for Argument {
    fn from(number: u8) -> Self {
        Self::Integer(Some(number.into()))
    }
}

impl From<u32> for Argument {
    fn from(number: u32) -> Self {
        Self::Integer(Some(number.into()))
    }
}

impl From<Option<u32>> for Argument {
    fn from(number: Option<u32>) -> Self {
        Self::Integer(number.map(i64::from))
    }
}

impl From<u64> for Argument {
    /// What is counted here stays far below the limit; beyond it the largest number is kept.
    fn from(number: u64) -> Self {
        Self::Integer(Some(i64::try_from(number).unwrap_or(i64::MAX)))
    }
}

impl From<Option<u64>> for Argument {
    fn from(number: Option<u64>) -> Self {
        number.map_or(Self::Integer(None), Self::from)
    }
}

impl From<f64> for Argument {
    fn from(number: f64) -> Self {
        Self::Real(Some(number))
    }
}

impl From<Option<f64>> for Argument {
    fn from(number: Option<f64>) -> Self {
        Self::Real(number)
    }
}

impl From<bool> for Argument {
    fn from(truth: bool) -> Self {
        Self::Boolean(Some(truth))
    }
}

impl From<Option<bool>> for Argument {
    fn from(truth: Option<bool>) -> Self {
        Self::Boolean(truth)
    }
}

impl From<&Reach> for Argument {
    /// What [`within`] takes: null for every project, or the ids of some.
    fn from(reach: &Reach) -> Self {
        match reach {
            Reach::All => Self::Text(None),
            Reach::Only(ids) => Self::from(ids.iter().map(String::as_str).collect::<Vec<_>>().join(" ")),
        }
    }
}

impl From<Timestamp> for Argument {
    fn from(time: Timestamp) -> Self {
        Self::Integer(Some(time.0))
    }
}

impl From<Option<Timestamp>> for Argument {
    fn from(time: Option<Timestamp>) -> Self {
        Self::Integer(time.map(|time| time.0))
    }
}

/// A value as the text of a JSON column.
pub(crate) fn to_json<T: Serialize + ?Sized>(column: &'static str, value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|source| Error::Unstorable { column, source })
}

/// An optional value as the text of a JSON column.
pub(crate) fn to_optional_json<T: Serialize>(
    column: &'static str,
    value: Option<&T>,
) -> Result<Option<String>, Error> {
    value.map(|value| to_json(column, value)).transpose()
}

/// A row of an answer.
pub(crate) struct Row {
    pub(super) statement: &'static str,
    pub(super) columns: Columns,
}

pub(super) enum Columns {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// What a column may hold on both engines.
pub(crate) trait Cell:
    for<'r> sqlx::Decode<'r, Sqlite>
    + sqlx::Type<Sqlite>
    + for<'r> sqlx::Decode<'r, Postgres>
    + sqlx::Type<Postgres>
{
}

impl<T> Cell for T where
    T: for<'r> sqlx::Decode<'r, Sqlite>
        + sqlx::Type<Sqlite>
        + for<'r> sqlx::Decode<'r, Postgres>
        + sqlx::Type<Postgres>
{
}

impl Row {
    /// The value of a column.
    pub(crate) fn get<T: Cell>(&self, column: &'static str) -> Result<T, Error> {
        use sqlx::Row as _;
        match &self.columns {
            Columns::Sqlite(row) => row.try_get(column),
            Columns::Postgres(row) => row.try_get(column),
        }
        .map_err(|error| self.corrupt(column, error.to_string()))
    }

    /// A count or size: an integer that fits the type asked for.
    pub(crate) fn number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, Error> {
        let stored: i64 = self.get(column)?;
        T::try_from(stored).map_err(|_| self.corrupt(column, format!("`{stored}` is out of range")))
    }

    /// A count or size that may be absent.
    pub(crate) fn optional_number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<Option<T>, Error> {
        match self.get::<Option<i64>>(column)? {
            None => Ok(None),
            Some(_) => self.number(column).map(Some),
        }
    }

    /// A time.
    pub(crate) fn time(&self, column: &'static str) -> Result<Timestamp, Error> {
        self.get(column).map(Timestamp)
    }

    /// A time that may be absent.
    pub(crate) fn optional_time(&self, column: &'static str) -> Result<Option<Timestamp>, Error> {
        Ok(self.get::<Option<i64>>(column)?.map(Timestamp))
    }

    /// A word of a fixed vocabulary.
    pub(crate) fn word<T>(&self, column: &'static str, parse: fn(&str) -> Option<T>) -> Result<T, Error> {
        let stored: String = self.get(column)?;
        parse(&stored).ok_or_else(|| self.corrupt(column, format!("`{stored}` is not a known word")))
    }

    /// A word that may be absent.
    pub(crate) fn optional_word<T>(
        &self,
        column: &'static str,
        parse: fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        match self.get::<Option<String>>(column)? {
            None => Ok(None),
            Some(_) => self.word(column, parse).map(Some),
        }
    }

    /// JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, Error> {
        let stored: String = self.get(column)?;
        serde_json::from_str(&stored).map_err(|error| self.corrupt(column, error.to_string()))
    }

    /// JSON that may be absent.
    pub(crate) fn optional_json<T: DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, Error> {
        match self.get::<Option<String>>(column)? {
            None => Ok(None),
            Some(_) => self.json(column).map(Some),
        }
    }

    /// The error for a column whose value makes no sense.
    pub(crate) fn corrupt(&self, column: &'static str, reason: String) -> Error {
        use sqlx::Row as _;
        let id: Result<String, _> = match &self.columns {
            Columns::Sqlite(row) => row.try_get("id"),
            Columns::Postgres(row) => row.try_get("id"),
        };
        Error::Corrupt {
            statement: self.statement,
            id: id.unwrap_or_else(|_| "?".to_owned()),
            column,
            reason,
        }
    }
}

/// What can be made of a row.
pub(crate) trait FromRow: Sized {
    /// Reads the row.
    fn from_row(row: &Row) -> Result<Self, Error>;
}
