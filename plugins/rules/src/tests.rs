//! Rules on a small invoice, and what is told of wrong ones.

use ocriva_plugin_sdk::serde_json::{Value, json};
use ocriva_plugin_sdk::{Failure, Fixture, Output};

use super::ByRules;

const INVOICE: &str = "\
Nordlicht Energie GmbH                       Kundennummer
Hafenstrasse 4                               K-20417
Rechnung Nr. 2026-0117 vom 03.04.2026

Pos  Artikel              Menge     Betrag
1    Grundpreis             1,0      12,50
     April 2026
2    Arbeitspreis         330,0      99,00
Zwischensumme                       111,50
MwSt 19 %                            21,19
Gesamt                              132,69 EUR
";

fn read(text: &str, config: Value) -> Result<Output, Failure> {
    Fixture::from_text(text).extract::<ByRules>(json!({"config": config}))
}

#[track_caller]
fn value(rule: Value) -> Value {
    let output = read(INVOICE, json!({"fields": {"wanted": rule}})).expect("the rules can be used");
    output.fields["wanted"].value.clone()
}

#[track_caller]
fn problem(config: Value) -> String {
    let failure = read(INVOICE, config).expect_err("the rules cannot be used");
    assert_eq!(failure.code, "bad_rules");
    failure.message
}

#[test]
fn patterns_find_values_of_their_types() {
    assert_eq!(value(json!(r"Rechnung Nr\. (\S+)")), "2026-0117");
    assert_eq!(value(json!({"pattern": r"vom\s+(\S+)", "type": "date"})), "2026-04-03");
    assert_eq!(value(json!({"pattern": r"Gesamt\s+([\d,]+)", "type": "number"})), 132.69);
    assert_eq!(value(json!(["Angebot (\\S+)", "Rechnung Nr. (\\S+)"])), "2026-0117");
    assert_eq!(value(json!("Angebot (\\S+)")), Value::Null);
}

#[test]
fn a_match_is_placed_on_the_page() {
    let output =
        read(INVOICE, json!({"fields": {"total": {"pattern": r"Gesamt\s+([\d,]+)", "type": "number"}}}))
            .unwrap();
    let field = &output.fields["total"];
    let word = Fixture::from_text(INVOICE).pages[0]
        .words
        .iter()
        .find(|word| word.text == "132,69")
        .cloned()
        .unwrap();
    assert_eq!((field.page, field.bbox, field.text.as_deref()), (Some(1), Some(word.bbox), Some("132,69")));
}

#[test]
fn anchors_have_their_values_beside_them() {
    assert_eq!(value(json!({"anchor": "Kundennummer", "place": "below"})), "K-20417");
    assert_eq!(value(json!({"anchor": ["Customer", "Gesarnt", "Gesamt"], "type": "number"})), 132.69);
    assert_eq!(value(json!({"anchor": "Rechnung Nr.", "pattern": "[0-9]+-[0-9]+"})), "2026-0117");
}

#[test]
fn regions_limit_where_is_looked() {
    assert_eq!(value(json!({"area": [0.5, 0, 1, 0.3]})), "Kundennummer K-20417");
    assert_eq!(value(json!({"pattern": "K-(\\d+)", "area": [0, 0, 0.5, 1]})), Value::Null);
    assert_eq!(value(json!({"pattern": "K-(\\d+)", "page": -1, "type": "integer"})), 20417);
    assert_eq!(value(json!({"pattern": "K-(\\d+)", "page": 2})), Value::Null);
}

#[test]
fn several_matches_are_chosen_from() {
    let amounts = |choose: &str| value(json!({"pattern": r"(\d+,\d\d)", "type": "number", "choose": choose}));
    assert_eq!((amounts("first"), amounts("last")), (json!(12.5), json!(132.69)));
    assert_eq!((amounts("min"), amounts("max")), (json!(12.5), json!(132.69)));
    assert_eq!(amounts("sum"), 376.88);
    assert_eq!(amounts("all"), json!([12.5, 99, 111.5, 21.19, 132.69]));
    assert_eq!(value(json!({"pattern": "^[12] +(\\w+)", "choose": "join"})), "Grundpreis Arbeitspreis");
}

