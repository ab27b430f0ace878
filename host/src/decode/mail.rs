//! E-mail messages: headers and body on the first pages, then the pages of each attachment that can be read. What cannot
//! be read is noted, and fails nothing else.
//!
//! A message in a message is left to the next reading, one level deeper, and never to the library: that keeps messages
//! within one another, and however deep they are, it takes them apart by recursion.

mod parts;

use bytes::Bytes;
use mail_parser::{Address, Message, MessageParser};

use self::parts::{Leaf, Part};
use super::flow::Typeset;
use super::{Document, Error, Limits, Note, Source, charset, flow, html};
use crate::domain::flow::{Flow, Paper};
use crate::domain::format::{self, Format};

const FORMAT: &str = "EML";

/// Most attachments that are read, those of forwarded messages included.
const MAX_ATTACHMENTS: usize = 100;

/// How deep forwarded messages are read.
const MAX_DEPTH: usize = 5;

/// Smallest picture that is read where the body shows it: logos and lines are smaller, scans are not.
const MIN_INLINE_BYTES: usize = 20 * 1024;

/// A message and what it carries.
pub(super) struct Mail {
    /// The message's own pages first, then those of the attachments.
    pub(super) parts: Vec<Document>,
}

/// What may still be read of a message, messages within it included.
struct Budget {
    limits: Limits,
    attachments: usize,
}

impl Budget {
    /// Counts what was used up by an attachment that is over a limit: as much as there was.
    fn charge(&mut self, error: &Error) {
        match error {
            Error::LimitExceeded { setting: "decode.max_text_mib", .. } => self.limits.max_text_bytes = 0,
            Error::LimitExceeded { setting: "decode.max_inflated_mib", .. } => {
                self.limits.max_inflated_bytes = 0;
            }
            _ => {}
        }
    }
}

impl Mail {
    /// Opens a message. What cannot be read is added to `notes`.
    pub(super) fn open(content: &[u8], limits: Limits, notes: &mut Vec<Note>) -> Result<Self, Error> {
        let mut budget = Budget { limits, attachments: MAX_ATTACHMENTS };
        let mail = Self::read(content, 0, &mut budget, notes)?;
        mail.check_pages(&limits)?;
        Ok(mail)
    }

    /// Reads a message that is in `depth` others.
    fn read(content: &[u8], depth: usize, budget: &mut Budget, notes: &mut Vec<Note>) -> Result<Self, Error> {
        let flat = parts::flattened(content)?;
        let message = MessageParser::default()
            .parse(&flat)
            .ok_or_else(|| Error::Damaged { format: FORMAT, reason: "it has no headers".into() })?;
        let leaves = parts::leaves(&message, content);
        let typeset = Typeset::new(&text(&message, &leaves, &budget.limits)?, budget.limits)?;
        budget.limits.max_text_bytes -= typeset.text_bytes();
        let mut mail = Self { parts: vec![Document::made_of(Source::Flow(typeset))] };
        for part in leaves.iter().filter(|leaf| !leaf.is_body).map(|leaf| &leaf.part) {
            let name = part.name();
            if budget.attachments == 0 {
                notes.push(Note::attachment(name, &format!("a message may have {MAX_ATTACHMENTS}")));
                break;
            }
            budget.attachments -= 1;
            match attachment(part, depth, budget, notes) {
                Ok(Some(document)) => mail.parts.push(document),
                Ok(None) => {}
                Err(error) => {
                    budget.charge(&error);
                    notes.push(Note::attachment(name, &error.to_string()));
                }
            }
        }
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
    part: &Part,
    depth: usize,
    budget: &mut Budget,
    notes: &mut Vec<Note>,
) -> Result<Option<Document>, Error> {
    let content = part.content();
    if part.is_inline_picture() && content.len() < MIN_INLINE_BYTES {
        return Ok(None);
    }
    let format = if part.is_message() { Some(Format::Eml) } else { format::sniff(&content, part.name()) };
    let Some(format) = format else {
        // Signatures and keys are there for programs.
        let is_signature = part.name().ends_with(".p7s") || part.name().ends_with(".asc");
        return if is_signature { Ok(None) } else { Err(Error::Unsupported(format::unsupported(&content))) };
    };
    let content = match format {
        Format::Eml if depth >= MAX_DEPTH => {
            return Err(Error::Unsupported(format!("messages are read {MAX_DEPTH} deep")));
        }
        Format::Eml => {
            let mail = Mail::read(&content, depth + 1, budget, notes)?;
            return Ok(Some(Document::made_of(Source::Mail(mail))));
        }
        // Web pages and XML say themselves how they are encoded.
        Format::Csv | Format::Text => charset::labelled(&content, part.charset()).into_bytes(),
        _ => content.into_owned(),
    };
    let document = super::open_within(Bytes::from(content), format, None, &mut budget.limits)?;
    notes.extend(document.notes().iter().cloned());
    Ok(Some(document))
}

/// What the message itself says: its headers, then its body.
fn text(message: &Message, leaves: &[Leaf], limits: &Limits) -> Result<Flow, Error> {
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
    for part in leaves.iter().filter(|leaf| leaf.is_body).map(|leaf| &leaf.part) {
        let content = part.content();
        if part.is_html() {
            let page = match part.charset() {
                Some(_) => charset::labelled(&content, part.charset()),
                None => charset::html(&content),
            };
            flow.blocks.extend(html::read_text(&page, limits)?.blocks);
        } else {
            for line in charset::labelled(&content, part.charset()).lines() {
                flow.text(line);
            }
        }
        flow.gap();
        flow::check_text(flow.text_bytes() as u64, limits)?;
    }
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
