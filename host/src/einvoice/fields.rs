//! What an invoice says, as named values: under the names of the invoice template, or of any other template's schema.

use serde_json::{Map, Value, json};

use super::names;
use crate::domain::invoice::{Adjustment, Invoice, Line, Number, Party, SupportingDocument, Tax};
use crate::domain::schema::resolved;

/// How deep objects in objects are filled: a schema may be part of itself.
const MAX_DEPTH: usize = 8;

/// Every value that the invoice states, by its name; what it does not state is not there. The names of the invoice
/// template come first.
pub fn facts(invoice: &Invoice) -> Map<String, Value> {
    let (totals, references, payment) = (&invoice.totals, &invoice.references, &invoice.payment);
    let account = payment.accounts.first();
    let mut facts = Facts::default();
    facts.text("invoiceNumber", &invoice.number);
    facts.text("invoiceDate", &invoice.issue_date);
    facts.text("dueDate", &invoice.due_date);
    facts.text("orderNumber", &references.order);
    facts.text("customerNumber", &invoice.buyer.identifiers.first().cloned());
    facts.party("supplier", &invoice.seller);
    facts.party("customer", &invoice.buyer);
    facts.text("iban", &account.map(|account| without_spaces(&account.id)));
    facts.text("bic", &account.and_then(|account| account.bic.clone()));
    facts.text("currency", &invoice.currency);
    facts.number("subtotal", totals.without_tax);
    facts.number("taxAmount", totals.tax);
    facts.number("taxRate", single_rate(invoice));
    facts.number("total", totals.with_tax);
    facts.number("amountDue", totals.due);
    facts.text("paymentMethod", &payment_method(invoice));
    facts.list("lineItems", invoice.lines.iter().map(line));
    facts.text("documentType", &document_type(invoice));
    facts.text("documentTypeCode", &invoice.type_code);
    facts.list("taxBreakdown", invoice.taxes.iter().map(tax));
    facts.list("allowances", adjustments(&invoice.adjustments, false));
    facts.list("charges", adjustments(&invoice.adjustments, true));
    facts.number("lineTotal", totals.lines);
    facts.number("discount", totals.allowances);
    facts.number("chargeTotal", totals.charges);
    facts.number("prepaidAmount", totals.prepaid);
    facts.number("roundingAmount", totals.rounding);
    facts.text("taxCurrency", &invoice.tax_currency);
    facts.number("taxAmountInTaxCurrency", totals.tax_in_tax_currency);
    facts.list("notes", invoice.notes.iter().map(|note| json!(note)));
    facts.text("paymentTerms", &invoice.payment_terms);
    facts.text("paymentReference", &payment.remittance);
    facts.text("paymentMeansCode", &payment.means_code);
    facts.list(
        "paymentAccounts",
        payment.accounts.iter().map(
            |account| json!({"iban": without_spaces(&account.id), "name": account.name, "bic": account.bic}),
        ),
    );
    facts.text("mandateReference", &payment.mandate);
    facts.text("creditorId", &payment.creditor_id);
    facts.text("debitedAccount", &payment.debited_account);
    facts.text("buyerReference", &references.buyer);
    facts.text("projectReference", &references.project);
    facts.text("contractNumber", &references.contract);
    facts.text("salesOrderNumber", &references.sales_order);
    facts.text("deliveryNoteNumber", &references.despatch);
    facts.text("receivingAdviceNumber", &references.receipt);
    facts.text("tenderReference", &references.tender);
    facts.text("invoicedObject", &references.object);
    facts.text("accountingReference", &references.accounting);
    facts.list(
        "precedingInvoices",
        references.preceding.iter().map(|(number, date)| json!({"number": number, "date": date})),
    );
    facts.text("taxPointDate", &invoice.tax_point_date);
    facts.text("deliveryDate", &invoice.delivery.date);
    facts.text("periodStart", &invoice.delivery.period_start);
    facts.text("periodEnd", &invoice.delivery.period_end);
    facts.text("deliveryName", &invoice.delivery.name);
    facts.text("deliveryLocation", &invoice.delivery.location);
    facts.text("deliveryAddress", &invoice.delivery.address.in_one_line());
    facts.text("supplierId", &invoice.seller.identifiers.first().cloned());
    facts.details("supplier", &invoice.seller);
    facts.details("customer", &invoice.buyer);
    if let Some(payee) = &invoice.payee {
        facts.text("payeeName", &payee.name);
    }
    if let Some(representative) = &invoice.tax_representative {
        facts.text("taxRepresentativeName", &representative.name);
        facts.text("taxRepresentativeTaxId", &representative.vat_id);
    }
    facts.list("supportingDocuments", invoice.supporting_documents.iter().map(supporting));
    facts.text("specification", &invoice.profile);
    facts.text("syntax", &Some(invoice.syntax.name().to_owned()));
    facts.0
}

/// The facts that a schema asks for, under the names of its properties: by the property's name, else by its title or
/// description. Objects and lists of objects are filled by the names of their own properties.
pub fn fill(facts: &Map<String, Value>, schema: &Value) -> Map<String, Value> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let filled = properties.into_iter().flatten().filter_map(|(name, property)| {
        let value = fact_for(facts, name, property, schema, 0)?;
        Some((name.clone(), value))
    });
    filled.collect()
}

