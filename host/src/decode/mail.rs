//! E-mail messages: headers and body on the first pages, then the pages of each attachment that can be read. What cannot
//! be read is noted, and fails nothing else.

use bytes::Bytes;
use mail_parser::{Address, Message, MessageParser, MessagePart, MimeHeaders as _, PartType};

use super::flow::Typeset;
use super::{Document, Error, Limits, Note, Source, flow, html};
use crate::domain::flow::{Flow, Paper};
use crate::domain::format::{self, Format};

const FORMAT: &str = "EML";

/// Most attachments that are read, those of forwarded messages included.
const MAX_ATTACHMENTS: usize = 100;

/// How deep forwarded messages are read.
pub(super) const MAX_DEPTH: usize = 5;

/// Smallest picture that is read where the body shows it: logos and lines are smaller, scans are not.
const MIN_INLINE_BYTES: usize = 20 * 1024;

/// A message and what it carries.
pub(super) struct Mail {
    /// The message's own pages first, then those of the attachments.
    pub(super) parts: Vec<Document>,
}

impl Mail {
    /// Opens a message; `depth` is how many messages it is in. What cannot be read is added to `notes`.
    pub(super) fn open(
        content: &[u8],
        limits: Limits,
        depth: usize,
        notes: &mut Vec<Note>,
    ) -> Result<Self, Error> {
        let message = MessageParser::default()
            .parse(content)
            .ok_or_else(|| Error::Damaged { format: FORMAT, reason: "it has no headers".into() })?;
        Self::of_message(&message, limits, depth, notes)
    }

    fn of_message(
        message: &Message,
        limits: Limits,
        depth: usize,
        notes: &mut Vec<Note>,
    ) -> Result<Self, Error> {
        let typeset = Typeset::new(&text(message, &limits)?, limits)?;
        let mut mail = Self { parts: vec![Document::made_of(Source::Flow(typeset))] };
        for (index, part) in message.attachments().enumerate() {
            let name = part.attachment_name().unwrap_or("without a name");
            if index >= MAX_ATTACHMENTS {
                notes.push(Note::attachment(name, &format!("a message may have {MAX_ATTACHMENTS}")));
                break;
            }
            match attachment(part, name, limits, depth, notes) {
                Ok(Some(document)) => mail.parts.push(document),
                Ok(None) => {}
                Err(error) => notes.push(Note::attachment(name, &error.to_string())),
            }
        }
        mail.check_pages(&limits)?;
        Ok(mail)
    }

    /// Number of pages of all parts.
    pub(super) fn page_count(&self) -> u32 {
        self.parts.iter().map(Document::page_count).fold(0, u32::saturating_add)
    }

    /// The part in which a page is, and its index there.
    pub(super) fn part(&self, index: u32) -> Result<(&Document, u32), Error> {
        let mut rest = index;
        for part in &self.parts {
            match rest.checked_sub(part.page_count()) {
                None => return Ok((part, rest)),
                Some(after) => rest = after,
            }
        }
        Err(Error::NoSuchPage { page: index.saturating_add(1), page_count: self.page_count() })
    }

    fn check_pages(&self, limits: &Limits) -> Result<(), Error> {
        let (found, limit) = (u64::from(self.page_count()), u64::from(limits.max_pages));
        if found <= limit {
            return Ok(());
        }
        let what = "pages with its attachments".into();
        Err(Error::LimitExceeded { what, found, limit, setting: "decode.max_pages" })
    }
}

/// The document that an attachment is; `None` for what is not worth a page, such as a logo in the body.
fn attachment(
    part: &MessagePart,
    name: &str,
    limits: Limits,
    depth: usize,
    notes: &mut Vec<Note>,
) -> Result<Option<Document>, Error> {
    let content = match &part.body {
        PartType::Message(_) if depth >= MAX_DEPTH => {
            return Err(Error::Unsupported(format!("messages are read {MAX_DEPTH} deep")));
        }
        PartType::Message(message) => {
            let mail = Mail::of_message(message, limits, depth + 1, notes)?;
            return Ok(Some(Document::made_of(Source::Mail(mail))));
        }
        PartType::Multipart(_) => return Ok(None),
        PartType::InlineBinary(bytes) if bytes.len() < MIN_INLINE_BYTES => return Ok(None),
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => bytes.to_vec(),
        PartType::Text(text) | PartType::Html(text) => text.as_bytes().to_vec(),
    };
    let Some(format) = format::sniff(&content, name) else {
        // Signatures and keys are there for programs.
        let is_signature = name.ends_with(".p7s") || name.ends_with(".asc");
        return if is_signature { Ok(None) } else { Err(Error::Unsupported(format::unsupported(&content))) };
    };
    let content = Bytes::from(content);
    if format == Format::Eml {
        return match depth {
            MAX_DEPTH.. => Err(Error::Unsupported(format!("messages are read {MAX_DEPTH} deep"))),
            depth => {
                let mail = Mail::open(&content, limits, depth + 1, notes)?;
                Ok(Some(Document::made_of(Source::Mail(mail))))
            }
        };
    }
    super::open(content, format, None, limits).map(|document| {
        notes.extend(document.notes().iter().cloned());
        Some(document)
    })
}

/// What the message itself says: its headers, then its body.
fn text(message: &Message, limits: &Limits) -> Result<Flow, Error> {
    let mut flow = Flow::new(Paper::Sheets);
    let mut header = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            flow.text(format!("{name}: {value}"));
        }
    };
    header("From", message.from().map(addresses));
    header("To", message.to().map(addresses));
    header("Cc", message.cc().map(addresses));
    header("Date", message.date().map(|date| date.to_rfc3339().replacen('T', " ", 1)));
    header("Subject", message.subject().map(str::to_owned));
    flow.gap();
    // The same body is often there twice: tables are in the web page only.
    let mut has_page = false;
    for part in message.html_bodies() {
        if let PartType::Html(page) = &part.body {
            flow.blocks.extend(html::read_text(page, limits)?.blocks);
            flow.gap();
            has_page = true;
        }
    }
    if !has_page {
        for part in message.text_bodies() {
            if let PartType::Text(text) = &part.body {
                for line in text.lines() {
                    flow.text(line);
                }
                flow.gap();
            }
        }
    }
    flow::check_text(flow.text_bytes() as u64, limits)?;
    Ok(flow)
}

fn addresses(addresses: &Address) -> String {
    let shown = addresses.iter().filter_map(|address| match (address.name(), address.address()) {
        (Some(name), Some(address)) => Some(format!("{name} <{address}>")),
        (Some(only), None) | (None, Some(only)) => Some(only.to_owned()),
        (None, None) => None,
    });
    shown.collect::<Vec<_>>().join(", ")
}
