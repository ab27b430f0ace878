//! The parts of a message: which of them are its text, which are attachments, and what their bytes are.

use std::borrow::Cow;
use std::ops::Range;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{ContentType, Encoding, Message, MessagePart, MimeHeaders as _, PartType};

use super::FORMAT;
use crate::decode::Error;

/// Header fields that say what a part is.
const FIELDS: [&[u8]; 2] = [b"content-type", b"content-disposition"];

/// Longest value of such a field. File names in it are put together of pieces, each compared with all others.
const MAX_FIELD_BYTES: usize = 16 << 10;

/// Bytes that may be searched for the ends of parts: all of the message for each part that has parts.
const MAX_SEARCHED: u64 = 10_000_000_000;

/// How deep parts within parts are followed. No program writes more than five levels.
const MAX_DEPTH: usize = 50;

/// Kinds of parts in whose place the library would read a message, and their letters that keep it from doing so.
const KINDS: [(&[u8], u8); 3] = [(b"rfc822", b'x'), (b"global", b'x'), (b"digest", b'x')];

/// What these kinds are called then.
const MESSAGES: [&str; 2] = ["xfc822", "xlobal"];
const DIGEST: &str = "xigest";

/// A message in which messages are parts like any others, byte by byte as long as it was.
///
/// # Errors
/// What would take too long to read.
pub(super) fn flattened(content: &[u8]) -> Result<Vec<u8>, Error> {
    let mut flat = content.to_vec();
    let mut multiparts = 0_u64;
    for field in FIELDS {
        let mut from = 0;
        while let Some(at) = find_name(content.get(from..).unwrap_or_default(), field) {
            let start = from + at + field.len();
            let value = value(content.get(start..).unwrap_or_default());
            from = start + value.len();
            if value.len() > MAX_FIELD_BYTES {
                let name = String::from_utf8_lossy(field);
                let reason = format!("its field `{name}` has more than {MAX_FIELD_BYTES} bytes");
                return Err(Error::Damaged { format: FORMAT, reason });
            }
            let lower = value.to_ascii_lowercase();
            // Behind the kind stand names, which stay as they are; a comment may hold anything.
            let end = lower.iter().position(|byte| *byte == b';').filter(|_| !lower.contains(&b'('));
            let kind = lower.get(..end.unwrap_or(lower.len())).unwrap_or_default();
            multiparts += u64::from(find_name(kind, b"multipart").is_some());
            for (name, letter) in KINDS {
                let mut place = 0;
                while let Some(at) = kind.get(place..).and_then(|rest| find_name(rest, name)) {
                    place += at;
                    if let Some(byte) = flat.get_mut(start + place) {
                        *byte = letter;
                    }
                    place += name.len();
                }
            }
        }
    }
    if multiparts.saturating_mul(content.len() as u64) > MAX_SEARCHED {
        let reason = format!("it has {multiparts} parts of parts, too many for its size");
        return Err(Error::Damaged { format: FORMAT, reason });
    }
    Ok(flat)
}

/// Where a name in lower case stands, in letters of either case.
fn find_name(text: &[u8], name: &[u8]) -> Option<usize> {
    text.windows(name.len()).position(|window| window.eq_ignore_ascii_case(name))
}

/// The value of a field with all its lines: those that begin with space continue it.
fn value(text: &[u8]) -> &[u8] {
    let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let end = ends.map(|(at, _)| at).find(|at| !matches!(text.get(at + 1), Some(b' ' | b'\t')));
    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
}

/// A part without parts.
pub(super) struct Leaf<'m> {
    pub(super) part: Part<'m>,
    /// Whether it is shown as text of the message.
    pub(super) is_body: bool,
}

/// A part of a message.
pub(super) struct Part<'m> {
    part: &'m MessagePart<'m>,
    /// The message as it came.
    content: &'m [u8],
    is_in_digest: bool,
}

/// The parts without parts of a flattened message, in their order; `content` is the message as it came. Where several
/// say the same, only the one that says it best is body.
pub(super) fn leaves<'m>(message: &'m Message<'m>, content: &'m [u8]) -> Vec<Leaf<'m>> {
    let mut walk = Walk { message, content, leaves: Vec::new() };
    walk.add(0, Place::Alone, 0);
    walk.leaves
}

