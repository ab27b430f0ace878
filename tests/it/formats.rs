//! Office files, mails, web pages, tables and texts, through the border of `decode`: what they say stands on pages in
//! reading order, and what is hostile in them does no harm.

use std::io::{Cursor, Write};
use std::time::{Duration, Instant};

use ocriva::config::Config;
use ocriva::decode::{self, Document, Error, Limits};
use ocriva::domain::format::{self, Format};
use ocriva::domain::layout;
use support::fixture;
use zip::write::SimpleFileOptions;

fn limits() -> Limits {
    Limits::from(&Config::default().decode)
}

fn open_within(content: &[u8], name: &str, limits: Limits) -> Result<Document, Error> {
    let head = content.get(..format::SNIFF_BYTES).unwrap_or(content);
    let format = format::sniff(head, name).unwrap_or_else(|| panic!("{name} is in a known format"));
    decode::open(content.to_vec().into(), format, None, limits)
}

fn open(content: &[u8], name: &str) -> Document {
    open_within(content, name, limits()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn refusal(content: &[u8], name: &str) -> String {
    let since = Instant::now();
    let error = open_within(content, name, limits()).err().unwrap_or_else(|| panic!("{name} is refused"));
    assert!(since.elapsed() < Duration::from_secs(20), "{name} took {:?}", since.elapsed());
    error.to_string()
}

/// The lines of a page as they are read.
fn lines(document: &Document, index: u32) -> Vec<String> {
    let size = document.page_size(index).unwrap();
    let segments = document.text_layer(index).unwrap().expect("the page has text of its own");
    for segment in &segments {
        let bbox = segment.bbox;
        assert!(bbox.x0 >= 0.0 && bbox.x1 <= size.width && bbox.y1 <= size.height, "{segment:?}");
    }
    let arranged = layout::arrange(segments, size);
    let words = |first: u32, count: u32| {
        let words = &arranged.words[first as usize..(first + count) as usize];
        words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    };
    arranged.lines.iter().map(|line| words(line.first_word, line.word_count)).collect()
}

fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn relationships(targets: &[(&str, &str)]) -> String {
    let relations = targets.iter().enumerate().map(|(index, (kind, target))| {
        format!(
            "<Relationship Id='rId{}' Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}' Target='{target}'/>",
            index + 1
        )
    });
    let relations: String = relations.collect();
    format!(
        "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>{relations}</Relationships>"
    )
}

fn docx(body: &str) -> Vec<u8> {
    docx_with(body, &[])
}

fn docx_with(body: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let main = relationships(&[("officeDocument", "word/document.xml")]);
    let namespace = "xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'";
    let document = format!("<w:document {namespace}><w:body>{body}</w:body></w:document>");
    let mut files = vec![
        ("[Content_Types].xml", "<Types/>"),
        ("_rels/.rels", main.as_str()),
        ("word/document.xml", document.as_str()),
    ];
    files.extend(more);
    archive(&files)
}

#[test]
fn a_word_document_is_read_with_its_table_in_rows() {
    let document = open(&fixture("letter.docx"), "letter.docx");
    let text = lines(&document, 0).join("\n");
    assert!(text.contains("BH-10442") && text.contains("58.40"), "{text}");
}

#[test]
fn headers_text_boxes_and_breaks_of_a_word_document_stand_where_they_belong() {
    let body = "<w:p><w:r><w:t>Total:</w:t><w:tab/><w:t>58.40</w:t></w:r><w:del><w:r><w:delText>9.99</w:delText></w:r></w:del></w:p>\
        <w:p><w:r><w:txbxContent><w:p><w:r><w:t>In a box</w:t></w:r></w:p></w:txbxContent></w:r></w:p>\
        <w:p><w:r><w:br w:type='page'/><w:t>Second page</w:t></w:r></w:p>";
    let header = "<w:hdr xmlns:w='w'><w:p><w:r><w:t>Blue Heron Ltd</w:t></w:r></w:p></w:hdr>";
    let relations = relationships(&[("header", "header1.xml"), ("header", "header2.xml")]);
    let more = [
        ("word/_rels/document.xml.rels", relations.as_str()),
        ("word/header1.xml", header),
        ("word/header2.xml", header),
    ];
    let document = open(&docx_with(body, &more), "a.docx");
    assert_eq!(document.page_count(), 2);
    assert_eq!(lines(&document, 0), ["Blue Heron Ltd", "Total: 58.40", "In a box"]);
    assert_eq!(lines(&document, 1), ["Second page"]);
}

#[test]
fn a_workbook_is_read_sheet_by_sheet_as_it_is_shown() {
    let workbook = "<workbook xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main' \
        xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships'><sheets>\
        <sheet name='A' sheetId='1' r:id='rId1'/><sheet name='B' sheetId='2' r:id='rId2' state='hidden'/></sheets></workbook>";
    let styles = "<styleSheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'>\
        <cellXfs><xf numFmtId='0'/><xf numFmtId='14'/></cellXfs></styleSheet>";
    let sheet = |cells: &str| {
        format!(
            "<worksheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><sheetData>{cells}</sheetData></worksheet>"
        )
    };
    let first = sheet(
        "<row r='1'><c r='A1' t='inlineStr'><is><t>Invoice</t></is></c><c r='B1' t='inlineStr'><is><t>BH-10442</t></is></c></row>\
         <row r='3'><c r='A3' s='1'><v>45351</v></c><c r='B3'><v>58.4</v></c></row>\
         <row r='1048576'><c r='XFD1048576'><v>7</v></c></row>",
    );
    let second = sheet("<row r='1'><c r='A1'><v>99</v></c></row>");
    let main = relationships(&[("officeDocument", "xl/workbook.xml")]);
    let relations = relationships(&[
        ("worksheet", "worksheets/sheet1.xml"),
        ("worksheet", "worksheets/sheet2.xml"),
        ("styles", "styles.xml"),
    ]);
    let content = archive(&[
        ("[Content_Types].xml", "<Types/>"),
        ("_rels/.rels", &main),
        ("xl/workbook.xml", workbook),
        ("xl/_rels/workbook.xml.rels", &relations),
        ("xl/styles.xml", styles),
        ("xl/worksheets/sheet1.xml", &first),
        ("xl/worksheets/sheet2.xml", &second),
    ]);
    let document = open(&content, "a.xlsx");
    assert_eq!(document.page_count(), 1, "a hidden sheet is not read");
    assert_eq!(lines(&document, 0), ["Invoice BH-10442", "2024-02-29 58.40", "7"]);
}

#[test]
fn slides_are_pages_in_the_order_in_which_they_are_shown() {
    let namespaces = "xmlns:p='p' xmlns:a='a' \
        xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships'";
    let presentation = format!(
        "<p:presentation {namespaces}><p:sldIdLst><p:sldId id='257' r:id='rId2'/><p:sldId id='256' r:id='rId1'/></p:sldIdLst></p:presentation>"
    );
    let shape = |y: u32, text: &str| {
        format!(
            "<p:sp><p:spPr><a:xfrm><a:off x='0' y='{y}'/></a:xfrm></p:spPr><p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"
        )
    };
    let slide = |shapes: String| {
        format!("<p:sld {namespaces}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>")
    };
    let (first, second) = (slide(shape(500, "Below") + &shape(100, "Above")), slide(shape(0, "Opening")));
    let main = relationships(&[("officeDocument", "ppt/presentation.xml")]);
    let relations = relationships(&[("slide", "slides/slide1.xml"), ("slide", "slides/slide2.xml")]);
    let content = archive(&[
        ("[Content_Types].xml", "<Types/>"),
        ("_rels/.rels", &main),
        ("ppt/presentation.xml", &presentation),
        ("ppt/_rels/presentation.xml.rels", &relations),
        ("ppt/slides/slide1.xml", &first),
        ("ppt/slides/slide2.xml", &second),
    ]);
    let document = open(&content, "a.pptx");
    assert_eq!(lines(&document, 0), ["Opening"]);
    assert_eq!(lines(&document, 1), ["Above", "Below"]);
}

fn opendocument(kind: &str, body: &str) -> Vec<u8> {
    let media_type = format!("application/vnd.oasis.opendocument.{kind}");
    let content = format!(
        "<office:document-content xmlns:office='o' xmlns:text='t' xmlns:table='tb'><office:body>{body}</office:body></office:document-content>"
    );
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    writer.start_file("mimetype", stored).unwrap();
    writer.write_all(media_type.as_bytes()).unwrap();
    writer.start_file("content.xml", SimpleFileOptions::default()).unwrap();
    writer.write_all(content.as_bytes()).unwrap();
    writer.finish().unwrap().into_inner()
}

#[test]
fn opendocument_texts_and_sheets_are_read() {
    let text = "<office:text><text:h>Invoice<text:s text:c='2'/>BH-10442</text:h>\
        <text:p>Total<text:tab/>58.40<office:annotation><text:p>secret</text:p></office:annotation></text:p></office:text>";
    assert_eq!(lines(&open(&opendocument("text", text), "a.odt"), 0), ["Invoice BH-10442", "Total 58.40"]);
    let sheet = "<office:spreadsheet><table:table table:name='A'><table:table-row>\
        <table:table-cell><text:p>Total</text:p></table:table-cell>\
        <table:table-cell table:number-columns-repeated='16000'/>\
        <table:table-cell><text:p>58.40 €</text:p></table:table-cell></table:table-row>\
        <table:table-row table:number-rows-repeated='1048000'><table:table-cell/></table:table-row></table:table></office:spreadsheet>";
    assert_eq!(lines(&open(&opendocument("spreadsheet", sheet), "a.ods"), 0), ["Total 58.40 €"]);
    let endless = sheet.replace(
        "<table:table-cell/>",
        "<table:table-cell table:number-columns-repeated='999999999'><text:p>x</text:p></table:table-cell>",
    );
    assert!(refusal(&opendocument("spreadsheet", &endless), "a.ods").contains("decode.max_text_mib"));
}

#[test]
fn web_pages_tables_texts_and_rtf_are_read() {
    let page = b"<!DOCTYPE html><h1>Invoice BH-10442</h1><script>document.write('0.01')</script>\
        <table><tr><td>Total<td>58.40</table><img src='http://127.0.0.1:9/a.png'>";
    assert_eq!(lines(&open(page, "a.html"), 0), ["Invoice BH-10442", "Total 58.40"]);
    assert_eq!(
        lines(&open(b"item;price\nTea;\"1,50\"\nMilk;0,99\n", "a.csv"), 0),
        ["item price", "Tea 1,50", "Milk 0,99"]
    );
    assert_eq!(
        lines(&open(b"Invoice BH-10442\n\nTotal      58.40", "a.txt"), 0),
        ["Invoice BH-10442", "Total 58.40"]
    );
    assert_eq!(
        lines(&open(b"{\\rtf1 Invoice BH-10442\\par Total\\tab 58.40\\par}", "a.rtf"), 0),
        ["Invoice BH-10442", "Total 58.40"]
    );
    let xml = b"<?xml version='1.0'?><order id='7'><item>Tea &amp; milk</item></order>";
    assert_eq!(lines(&open(xml, "a.xml"), 0), ["order id 7", "item Tea & milk"]);
}

#[test]
fn the_pages_of_a_mails_attachments_follow_its_own() {
    let mail = "From: Ann <ann@example.org>\r\nTo: bob@example.org\r\nSubject: =?utf-8?q?Rechnung_f=C3=BCr_Mai?=\r\n\
        MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nPlease find it attached.\r\n\
        --b\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename=items.csv\r\n\r\nitem;price\r\nTea;1,50\r\n\
        --b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\
        Content-Disposition: attachment; filename=setup.exe\r\n\r\nTVqQAAMAAAA=\r\n--b--\r\n";
    let document = open(mail.as_bytes(), "a.eml");
    assert_eq!(document.page_count(), 2);
    assert_eq!(
        lines(&document, 0),
        [
            "From: Ann <ann@example.org>",
            "To: bob@example.org",
            "Subject: Rechnung für Mai",
            "Please find it attached."
        ]
    );
    assert_eq!(lines(&document, 1), ["item price", "Tea 1,50"]);
    let notes: Vec<&str> = document.notes().iter().map(|note| note.message.as_str()).collect();
    assert!(
        matches!(notes[..], [note] if note.starts_with("attachment `setup.exe` is not read")),
        "{notes:?}"
    );
}

#[test]
fn a_phones_photograph_is_decoded_upright() {
    let document = open(&fixture("receipt.heic"), "receipt.heic");
    let (size, raster) = (document.page_size(0).unwrap(), document.raster(0).unwrap());
    assert_eq!((size.width, size.height), (raster.width as f32, raster.height as f32));
    let mean =
        raster.pixels.iter().map(|&sample| u64::from(sample)).sum::<u64>() / raster.pixels.len() as u64;
    assert!(raster.height > raster.width && (100..250).contains(&mean), "{raster:?} {mean}");
}

#[test]
fn entities_and_document_types_are_refused() {
    let laughs = "<!DOCTYPE a [<!ENTITY b 'lol'><!ENTITY c '&b;&b;'>]><a>&c;</a>";
    let external = "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>";
    for hostile in [laughs, external] {
        assert!(refusal(hostile.as_bytes(), "a.xml").contains("DTD"));
    }
    let main = relationships(&[("officeDocument", "word/document.xml")]);
    let content =
        archive(&[("[Content_Types].xml", ""), ("_rels/.rels", &main), ("word/document.xml", laughs)]);
    assert!(refusal(&content, "a.docx").contains("DTD"));
}

#[test]
fn what_would_inflate_or_nest_without_end_is_refused_in_time() {
    let bomb = docx(&format!("<w:p><w:r><w:t>{}</w:t></w:r></w:p>", " ".repeat(200 << 20)));
    assert!(bomb.len() < 1 << 20, "the bomb must be small: {}", bomb.len());
    assert!(refusal(&bomb, "a.docx").contains("decode.max_text_mib"));
    let deep = docx(&format!("{}{}", "<w:sdt>".repeat(5000), "</w:sdt>".repeat(5000)));
    assert!(refusal(&deep, "a.docx").contains("nested"));
    assert!(
        refusal(format!("<?xml version='1.0'?>{}", "<a>".repeat(100_000)).as_bytes(), "a.xml")
            .contains("damaged")
    );
    assert!(refusal("x\n".repeat(600 * 60).as_bytes(), "a.txt").contains("decode.max_pages"));
    let rows = "<w:tr><w:tc><w:p><w:r><w:t>x</w:t></w:r></w:p></w:tc></w:tr>".repeat(60_000);
    assert!(refusal(&docx(&format!("<w:tbl>{rows}</w:tbl>")), "a.docx").contains("decode.max_pages"));
}

#[test]
fn encrypted_and_old_office_files_say_what_to_do() {
    let compound = |stream: &str| {
        let mut content = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
        content.resize(1024, 0);
        content.extend(stream.encode_utf16().flat_map(u16::to_le_bytes));
        content
    };
    assert!(refusal(&compound("EncryptedPackage"), "a.docx").contains("encrypted"));
    assert!(refusal(&compound("WordDocument"), "a.doc").contains("as DOCX or PDF"));
    let empty = archive(&[("a.pdf", "")]);
    assert_eq!(format::sniff(&empty, "a.zip"), Some(Format::Zip));
    assert!(refusal(&empty, "a.zip").contains("batch"));
}
