//! Invoices of both syntaxes, whole and damaged.

use serde_json::{Value, json};

use super::*;
use crate::domain::flow::Block;

/// A credit note with allowances, charges, two rates, a prepaid amount and the tax in a second currency.
const UBL: &str = include_str!("../../../tests/fixtures/credit_note_ubl.xml");

/// An invoice as Factur-X has it.
const CII: &str = include_str!("../../../tests/fixtures/invoice_cii.xml");

fn invoice(text: &str) -> Invoice {
    read(text).unwrap().expect("it is an invoice")
}

#[track_caller]
fn check_facts(text: &str, expected: Value) {
    let facts = facts(&invoice(text));
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(facts.get(name).unwrap_or(&Value::Null), value, "{name}");
    }
}

#[test]
fn a_ubl_credit_note_is_read_whole() {
    check_facts(
        UBL,
        json!({
            "documentType": "credit_note", "invoiceNumber": "CN-77", "invoiceDate": "2024-05-06",
            "dueDate": "2024-06-05", "orderNumber": "PO-9", "supplierName": "Blue Heron Supplies AB",
            "supplierTradingName": "Blue Heron", "supplierAddress": "Main street 2, 11122 Stockholm, SE",
            "supplierTaxId": "SE123456789001", "supplierTaxNumber": "TAXNO 5", "supplierId": null,
            "creditorId": "SE66ZZZ", "customerName": "Buyer & Sons", "iban": "SE3550000000054910000003",
            "bic": "ESSESESS", "currency": "SEK", "subtotal": 160.0, "taxAmount": 33.5, "taxRate": null,
            "total": 193.5, "amountDue": 100.0, "prepaidAmount": 93.5, "discount": 10.0, "chargeTotal": 20.0,
            "taxCurrency": "EUR", "taxAmountInTaxCurrency": 3.05, "notes": ["Goods returned"],
            "paymentMethod": "Credit transfer", "buyerReference": "04011000-1234512345-35",
            "precedingInvoices": [{"number": "INV-70", "date": "2024-04-01"}],
            "supportingDocuments": [{"id": "Doc 1", "description": "Photo", "url": null, "fileName": "photo.png",
                "mediaType": "image/png"}],
            "taxBreakdown": [
                {"category": "S", "rate": 25.0, "base": 110.0, "amount": 27.5, "exemptionReason": null},
                {"category": "S", "rate": 12.0, "base": 50.0, "amount": 6.0, "exemptionReason": null}],
        }),
    );
    let facts = facts(&invoice(UBL));
    let first = &facts["lineItems"][0];
    let expected = json!({"code": "T-1", "description": "Tea", "quantity": 20.0, "unit": "C62", "unitPrice": 50.0,
        "amount": 100.0, "taxRate": 25.0, "lineNumber": "1", "details": "Green, in bags", "priceQuantity": 10.0,
        "taxCategory": "S"});
    assert_eq!(first, &expected);
}

#[test]
fn a_cii_invoice_is_read_whole() {
    check_facts(
        CII,
        json!({
            "documentType": "invoice", "invoiceNumber": "FX-1", "invoiceDate": "2024-02-29", "dueDate": "2024-03-30",
            "customerNumber": "GE2020211", "supplierName": "Seller GmbH", "supplierTaxId": "DE123456789",
            "supplierTaxNumber": "201/113/40209", "supplierAddress": "Weg 1, 80333 München, DE",
            "supplierEmail": "ann@example.org", "customerName": "Käufer AG", "iban": "DE02120300000000202051",
            "subtotal": 30.0, "taxAmount": 5.7, "taxRate": 19.0, "total": 35.7, "amountDue": 35.7,
            "paymentMethod": "SEPA credit transfer", "deliveryDate": "2024-02-28", "notes": ["First", "Second"],
        }),
    );
    let line = &invoice(CII).lines[0];
    assert_eq!((line.gross_price, line.discount, line.price), (Some(12.0), Some(2.0), Some(10.0)));
}

