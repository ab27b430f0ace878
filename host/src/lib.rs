//! Ocriva: a self-hosted document-extraction platform.
//!
//! A guided tour, in the order in which a document meets the modules:
//! [`api`] takes it in over HTTP and [`ingest`] streams it to [`blobs`]; [`store`] records it together with
//! its job; a [`worker`] leases the job and runs the [`pipeline`]: [`decode`] yields pages, [`ocr`] reads those
//! without a trustworthy text layer, [`barcode`] finds bar codes where an extractor asks for them, and [`plugins`] runs the template's extractor, a sandboxed WebAssembly
//! component, of the version that [`releases`] keeps in force; [`einvoice`] reads what an electronic invoice says in XML, and [`webhooks`] tells others of it all.
//! [`domain`] holds the plain types and rules that all of them share; [`config`] and [`app`] put the
//! parts together, and [`upkeep`] deletes what has been kept long enough.
//!
//! The rules between the modules (who may use whom) are in the README and are kept by `tests/it/tidy.rs`.

pub mod api;
pub mod app;
pub mod assets;
pub mod auth;
pub mod barcode;
pub mod blobs;
pub mod clock;
pub mod config;
pub mod decode;
pub mod domain;
pub mod einvoice;
pub mod export;
pub mod ingest;
pub mod mail;
pub mod memory;
pub mod ocr;
pub mod outbound;
pub mod pipeline;
pub mod plugins;
pub mod presets;
pub mod references;
pub mod releases;
pub mod store;
pub mod telemetry;
pub mod upkeep;
pub mod webhooks;
pub mod worker;
pub mod xml;
