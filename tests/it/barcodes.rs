//! Bar codes: found on pages that are drawn here, and read from documents by the plugin `barcode`.

mod sheet;

use ocriva::barcode;
use ocriva::config::Config;
use ocriva::decode::{self, Limits};
use ocriva::domain::barcode::Barcode;
use ocriva::domain::format::Format;
use ocriva::domain::raster::Raster;
use rxing::{BarcodeFormat, EncodeHints};
use serde_json::json;
use support::database::Engine;
use support::server::Installation;
use support::{fixture, over_http};

use sheet::{Drawing, Sheet};

over_http!(installation => the_codes_of_a_document_become_fields_of_its_record);

const EVERY_FORMAT: [(BarcodeFormat, &str, &str); 11] = [
    (BarcodeFormat::QR_CODE, "qr_code", "Invoice 2026-0117"),
    (BarcodeFormat::DATA_MATRIX, "data_matrix", "PART 4711 LOT 7"),
    (BarcodeFormat::AZTEC, "aztec", "Seat 12, coach 7"),
    (BarcodeFormat::PDF_417, "pdf_417", "M1BERG/ANNA E12345"),
    (BarcodeFormat::CODE_128, "code_128", "PARCEL-00712"),
    (BarcodeFormat::CODE_39, "code_39", "ORDER 4711"),
    (BarcodeFormat::EAN_13, "ean_13", "4006381333931"),
    (BarcodeFormat::EAN_8, "ean_8", "96385074"),
    (BarcodeFormat::UPC_A, "upc_a", "036000291452"),
    (BarcodeFormat::UPC_E, "upc_e", "01234565"),
    (BarcodeFormat::ITF, "itf", "00012345678905"),
];

fn read(raster: &Raster) -> Vec<Barcode> {
    barcode::read(raster).expect("the decoder goes through")
}

/// Format and text of each code, from top to bottom.
fn told(sheet: &Sheet) -> Vec<(&'static str, String)> {
    read(&sheet.raster()).into_iter().map(|code| (code.format.as_str(), code.text)).collect()
}

fn in_the_middle(module: f32, turned: f32) -> Drawing {
    Drawing { at: (350.0, 250.0), module, turned }
}

fn picture(name: &str, format: Format) -> Raster {
    let limits = Limits::from(&Config::default().decode);
    decode::open(fixture(name).into(), format, None, limits).unwrap().raster(0).unwrap()
}

#[test]
fn every_format_is_read_however_coarse_it_is() {
    for (format, name, text) in EVERY_FORMAT {
        for module in [2.0, 3.3] {
            let sheet = Sheet::new(700, 500).with(format, text, in_the_middle(module, 0.0));
            assert_eq!(told(&sheet), [(name, text.to_owned())], "{module} pixels");
        }
    }
}

#[test]
fn codes_are_read_upside_down_sideways_and_aslant() {
    let at_any_angle = |format| !matches!(format, BarcodeFormat::AZTEC | BarcodeFormat::PDF_417);
    for (format, name, text) in EVERY_FORMAT {
        let angles = if at_any_angle(format) { &[90.0, 180.0, 7.0, 40.0][..] } else { &[90.0, 180.0] };
        for angle in angles {
            let sheet = Sheet::new(700, 500).with(format, text, in_the_middle(2.5, *angle));
            assert_eq!(told(&sheet), [(name, text.to_owned())], "{angle} degrees");
        }
    }
}

#[test]
fn a_bad_scan_is_read() {
    for (format, name, text) in EVERY_FORMAT {
        let sheet = Sheet::new(700, 500).with(format, text, in_the_middle(3.0, 1.0)).blurred();
        assert_eq!(told(&sheet.badly_lit().noisy(6.0)), [(name, text.to_owned())]);
    }
}

#[test]
fn codes_of_dots_are_read_light_on_dark() {
    for (format, name, text) in &EVERY_FORMAT[..2] {
        let sheet = Sheet::new(300, 300).with(
            *format,
            text,
            Drawing { at: (150.0, 150.0), ..in_the_middle(4.0, 0.0) },
        );
        assert_eq!(told(&sheet.inverted()), [(*name, (*text).to_owned())]);
    }
}