#[test]
fn sums_that_hold_are_not_warned_about_and_others_are_by_their_rule() {
    for text in [UBL, CII] {
        assert_eq!(check(&invoice(text)), []);
    }
    let rules = |text: &str| {
        let warnings = check(&invoice(text));
        warnings.into_iter().map(|warning| warning.code).collect::<Vec<_>>()
    };
    assert_eq!(rules(&UBL.replace(">193.50<", ">195.50<")), ["en16931_br_co_15", "en16931_br_co_16"]);
    assert_eq!(rules(&UBL.replace("<cbc:ID>CN-77</cbc:ID>\n", "")), ["en16931_br_02"]);
    assert_eq!(
        rules(&CII.replace(">5.70</ram:CalculatedAmount>", ">9.70</ram:CalculatedAmount>")),
        ["en16931_br_co_14", "en16931_br_co_17"]
    );
    assert_eq!(rules(&CII.replace("H87\">3<", "H87\">4<")), ["en16931_peppol_en16931_r120"]);
}

#[test]
fn a_template_is_filled_by_the_meaning_of_its_names() {
    let schema = json!({"type": "object", "$defs": {"line": {"type": "object", "properties": {
            "name": {"type": "string"}, "qty": {"type": "number"}, "line_total": {"type": "number"}}}},
        "properties": {
            "invoice_no": {"type": "string"}, "Rechnungsdatum": {"type": "string"}, "gross": {"type": "number"},
            "vendor": {"type": "object", "properties": {"name": {"type": "string"}, "vatId": {"type": "string"}}},
            "positions": {"type": "array", "items": {"$ref": "#/$defs/line"}},
            "remarks": {"type": "string"}, "x1": {"type": "string", "title": "Bank account"},
            "favouriteColour": {"type": "string"}}});
    let filled = fill(&facts(&invoice(CII)), &schema);
    let expected = json!({
        "invoice_no": "FX-1", "Rechnungsdatum": "2024-02-29", "gross": 35.7,
        "vendor": {"name": "Seller GmbH", "vatId": "DE123456789"},
        "positions": [{"name": "Paper", "qty": 3.0, "line_total": 30.0}],
        "remarks": "First\nSecond", "x1": "DE02120300000000202051"});
    assert_eq!(Value::Object(filled), expected);
}

#[test]
fn zugferd_1_is_read_under_its_own_names() {
    let text = CII
        .replace("CrossIndustryInvoice", "CrossIndustryDocument")
        .replace("ExchangedDocument>", "HeaderExchangedDocument>")
        .replace("rsm:SupplyChainTradeTransaction", "rsm:SpecifiedSupplyChainTradeTransaction")
        .replace("ApplicableHeaderTrade", "ApplicableSupplyChainTrade")
        .replace("SpecifiedLineTrade", "SpecifiedSupplyChainTrade")
        .replace("RateApplicablePercent", "ApplicablePercent")
        .replace("SettlementHeaderMonetary", "SettlementMonetary")
        .replace("SettlementLineMonetary", "SettlementMonetary");
    assert_eq!(facts(&invoice(&text))["lineItems"], facts(&invoice(CII))["lineItems"]);
    assert_eq!(facts(&invoice(&text))["total"], 35.7);
}

#[test]
fn other_xml_is_no_invoice_and_broken_xml_an_error() {
    assert!(read("<Invoice><ID>1</ID></Invoice>").unwrap().is_none());
    assert!(read("<order/>").unwrap().is_none());
    assert!(read("<Invoice").is_err());
    let laughs = "<!DOCTYPE a [<!ENTITY b 'lol'>]><a>&b;</a>";
    assert!(read(laughs).unwrap_err().to_string().contains("DTD"));
}

