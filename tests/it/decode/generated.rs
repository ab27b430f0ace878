//! Small PDF files made for one test.

/// A file of one page of 612 by 792 points with a content stream that may use Helvetica as `/F1`.
pub fn pdf(content: &str) -> Vec<u8> {
    pdf_with_page("", content)
}

/// The same with further entries in the page's dictionary.
pub fn pdf_with_page(entries: &str, content: &str) -> Vec<u8> {
    write(entries, "/WinAnsiEncoding", content)
}

/// The same with another encoding of the font.
pub fn pdf_with_encoding(encoding: &str, content: &str) -> Vec<u8> {
    write("", encoding, content)
}

fn write(entries: &str, encoding: &str, content: &str) -> Vec<u8> {
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 5 0 R>>>>/Contents 4 0 R {entries}>>"
        ),
        format!("<</Length {}>>\nstream\n{content}\nendstream", content.len()),
        format!("<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding {encoding}>>"),
    ];
    let mut file = b"%PDF-1.7\n".to_vec();
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        file.extend(format!("{} 0 obj\n{object}\nendobj\n", index + 1).bytes());
    }
    let table = file.len();
    file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for offset in offsets {
        file.extend(format!("{offset:010} 00000 n \n").bytes());
    }
    file.extend(
        format!("trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n", objects.len() + 1).bytes(),
    );
    file
}