#[test]
fn values_are_fixed_and_replaced() {
    assert_eq!(value(json!({"value": "EUR"})), "EUR");
    assert_eq!(value(json!({"pattern": "Nr. (\\S+)", "replace": [["-", "/"], ["^20", ""]]})), "26/0117");
}

#[test]
fn lines_are_rows_between_a_start_and_an_end() {
    let config = json!({"lines": {"items": {
        "start": r"Pos\s+Artikel.*", "end": "Zwischensumme",
        "firstLine": r"^(?P<position>\d+)\s+(?P<name>\S+)\s+(?P<quantity>[\d,]+)\s+(?P<amount>[\d,]+)$",
        "line": r"^\s*(?P<name>\D.*)$",
        "types": {"position": "integer", "quantity": "number", "amount": "number"},
    }}});
    let output = read(INVOICE, config).unwrap();
    assert_eq!(
        output.fields["items"].value,
        json!([
            {"position": 1, "name": "Grundpreis April 2026", "quantity": 1, "amount": 12.5},
            {"position": 2, "name": "Arbeitspreis", "quantity": 330, "amount": 99},
        ])
    );
    assert_eq!(output.tables[0].columns, ["position", "name", "quantity", "amount"]);
}

#[test]
fn the_set_whose_keywords_are_there_reads_the_document() {
    let set = |name: &str, keyword: &str| json!({"name": name, "keywords": [keyword, "Rechnung"], "fields": {"issuer": {"value": name}}});
    let config = json!({"templates": [set("Sudwind", "Sudwind"), set("Nordlicht", "Nordlicht Energie")]});
    assert_eq!(read(INVOICE, config.clone()).unwrap().fields["issuer"].value, "Nordlicht");
    let other = read("Sudwind AG\nLieferschein 7\n", config).unwrap();
    assert_eq!(other.warnings[0].code, "rules_not_matched");
    assert!(other.fields["issuer"].value.is_null());
}

#[test]
fn a_required_field_that_is_missing_is_told() {
    let config = json!({"fields": {"offer": "Angebot (\\S+)", "number": "Nr. (\\S+)"}, "required": ["offer", "number"]});
    let output = read(INVOICE, config).unwrap();
    let about: Vec<(&str, Option<&str>)> =
        output.warnings.iter().map(|warning| (warning.code.as_str(), warning.field.as_deref())).collect();
    assert_eq!(about, [("required_missing", Some("offer"))]);
}

#[test]
fn a_wrong_rule_is_told_by_its_name() {
    assert!(
        problem(json!({"fields": {"total": {"patern": "x"}}}))
            .starts_with("`fields.total`: unknown field `patern`")
    );
    assert!(
        problem(json!({"fields": {"total": "(a"}}))
            .starts_with("`fields.total.pattern`: `(a` cannot be used")
    );
    assert!(problem(json!({"fields": {"total": ["a", "(a"]}})).starts_with("`fields.total.pattern[1]`"));
    assert!(problem(json!({"fields": {"total": {"type": "number"}}})).contains("needs a `pattern`"));
    assert!(
        problem(json!({"fields": {"total": {"area": [0.5, 0, 0.1, 1]}}})).starts_with("`fields.total.area`")
    );
    assert!(problem(json!({"lines": {"items": {"line": "\\d+"}}})).starts_with("`lines.items`: needs"));
    assert!(
        problem(json!({"templates": [{"fields": {"a": "a"}}, {"fields": {"b": {"type": "money"}}}]}))
            .starts_with("`templates[1].fields.b`")
    );
    assert!(problem(json!({"fields": {"a": "a"}, "required": ["b"]})).starts_with("`required`: names `b`"));
    assert!(problem(json!({})).starts_with("`config`: has neither"));
}

#[test]
fn a_pattern_that_grows_without_bound_is_refused() {
    assert!(problem(json!({"fields": {"total": "(a{1000}){1000}"}})).starts_with("`fields.total.pattern`"));
    assert!(problem(json!({"fields": {"total": "a".repeat(2001)}})).contains("2000 are allowed"));
}
