//! The audit log as CSV: a line of names, then one line per entry, as RFC 4180 has it.

use csv::Writer;

use crate::domain::audit::AuditEntry;

/// Names of the columns.
const COLUMNS: [&str; 10] =
    ["id", "at", "actorKind", "actorId", "action", "target", "changes", "address", "sequence", "hash"];

/// An entry cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("audit entry cannot be written as CSV")]
pub struct Error(#[from] csv::Error);

/// The line of names.
///
/// # Errors
/// None that memory does not give.
pub fn head() -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    let mut writer = Writer::from_writer(&mut text);
    writer.write_record(COLUMNS)?;
    finish(writer)?;
    Ok(text)
}

/// A line for each entry.
///
/// # Errors
/// None that memory does not give.
pub fn lines(entries: &[AuditEntry]) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    let mut writer = Writer::from_writer(&mut text);
    for entry in entries {
        writer.write_record([
            entry.id.as_str(),
            &entry.at.to_iso(),
            entry.actor.kind.as_str(),
            entry.actor.id.as_deref().unwrap_or_default(),
            &entry.action,
            &entry.target,
            &entry.changes.as_ref().map(ToString::to_string).unwrap_or_default(),
            entry.actor.address.as_deref().unwrap_or_default(),
            &entry.sequence.map(|sequence| sequence.to_string()).unwrap_or_default(),
            entry.hash.as_deref().unwrap_or_default(),
        ])?;
    }
    finish(writer)?;
    Ok(text)
}

fn finish(mut writer: Writer<&mut Vec<u8>>) -> Result<(), Error> {
    Ok(writer.flush().map_err(csv::Error::from)?)
}
