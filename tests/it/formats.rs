//! Office files, mails, web pages, tables and texts, through the border of `decode`: what they say stands on pages in
//! reading order, and what is hostile in them does no harm.

use std::io::{Cursor, Write};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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
fn messages_within_messages_are_read_some_deep_however_deep_they_are() {
    let head = "Subject: Order\r\nContent-Type: message/rfc822\r\n\r\n";
    let deep =
        format!("From: ann@example.org\r\nMIME-Version: 1.0\r\n{}Total 58.40\r\n", head.repeat(100_000));
    let encoded = format!(
        "From: ann@example.org\r\nMIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}",
        STANDARD.encode(&deep)
    );
    for message in [deep, encoded] {
        // A stack that overflows ends the whole program.
        let document = open(message.as_bytes(), "a.eml");
        assert!((1..=7).contains(&document.page_count()), "{}", document.page_count());
        let notes: Vec<&str> = document.notes().iter().map(|note| note.message.as_str()).collect();
        assert!(matches!(notes[..], [note] if note.ends_with("messages are read 5 deep")), "{notes:?}");
    }
}

fn message_with(attachments: &[(&str, &str)]) -> String {
    let parts = attachments.iter().map(|(name, content)| {
        format!("--aa\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename={name}\r\n\r\n{content}\r\n")
    });
    format!(
        "From: ann@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=aa\r\n\r\n{}--aa--\r\n",
        parts.collect::<String>()
    )
}

#[test]
fn a_forwarded_message_is_read_with_what_it_carries() {
    let inner = message_with(&[("items.csv", "item;price\r\nTea;1,50")])
        .replace("=aa", "=inner")
        .replace("--aa", "--inner");
    let outer = message_with(&[("mail.eml", &inner)]).replace(
        "application/octet-stream\r\nContent-Disposition: attachment; filename=mail.eml",
        "message/rfc822",
    );
    let document = open(outer.as_bytes(), "a.eml");
    assert_eq!(document.page_count(), 3);
    assert_eq!(lines(&document, 2), ["item price", "Tea 1,50"]);
}

#[test]
fn a_message_and_all_that_it_carries_have_one_limit_together() {
    let table = "a;b\r\n".repeat(20_000);
    let inner = message_with(&[("b.csv", &table)]).replace("=aa", "=inner").replace("--aa", "--inner");
    let message =
        message_with(&[("a.csv", &table), ("b.eml", &inner), ("c.csv", &table), ("d.csv", "a;b\r\n")]);
    let limits = Limits { max_text_bytes: 150_000, ..limits() };
    let document = open_within(message.as_bytes(), "a.eml", limits).unwrap();
    let notes: Vec<&str> = document.notes().iter().map(|note| note.message.as_str()).collect();
    assert!(
        matches!(notes[..], [third, last] if third.contains("`c.csv`") && last.contains("`d.csv`")
            && third.contains("decode.max_text_mib")),
        "{notes:?}"
    );
}

#[test]
fn text_in_a_message_is_in_the_encoding_that_its_part_or_itself_says() {
    let mut message =
        b"From: ann@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=aa\r\n\r\n"
            .to_vec();
    for (header, content) in [
        ("text/plain; charset=windows-1252", &b"Stra\xdfe"[..]),
        ("text/csv; name=a.csv", b"Artikel;Preis\r\nM\xfcsli aus K\xf6ln;1,50"),
        ("text/xml; name=a.xml", b"<?xml version='1.0' encoding='ISO-8859-1'?><a>K\xe4se</a>"),
    ] {
        message.extend(format!("--aa\r\nContent-Type: {header}\r\n\r\n").bytes());
        message.extend([content, b"\r\n"].concat());
    }
    message.extend(b"--aa--\r\n");
    let document = open(&message, "a.eml");
    assert_eq!(lines(&document, 0).last().map(String::as_str), Some("Straße"));
    assert_eq!(lines(&document, 1), ["Artikel Preis", "Müsli aus Köln 1,50"]);
    assert_eq!(lines(&document, 2), ["a Käse"]);
}

