//! Statements in several layouts, made up.

use ocriva_plugin_sdk::serde_json::{Value, json};
use ocriva_plugin_sdk::{Fixture, Output};

use super::BankStatement;

const COLUMNS: &str = "\
Nordbank                              Statement no.: 7
Account holder: Anna Berg             IBAN: DE89 3704 0044 0532 0130 00
Period: 01.03.2026 - 31.03.2026

Opening balance                                               1,200.00
Date           Description          Debit        Credit       Balance
03.03.2026     Rent March          800.00                      400.00
               Harbour Road 12
15.03.2026     Salary                          2,000.00      2,400.00
               Bakery               12.50                    2,387.50
Closing balance                                              2,387.50
";

fn read(pages: &[&str]) -> Output {
    Fixture::from_texts(pages)
        .extract::<BankStatement>(json!({"today": "2026-11-23"}))
        .expect("the plugin answers")
}

#[track_caller]
fn check(output: &Output, expected: Value) {
    for (name, value) in expected.as_object().expect("an object is expected") {
        assert_eq!(output.fields[name].value, *value, "{name}");
    }
}

/// Date, description and amount of each movement.
fn movements(output: &Output) -> Vec<(String, String, f64)> {
    let objects = output.fields["transactions"].value.as_array().expect("there are movements");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let movement = |object: &Value| {
        (text(&object["date"]), text(&object["description"]), object["amount"].as_f64().unwrap())
    };
    objects.iter().map(movement).collect()
}

fn movement(date: &str, description: &str, amount: f64) -> (String, String, f64) {
    (date.to_owned(), description.to_owned(), amount)
}

#[test]
fn columns_for_debit_and_credit_give_movements_with_signs() {
    let output = read(&[COLUMNS]);
    check(
        &output,
        json!({
            "bankName": "Nordbank",
            "accountHolder": "Anna Berg",
            "iban": "DE89370400440532013000",
            "statementNumber": "7",
            "periodStart": "2026-03-01",
            "periodEnd": "2026-03-31",
            "openingBalance": 1200,
            "closingBalance": 2387.5,
            "checks": {"runningBalance": true, "closingBalance": true},
        }),
    );
    assert_eq!(
        movements(&output),
        [
            movement("2026-03-03", "Rent March Harbour Road 12", -800.0),
            movement("2026-03-15", "Salary", 2000.0),
            movement("2026-03-15", "Bakery", -12.5),
        ]
    );
    let first = &output.fields["transactions"].value[0];
    assert_eq!(
        (&first["debit"], &first["credit"], &first["balance"]),
        (&json!(800), &json!(null), &json!(400))
    );
    assert!(output.warnings.is_empty(), "{:?}", output.warnings);
    assert!(output.fields["transactions"].confidence > 0.9);
}

#[test]
fn a_row_that_breaks_the_balance_is_told_and_less_certain() {
    let whole = read(&[COLUMNS]);
    let output = read(&[&COLUMNS.replace("2,400.00", "2,500.00")]);
    let about: Vec<(&str, &str)> =
        output.warnings.iter().map(|warning| (warning.code.as_str(), warning.message.as_str())).collect();
    assert_eq!(
        about,
        [
            ("balance_mismatch", "the balance of row 2 is 2500.00, by the movements it is 2400.00"),
            ("balance_mismatch", "the balance of row 3 is 2387.50, by the movements it is 2487.50"),
        ]
    );
    check(&output, json!({"checks": {"runningBalance": false, "closingBalance": true}}));
    let cells = |output: &Output, row: usize| output.tables[0].rows[row][0].confidence;
    assert!(cells(&output, 1) < cells(&output, 0));
    assert!(output.fields["transactions"].confidence < whole.fields["transactions"].confidence);
}

