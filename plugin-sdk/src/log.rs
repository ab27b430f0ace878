//! The call's log, shown beside its result; natively, the standard error stream.
//!
//! Do not log what a document says: logs are kept longer and seen by more people than results.

/// Detail for the plugin's author.
pub fn debug(message: &str) {
    write(1, message);
}

/// Something worth knowing.
pub fn info(message: &str) {
    write(2, message);
}

/// Something that may make the result worse.
pub fn warning(message: &str) {
    write(3, message);
}

/// Something that went wrong.
pub fn error(message: &str) {
    write(4, message);
}

#[cfg(target_family = "wasm")]
pub(crate) fn write(level: u8, message: &str) {
    crate::bindings::ocriva::extract::log::write(level, message);
}

#[cfg(not(target_family = "wasm"))]
fn write(level: u8, message: &str) {
    eprintln!("[{level}] {message}");
}
