//! The plugin `text`: asks for the words of every page, so that the result holds their text.

use ocriva_plugin_sdk::serde_json::json;
use ocriva_plugin_sdk::{Description, Document, Extractor, Failure, Output, Request, register};

struct Text;

impl Extractor for Text {
    type Request = Request;

    fn describe() -> Description {
        let purpose = "Reads the whole text, with lines and words";
        let no_settings = json!({"type": "object", "additionalProperties": false});
        Description::new("text", env!("CARGO_PKG_VERSION"), purpose).with_config_schema(no_settings)
    }

    fn extract(document: &Document, _request: Request) -> Result<Output, Failure> {
        for index in 0..document.page_count() {
            document.page(index)?;
        }
        Ok(Output::default())
    }
}

register!(Text);
