//! Files in, pages out: text layers with positions, and rasters where a page has to be looked at. Text without places,
//! as in office files, mails and web pages, is laid out on pages of its own.
//!
//! Synchronous and CPU-bound: call it on a blocking thread. Knows nothing of OCR, plugins or storage.
//!
//! What comes in is hostile until proven otherwise: sizes are checked before anything is allocated for them, every
//! loop over outside input has a limit, and the PDF interpreter runs on a stack of its own with its panics caught.
//! Nothing that a file refers to is fetched, and nothing in it is run.

pub mod archive;
mod bomb;
mod charset;
mod docx;
mod flow;
mod grid;
mod heic;
mod html;
mod jpeg2000;
mod mail;
mod markup;
mod office;
mod opendocument;
mod package;
mod pdf;
mod photo;
mod picture;
mod pixels;
mod plain;
mod pptx;
mod rtf;
mod sheets;
mod tiff;

pub use pdf::isolated;
pub use picture::shrunk;

use bytes::Bytes;

use crate::domain::flow::Flow;
use crate::domain::format::Format;
use crate::domain::geometry::Turn;
use crate::domain::page::{PageSize, Segment};
use crate::domain::raster::Raster;

pub use plain::separated_values;

/// Why a document, or a page of it, cannot be decoded. All of these are permanent: trying again won't help.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The content is damaged beyond reading.
    #[error("{format} file is damaged: {reason}")]
    Damaged {
        /// `PDF`, `PNG`, …
        format: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A password is needed, or the one given is wrong.
    #[error("document is encrypted and needs a password")]
    Encrypted,
    /// An office file that is encrypted: there is no way to read it with a password either.
    #[error("office file is encrypted; save it without a password and upload that")]
    EncryptedOffice,
    /// More of something than the operator allows.
    #[error("document has {found} {what}, the limit is {limit} (setting `{setting}`)")]
    LimitExceeded {
        /// `pages`, `pixels on page 3`, `bytes after decompression`, …
        what: String,
        /// How many there are.
        found: u64,
        /// How many are allowed.
        limit: u64,
        /// The setting that allows more.
        setting: &'static str,
    },
    /// A page took too long.
    #[error(
        "page {page} took longer than {limit_seconds} s to decode (setting `decode.page_timeout_seconds`)"
    )]
    Timeout {
        /// Page number from 1.
        page: u32,
        /// The limit.
        limit_seconds: u64,
    },
    /// No such page.
    #[error("document has {page_count} pages, page {page} does not exist")]
    NoSuchPage {
        /// The page number asked for, from 1.
        page: u32,
        /// How many there are.
        page_count: u32,
    },
    /// A valid file of a kind that is not supported.
    #[error("{0}")]
    Unsupported(String),
}

impl Error {
    /// A stable word for the public error code, such as `decode.encrypted`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Damaged { .. } => "decode.damaged",
            Self::Encrypted | Self::EncryptedOffice => "decode.encrypted",
            Self::LimitExceeded { .. } => "decode.limit_exceeded",
            Self::Timeout { .. } => "decode.timeout",
            Self::NoSuchPage { .. } => "decode.no_such_page",
            Self::Unsupported(_) => "decode.unsupported",
        }
    }
}

/// Limits on one document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Most pages.
    pub max_pages: u32,
    /// Most pixels of one page's raster.
    pub max_pixels: u64,
    /// Most bytes after decompression.
    pub max_inflated_bytes: u64,
    /// Most bytes of text of an office file, a mail, a web page or a plain text.
    pub max_text_bytes: u64,
    /// Most time for one page.
    pub page_timeout: std::time::Duration,
    /// Resolution of PDF rasters.
    pub raster_dpi: u32,
}

impl Limits {
    /// Most bytes of XML that are read for what it says, rather than for its text.
    pub fn max_xml_bytes(&self) -> u64 {
        self.max_text_bytes.saturating_mul(XML_PER_TEXT)
    }
}

impl From<&crate::config::Decode> for Limits {
    fn from(settings: &crate::config::Decode) -> Self {
        Self {
            max_pages: settings.max_pages,
            max_pixels: u64::from(settings.max_megapixels) * 1_000_000,
            max_inflated_bytes: settings.max_inflated_mib << 20,
            max_text_bytes: settings.max_text_mib << 20,
            page_timeout: std::time::Duration::from_secs(settings.page_timeout_seconds),
            raster_dpi: settings.raster_dpi,
        }
    }
}

/// An opened document; pages are decoded when they are asked for. Shared by threads, which may decode different
/// pages at the same time.
pub struct Document {
    source: Source,
    notes: Vec<Note>,
    /// The text of a document that is XML.
    xml: Option<String>,
}

