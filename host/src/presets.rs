//! Ready-made templates for usual kinds of documents: the files of `host/presets/`, embedded.
//!
//! Each is the JSON of a new template without its project. The file's name is the preset's.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::assets;
use crate::domain::template::export::ExportSettings;
use crate::domain::template::{ExtractorChoice, TemplateContent};

/// A ready-made template.
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    /// The word by which clients ask for it.
    pub name: &'static str,
    /// What a template made of it says.
    pub content: TemplateContent,
}

/// A preset as it stands in its file.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PresetFile {
    name: String,
    description: String,
    template_schema: Value,
    instructions: Option<String>,
    extractor: ExtractorFile,
    #[serde(default)]
    export: ExportSettings,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExtractorFile {
    plugin: String,
    config: Option<Map<String, Value>>,
}

/// All presets, by name.
pub fn all() -> &'static [Preset] {
    static PRESETS: LazyLock<Vec<Preset>> =
        LazyLock::new(|| assets::presets().iter().map(|(name, file)| read(name, file)).collect());
    &PRESETS
}

/// The preset of this name.
pub fn find(name: &str) -> Option<&'static Preset> {
    all().iter().find(|preset| preset.name == name)
}

#[expect(clippy::expect_used, reason = "the files are part of the program, and a test reads all of them")]
fn read(name: &'static str, file: &[u8]) -> Preset {
    let file: PresetFile = serde_json::from_slice(file).expect("invariant: the embedded presets are valid");
    let extractor =
        ExtractorChoice { plugin: file.extractor.plugin, version: None, config: file.extractor.config };
    let content = TemplateContent {
        description: Some(file.description),
        template_schema: Some(file.template_schema),
        instructions: file.instructions,
        extractor: Some(extractor),
        export: file.export,
        ..TemplateContent::named(file.name)
    };
    Preset { name, content }
}
