//! Templates: what to read from a kind of document, and with which extractor.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::page::OcrMode;
use super::timestamp::Timestamp;
use export::ExportSettings;

pub mod export;

words! {
    /// What an extraction yields.
    pub enum ExtractionMode {
        /// The fields of the template's schema.
        Structured => "structured",
        /// Text.
        FreeText => "free_text",
    }
}

words! {
    /// The form in which results are wanted.
    pub enum ResultFormat {
        /// JSON, the default.
        Json => "json",
        /// Comma-separated values.
        Csv => "csv",
        /// Plain text.
        Text => "text",
        /// A searchable PDF.
        Pdf => "pdf",
        /// A Word document.
        Docx => "docx",
        /// XML.
        Xml => "xml",
        /// A web page.
        Html => "html",
        /// A picture.
        Image => "image",
    }
}

/// Which extractor runs, and with what settings.
#[derive(Debug, Clone, PartialEq)]
pub struct ExtractorChoice {
    /// Name of the plugin.
    pub plugin: String,
    /// Version of the plugin, such as `1.2.3`, or a range of versions, such as `^1.2`; `None` for the newest.
    pub version: Option<String>,
    /// Settings for the plugin; `None` for its defaults.
    pub config: Option<Map<String, Value>>,
}

/// All that a template says, without its identity: what a new one is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateContent {
    /// Name for people.
    pub name: String,
    /// More words for people.
    pub description: Option<String>,
    /// A JSON Schema of type object; `None` for free text.
    pub template_schema: Option<Value>,
    /// Words for the extractor.
    pub instructions: Option<String>,
    /// What the extraction yields.
    pub extraction_mode: ExtractionMode,
    /// The form in which results are wanted.
    pub result_format: ResultFormat,
    /// The extractor; `None` for the default of the mode.
    pub extractor: Option<ExtractorChoice>,
    /// Trade-off between speed and accuracy of reading; `None` for the server's own.
    pub ocr_mode: Option<OcrMode>,
    /// How results are laid out as tables.
    pub export: ExportSettings,
    /// The reference files that the extractor may look values up in, by name.
    pub references: Vec<ReferenceLink>,
}

impl TemplateContent {
    /// A template that says no more than its name.
    pub fn named(name: String) -> Self {
        Self {
            name,
            description: None,
            template_schema: None,
            instructions: None,
            extraction_mode: ExtractionMode::Structured,
            result_format: ResultFormat::Json,
            extractor: None,
            ocr_mode: None,
            export: ExportSettings::default(),
            references: Vec::new(),
        }
    }
}

/// A reference file under the name that a template gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceLink {
    /// The name by which the extractor asks for it.
    pub name: String,
    /// Id of the file, whose content never changes.
    pub id: String,
}

/// A template, at one of its versions.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Id, the same for all versions.
    pub id: String,
    /// The organization it belongs to.
    pub organization_id: String,
    /// The project it belongs to.
    pub project_id: String,
    /// From 1; each change of the content makes the next.
    pub version: u32,
    /// What it says.
    pub content: TemplateContent,
    /// Whether it may be used for new documents.
    pub is_active: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A template at one version, as documents and batches refer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateReference {
    /// Id of the template.
    pub id: String,
    /// Version, from 1.
    pub version: u32,
    /// Its name at this version.
    pub name: String,
}

impl Template {
    /// The reference to this template at this version.
    pub fn reference(&self) -> TemplateReference {
        TemplateReference { id: self.id.clone(), version: self.version, name: self.content.name.clone() }
    }
}

/// A version of a template that was in force once, or is.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateVersion {
    /// From 1.
    pub version: u32,
    /// What the template said.
    pub content: TemplateContent,
    /// Id of the user who made the version; `None` where a token or the program did.
    pub created_by: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a template shall say from now on.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateRevision {
    /// When the template was last changed, as far as the author of the revision knows: where it was changed since,
    /// nothing happens.
    pub expected_updated_at: Timestamp,
    /// What the template shall say.
    pub content: TemplateContent,
    /// Whether it may be used for new documents.
    pub is_active: bool,
}

/// What became of the wish to change a template.
#[derive(Debug, Clone, PartialEq)]
pub enum TemplateUpdate {
    /// The template as it is now.
    Updated(Box<Template>),
    /// It was changed meanwhile.
    Conflict,
    /// There is no such template.
    NotFound,
}