/// The property of a schema that a fact fills, if there is one.
pub fn property_of(fact: &str, schema: &Value) -> Option<String> {
    let properties = schema.get("properties")?.as_object()?;
    let named =
        properties.iter().find(|(name, property)| named_fact(name, resolved(property, schema)) == Some(fact));
    named.map(|(name, _)| name.clone())
}

/// The fact that a property is named for: by its name, else by its title or description.
fn named_fact(name: &str, property: &Value) -> Option<&'static str> {
    let labels = [Some(name), text_of(property, "title"), text_of(property, "description")];
    labels.into_iter().flatten().find_map(names::fact)
}

/// The value for a property; `None` where the invoice does not state it, or nothing is known by its name.
fn fact_for(
    facts: &Map<String, Value>,
    name: &str,
    property: &Value,
    schema: &Value,
    depth: usize,
) -> Option<Value> {
    let property = resolved(property, schema);
    if property.get("properties").is_some() {
        return if depth < MAX_DEPTH { object_for(facts, name, property, schema, depth) } else { None };
    }
    let value = facts.get(named_fact(name, property)?)?;
    let items = property.get("items").map(|items| resolved(items, schema));
    match (value, items.and_then(|items| items.get("properties")?.as_object())) {
        (Value::Array(rows), Some(columns)) => {
            let of_row = |row: &Value| {
                let cells = columns.iter().map(|(column, definition)| {
                    let labels = [Some(column.as_str()), text_of(definition, "title")];
                    let known = labels.into_iter().flatten().find_map(|label| {
                        row.get(label).or_else(|| names::columns(label).find_map(|column| row.get(column)))
                    });
                    (column.clone(), known.cloned().unwrap_or(Value::Null))
                });
                Value::Object(cells.collect())
            };
            Some(rows.iter().map(of_row).collect())
        }
        // A list where one text is wanted: notes, mostly.
        (Value::Array(rows), None) if is_text(property) => {
            let texts: Vec<&str> = rows.iter().filter_map(Value::as_str).collect();
            (!texts.is_empty()).then(|| texts.join("\n").into())
        }
        (value, _) => Some(value.clone()),
    }
}

/// An object of facts, such as the name, address and tax id of the supplier.
fn object_for(
    facts: &Map<String, Value>,
    name: &str,
    property: &Value,
    schema: &Value,
    depth: usize,
) -> Option<Value> {
    let properties = property.get("properties")?.as_object()?;
    let mut members = Map::new();
    for (inner, definition) in properties {
        let definition = resolved(definition, schema);
        // `supplier: {name}` is the supplier's name; `totals: {total}` is the total.
        let value =
            names::fact(&format!("{name} {inner}")).and_then(|fact| facts.get(fact).cloned()).or_else(|| {
                (!names::is_party(name))
                    .then(|| fact_for(facts, inner, definition, schema, depth + 1))
                    .flatten()
            });
        members.insert(inner.clone(), value.unwrap_or(Value::Null));
    }
    members.values().any(|value| !value.is_null()).then_some(Value::Object(members))
}

fn text_of<'a>(property: &'a Value, keyword: &str) -> Option<&'a str> {
    property.get(keyword)?.as_str()
}

fn is_text(property: &Value) -> bool {
    match property.get("type") {
        Some(Value::String(kind)) => kind == "string",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "string"),
        _ => false,
    }
}

/// Facts as they are collected.
#[derive(Default)]
struct Facts(Map<String, Value>);

impl Facts {
    fn text(&mut self, name: &str, value: &Option<String>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.as_str().into());
        }
    }

    fn number(&mut self, name: &str, value: Option<Number>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
    }

    fn list(&mut self, name: &str, values: impl Iterator<Item = Value>) {
        let values: Vec<Value> = values.collect();
        if !values.is_empty() {
            self.0.insert(name.to_owned(), values.into());
        }
    }

    /// What the invoice template has of a party.
    fn party(&mut self, role: &str, party: &Party) {
        self.text(&format!("{role}Name"), &party.name);
        self.text(&format!("{role}Address"), &party.address.in_one_line());
        self.text(&format!("{role}TaxId"), &party.vat_id.clone().or_else(|| party.tax_number.clone()));
    }

    /// What else is known of a party.
    fn details(&mut self, role: &str, party: &Party) {
        let trading_name = party.trading_name.clone().filter(|name| Some(name) != party.name.as_ref());
        let address = &party.address;
        let details = [
            ("TradingName", &trading_name),
            ("TaxNumber", &party.tax_number),
            ("Registration", &party.registration),
            ("LegalForm", &party.legal_form),
            ("ElectronicAddress", &party.electronic_address),
            ("Street", &Some(address.lines.join(", ")).filter(|street| !street.is_empty())),
            ("PostalCode", &address.postal_code),
            ("City", &address.city),
            ("Region", &address.region),
            ("Country", &address.country),
            ("Contact", &party.contact),
            ("Phone", &party.phone),
            ("Email", &party.email),
        ];
        for (name, value) in details {
            self.text(&format!("{role}{name}"), value);
        }
    }
}

