//! A guest that uses every function of the contract, and answers with what it got: one warning per call. It speaks
//! the contract itself, without the SDK's types, as a plugin in another language would.

#[cfg(target_family = "wasm")]
mod component {
    use ocriva_plugin_sdk::bindings;
    use ocriva_plugin_sdk::bindings::exports::ocriva::extract::extractor::Guest;
    use ocriva_plugin_sdk::bindings::ocriva::extract::document::{Doc, Page};
    use ocriva_plugin_sdk::bindings::ocriva::extract::types::{Failure, Rect};
    use ocriva_plugin_sdk::bindings::ocriva::extract::{barcodes, config, log, lookup};
    use ocriva_plugin_sdk::serde_json::json;

    struct Witness;

    impl Guest for Witness {
        fn describe() -> String {
            json!({ "name": "witness", "version": "0.1.0", "description": "Says what it sees" }).to_string()
        }

        fn extract(input: &Doc, request: String) -> Result<String, Failure> {
            if let Some(vice) = VICES.iter().find(|(name, _)| config::get(name).is_some()) {
                return vice.1(input);
            }
            let mut seen = Vec::new();
            let mut saw = |what: &str, value: String| {
                seen.push(json!({ "code": what, "message": value }));
            };
            log::write(2, "looking");
            saw("request", request);
            saw("config", format!("{:?} {:?}", config::get("colour"), config::get("missing")));
            saw("page_count", input.page_count().to_string());
            saw("meta", input.meta());
            saw(
                "no_such_page",
                input.page(99).map(|_| "a page".to_owned()).unwrap_or_else(|error| error.code),
            );
            let page = input.page(0)?;
            saw("number", page.number().to_string());
            saw("size", format!("{:?} {}", page.size()?, page.unit()?));
            let words = page.words()?;
            saw("source", words.source());
            saw("count", format!("{} {}", words.count(), words.line_count()));
            saw("get", format!("{:?} {}", words.get(0).map(|word| word.text), words.get(1000).is_none()));
            let slice: Vec<String> = words.slice(1, 2).into_iter().map(|word| word.text).collect();
            saw("slice", slice.join(" "));
            let columns = words.columns(1, 2);
            saw("columns", format!("{:?} {} {:?}", columns.text, columns.boxes.len(), columns.lines));
            saw("text", words.text(5));
            saw("find", format!("{:?}", words.find("TOTAL", 10)));
            saw(
                "within",
                format!("{:?}", words.within(Rect { x0: 30.0, y0: 30.0, x1: 110.0, y1: 60.0 }, 10)),
            );
            saw(
                "lines",
                format!("{:?}", words.lines(0, 10).iter().map(|line| line.word_count).collect::<Vec<_>>()),
            );
            let image = page.image()?;
            saw("image", format!("{:?}", image.size()));
            let part = image.crop(Rect { x0: 1.0, y0: 1.0, x1: 2.0, y1: 3.0 })?;
            saw("crop", format!("{:?} {:?}", part.size(), part.read(0, 100)));
            saw("rest", format!("{:?}", part.read(21, 100)));
            let outside = image.crop(Rect { x0: f32::NAN, y0: 1.0, x1: 2.0, y1: 3.0 });
            saw("bad_crop", outside.map(|_| "a picture".to_owned()).unwrap_or_else(|error| error.code));
            let read: Vec<String> = part.recognize(10)?.into_iter().map(|word| word.text).collect();
            saw("recognize", read.join(" "));
            let codes: Vec<String> = barcodes::read(&page, 10)?
                .into_iter()
                .map(|code| {
                    format!(
                        "{} {:?} {:?} {} {}",
                        code.format, code.text, code.bytes, code.confidence, code.attributes
                    )
                })
                .collect();
            saw("barcodes", codes.join(", "));
            saw("first_barcode", barcodes::read(&page, 1)?.len().to_string());
            saw("tables", lookup::tables());
            let find = |table: &str, column: &str, value: &str| {
                let query = json!({ "table": table, "column": column, "value": value });
                lookup::find(&query.to_string()).unwrap_or_else(|error| error.code)
            };
            saw("lookup", find("shops", "name", "CORNER-SHOP"));
            saw("no_such_row", find("shops", "name", "Supermarket"));
            saw("no_such_column", find("shops", "street", "High Street"));
            saw("no_such_table", find("people", "name", "Anna"));
            saw("bad_query", lookup::find("?").unwrap_or_else(|error| error.code));
            Ok(json!({ "warnings": seen }).to_string())
        }
    }

    type Vice = fn(&Doc) -> Result<String, Failure>;

    /// What else it does, where its settings name it.
    const VICES: [(&str, Vice); 10] = [
        ("columns", columns),
        ("leak", leak),
        ("leakWords", leak_words),
        ("leakImages", leak_images),
        ("leakCrops", leak_crops),
        ("deep", |_| Ok(format!("{{\"fields\":{}", "[".repeat(500_000)))),
        ("wrongTypes", |_| Ok(json!({ "fields": [7], "tables": "none", "warnings": {} }).to_string())),
        ("noJson", |_| Ok("\u{0}".to_owned())),
        ("forge", |_| Ok(forged().number().to_string())),
        ("forgeAndDrop", |_| {
            drop(forged());
            Ok("{}".to_owned())
        }),
    ];

    /// A page that nobody gave out.
    #[expect(unsafe_code, reason = "to forge a handle is what this is for")]
    fn forged() -> Page {
        // SAFETY: it is not; the host has to notice.
        unsafe { Page::from_handle(7777) }
    }

    /// Keeps every handle it gets.
    fn leak(input: &Doc) -> Result<String, Failure> {
        let mut kept = Vec::new();
        loop {
            kept.push(input.page(0)?);
        }
    }

    /// The same with words.
    fn leak_words(input: &Doc) -> Result<String, Failure> {
        let page = input.page(0)?;
        let mut kept = Vec::new();
        loop {
            kept.push(page.words()?);
        }
    }

    /// The same with pictures.
    fn leak_images(input: &Doc) -> Result<String, Failure> {
        let page = input.page(0)?;
        let mut kept = Vec::new();
        loop {
            kept.push(page.image()?);
        }
    }

    /// The same with parts of a picture.
    fn leak_crops(input: &Doc) -> Result<String, Failure> {
        let image = input.page(0)?.image()?;
        let mut kept = Vec::new();
        loop {
            kept.push(image.crop(Rect { x0: 1.0, y0: 1.0, x1: 2.0, y1: 3.0 })?);
        }
    }

    /// Takes all words of the first page as columns, and does nothing with them.
    fn columns(input: &Doc) -> Result<String, Failure> {
        let words = input.page(0)?.words()?;
        let mut taken = 0;
        while taken < words.count() {
            taken += words.columns(taken, 16_384).lines.len() as u32;
        }
        Ok("{}".to_owned())
    }

    bindings::export!(Witness with_types_in bindings);
}