#[test]
fn hidden_and_deleted_text_is_not_read() {
    let body = "<w:p><w:r><w:t>Total</w:t></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t>9.99</w:t></w:r>\
        <w:r><w:rPr><w:vanish w:val='0'/></w:rPr><w:t> 58.40</w:t></w:r></w:p>";
    assert_eq!(lines(&open(&docx(body), "a.docx"), 0), ["Total 58.40"]);
    let rtf = b"{\\rtf1 Total {\\v 9.99}{\\deleted 8.88\\tab}\\v 7.77\\v0 58.40{\\v x\\plain  EUR}\\par}";
    assert_eq!(lines(&open(rtf, "a.rtf"), 0), ["Total 58.40 EUR"]);
}

#[test]
fn xml_that_does_not_say_so_and_is_not_well_formed_is_a_web_page() {
    assert_eq!(lines(&open(b"<page>Total<br>58.40<p></page>", "a"), 0), ["Total", "58.40"]);
    assert!(refusal(b"<?xml version='1.0'?><page>Total<br></page>", "a").contains("damaged"));
}

#[test]
fn cells_that_only_fill_a_grid_are_counted_in_every_format() {
    // As many cells as there is no room for, in few bytes.
    let cell = "<table:table-cell table:number-columns-repeated='16000'/><table:table-cell><text:p>x</text:p></table:table-cell>";
    let sheet = format!(
        "<table:table><table:table-row table:number-rows-repeated='5000'>{cell}</table:table-row></table:table>"
    );
    let sheets = format!("<office:spreadsheet>{sheet}</office:spreadsheet>");
    assert!(refusal(&opendocument("spreadsheet", &sheets), "a.ods").contains("cells"));
    let wide = cell.repeat(2);
    let sheets = format!(
        "<office:spreadsheet><table:table><table:table-row>{wide}</table:table-row></table:table></office:spreadsheet>"
    );
    assert!(refusal(&opendocument("spreadsheet", &sheets), "a.ods").contains("at most 16384"));
    assert!(refusal(format!("a;b\n{}\n", ";".repeat(20_000)).as_bytes(), "a.csv").contains("at most 16384"));
    let rows = format!("{}\n", ";".repeat(16_000)).repeat(400);
    assert!(refusal(rows.as_bytes(), "a.csv").contains("cells"));
    let cell = "<w:tc><w:tcPr><w:gridSpan w:val='101'/></w:tcPr><w:p><w:r><w:t>x</w:t></w:r></w:p></w:tc>";
    let document = open(&docx(&format!("<w:tbl><w:tr>{}</w:tr></w:tbl>", cell.repeat(50_000))), "a.docx");
    assert!(document.page_count() > 0);
}

#[test]
fn what_grows_with_the_square_of_its_size_is_read_or_refused_in_time() {
    let since = Instant::now();
    // One row of very many columns among very many rows of one.
    let rows = format!("{}\n{}", "a;".repeat(16_000), "b\n".repeat(50_000));
    open(rows.as_bytes(), "a.csv");
    let namespaces = "xmlns:p='p' xmlns:a='a' xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships'";
    let presentation = format!(
        "<p:presentation {namespaces}><p:sldIdLst><p:sldId id='256' r:id='rId1'/></p:sldIdLst></p:presentation>"
    );
    let text = "<p:txBody><a:p><a:r><a:t>x</a:t></a:r></a:p></p:txBody>".repeat(20_000);
    let slide = format!("<p:sld {namespaces}><p:sp>{text}</p:sp></p:sld>");
    let main = relationships(&[("officeDocument", "ppt/presentation.xml")]);
    let relations = relationships(&[("slide", "slides/slide1.xml")]);
    let content = archive(&[
        ("[Content_Types].xml", "<Types/>"),
        ("_rels/.rels", &main),
        ("ppt/presentation.xml", &presentation),
        ("ppt/_rels/presentation.xml.rels", &relations),
        ("ppt/slides/slide1.xml", &slide),
    ]);
    open_within(&content, "a.pptx", Limits { max_pages: 100_000, ..limits() }).unwrap();
    let attributes: String = (0..100_000).map(|index| format!(" a{index}=''")).collect();
    assert!(
        refusal(format!("<?xml version='1.0'?><a{attributes}/>").as_bytes(), "a.xml")
            .contains("attributes in one element")
    );
    assert!(since.elapsed() < Duration::from_secs(60), "{:?}", since.elapsed());
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
