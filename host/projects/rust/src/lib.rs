//! The plugin `{{name}}`: number, date and total of an invoice.

use ocriva_plugin_sdk::{Description, Document, Extractor, Failure, Finder, Output, Request, register};

/// Reads the fields.
pub struct {{Type}};

impl Extractor for {{Type}} {
    type Request = Request;

    fn describe() -> Description {
        Description::new("{{name}}", env!("CARGO_PKG_VERSION"), "Reads number, date and total of an invoice")
    }

    fn extract(document: &Document, _request: Request) -> Result<Output, Failure> {
        let pages = document.pages()?;
        let find = Finder::new(&pages);
        Ok(Output::default()
            .with("number", find.text(&["invoice number", "invoice no", "number"]))
            .with("date", find.date(&["invoice date", "date"]))
            .with("total", find.amount(&["total", "amount due"])))
    }
}

register!({{Type}});

#[cfg(test)]
mod tests {
    use ocriva_plugin_sdk::Fixture;
    use ocriva_plugin_sdk::serde_json::json;

    use super::*;

    #[test]
    fn a_total_stands_right_of_its_label_or_below_it() {
        for text in ["Total:   12.50 EUR", "Item    Total\nBread   12.50"] {
            let output = Fixture::from_text(text).extract::<{{Type}}>(json!({})).unwrap();
            assert_eq!(output.fields["total"].value, 12.5);
        }
    }
}
