//! Files in, pages out, through the border of `decode`: documents that must be read, and files that must be refused
//! without harm.

use std::io::Write as _;
use std::time::{Duration, Instant};

use ocriva::decode::{self, Document, Error, Limits};
use ocriva::domain::format::{self, Format};
use ocriva::domain::layout;
use ocriva::domain::page::{Segment, Unit};
use ocriva::domain::raster::Raster;
use support::fixture;

pub(crate) mod generated;

use generated::{pdf, pdf_with_encoding, pdf_with_page};

fn limits() -> Limits {
    Limits {
        max_pages: 500,
        max_pixels: 64_000_000,
        max_inflated_bytes: 512 << 20,
        max_text_bytes: 8 << 20,
        page_timeout: Duration::from_secs(30),
        raster_dpi: 200,
    }
}

fn open_within(content: Vec<u8>, limits: Limits) -> Result<Document, Error> {
    let head = content.get(..format::SNIFF_BYTES).unwrap_or(&content);
    let format = format::sniff(head, "").expect("the format is known");
    decode::open(content.into(), format, None, limits)
}

fn open(name: &str) -> Document {
    open_within(fixture(name), limits()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn refusal(name: &str) -> Error {
    open_within(fixture(name), limits()).err().unwrap_or_else(|| panic!("{name} is refused"))
}

fn text(segments: &[Segment]) -> String {
    let words = segments.iter().flat_map(|segment| &segment.words);
    words.map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

fn text_of(content: Vec<u8>) -> Option<String> {
    let document = open_within(content, limits()).unwrap();
    document.text_layer(0).unwrap().map(|segments| text(&segments))
}

/// Mean of all samples, 255 for a white page.
fn brightness(raster: &Raster) -> u64 {
    raster.pixels.iter().map(|&sample| u64::from(sample)).sum::<u64>() / raster.pixels.len() as u64
}

fn dark_pixels(raster: &Raster, columns: std::ops::Range<u32>, rows: std::ops::Range<u32>) -> usize {
    let pixels = rows.flat_map(|y| columns.clone().map(move |x| (y * raster.width + x) as usize * 3));
    pixels.filter(|&at| raster.pixels[at] < 128).count()
}

#[test]
fn the_text_layer_of_an_invoice_has_its_words_in_their_places() {
    let document = open("text.pdf");
    let size = document.page_size(0).unwrap();
    assert_eq!((size.width, size.height, size.unit), (612.0, 792.0, Unit::Point));
    let segments = document.text_layer(0).unwrap().expect("the text is trusted");
    let arranged = layout::arrange(segments, size);
    let words: Vec<&str> = arranged.words.iter().map(|word| word.text.as_str()).collect();
    assert!(words.starts_with(&["Blue", "Heron", "Supplies", "Ltd", "INVOICE"]), "{words:?}");
    assert!(words.contains(&"BH-10442") && words.contains(&"58.40"), "{words:?}");
    for word in &arranged.words {
        assert!(word.bbox.x0 >= 0.0 && word.bbox.x1 <= size.width && word.bbox.y1 <= size.height, "{word:?}");
        assert!(word.bbox.width() > 3.0 && word.bbox.height() > 5.0, "{word:?}");
    }
}

#[test]
fn text_stands_where_the_renderer_paints_it() {
    let content = pdf("BT /F1 20 Tf 100 600 Td (Hnnnnnnn) Tj ET");
    let document = open_within(content, Limits { raster_dpi: 72, ..limits() }).unwrap();
    let segments = document.text_layer(0).unwrap().unwrap();
    let bbox = segments[0].words[0].bbox;
    let raster = document.raster(0).unwrap();
    let (columns, rows) = (bbox.x0 as u32 - 1..bbox.x1 as u32 + 2, bbox.y0 as u32 - 1..bbox.y1 as u32 + 2);
    let inside = dark_pixels(&raster, columns, rows);
    assert!(inside > 50);
    assert_eq!(inside, dark_pixels(&raster, 0..raster.width, 0..raster.height));
}

#[test]
fn a_turned_page_is_read_as_it_is_displayed() {
    // Text that runs upwards on the sheet, which is displayed with a quarter turn clockwise.
    let content = pdf_with_page("/Rotate 90", "BT /F1 12 Tf 0 1 -1 0 100 50 Tm (Turned page) Tj ET");
    let document = open_within(content, limits()).unwrap();
    let size = document.page_size(0).unwrap();
    assert_eq!((size.width, size.height), (792.0, 612.0));
    let segments = document.text_layer(0).unwrap().unwrap();
    assert_eq!(text(&segments), "Turned page");
    let bbox = segments[0].bbox;
    assert!((bbox.x0 - 50.0).abs() < 1.0 && (85.0..115.0).contains(&bbox.y1), "{bbox:?}");
    let raster = document.raster(0).unwrap();
    assert!(raster.width > raster.height);
}

#[test]
fn gaps_part_words_where_no_space_is_drawn() {
    let content = pdf("BT /F1 10 Tf 50 700 Td [(Total)-300(amount)] TJ 40 0 Td ET");
    assert_eq!(text_of(content).unwrap(), "Total amount");
}

#[test]
fn letter_spaced_text_is_not_torn_into_letters() {
    let content = pdf(
        "BT /F1 10 Tf 4 Tc 50 700 Td (INVOICE) Tj ET BT /F1 10 Tf 0 Tc 50 650 Td (Total 58.40 due) Tj ET",
    );
    assert_eq!(text_of(content).unwrap(), "INVOICE Total 58.40 due");
}

#[test]
fn a_word_drawn_in_pieces_and_out_of_order_is_one_word() {
    let content = pdf("BT /F1 10 Tf 1 0 0 1 71.11 700 Tm (ber) Tj 1 0 0 1 50 700 Tm (Num) Tj ET");
    assert_eq!(text_of(content).as_deref(), Some("Number"));
}

#[test]
fn text_drawn_twice_for_bold_is_read_once() {
    let content = pdf(
        "BT /F1 10 Tf 1 0 0 1 50 700 Tm (Grand total) Tj 1 0 0 1 50.3 700 Tm (Grand total) Tj 1 0 0 1 50 680 Tm (due) Tj ET",
    );
    assert_eq!(text_of(content).unwrap(), "Grand total due");
}

#[test]
fn text_that_cannot_be_seen_is_not_read() {
    let visible = "BT /F1 12 Tf 50 700 Td (Visible text here) Tj ET";
    let invisible = "BT /F1 12 Tf 3 Tr 50 650 Td (render mode three) Tj ET";
    let white = "1 g BT /F1 12 Tf 50 600 Td (white on white) Tj ET";
    let covered = "BT /F1 12 Tf 50 550 Td (under a box) Tj ET 0.9 g 40 540 300 30 re f";
    let outside = "BT /F1 12 Tf 50 -40 Td (below the sheet) Tj ET";
    for hidden in [invisible, white, covered, outside] {
        let content = pdf(&format!("q {visible} Q q 0 Tr {hidden} Q"));
        assert_eq!(text_of(content).as_deref(), Some("Visible text here"), "{hidden}");
    }
}

#[test]
fn white_text_on_a_dark_bar_is_read() {
    let content = pdf("0.1 g 40 690 300 30 re f 1 g BT /F1 12 Tf 50 700 Td (Table heading) Tj ET");
    assert_eq!(text_of(content).as_deref(), Some("Table heading"));
}

#[test]
fn a_hidden_layer_that_says_otherwise_is_not_believed() {
    let read = text(&open("hidden_text_lies.pdf").text_layer(0).unwrap().unwrap());
    assert!(read.contains("BH-10442") && read.contains("58.40"), "{read}");
    assert!(!read.contains("FAKE-0001") && !read.contains("99999.99"), "{read}");
}

#[test]
fn characters_without_meaning_send_a_page_to_be_read_from_its_picture() {
    let garbage = "BT /F1 12 Tf 50 700 Td <0102030405060708090b0c0e0f101112131415161718191a1b1c1d1e1f> Tj ET";
    assert_eq!(text_of(pdf(garbage)), None);
}

#[test]
fn each_page_is_judged_by_itself() {
    let document = open("text_and_scan.pdf");
    assert_eq!(document.page_count(), 3);
    assert!(text(&document.text_layer(0).unwrap().unwrap()).contains("BH-10442"));
    assert_eq!(document.text_layer(1).unwrap(), None);
    assert_eq!(document.text_layer(2).unwrap(), Some(Vec::new()), "the third page is blank");
}

#[test]
fn a_scan_comes_at_its_own_resolution_and_upright() {
    for name in ["scan.pdf", "scan_rotated.pdf"] {
        let document = open(name);
        assert_eq!(document.text_layer(0).unwrap(), None, "{name}");
        let raster = document.raster(0).unwrap();
        let difference = i64::from(raster.width) - 615;
        assert!(difference.abs() <= 2 && raster.height > raster.width, "{name}: {raster:?}");
        assert!((200..255).contains(&brightness(&raster)), "{name}");
    }
}

#[test]
fn a_page_too_large_for_the_usual_resolution_comes_at_a_lower_one() {
    let limits = Limits { max_pixels: 1_000_000, ..limits() };
    let raster = open_within(fixture("huge_page.pdf"), limits).unwrap().raster(0).unwrap();
    let pixels = u64::from(raster.width) * u64::from(raster.height);
    assert!((900_000..=1_000_000).contains(&pixels), "{raster:?}");
}

#[test]
fn a_password_is_asked_for_and_accepted() {
    for (name, password) in [("encrypted_aes256.pdf", "open-sesame"), ("encrypted_rc4.pdf", "asdfzxcv")] {
        assert!(matches!(refusal(name), Error::Encrypted), "{name}");
        let wrong = decode::open(fixture(name).into(), Format::Pdf, Some("wrong"), limits());
        assert!(matches!(wrong, Err(Error::Encrypted)), "{name}");
        let document = decode::open(fixture(name).into(), Format::Pdf, Some(password), limits()).unwrap();
        assert!(!document.text_layer(0).unwrap().unwrap().is_empty(), "{name}");
    }
    assert!(open("owner_password_only.pdf").text_layer(0).unwrap().is_some());
}

#[test]
fn damaged_files_are_refused_by_name() {
    for name in ["header_only.pdf", "page_tree_loop.pdf", "ifd_loop.tif"] {
        let error = refusal(name);
        assert!(matches!(error, Error::Damaged { .. }), "{name}: {error}");
    }
    let gibberish = open_within(pdf("\u{1}\u{2} qwerty 12 asdf"), limits()).unwrap();
    for document in [open("truncated.pdf"), gibberish] {
        let error = document.text_layer(0).unwrap_err();
        assert!(matches!(error, Error::Damaged { format: "PDF", .. }), "{error}");
    }
}

#[test]
fn files_that_can_be_repaired_are_read() {
    for name in ["bad_startxref.pdf", "form_recursion.pdf", "pdf_named.png"] {
        let read = text(&open(name).text_layer(0).unwrap().unwrap());
        assert!(read.contains("BH-10442") && read.contains("58.40"), "{name}: {read}");
    }
    assert!((150..255).contains(&brightness(&open("truncated.jpg").raster(0).unwrap())));
}

#[test]
fn too_many_pages_are_refused_with_the_setting_that_allows_more() {
    let error = refusal("many_pages.pdf");
    assert_eq!(error.to_string(), "document has 1500 pages, the limit is 500 (setting `decode.max_pages`)");
    let raised = Limits { max_pages: 1500, ..limits() };
    assert_eq!(open_within(fixture("many_pages.pdf"), raised).unwrap().page_count(), 1500);
    let lowered = Limits { max_pages: 2, ..limits() };
    let error = open_within(fixture("receipt_three_pages.tif"), lowered).err().unwrap();
    assert!(matches!(error, Error::LimitExceeded { setting: "decode.max_pages", .. }), "{error}");
}

#[test]
fn pictures_that_claim_gigapixels_are_refused_at_once() {
    let start = Instant::now();
    for name in ["bomb_header.png", "bomb_header.jpg"] {
        let error = refusal(name);
        assert!(
            matches!(error, Error::LimitExceeded { setting: "decode.max_megapixels", .. }),
            "{name}: {error}"
        );
    }
    let error = open("bomb_dimensions.tif").raster(0).unwrap_err();
    assert!(matches!(error, Error::LimitExceeded { setting: "decode.max_megapixels", .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_picture_whose_data_claims_more_than_its_dictionary_is_refused() {
    let fax =
        "q 500 0 0 700 50 50 cm BI /W 10 /H 60000 /BPC 1 /F /CCF /DP <</K -1 /Columns 60000>> ID xxxx EI Q";
    let document = open_within(pdf(fax), limits()).unwrap();
    let error = document.raster(0).unwrap_err();
    assert!(matches!(error, Error::LimitExceeded { found: 3_600_000_000, .. }), "{error}");
}

#[test]
fn hebrew_is_read_from_right_to_left() {
    // Drawn from left to right, as it looks: the last letter of the word first. Helvetica has no widths for these.
    let names = "<</Type/Encoding/Differences[65/afii57664/afii57665/afii57666]>>";
    let content = pdf_with_encoding(names, "BT /F1 10 Tf 50 700 Td [(C)-550(B)-550(A)] TJ ET");
    assert_eq!(text_of(content).as_deref(), Some("\u{5d0}\u{5d1}\u{5d2}"));
}

#[test]
fn a_stream_that_inflates_beyond_the_limit_is_refused() {
    let limits = Limits { max_inflated_bytes: 10 << 20, ..limits() };
    let error = open_within(fixture("bomb_flate.pdf"), limits).err().unwrap();
    assert!(matches!(error, Error::LimitExceeded { setting: "decode.max_inflated_mib", .. }), "{error}");
}

/// A page whose content is `data` under the entries given for its stream.
fn pdf_with_stream(entries: &str, data: &[u8]) -> Vec<u8> {
    let template = pdf("CONTENT");
    let old = b"<</Length 7>>\nstream\nCONTENT";
    let at = template.windows(old.len()).position(|window| window == old).unwrap();
    let new = [format!("<</Length {} {entries}>>\nstream\n", data.len()).as_bytes(), data].concat();
    // The table of objects is wrong now, and is made anew.
    [&template[..at], &new, &template[at + old.len()..]].concat()
}

fn deflated(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_bomb_is_refused_however_its_filters_are_written() {
    let limits = Limits { max_inflated_bytes: 1 << 20, ..limits() };
    let bomb = deflated(&vec![b' '; 2 << 20]);
    let digits: String = bomb.iter().map(|byte| format!("{byte:02X}")).collect();
    for (entries, data) in [
        ("/Filter/FlateDecode", bomb.clone()),
        ("/Filter[/ASCIIHexDecode /FlateDecode]", format!("{digits}>").into_bytes()),
        ("/Filter[/AHx /#46lateDecode]", format!("{digits}>").into_bytes()),
        ("/Filter[/FlateDecode /FlateDecode]", deflated(&bomb)),
        ("/Filter/FlateDecode", bomb[2..].to_vec()),
        ("/Filter/RunLengthDecode", [0x81, b' '].repeat(20_000)),
    ] {
        let error =
            open_within(pdf_with_stream(entries, &data), limits).err().unwrap_or_else(|| panic!("{entries}"));
        assert!(
            matches!(error, Error::LimitExceeded { setting: "decode.max_inflated_mib", .. }),
            "{entries}: {error}"
        );
    }
    let page = deflated(b"BT /F1 10 Tf 50 700 Td (Total amount) Tj ET");
    assert_eq!(text_of(pdf_with_stream("/Filter/FlateDecode", &page)).as_deref(), Some("Total amount"));
}

#[test]
fn an_xml_file_in_a_pdf_is_read_by_itself_and_up_to_a_limit() {
    let document = open("invoice.pdf");
    let places = document.xml_places();
    let text = document.xml(&places[0], 1 << 20).expect("the file is read");
    assert!(text.contains("CrossIndustryInvoice"), "{text}");
    assert!(document.xml(&places[0], text.len() as u64).is_some());
    assert_eq!(document.xml(&places[0], text.len() as u64 - 1), None);
}

#[test]
fn a_content_stream_that_a_page_names_many_times_counts_as_often() {
    let limits = Limits { max_inflated_bytes: 1 << 20, ..limits() };
    let content = pdf_with_stream("/Filter/FlateDecode", &deflated(&vec![b' '; 600 << 10]));
    let once = open_within(content.clone(), limits).unwrap();
    assert!(once.text_layer(0).is_ok());
    let at = content.windows(15).position(|window| window == b"/Contents 4 0 R").unwrap();
    let twice = [&content[..at], b"/Contents[4 0 R 4 0 R]", &content[at + 15..]].concat();
    let error = open_within(twice, limits).unwrap().text_layer(0).unwrap_err();
    assert!(matches!(error, Error::LimitExceeded { setting: "decode.max_inflated_mib", .. }), "{error}");
}

#[test]
fn pages_whose_content_is_more_than_may_be_kept_are_refused() {
    let content = pdf("BT /F1 10 Tf 50 700 Td (Total amount) Tj ET");
    let document = open_within(content, Limits { max_inflated_bytes: 20, ..limits() }).unwrap();
    let error = document.text_layer(0).unwrap_err();
    assert!(matches!(error, Error::LimitExceeded { setting: "decode.max_inflated_mib", .. }), "{error}");
}

#[test]
fn a_page_that_takes_too_long_is_given_up() {
    let limits = Limits { page_timeout: Duration::ZERO, ..limits() };
    let document = open_within(fixture("text.pdf"), limits).unwrap();
    assert!(matches!(document.text_layer(0), Err(Error::Timeout { page: 1, .. })));
    assert!(matches!(document.raster(0), Err(Error::Timeout { page: 1, .. })));
}

#[test]
fn pages_that_are_not_there_are_no_pages() {
    for (name, page_count) in [("text.pdf", 1), ("receipt_three_pages.tif", 3), ("receipt.jpg", 1)] {
        let document = open(name);
        let error = document.raster(page_count).unwrap_err();
        assert!(matches!(error, Error::NoSuchPage { page, .. } if page == page_count + 1), "{name}: {error}");
        assert!(document.page_size(page_count).is_err() && document.text_layer(page_count).is_err());
    }
}

#[test]
fn every_kind_of_picture_shows_the_same_receipt() {
    let names = [
        "receipt_cmyk.jpg",
        "receipt_exif_orientation.jpg",
        "receipt_bilevel.png",
        "receipt.webp",
        "receipt.jp2",
    ];
    for name in names {
        let document = open(name);
        let size = document.page_size(0).unwrap();
        assert_eq!((size.width, size.height, size.unit), (615.0, 1347.0, Unit::Pixel), "{name}");
        assert_eq!(document.text_layer(0).unwrap(), None, "{name}");
        let raster = document.raster(0).unwrap();
        assert_eq!((raster.width, raster.height), (615, 1347), "{name}");
        assert_eq!(raster.pixels.len(), 615 * 1347 * 3, "{name}");
        assert!((240..252).contains(&brightness(&raster)), "{name}: {}", brightness(&raster));
    }
}

#[test]
fn all_pages_of_a_fax_are_read_black_on_white() {
    let document = open("receipt_three_pages.tif");
    assert_eq!(document.page_count(), 3);
    for index in 0..3 {
        assert!((235..252).contains(&brightness(&document.raster(index).unwrap())), "page {index}");
    }
    let last = document.page_size(2).unwrap();
    assert_eq!((last.width, last.height), (307.0, 673.0));
}

#[test]
fn formats_are_told_by_content() {
    for (name, format) in
        [("pdf_named.png", Format::Pdf), ("receipt.webp", Format::Webp), ("receipt.jp2", Format::Jpeg2000)]
    {
        assert_eq!(format::sniff(&fixture(name), name), Some(format), "{name}");
    }
    for (name, format) in [("text_named.jpg", Format::Text), ("letter.docx", Format::Docx)] {
        assert_eq!(format::sniff(&fixture(name), name), Some(format), "{name}");
    }
    assert_eq!(format::sniff(&fixture("program_named.pdf"), "program_named.pdf"), None);
}