/// Something that whoever reads the document should know, beside its pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// A stable word.
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
}

impl Note {
    /// An attachment that is not read.
    fn attachment(name: &str, why: &str) -> Self {
        Self { code: "attachment_unread", message: format!("attachment `{name}` is not read: {why}") }
    }
}

/// Where a document has XML: it is XML itself, or carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XmlPlace {
    /// Name under which the document carries it; `None` where the document is the XML.
    pub name: Option<String>,
    /// Which part of a message has it, part within part.
    parts: Vec<usize>,
}

/// What each kind of file keeps open.
enum Source {
    Pdf(pdf::Pdf),
    Tiff(tiff::Tiff),
    Jpeg2000(jpeg2000::Jpeg2000),
    Photo(photo::Photo),
    Heic(heic::Heic),
    Flow(flow::Typeset),
    Mail(mail::Mail),
}

/// Opens a document whose format has been sniffed. Of a file with pages of its own only the structure is looked at, no
/// page is decoded yet; others are read whole.
///
/// # Errors
/// Damaged, encrypted, of a kind that is not read, or over a limit.
pub fn open(
    content: Bytes,
    format: Format,
    password: Option<&str>,
    limits: Limits,
) -> Result<Document, Error> {
    open_within(content, format, password, &mut { limits })
}

/// The same, taking what text and inflated bytes the document has off the limits.
fn open_within(
    content: Bytes,
    format: Format,
    password: Option<&str>,
    left: &mut Limits,
) -> Result<Document, Error> {
    let limits = *left;
    let mut notes = Vec::new();
    let mut xml = None;
    let source = match format {
        Format::Pdf => Source::Pdf(pdf::Pdf::open(content, password, limits)?),
        Format::Tiff => Source::Tiff(tiff::Tiff::open(content, limits)?),
        Format::Jpeg2000 => Source::Jpeg2000(jpeg2000::Jpeg2000::open(content, limits)?),
        Format::Png | Format::Jpeg | Format::Webp | Format::Bmp | Format::Gif => {
            Source::Photo(photo::Photo::open(content, format, limits)?)
        }
        Format::Heic => Source::Heic(heic::Heic::open(content, limits)?),
        Format::Eml => Source::Mail(catch(format.name(), || mail::Mail::open(&content, limits, &mut notes))?),
        Format::Xml => {
            let text = xml.insert(xml_text(&content, &limits)?);
            let listed = match markup::listing(text, &limits) {
                // Nothing but its looks says that it is XML.
                Err(Error::Damaged { .. }) if !text.starts_with("<?xml") && !text.contains("xmlns") => {
                    html::read_text(text, &limits)
                }
                listed => listed,
            };
            typeset(&listed?, limits)?
        }
        Format::Docx
        | Format::Xlsx
        | Format::Pptx
        | Format::Odt
        | Format::Ods
        | Format::Rtf
        | Format::Html
        | Format::Csv
        | Format::Text => {
            let flow = catch(format.name(), || read_flow(content, format, left))?;
            typeset(&flow, limits)?
        }
        Format::Compound => return Err(compound(&content)),
        Format::Zip => {
            return Err(Error::Unsupported("a ZIP file is several documents: upload it to a batch".into()));
        }
    };
    if let Source::Flow(flow) = &source {
        left.max_text_bytes = left.max_text_bytes.saturating_sub(flow.text_bytes());
    }
    Ok(Document { source, notes, xml })
}

/// The text of an XML file, decoded.
///
/// # Errors
/// [`Error::LimitExceeded`] for more of it than the limits allow.
pub fn xml_text(content: &[u8], limits: &Limits) -> Result<String, Error> {
    let limit = limits.max_xml_bytes();
    if content.len() as u64 <= limit {
        return Ok(charset::xml(content));
    }
    let what = "bytes of XML".into();
    Err(Error::LimitExceeded { what, found: content.len() as u64, limit, setting: "decode.max_text_mib" })
}

/// How many bytes of XML there may be for a byte of text.
const XML_PER_TEXT: u64 = 4;

/// Lays a text out on pages.
///
/// # Errors
/// More text or pages than the limits allow.
pub fn lay_out(text: &Flow, limits: Limits) -> Result<Document, Error> {
    Ok(Document::made_of(typeset(text, limits)?))
}

fn typeset(text: &Flow, limits: Limits) -> Result<Source, Error> {
    Ok(Source::Flow(flow::Typeset::new(text, limits)?))
}