#[test]
fn a_rendering_says_what_the_invoice_says() {
    let flow = render(&invoice(UBL));
    let text: Vec<String> = flow
        .blocks
        .iter()
        .flat_map(|block| match block {
            Block::Text(text) => vec![text.clone()],
            Block::Table(rows) => rows.iter().map(|row| row.join(" ")).collect(),
            Block::Columns(_) | Block::Gap | Block::PageBreak => Vec::new(),
        })
        .collect();
    for line in [
        "Credit note",
        "Credit note number CN-77",
        "1 Tea 20 C62 50.00 25 100.00",
        "Total 193.50 SEK",
        "VAT ID: SE123456789001",
    ] {
        assert!(text.iter().any(|found| found == line), "`{line}` is not in {text:#?}");
    }
}

#[test]
fn an_invoice_in_an_envelope_is_found() {
    let body = UBL.split_once("?>").map_or(UBL, |(_, body)| body);
    let envelope = format!(
        "<StandardBusinessDocument xmlns='urn:sbdh'><StandardBusinessDocumentHeader/>{body}</StandardBusinessDocument>"
    );
    assert_eq!(invoice(&envelope).number.as_deref(), Some("CN-77"));
}

#[test]
fn lines_that_group_or_inform_are_in_no_sum() {
    let start = CII.find("<ram:IncludedSupplyChainTradeLineItem>").unwrap();
    let end_tag = "</ram:IncludedSupplyChainTradeLineItem>";
    let end = CII.find(end_tag).unwrap() + end_tag.len();
    let line = &CII[start..end];
    for code in ["GROUP", "INFORMATION"] {
        let status = format!(
            "<ram:ParentLineID>9</ram:ParentLineID><ram:LineStatusReasonCode>{code}</ram:LineStatusReasonCode></ram:AssociatedDocumentLineDocument>"
        );
        let more = line.replace("</ram:AssociatedDocumentLineDocument>", &status);
        let text = format!("{}{more}{}", &CII[..end], &CII[end..]);
        assert_eq!(check(&invoice(&text)), []);
        let lines = facts(&invoice(&text))["lineItems"].clone();
        assert_eq!(
            (&lines[1]["lineStatus"], &lines[1]["parentLine"]),
            (&json!(code.to_lowercase()), &json!("9"))
        );
    }
}

#[test]
fn sublines_and_payments_to_others_are_those_of_the_extension() {
    let subline = "<cac:SubInvoiceLine><cbc:ID>1.1</cbc:ID><cbc:LineExtensionAmount>60</cbc:LineExtensionAmount></cac:SubInvoiceLine></cac:CreditNoteLine>";
    let text = UBL.replacen("</cac:CreditNoteLine>", subline, 1);
    let read = invoice(&text);
    assert_eq!((read.lines[1].id.as_deref(), read.lines[1].parent.as_deref()), (Some("1.1"), Some("1")));
    assert_eq!(check(&read), []);
    let payment = "<cac:PrepaidPayment><cbc:PaidAmount>5.00</cbc:PaidAmount></cac:PrepaidPayment><cac:LegalMonetaryTotal>";
    let text = UBL.replacen("<cac:LegalMonetaryTotal>", payment, 1);
    assert_eq!(check(&invoice(&text)), []);
    let start = text.find("<cbc:CustomizationID>").unwrap();
    let end = text.find("</cbc:CustomizationID>").unwrap();
    let extended = format!(
        "{}<cbc:CustomizationID>urn:cen.eu:en16931:2017#conformant#urn:xeinkauf.de:kosit:extension:xrechnung_3.0{}",
        &text[..start],
        &text[end..]
    );
    let due = extended.replacen(">100.00</cbc:PayableAmount>", ">105.00</cbc:PayableAmount>", 1);
    assert_eq!(check(&invoice(&due)), []);
}

#[test]
fn a_schema_that_is_part_of_itself_is_filled_some_deep() {
    let schema = json!({"$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}, "total": {}}}},
        "properties": {"next": {"$ref": "#/$defs/node"}}});
    let filled = fill(&facts(&invoice(CII)), &schema);
    assert_eq!(filled["next"]["total"], json!(35.7));
}
