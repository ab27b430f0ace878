//! Documents of identity, made up, and the specimens of ICAO 9303.

use ocriva_plugin_sdk::serde_json::{Value, json};
use ocriva_plugin_sdk::{Fixture, Output};

use super::IdDocument;

const PASSPORT: &str = "\
UTOPIA                 PASSPORT
Surname                Passport no.
Eriksson               L898902C3
Place of birth: Zenith

P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<
L898902C36UTO7408122F1204159ZE184226B<<<<<10
";

fn read(text: &str, schema: Value) -> Output {
    let request = json!({"today": "2026-11-23", "schema": schema});
    Fixture::from_text(text).extract::<IdDocument>(request).expect("the plugin answers")
}

#[track_caller]
fn check(output: &Output, expected: Value) {
    for (name, value) in expected.as_object().expect("an object is expected") {
        assert_eq!(output.fields[name].value, *value, "{name}");
    }
}

#[test]
fn a_passport_says_the_same_in_its_zone_and_in_print() {
    let output = read(PASSPORT, Value::Null);
    check(
        &output,
        json!({
            "documentCode": "P",
            "issuingCountry": "UTO",
            "documentNumber": "L898902C3",
            "surname": "Eriksson",
            "givenNames": "ANNA MARIA",
            "nationality": "UTO",
            "birthDate": "1974-08-12",
            "birthPlace": "Zenith",
            "sex": "F",
            "expiryDate": "2012-04-15",
            "personalNumber": "ZE184226B",
            "height": null,
            "checks": {"zone": "TD3", "documentNumber": true, "birthDate": true, "expiryDate": true,
                "personalNumber": true, "composite": true},
        }),
    );
    assert!(output.fields["documentNumber"].confidence > 0.95);
    assert!(output.fields["givenNames"].confidence < output.fields["birthDate"].confidence);
    assert!(output.warnings.is_empty(), "{:?}", output.warnings);
}

#[test]
fn a_wrong_check_digit_lowers_the_confidence_and_is_told() {
    let output = read(&PASSPORT.replace("L898902C36UTO", "L898902C46UTO"), Value::Null);
    let number = &output.fields["documentNumber"];
    // What is printed is likelier than what does not check.
    assert_eq!(number.value, "L898902C3");
    let codes: Vec<(&str, Option<&str>)> =
        output.warnings.iter().map(|warning| (warning.code.as_str(), warning.field.as_deref())).collect();
    assert!(codes.contains(&("zones_differ", Some("documentNumber"))), "{codes:?}");
    assert!(codes.contains(&("check_digit_wrong", Some("documentNumber"))), "{codes:?}");
    assert!(codes.contains(&("check_digit_wrong", Some("composite"))), "{codes:?}");
    assert_eq!(output.fields["checks"].value["documentNumber"], false);
}

#[test]
fn a_repaired_value_is_less_certain_than_one_that_was_read_right() {
    let output = read(&PASSPORT.replace("7408122F", "74O8122F"), Value::Null);
    let (birth, expiry) = (&output.fields["birthDate"], &output.fields["expiryDate"]);
    assert_eq!(birth.value, "1974-08-12");
    assert!(birth.confidence < expiry.confidence);
}

#[test]
fn properties_of_a_template_are_known_by_several_names() {
    let schema = json!({"type": "object", "properties": {
        "passportNumber": {"type": "string"},
        "lastName": {"type": "string"},
        "dateOfBirth": {"type": "string"},
        "shoeSize": {"type": "integer"},
    }});
    let output = read(PASSPORT, schema);
    check(
        &output,
        json!({"passportNumber": "L898902C3", "lastName": "Eriksson", "dateOfBirth": "1974-08-12", "shoeSize": null}),
    );
    assert_eq!(output.fields.len(), 4);
}

#[test]
fn a_card_without_a_zone_is_read_by_its_labels() {
    let output = read(
        "\
PERSONALAUSWEIS
Name             Ausweisnummer
Müller           T22000129
Vornamen         Gültig bis
Erika            31.07.2031
Geburtsdatum     12.08.1964
",
        Value::Null,
    );
    check(
        &output,
        json!({"surname": "Müller", "givenNames": "Erika", "documentNumber": "T22000129",
            "birthDate": "1964-08-12", "expiryDate": "2031-07-31", "checks": null}),
    );
}

#[test]
fn names_keep_the_letters_that_the_zone_cannot_have() {
    let output = read(
        "\
Surname: Müßig
I<UTOD231458907<<<<<<<<<<<<<<<
7408122F1204159UTO<<<<<<<<<<<6
MUESSIG<<ANNA<MARIA<<<<<<<<<<<
",
        Value::Null,
    );
    check(&output, json!({"surname": "Müßig", "givenNames": "ANNA MARIA"}));
}

#[test]
fn other_documents_have_none_of_it() {
    let output = read("INVOICE 2026-117\nTotal   12.00\n", Value::Null);
    assert!(output.fields.values().all(|field| field.value.is_null()), "{:?}", output.fields);
}