/// The text of a file without pages.
fn read_flow(content: Bytes, format: Format, left: &mut Limits) -> Result<Flow, Error> {
    let limits = *left;
    match format {
        Format::Rtf => return rtf::read(&content, &limits),
        Format::Html => return html::read(&content, &limits),
        Format::Csv => return plain::read_table(&content, &limits),
        Format::Docx | Format::Xlsx | Format::Pptx | Format::Odt | Format::Ods => {}
        _ => return plain::read_text(&content, &limits),
    }
    let mut package = package::Package::open(content.clone(), format.name(), limits)?;
    let flow = match format {
        Format::Docx => docx::read(&mut package, &limits),
        Format::Xlsx => sheets::read(&mut package, content, &limits),
        Format::Pptx => pptx::read(&mut package),
        Format::Odt => opendocument::read_text(&mut package, limits),
        _ => opendocument::read_sheets(&mut package, limits),
    };
    left.max_inflated_bytes = left.max_inflated_bytes.saturating_sub(package.inflated());
    flow
}

/// Why a container of Microsoft's old kind is not read: it holds an encrypted file, or one from before 2007.
fn compound(content: &[u8]) -> Error {
    /// Names in the container's directory, and what they tell.
    const KINDS: [(&str, &str, &str); 4] = [
        ("WordDocument", "Word documents from before 2007 (.doc)", "DOCX or PDF"),
        ("Workbook", "Excel workbooks from before 2007 (.xls)", "XLSX"),
        ("PowerPoint Document", "PowerPoint presentations from before 2007 (.ppt)", "PPTX or PDF"),
        ("__substg1.0_", "Outlook messages (.msg)", "EML"),
    ];
    let holds = |name: &str| {
        let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        content.windows(name.len()).any(|window| window == name)
    };
    if holds("EncryptedPackage") {
        return Error::EncryptedOffice;
    }
    let kind = KINDS.into_iter().find(|(name, ..)| holds(name));
    let (_, what, instead) = kind.unwrap_or(("", "OLE files of this kind", "PDF"));
    Error::Unsupported(format!("{what} are not read; save the file as {instead} and upload that"))
}

impl Document {
    fn made_of(source: Source) -> Self {
        Self { source, notes: Vec::new(), xml: None }
    }

    /// What whoever reads the document should know, beside its pages.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Where the document, or what it carries, has XML. None of it is decoded yet.
    pub fn xml_places(&self) -> Vec<XmlPlace> {
        match &self.source {
            _ if self.xml.is_some() => vec![XmlPlace { name: None, parts: Vec::new() }],
            Source::Pdf(pdf) => {
                let names = pdf.xml_names().into_iter();
                names.map(|name| XmlPlace { name: Some(name), parts: Vec::new() }).collect()
            }
            Source::Mail(mail) => {
                let places = mail.parts.iter().enumerate().flat_map(|(index, part)| {
                    let inner = part.xml_places().into_iter();
                    inner.map(move |place| XmlPlace {
                        name: place.name.or_else(|| Some("attachment".to_owned())),
                        parts: [vec![index], place.parts].concat(),
                    })
                });
                places.collect()
            }
            _ => Vec::new(),
        }
    }

    /// The text of XML at a place; `None` where it is damaged, or has more than `max_bytes`.
    pub fn xml(&self, place: &XmlPlace, max_bytes: u64) -> Option<String> {
        let mut document = self;
        for index in &place.parts {
            let Source::Mail(mail) = &document.source else { return None };
            document = mail.parts.get(*index)?;
        }
        match &document.source {
            Source::Pdf(pdf) => Some(charset::xml(&pdf.xml_file(place.name.as_deref()?, max_bytes)?)),
            _ => document.xml.clone().filter(|text| text.len() as u64 <= max_bytes),
        }
    }

    /// Number of pages, at least 1.
    pub fn page_count(&self) -> u32 {
        match &self.source {
            Source::Pdf(pdf) => pdf.page_count(),
            Source::Tiff(tiff) => tiff.page_count(),
            Source::Jpeg2000(_) | Source::Photo(_) | Source::Heic(_) => 1,
            Source::Flow(flow) => flow.page_count(),
            Source::Mail(mail) => mail.page_count(),
        }
    }

    /// Size of a page as it is displayed (with the file's own rotation applied), `index` from 0.
    ///
    /// # Errors
    /// No such page, or a damaged one.
    pub fn page_size(&self, index: u32) -> Result<PageSize, Error> {
        self.check_index(index)?;
        match &self.source {
            Source::Pdf(pdf) => pdf.page_size(index),
            Source::Tiff(tiff) => tiff.page_size(index),
            Source::Jpeg2000(image) => Ok(image.size()),
            Source::Photo(photo) => Ok(photo.size()),
            Source::Heic(photo) => Ok(photo.size()),
            Source::Flow(flow) => flow.page_size(index),
            Source::Mail(mail) => {
                let (part, index) = mail.part(index)?;
                part.page_size(index)
            }
        }
    }