fn line(line: &Line) -> Value {
    let charges = |is_charge| {
        Some(adjustments(&line.adjustments, is_charge).collect::<Vec<_>>()).filter(|all| !all.is_empty())
    };
    let mut columns = Map::new();
    // The columns that lines of goods have in every result come first, stated or not.
    let usual = [
        ("code", line.seller_code.clone().or_else(|| line.standard_code.clone()).into()),
        ("description", line.name.clone().or_else(|| line.description.clone()).into()),
        ("quantity", json!(line.quantity)),
        ("unit", line.unit.clone().into()),
        ("unitPrice", json!(line.price)),
        ("amount", json!(line.amount)),
        ("taxRate", json!(line.tax_rate)),
    ];
    let attributes: Map<String, Value> =
        line.attributes.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let further: [(&str, Value); 20] = [
        ("lineNumber", line.id.clone().into()),
        ("parentLine", line.parent.clone().into()),
        ("lineStatus", line.status.clone().into()),
        ("details", line.description.clone().filter(|_| line.name.is_some()).into()),
        ("note", line.note.clone().into()),
        ("priceQuantity", json!(line.price_quantity)),
        ("grossPrice", json!(line.gross_price)),
        ("priceDiscount", json!(line.discount)),
        ("taxCategory", line.tax_category.clone().into()),
        ("allowances", json!(charges(false))),
        ("charges", json!(charges(true))),
        ("buyerCode", line.buyer_code.clone().into()),
        ("standardCode", line.standard_code.clone().into()),
        ("classification", line.classifications.first().cloned().into()),
        ("origin", line.origin.clone().into()),
        ("orderLine", line.order_line.clone().into()),
        ("accountingReference", line.accounting.clone().into()),
        ("periodStart", line.period_start.clone().into()),
        ("periodEnd", line.period_end.clone().into()),
        ("attributes", if attributes.is_empty() { Value::Null } else { attributes.into() }),
    ];
    columns.extend(usual.map(|(name, value): (&str, Value)| (name.to_owned(), value)));
    let stated = further.into_iter().filter(|(_, value)| !value.is_null());
    columns.extend(stated.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(columns)
}

fn tax(tax: &Tax) -> Value {
    json!({
        "category": tax.category,
        "rate": tax.rate,
        "base": tax.base,
        "amount": tax.amount,
        "exemptionReason": tax.exemption,
    })
}

fn adjustments(all: &[Adjustment], is_charge: bool) -> impl Iterator<Item = Value> + '_ {
    all.iter().filter(move |adjustment| adjustment.is_charge == is_charge).map(|adjustment| {
        json!({
            "amount": adjustment.amount,
            "reason": adjustment.reason,
            "percent": adjustment.percent,
            "base": adjustment.base,
            "taxCategory": adjustment.tax_category,
            "taxRate": adjustment.tax_rate,
        })
    })
}

fn supporting(document: &SupportingDocument) -> Value {
    json!({
        "id": document.id,
        "description": document.description,
        "url": document.url,
        "fileName": document.file_name,
        "mediaType": document.media_type,
    })
}

/// The rate of tax, where there is only one.
fn single_rate(invoice: &Invoice) -> Option<Number> {
    let mut rates = invoice.taxes.iter().filter_map(|tax| tax.rate);
    let first = rates.next()?;
    rates.all(|rate| rate == first).then_some(first)
}

/// What kind of document it is, by its code in UNTDID 1001.
fn document_type(invoice: &Invoice) -> Option<String> {
    let kind = match invoice.type_code.as_deref()? {
        _ if invoice.is_credit_note() => "credit_note",
        "384" => "corrected_invoice",
        "386" => "prepayment_invoice",
        "389" => "self_billed_invoice",
        "326" => "partial_invoice",
        "875" | "876" | "877" => "construction_invoice",
        _ => "invoice",
    };
    Some(kind.to_owned())
}

/// How it is paid: in the sender's words, else by the code in UNTDID 4461.
fn payment_method(invoice: &Invoice) -> Option<String> {
    let payment = &invoice.payment;
    if let Some(text) = &payment.means_text {
        return Some(text.clone());
    }
    let code = payment.means_code.as_deref()?;
    let words = match code {
        "10" => "Cash",
        "20" => "Cheque",
        "30" => "Credit transfer",
        "31" => "Debit transfer",
        "42" => "Payment to bank account",
        "48" => "Bank card",
        "49" => "Direct debit",
        "54" => "Credit card",
        "55" => "Debit card",
        "57" => "Standing agreement",
        "58" => "SEPA credit transfer",
        "59" => "SEPA direct debit",
        "68" => "Online payment service",
        "97" => "Clearing between partners",
        code => code,
    };
    Some(words.to_owned())
}

/// An account number as machines write it.
fn without_spaces(id: &str) -> String {
    id.split_whitespace().collect()
}
