//! What a receiver gets to read: the same bytes at every attempt.

use serde_json::{Value, json};

use crate::domain::event::Event;

/// The body of an event's deliveries: `{eventType, eventId, timestamp, organizationId, projectId, payload}`. The
/// payload of a document's events tells where its file can be downloaded, below `public_url`.
pub fn envelope(event: &Event, public_url: &str) -> Value {
    let mut payload = event.payload.clone();
    if let (Some(id), Value::Object(record)) = (&event.document_id, &mut payload) {
        let is_kept = record.get("filePath").is_some_and(Value::is_string);
        let url = is_kept.then(|| format!("{public_url}/files/{id}"));
        record.insert("fileUrl".to_owned(), url.into());
    }
    json!({
        "eventType": event.kind.as_str(),
        "eventId": event.public_id,
        "timestamp": event.at.to_iso(),
        "organizationId": event.organization_id,
        "projectId": event.project_id,
        "payload": payload,
    })
}
