//! Plain types and rules shared by every layer. Uses no other module of this crate and does no I/O.

/// An enum whose variants are words of the database and of the API: `as_str`, `parse`, `Display` and the schema agree
/// by construction.
macro_rules! words {
    ($(#[$about:meta])* pub enum $name:ident { $($(#[$doc:meta])* $variant:ident => $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// Every value, in the order in which messages list them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word, as stored and as sent.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// The value for a word; `None` for any other word.
            pub fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .enum_values(Some(Self::ALL.iter().map(|value| value.as_str())))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}

pub mod account;
pub mod audit;
pub mod barcode;
pub mod batch;
pub mod capability;
pub mod credit;
pub mod document;
pub mod event;
pub mod export;
pub mod extraction;
pub mod file_name;
pub mod flow;
pub mod format;
pub mod geometry;
pub mod invitation;
pub mod invoice;
pub mod layout;
pub mod listing;
pub mod metering;
pub mod network;
pub mod organization;
pub mod page;
pub mod plan;
pub mod plugin;
pub mod project;
pub mod project_member;
pub mod raster;
pub mod reference;
pub mod schema;
pub mod signing_key;
pub mod template;
pub mod tenant;
pub mod timestamp;
pub mod token;
pub mod usage;
pub mod user;
pub mod webhook;
