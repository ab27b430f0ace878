//! What telephones know: addresses of the web, mails, visiting cards, networks. Only what kind a code is, and what it
//! leads to.

use ocriva_plugin_sdk::Barcode;

use super::Payload;

/// Beginnings in lower case, and the kind of what begins so.
const BEGINNINGS: [(&str, &str); 13] = [
    ("http://", "url"),
    ("https://", "url"),
    ("mailto:", "email"),
    ("matmsg:", "email"),
    ("tel:", "phone"),
    ("smsto:", "sms"),
    ("sms:", "sms"),
    ("geo:", "location"),
    ("wifi:", "wifi"),
    ("begin:vcard", "contact"),
    ("mecard:", "contact"),
    ("begin:vevent", "event"),
    ("begin:vcalendar", "event"),
];

/// Tells the kind of a code.
pub fn read(code: &Barcode) -> Option<Payload> {
    let text = code.text.trim();
    let (_, kind) = BEGINNINGS.into_iter().find(|(beginning, _)| {
        text.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning))
    })?;
    let mut payload = Payload::new(kind);
    match kind {
        "url" => payload.text("url", text),
        "email" => payload.text("email", address(text)),
        "phone" => payload.text("phone", text.get("tel:".len()..).unwrap_or_default()),
        _ => {}
    }
    Some(payload)
}

/// The address of `mailto:a@b?subject=…` and of `MATMSG:TO:a@b;SUB:…;`.
fn address(text: &str) -> &str {
    let behind = text.split_once(':').map_or("", |(_, behind)| behind);
    let behind = behind.split_once("TO:").map_or(behind, |(_, behind)| behind);
    behind.split(['?', ';']).next().unwrap_or_default()
}