#[test]
fn amounts_without_signs_have_the_one_that_the_balances_ask_for() {
    let output = read(&["\
Kontoauszug     01.12.2025 bis 31.01.2026
Alter Kontostand                             500,00 H
Buchungstag   Verwendungszweck       Betrag      Saldo
30.12.        Miete                  400,00     100,00
02.01.        Gehalt               1.900,00   2.000,00
Neuer Kontostand                           2.000,00 H
"]);
    assert_eq!(
        movements(&output),
        [movement("2025-12-30", "Miete", -400.0), movement("2026-01-02", "Gehalt", 1900.0)]
    );
    check(
        &output,
        json!({"checks": {"runningBalance": true, "closingBalance": true}, "openingBalance": 500}),
    );
}

#[test]
fn marks_behind_amounts_are_signs() {
    let output = read(&["\
Date         Details           Amount
2026-03-03   Rent              800.00 DR
2026-03-15   Salary          2,000.00 CR
2026-03-16   Fee                 4.00-
"]);
    let amounts: Vec<f64> = movements(&output).into_iter().map(|(.., amount)| amount).collect();
    assert_eq!(amounts, [-800.0, 2000.0, -4.0]);
    check(&output, json!({"checks": {"runningBalance": null, "closingBalance": null}}));
}

#[test]
fn movements_go_on_over_pages_with_and_without_headings() {
    let output = read(&[
        "\
Balance brought forward                            100.00
Date         Details         Money out   Money in   Balance
2026-03-03   Rent                80.00                20.00
Balance carried forward                               20.00
",
        "\
Nordbank, page 2 of 3
2026-03-15   Salary                        500.00    520.00
",
        "\
Nordbank, page 3 of 3
Date         Details         Money out   Money in   Balance
Balance brought forward                              520.00
2026-03-16   Groceries           20.00               500.00
Total                           100.00     500.00
",
    ]);
    assert_eq!(
        movements(&output),
        [
            movement("2026-03-03", "Rent", -80.0),
            movement("2026-03-15", "Salary", 500.0),
            movement("2026-03-16", "Groceries", -20.0),
        ]
    );
    check(&output, json!({"closingBalance": 500}));
    assert_eq!(output.fields["checks"].value["runningBalance"], true);
}

#[test]
fn the_newest_movement_may_stand_first() {
    let output = read(&["\
Date         Details         Amount   Balance
2026-03-16   Groceries       -20.00    500.00
2026-03-15   Salary          500.00    520.00
2026-03-03   Rent            -80.00     20.00
"]);
    check(&output, json!({"openingBalance": 100, "closingBalance": 500}));
    assert_eq!(output.fields["checks"].value["runningBalance"], true);
    assert!(output.warnings.is_empty(), "{:?}", output.warnings);
}

#[test]
fn rows_without_headings_are_read_by_their_form() {
    let output = read(&["\
Statement of account
2026-03-03   Rent             80.00     20.00
2026-03-15   Salary          500.00    520.00
2026-03-16   Groceries        20.00    500.00
"]);
    let amounts: Vec<f64> = movements(&output).into_iter().map(|(.., amount)| amount).collect();
    // Nothing tells the sign of the first one.
    assert_eq!(amounts, [80.0, 500.0, -20.0]);
}

#[test]
fn a_heading_over_debit_and_credit_is_no_column() {
    let output = read(&["\
Bank of Zenith
                                   Amount
Date         Details         Credits   Debits   Balance
2026-03-03   Salary           500.00             520.00
2026-03-15   Rent                       80.00    440.00
"]);
    assert_eq!(
        movements(&output),
        [movement("2026-03-03", "Salary", 500.0), movement("2026-03-15", "Rent", -80.0)]
    );
    let first = &output.fields["transactions"].value[0];
    assert_eq!((&first["credit"], &first["debit"]), (&json!(500), &Value::Null));
    check(&output, json!({"bankName": "Bank of Zenith"}));
}

#[test]
fn columns_have_the_names_that_a_template_gives_them() {
    let schema = json!({"type": "object", "properties": {"entries": {"type": "array", "items": {"type": "object",
        "properties": {"bookingDate": {"type": "string"}, "text": {"type": "string"}, "amount": {"type": "number"}}}}}});
    let output = Fixture::from_text(COLUMNS).extract::<BankStatement>(json!({"schema": schema})).unwrap();
    assert_eq!(
        output.fields["entries"].value[1],
        json!({"bookingDate": "2026-03-15", "text": "Salary", "amount": 2000})
    );
}

#[test]
fn other_documents_have_no_movements() {
    let output = read(&["Dear Anna,\nthank you for your letter of 3 March 2026.\n"]);
    assert!(output.fields["transactions"].value.is_null());
    assert!(output.fields["checks"].value.is_null());
}