/// Where a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is all there is.
    Alone,
    /// Among others.
    Mixed,
    /// Among what a page needs to be shown.
    Needed,
    Digest,
}

struct Walk<'m> {
    message: &'m Message<'m>,
    content: &'m [u8],
    leaves: Vec<Leaf<'m>>,
}

impl<'m> Walk<'m> {
    fn add(&mut self, index: usize, place: Place, depth: usize) {
        let Some(part) = self.message.parts.get(index).filter(|_| depth < MAX_DEPTH) else { return };
        let PartType::Multipart(inner) = &part.body else {
            let part = Part { part, content: self.content, is_in_digest: place == Place::Digest };
            let is_body = part.is_text()
                && match place {
                    Place::Alone => true,
                    Place::Mixed => !part.is_attached(),
                    Place::Needed | Place::Digest => false,
                };
            self.leaves.push(Leaf { part, is_body });
            return;
        };
        let kind = part.content_type().and_then(ContentType::subtype).unwrap_or_default();
        let first = self.leaves.len();
        let mut alternatives = Vec::new();
        for (position, inner) in inner.iter().enumerate() {
            let place = match kind {
                "related" if position > 0 => Place::Needed,
                DIGEST => Place::Digest,
                _ => Place::Mixed,
            };
            let before = self.leaves.len();
            self.add(*inner as usize, place, depth + 1);
            alternatives.push(before..self.leaves.len());
        }
        if kind == "alternative" {
            let shown = self.best(alternatives);
            // The others say the same once more; what is attached to them is there only once.
            let said = self.leaves.split_off(first).into_iter().zip(first..);
            self.leaves
                .extend(said.filter(|(leaf, at)| !leaf.is_body || shown.contains(at)).map(|(leaf, _)| leaf));
        }
    }

    /// Which of several parts that say the same is shown: the last web page, since tables are in those only, or else the
    /// last text.
    fn best(&self, alternatives: Vec<Range<usize>>) -> Range<usize> {
        let bodies = |alternative: &Range<usize>| {
            let leaves = self.leaves.get(alternative.clone()).unwrap_or_default();
            leaves.iter().filter(|leaf| leaf.is_body)
        };
        let page = alternatives.iter().rfind(|one| bodies(one).any(|leaf| leaf.part.is_html()));
        page.or_else(|| alternatives.iter().rfind(|one| bodies(one).next().is_some()))
            .cloned()
            .unwrap_or_default()
    }
}

impl Part<'_> {
    /// The file name, or words in its place.
    pub(super) fn name(&self) -> &str {
        self.part.attachment_name().unwrap_or("without a name")
    }

    /// Its bytes, as they were before they were sent.
    pub(super) fn content(&self) -> Cow<'_, [u8]> {
        let place = self.part.offset_body as usize..self.part.offset_end as usize;
        let sent = self.content.get(place).unwrap_or_default();
        let decoded = match self.part.encoding {
            Encoding::None => return sent.into(),
            Encoding::Base64 => base64_decode(sent),
            Encoding::QuotedPrintable => quoted_printable_decode(sent),
        };
        decoded.map_or_else(|| self.part.contents().into(), Cow::Owned)
    }

    /// The encoding of its text, as its header says.
    pub(super) fn charset(&self) -> Option<&str> {
        self.part.content_type()?.attribute("charset")
    }

    /// Whether it is a message.
    pub(super) fn is_message(&self) -> bool {
        match self.part.content_type() {
            Some(kind) => {
                kind.ctype() == "message" && kind.subtype().is_some_and(|kind| MESSAGES.contains(&kind))
            }
            None => self.is_in_digest,
        }
    }

    /// Whether it is a web page.
    pub(super) fn is_html(&self) -> bool {
        self.is_of("text", "html")
    }

    /// Whether it is text that a message may consist of.
    fn is_text(&self) -> bool {
        let is_unnamed = self.part.content_type().is_none() && !self.is_in_digest;
        is_unnamed || self.is_html() || self.is_of("text", "plain")
    }

    /// Whether the body shows it as a picture.
    pub(super) fn is_inline_picture(&self) -> bool {
        matches!(self.part.body, PartType::InlineBinary(_))
    }

    fn is_of(&self, kind: &str, subtype: &str) -> bool {
        self.part
            .content_type()
            .is_some_and(|found| found.ctype() == kind && found.subtype() == Some(subtype))
    }

    /// Whether it has a name, or is said to be an attachment.
    fn is_attached(&self) -> bool {
        self.part.attachment_name().is_some()
            || self.part.content_disposition().is_some_and(ContentType::is_attachment)
    }
}