    /// The page's own text with positions in page units, where it has a text layer that can be trusted; `None`
    /// where the page must be read from its picture. An empty list means that the page is blank.
    ///
    /// # Errors
    /// No such page, damaged, or over a limit.
    pub fn text_layer(&self, index: u32) -> Result<Option<Vec<Segment>>, Error> {
        self.check_index(index)?;
        match &self.source {
            Source::Pdf(pdf) => pdf.text_layer(index),
            Source::Tiff(_) | Source::Jpeg2000(_) | Source::Photo(_) | Source::Heic(_) => Ok(None),
            Source::Flow(flow) => flow.text_layer(index).map(Some),
            Source::Mail(mail) => {
                let (part, index) = mail.part(index)?;
                part.text_layer(index)
            }
        }
    }

    /// The picture of a page, `index` from 0. Images come in their own resolution. PDF pages come at the limits'
    /// `raster_dpi`, at the resolution of the scan where the page is one (within half and one and a half times
    /// `raster_dpi`), and at whatever fits into `max_pixels` where the page is too large for that. Upright according
    /// to the file (EXIF orientation, PDF `/Rotate`), transparent parts on white. Of text that was laid out, a drawing
    /// that shows where its words are.
    ///
    /// # Errors
    /// No such page, damaged, or over a limit.
    pub fn raster(&self, index: u32) -> Result<Raster, Error> {
        self.check_index(index)?;
        match &self.source {
            Source::Pdf(pdf) => pdf.raster(index),
            Source::Tiff(tiff) => tiff.raster(index),
            Source::Jpeg2000(image) => image.raster(),
            Source::Photo(photo) => photo.raster(),
            Source::Heic(photo) => photo.raster(),
            Source::Flow(flow) => flow.raster(index),
            Source::Mail(mail) => {
                let (part, index) = mail.part(index)?;
                part.raster(index)
            }
        }
    }

    /// About how many pixels decoding a page's picture keeps in memory at one time, to plan for it.
    pub fn raster_pixels(&self, index: u32) -> u64 {
        let Ok(size) = self.page_size(index) else { return 0 };
        match &self.source {
            Source::Pdf(pdf) => pdf.raster_pixels(size),
            Source::Mail(mail) => mail.part(index).map_or(0, |(part, index)| part.raster_pixels(index)),
            _ => (f64::from(size.width) * f64::from(size.height)) as u64,
        }
    }

    /// The file itself where it is one JPEG that other programs show with the same colours, and the turn that makes it
    /// upright; `None` for anything else.
    pub fn jpeg(&self) -> Option<(Bytes, Turn)> {
        match &self.source {
            Source::Photo(photo) => photo.jpeg(),
            Source::Pdf(_)
            | Source::Tiff(_)
            | Source::Jpeg2000(_)
            | Source::Heic(_)
            | Source::Flow(_)
            | Source::Mail(_) => None,
        }
    }

    /// Whether what a page shows is all in its content, and without a glyph, hidden ones included: `false` for a page
    /// with text of its own or with annotations other than links.
    ///
    /// # Errors
    /// No such page, damaged, or over a limit.
    pub fn is_all_picture(&self, index: u32) -> Result<bool, Error> {
        self.check_index(index)?;
        match &self.source {
            Source::Pdf(pdf) => pdf.is_all_picture(index),
            Source::Tiff(_)
            | Source::Jpeg2000(_)
            | Source::Photo(_)
            | Source::Heic(_)
            | Source::Flow(_)
            | Source::Mail(_) => Ok(true),
        }
    }

    fn check_index(&self, index: u32) -> Result<(), Error> {
        let page_count = self.page_count();
        if index < page_count {
            return Ok(());
        }
        Err(Error::NoSuchPage { page: index.saturating_add(1), page_count })
    }
}

/// A picture as a PNG file.
///
/// # Errors
/// A raster whose samples are not as many as its size says.
pub fn png(raster: &Raster) -> Result<Vec<u8>, Error> {
    pixels::png(raster)
}

/// Refuses a picture of more pixels than are allowed, before anything is allocated for it.
fn check_pixels(width: u32, height: u32, page: u32, limits: &Limits) -> Result<(), Error> {
    let found = u64::from(width) * u64::from(height);
    if found <= limits.max_pixels {
        return Ok(());
    }
    Err(Error::LimitExceeded {
        what: format!("pixels on page {page}"),
        found,
        limit: limits.max_pixels,
        setting: "decode.max_megapixels",
    })
}

/// Runs a decoder of outside input and makes a panic in it an error: a damaged file must not take the worker down.
fn catch<T>(format: &'static str, decode: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode)).unwrap_or_else(|_| {
        Err(Error::Damaged { format, reason: "its content cannot be interpreted".into() })
    })
}
