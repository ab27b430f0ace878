//! Rules instead of code: templates of invoice2data become settings of the plugin `rules`, and read a document.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use support::program;

use crate::presets::typeset;

const TEMPLATE: &str = r"
issuer: Nordlicht Energie
keywords:
  - Nordlicht Energie
  - Rechnung
exclude_keywords:
  - Gutschrift
fields:
  invoice_number:
    parser: regex
    regex: Rechnung Nr\.\s+(\S+)
  date: vom\s+(\d{2}\.\d{2}\.\d{4})
  amount: Gesamt\s+(\d+,\d{2})
  static_country: DE
  vat:
    parser: regex
    regex: (?<=USt )\w+
  lines:
    parser: lines
    start: Pos\s+Artikel
    end: Zwischensumme
    line: ^(?P<position>\d+)\s+(?P<name>\S+)\s+(?P<amount>[\d,]+)$
    types:
      position: int
      amount: float
options:
  currency: EUR
  decimal_separator: ','
  date_formats:
    - '%d.%m.%Y'
  remove_whitespace: true
priority: 5
";

const INVOICE: &str = "\
Nordlicht Energie
Rechnung Nr. 2026-0117 vom 03.04.2026

Pos      Artikel            Betrag
1        Grundpreis          12,50
2        Arbeitspreis        99,00
Zwischensumme               111,50
Gesamt                      132,69
";

fn import(files: &[&Path]) -> Output {
    Command::new(program()).args(["plugin", "import-rules"]).args(files).output().unwrap()
}

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

#[test]
fn a_template_becomes_rules_and_what_is_left_out_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let output = import(&[&write(folder.path(), "nordlicht.yml", TEMPLATE)]);
    assert!(output.status.success(), "{output:?}");
    let rules: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        rules,
        json!({
            "name": "Nordlicht Energie",
            "keywords": ["Nordlicht Energie", "Rechnung"],
            "excludeKeywords": ["Gutschrift"],
            "options": {"decimalSeparator": ",", "dateOrder": "dayFirst"},
            "fields": {
                "issuer": {"value": "Nordlicht Energie"},
                "currency": {"value": "EUR"},
                "invoice_number": {"pattern": r"Rechnung Nr\.\s+(\S+)"},
                "date": {"pattern": r"vom\s+(\d{2}\.\d{2}\.\d{4})", "type": "date"},
                "amount": {"pattern": r"Gesamt\s+(\d+,\d{2})", "type": "number"},
                "country": {"value": "DE"},
            },
            "lines": {"lines": {
                "start": r"Pos\s+Artikel", "end": "Zwischensumme",
                "line": r"^(?P<position>\d+)\s+(?P<name>\S+)\s+(?P<amount>[\d,]+)$",
                "types": {"position": "integer", "amount": "number"},
            }},
            "required": ["date", "amount", "invoice_number", "issuer"],
        })
    );
    let told = String::from_utf8(output.stderr).unwrap();
    let told: Vec<&str> =
        told.lines().filter_map(|line| line.split_once(": ").map(|(_, what)| what)).collect();
    assert_eq!(
        told,
        [
            "`options.remove_whitespace` has no counterpart",
            "`fields.vat`: pattern `(?<=USt )\\w+` cannot be used: it looks around, which has no counterpart",
            "`priority`: of several sets the first that fits is taken, so put it where it belongs",
        ]
    );
}

#[test]
fn imported_rules_read_a_document() {
    let folder = tempfile::tempdir().unwrap();
    let other = TEMPLATE.replace("Nordlicht", "Sudwind");
    let imported = import(&[
        &write(folder.path(), "sudwind.yml", other),
        &write(folder.path(), "nordlicht.yml", TEMPLATE),
    ]);
    let rules: Value = serde_json::from_slice(&imported.stdout).unwrap();
    assert_eq!(rules["templates"].as_array().map(Vec::len), Some(2));
    let template = json!({"extractor": {"plugin": "rules", "config": rules}});
    let template = write(folder.path(), "template.json", template.to_string());
    let document = write(folder.path(), "invoice.pdf", typeset(INVOICE));
    let output = Command::new(program())
        .arg("extract")
        .arg("--template")
        .args([&template, &document])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    let data = &line["data"];
    assert_eq!(
        (&data["issuer"], &data["invoice_number"]),
        (&json!("Nordlicht Energie"), &json!("2026-0117"))
    );
    assert_eq!((&data["date"], &data["amount"]), (&json!("2026-04-03"), &json!(132.69)));
    assert_eq!(data["lines"][1], json!({"position": 2, "name": "Arbeitspreis", "amount": 99}));
    assert_eq!(line["warnings"], json!([]));
}

#[test]
fn a_file_that_is_no_template_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    for content in ["- a\n- list\n", "fields: [unclosed\n"] {
        let output = import(&[&write(folder.path(), "wrong.yml", content)]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success());
        assert!(said.contains("wrong.yml` is no template"), "{said}");
    }
}

#[test]
fn rules_that_cannot_be_used_fail_a_document_with_the_name_of_the_rule() {
    let folder = tempfile::tempdir().unwrap();
    let template =
        json!({"extractor": {"plugin": "rules", "config": {"fields": {"total": {"pattern": "(a"}}}}});
    let template = write(folder.path(), "template.json", template.to_string());
    let document = write(folder.path(), "invoice.pdf", typeset(INVOICE));
    let output = Command::new(program())
        .arg("extract")
        .arg("--template")
        .args([&template, &document])
        .output()
        .unwrap();
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(line["error"]["code"], "bad_rules", "{line}");
    assert!(
        line["error"]["message"].as_str().is_some_and(|message| message.contains("`fields.total.pattern`"))
    );
}
