//! What is stored, as files for other programs. Knows nothing of HTTP.

pub mod audit;