#[cfg(test)]
mod tests {
    use mail_parser::MessageParser;

    use super::*;

    /// The bodies, and the names of the attachments, of a message made of lines.
    fn parts(lines: &str) -> (Vec<String>, Vec<String>) {
        let content = lines.replace('\n', "\r\n").into_bytes();
        let flat = flattened(&content).unwrap();
        let message = MessageParser::default().parse(&flat).unwrap();
        let leaves = leaves(&message, &content);
        let text = |leaf: &&Leaf| String::from_utf8(leaf.part.content().into_owned()).unwrap();
        let bodies = leaves.iter().filter(|leaf| leaf.is_body).map(|leaf| text(&leaf).trim().to_owned());
        let names = leaves.iter().filter(|leaf| !leaf.is_body).map(|leaf| leaf.part.name().to_owned());
        (bodies.collect(), names.collect())
    }

    const MIXED: &str = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=aa\n\n";

    #[test]
    fn texts_around_an_attachment_are_all_there_in_their_order() {
        let (bodies, names) = parts(&format!(
            "{MIXED}--aa\nContent-Type: text/plain\n\nBefore\n--aa\nContent-Type: application/pdf; name=a.pdf\n\nx\n\
             --aa\nContent-Type: text/html\n\n<p>After\n--aa--\n"
        ));
        assert_eq!(bodies, ["Before", "<p>After"]);
        assert_eq!(names, ["a.pdf"]);
    }

    #[test]
    fn of_what_says_the_same_the_web_page_is_shown_and_no_attachment_is_lost() {
        let (bodies, names) = parts(
            "MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=aa\n\n--aa\nContent-Type: text/plain\n\nPlain\n\
             --aa\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\nContent-Type: text/html\n\n<p>One\n\
             --bb\nContent-Type: application/pdf; name=a.pdf\n\nx\n--bb\nContent-Type: text/html\n\n<p>Two\n--bb--\n--aa--\n",
        );
        assert_eq!(bodies, ["<p>One", "<p>Two"]);
        assert_eq!(names, ["a.pdf"]);
    }

    #[test]
    fn a_message_in_a_message_is_a_part_with_its_bytes_unchanged() {
        for kind in ["message/rfc822", "MESSAGE/Global"] {
            let content = format!(
                "{MIXED}--aa\nContent-Type: {kind}\n\nContent-Type: message/rfc822\n\nSubject: inner\n\n--aa--\n"
            );
            let flat = flattened(content.as_bytes()).unwrap();
            let message = MessageParser::default().parse(&flat).unwrap();
            let leaves = leaves(&message, content.as_bytes());
            let [Leaf { part, is_body: false }] = &leaves[..] else { panic!("{kind}: one part") };
            assert!(part.is_message(), "{kind}");
            assert!(part.content().starts_with(b"Content-Type: message/rfc822\n\nSubject: inner"), "{kind}");
        }
    }

    #[test]
    fn what_takes_too_long_to_read_is_refused() {
        let many = "Content-Type: multipart/mixed; boundary=none\n\n".repeat(20_000);
        assert!(flattened(many.as_bytes()).unwrap_err().to_string().contains("too many for its size"));
        let long = format!("Content-Disposition: attachment; {}\n\n", "a*1=x; ".repeat(10_000));
        assert!(flattened(long.as_bytes()).unwrap_err().to_string().contains("bytes"));
    }
}