#[test]
fn a_close_photograph_is_read() {
    for (format, text) in [(BarcodeFormat::EAN_13, "4006381333931"), (BarcodeFormat::QR_CODE, "close")] {
        let drawing = Drawing { at: (800.0, 600.0), module: 11.0, turned: 4.0 };
        let sheet = Sheet::new(1600, 1200).with(format, text, drawing).blurred();
        assert_eq!(told(&sheet).len(), 1, "{text}");
    }
}

#[test]
fn all_codes_of_a_page_are_told_each_with_its_place_from_top_to_bottom() {
    let drawing = |x, y| Drawing { at: (x, y), module: 2.5, turned: 0.0 };
    let sheet = Sheet::new(800, 800)
        .with(BarcodeFormat::QR_CODE, "left", drawing(100.0, 100.0))
        .with(BarcodeFormat::QR_CODE, "right", drawing(700.0, 110.0))
        .with(BarcodeFormat::DATA_MATRIX, "number one", drawing(200.0, 400.0))
        .with(BarcodeFormat::DATA_MATRIX, "number two", drawing(600.0, 410.0))
        .with(BarcodeFormat::CODE_128, "SAME", drawing(200.0, 600.0))
        .with(BarcodeFormat::CODE_128, "SAME", drawing(600.0, 610.0))
        .with(BarcodeFormat::EAN_8, "96385074", drawing(400.0, 760.0));
    let found = read(&sheet.raster());
    let texts: Vec<&str> = found.iter().map(|code| code.text.as_str()).collect();
    assert_eq!(texts, ["left", "right", "number one", "number two", "SAME", "SAME", "96385074"]);
    let middles = [(100, 100), (700, 110), (200, 400), (600, 410), (200, 600), (600, 610), (400, 760)];
    for (code, (x, y)) in found.iter().zip(middles) {
        let (found_x, found_y) = code.bbox.center();
        let is_near = (found_x - x as f32).abs() < 12.0 && (found_y - y as f32).abs() < 12.0;
        assert!(is_near && code.confidence > 0.9, "{code:?}");
    }
    // A QR code of version 1 has 21 dots.
    assert!((47.0..=58.0).contains(&found[0].bbox.width()), "{:?}", found[0].bbox);
}

#[test]
fn what_is_not_text_is_told_as_bytes() {
    let latin = EncodeHints { CharacterSet: Some("ISO-8859-1".to_owned()), ..EncodeHints::default() };
    let sheet = |hints| {
        let drawing = Drawing { at: (150.0, 150.0), module: 4.0, turned: 0.0 };
        read(&Sheet::new(300, 300).with_hints(BarcodeFormat::QR_CODE, "Grün", drawing, hints).raster())
    };
    assert_eq!(sheet(&latin)[0].bytes, b"Gr\xfcn");
    assert_eq!(sheet(&latin)[0].text, "Grün");
    let utf_8 = EncodeHints { CharacterSet: Some("UTF-8".to_owned()), ..EncodeHints::default() };
    assert_eq!((sheet(&utf_8)[0].text.as_str(), sheet(&utf_8)[0].bytes.as_slice()), ("Grün", &b""[..]));
    assert_eq!(sheet(&utf_8)[0].error_correction.as_deref(), Some("L"));
}

#[test]
fn a_gs1_code_says_so_and_keeps_its_separators() {
    let gs1 = EncodeHints { Gs1Format: Some(true), DataMatrixCompact: Some(true), ..EncodeHints::default() };
    let text = "010400638133393110AB-12\u{1d}37500";
    let drawing = Drawing { at: (150.0, 150.0), module: 4.0, turned: 0.0 };
    let sheet = Sheet::new(300, 300).with_hints(BarcodeFormat::DATA_MATRIX, text, drawing, &gs1);
    let found = read(&sheet.raster());
    assert_eq!((found[0].text.as_str(), found[0].symbology.as_str()), (text, "]d2"));
    // U+00F1 is FNC1 to the encoder.
    let with_fnc1 = format!("\u{f1}{}", text.replace('\u{1d}', "\u{f1}"));
    let sheet = Sheet::new(900, 300).with(
        BarcodeFormat::CODE_128,
        &with_fnc1,
        Drawing { at: (450.0, 150.0), module: 2.5, turned: 0.0 },
    );
    let found = read(&sheet.raster());
    assert_eq!((found[0].text.as_str(), found[0].symbology.as_str()), (text, "]C1"));
}

#[test]
fn pages_without_codes_have_none() {
    for (name, format) in [
        ("invoice.pdf", Format::Pdf),
        ("invoice_two.pdf", Format::Pdf),
        ("text.pdf", Format::Pdf),
        ("receipt.jpg", Format::Jpeg),
        ("receipt_bilevel.png", Format::Png),
        ("blank.png", Format::Png),
        ("one_pixel.png", Format::Png),
    ] {
        assert_eq!(read(&picture(name, format)), [], "{name}");
    }
    assert_eq!(told(&Sheet::new(500, 400).noisy(255.0)), []);
    for (width, height) in [(1, 1), (7, 300), (300, 7), (39, 39), (41, 41)] {
        assert_eq!(told(&Sheet::new(width, height).noisy(99.0)), []);
    }
}

#[test]
fn stripes_and_rulings_are_no_codes() {
    for period in [2, 3, 5, 8, 13] {
        let (width, height) = (500_u32, 300_u32);
        let pixels = (0..width * height)
            .flat_map(|index| [if index % width / period % 2 == 0 { 0 } else { 255 }; 3])
            .collect();
        assert_eq!(read(&Raster { width, height, pixels }), [], "every {period} pixels");
    }
}

#[test]
fn a_scanned_invoice_has_its_codes() {
    let found = read(&picture("barcodes_scan.jpg", Format::Jpeg));
    let formats: Vec<&str> = found.iter().map(|code| code.format.as_str()).collect();
    assert_eq!(formats, ["code_128", "ean_13", "qr_code", "data_matrix"]);
}

async fn installation(engine: Engine) -> Option<Installation> {
    Installation::new(engine).await
}

async fn the_codes_of_a_document_become_fields_of_its_record(installation: Installation) {
    let server = installation.start();
    let template = json!({"name": "Payments", "extractor": {"plugin": "barcode"}, "templateSchema": {"type": "object", "properties": {
        "beneficiary": {"type": "string"},
        "iban": {"type": "string"},
        "amount": {"type": "number"},
        "reference": {"type": "string"},
        "lot": {"type": "string"},
        "invoice": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{4}$"},
        "articles": {"type": "array", "items": {"type": "object", "properties": {
            "format": {"type": "string"}, "gtin": {"type": "string"}}}},
    }}});
    let template = server.create_template(template).await;
    let id = server.upload("barcodes.pdf", Some(&template)).await;
    let record = server.finished(&id).await;
    assert_eq!(
        record["result"]["data"],
        json!({"beneficiary": "Nordlicht Buerobedarf GmbH", "iban": "DE33100205000001194700", "amount": 132.69,
            "reference": "RF18539007547034", "lot": "AB-12", "invoice": "2026-0117", "articles": [
            {"format": "code_128", "gtin": null}, {"format": "ean_13", "gtin": "4006381333931"},
            {"format": "qr_code", "gtin": null}, {"format": "data_matrix", "gtin": "04006381333931"}]}),
        "{record}"
    );
    let iban = &record["result"]["fields"]["iban"];
    assert_eq!(
        (&iban["source"], &iban["page"], &iban["confidence"]),
        (&json!("barcode"), &json!(1), &json!(0.99))
    );
    // Where the code is drawn, in points.
    let edges: Vec<f64> = iban["box"].as_array().unwrap().iter().map(|edge| edge.as_f64().unwrap()).collect();
    for (edge, drawn) in edges.iter().zip([60.0, 383.0, 149.0, 472.0]) {
        assert!((edge - drawn).abs() < 4.0, "{edges:?}");
    }
    assert_eq!(record["result"]["warnings"], json!([]));
    assert!(server.terminate().await);
}
