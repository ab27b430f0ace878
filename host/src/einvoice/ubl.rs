//! OASIS Universal Business Language 2: invoices and credit notes, whose elements have other names in places.

use roxmltree::Node;

use super::xml::At;
use crate::domain::invoice::{
    Account, Address, Adjustment, Delivery, Invoice, Line, Number, Party, Payment, References,
    SupportingDocument, Syntax, Tax, Totals,
};

/// Type code of a referenced document that is what is invoiced, such as a meter.
const OBJECT: &str = "130";

/// Scheme of an identifier that is a creditor's, not a party's.
const CREDITOR: &str = "SEPA";

/// How deep lines are part of lines.
const MAX_DEPTH: usize = 20;

/// What the extension of XRechnung calls itself: it alone has payments by others for what they sold.
const EXTENSION: &str = "extension:xrechnung";

/// Type code of a document that states none: its element says it.
const CREDIT_NOTE: &str = "381";

/// Reads an invoice or credit note.
pub(super) fn read(root: Node) -> Invoice {
    let is_credit_note = root.tag_name().name() == "CreditNote";
    let root = At(Some(root));
    let seller = root.path("AccountingSupplierParty/Party");
    let currency = root.text_at("DocumentCurrencyCode");
    let tax_currency = root.text_at("TaxCurrencyCode");
    let type_code = root.first(&["InvoiceTypeCode", "CreditNoteTypeCode"]).text();
    let mut lines = Vec::new();
    for at in root.all("InvoiceLine").chain(root.all("CreditNoteLine")) {
        add_lines(at, None, 0, &mut lines);
    }
    let taxes = tax_total(root, currency.as_deref());
    Invoice {
        syntax: Syntax::Ubl,
        profile: root.text_at("CustomizationID"),
        number: root.text_at("ID"),
        issue_date: root.at("IssueDate").date(),
        type_code: type_code.or_else(|| is_credit_note.then(|| CREDIT_NOTE.to_owned())),
        tax_point_date: root.at("TaxPointDate").date(),
        // A credit note has it among the means of payment.
        due_date: root.at("DueDate").date().or_else(|| root.path("PaymentMeans/PaymentDueDate").date()),
        references: references(root),
        payment_terms: root.text_at("PaymentTerms/Note"),
        notes: root.all("Note").filter_map(At::text).collect(),
        seller: party(seller),
        buyer: party(root.path("AccountingCustomerParty/Party")),
        payee: some_party(root.at("PayeeParty")),
        tax_representative: some_party(root.at("TaxRepresentativeParty")),
        delivery: delivery(root),
        payment: payment(root, seller),
        adjustments: root.all("AllowanceCharge").map(adjustment).collect(),
        totals: totals(root, taxes, currency.as_deref(), tax_currency.as_deref()),
        taxes: taxes.all("TaxSubtotal").map(tax).collect(),
        supporting_documents: root.all("AdditionalDocumentReference").filter_map(supporting).collect(),
        lines,
        currency,
        tax_currency,
    }
}

fn references(root: At) -> References {
    let object = root
        .all("AdditionalDocumentReference")
        .find(|document| document.text_at("DocumentTypeCode").as_deref() == Some(OBJECT));
    // A credit note states its project among the documents.
    let project = root.text_at("ProjectReference/ID").or_else(|| {
        let mut documents = root.all("AdditionalDocumentReference");
        documents
            .find(|document| document.text_at("DocumentTypeCode").as_deref() == Some("50"))
            .and_then(|document| document.text_at("ID"))
    });
    References {
        buyer: root.text_at("BuyerReference"),
        project,
        contract: root.text_at("ContractDocumentReference/ID"),
        order: root.text_at("OrderReference/ID"),
        sales_order: root.text_at("OrderReference/SalesOrderID"),
        receipt: root.text_at("ReceiptDocumentReference/ID"),
        despatch: root.text_at("DespatchDocumentReference/ID"),
        tender: root.text_at("OriginatorDocumentReference/ID"),
        object: object.and_then(|document| document.text_at("ID")),
        accounting: root.text_at("AccountingCost"),
        preceding: root
            .all("BillingReference")
            .map(|reference| reference.first(&["InvoiceDocumentReference", "CreditNoteDocumentReference"]))
            .filter_map(|document| Some((document.text_at("ID")?, document.at("IssueDate").date())))
            .collect(),
    }
}

fn some_party(at: At) -> Option<Party> {
    at.is_there().then(|| party(at))
}

fn party(at: At) -> Party {
    let entity = at.at("PartyLegalEntity");
    let tax_id = |is_wanted: fn(&str) -> bool| {
        let mut schemes = at.all("PartyTaxScheme");
        let of_kind = |scheme: &At| is_wanted(&scheme.text_at("TaxScheme/ID").unwrap_or_default());
        schemes.find(of_kind).and_then(|scheme| scheme.text_at("CompanyID"))
    };
    let identifiers = at.all("PartyIdentification").map(|identification| identification.at("ID"));
    let contact = at.at("Contact");
    Party {
        name: entity.text_at("RegistrationName").or_else(|| at.text_at("PartyName/Name")),
        trading_name: at.text_at("PartyName/Name"),
        identifiers: identifiers
            .filter(|id| id.attribute("schemeID").as_deref() != Some(CREDITOR))
            .filter_map(At::text)
            .collect(),
        registration: entity.text_at("CompanyID"),
        vat_id: tax_id(|scheme| scheme.eq_ignore_ascii_case("VAT")),
        tax_number: tax_id(|scheme| !scheme.eq_ignore_ascii_case("VAT")),
        legal_form: entity.text_at("CompanyLegalForm"),
        electronic_address: at.text_at("EndpointID"),
        address: address(at.at("PostalAddress")),
        contact: contact.text_at("Name"),
        phone: contact.text_at("Telephone"),
        email: contact.text_at("ElectronicMail"),
    }
}

fn address(at: At) -> Address {
    let lines = ["StreetName", "AdditionalStreetName", "AddressLine/Line"].map(|line| at.text_at(line));
    Address {
        lines: lines.into_iter().flatten().collect(),
        postal_code: at.text_at("PostalZone"),
        city: at.text_at("CityName"),
        region: at.text_at("CountrySubentity"),
        country: at.text_at("Country/IdentificationCode"),
    }
}

fn delivery(root: At) -> Delivery {
    let delivery = root.at("Delivery");
    let place = delivery.at("DeliveryLocation");
    let period = root.at("InvoicePeriod");
    Delivery {
        name: delivery.text_at("DeliveryParty/PartyName/Name"),
        location: place.text_at("ID"),
        date: delivery.at("ActualDeliveryDate").date(),
        period_start: period.at("StartDate").date(),
        period_end: period.at("EndDate").date(),
        address: address(place.at("Address")),
    }
}

fn payment(root: At, seller: At) -> Payment {
    let means = root.at("PaymentMeans");
    let accounts = root.all("PaymentMeans").filter_map(|means| {
        let account = means.at("PayeeFinancialAccount");
        Some(Account {
            id: account.text_at("ID")?,
            name: account.text_at("Name"),
            bic: account.text_at("FinancialInstitutionBranch/ID"),
        })
    });
    let creditor = [root.at("PayeeParty"), seller].into_iter().find_map(|party| {
        let mut ids = party.all("PartyIdentification").map(|identification| identification.at("ID"));
        ids.find(|id| id.attribute("schemeID").as_deref() == Some(CREDITOR)).and_then(At::text)
    });
    Payment {
        means_code: means.text_at("PaymentMeansCode"),
        means_text: means.at("PaymentMeansCode").attribute("name"),
        remittance: root.all("PaymentMeans").find_map(|means| means.text_at("PaymentID")),
        accounts: accounts.collect(),
        card: means.text_at("CardAccount/PrimaryAccountNumberID"),
        mandate: means.text_at("PaymentMandate/ID"),
        creditor_id: creditor,
        debited_account: means.text_at("PaymentMandate/PayerFinancialAccount/ID"),
    }
}

fn adjustment(at: At) -> Adjustment {
    let category = at.at("TaxCategory");
    Adjustment {
        is_charge: matches!(at.text_at("ChargeIndicator").as_deref(), Some("true" | "1")),
        amount: at.number_at("Amount"),
        base: at.number_at("BaseAmount"),
        percent: at.number_at("MultiplierFactorNumeric"),
        reason: at.text_at("AllowanceChargeReason").or_else(|| at.text_at("AllowanceChargeReasonCode")),
        tax_category: category.text_at("ID"),
        tax_rate: category.number_at("Percent"),
    }
}

/// The tax in the invoice's currency: there may be a second one in that of accounting.
fn tax_total<'a, 'i>(root: At<'a, 'i>, currency: Option<&str>) -> At<'a, 'i> {
    let in_currency = root.all("TaxTotal").find(|total| {
        currency.is_some() && total.at("TaxAmount").attribute("currencyID").as_deref() == currency
    });
    in_currency.unwrap_or_else(|| root.at("TaxTotal"))
}

fn totals(root: At, taxes: At, currency: Option<&str>, tax_currency: Option<&str>) -> Totals {
    let sums = root.at("LegalMonetaryTotal");
    let in_tax_currency = || -> Option<Number> {
        let mut amounts = root.all("TaxTotal").map(|total| total.at("TaxAmount"));
        amounts.find(|amount| amount.attribute("currencyID").as_deref() == tax_currency)?.number()
    };
    let has_tax_currency = tax_currency.is_some() && tax_currency != currency;
    Totals {
        lines: sums.number_at("LineExtensionAmount"),
        allowances: sums.number_at("AllowanceTotalAmount"),
        charges: sums.number_at("ChargeTotalAmount"),
        without_tax: sums.number_at("TaxExclusiveAmount"),
        tax: taxes.number_at("TaxAmount"),
        tax_in_tax_currency: has_tax_currency.then(in_tax_currency).flatten(),
        with_tax: sums.number_at("TaxInclusiveAmount"),
        prepaid: sums.number_at("PrepaidAmount"),
        rounding: sums.number_at("PayableRoundingAmount"),
        third_party: third_party(root),
        due: sums.number_at("PayableAmount"),
    }
}

/// What is to be paid to others as well, for their services on the same invoice.
fn third_party(root: At) -> Option<Number> {
    if !root.text_at("CustomizationID")?.contains(EXTENSION) {
        return None;
    }
    root.all("PrepaidPayment")
        .filter_map(|payment| payment.number_at("PaidAmount"))
        .reduce(|sum, amount| sum + amount)
}

fn tax(at: At) -> Tax {
    let category = at.at("TaxCategory");
    Tax {
        base: at.number_at("TaxableAmount"),
        amount: at.number_at("TaxAmount"),
        category: category.text_at("ID"),
        rate: category.number_at("Percent"),
        exemption: category
            .text_at("TaxExemptionReason")
            .or_else(|| category.text_at("TaxExemptionReasonCode")),
    }
}

fn supporting(at: At) -> Option<SupportingDocument> {
    if matches!(at.text_at("DocumentTypeCode").as_deref(), Some(OBJECT | "50")) {
        return None;
    }
    let content = at.path("Attachment/EmbeddedDocumentBinaryObject");
    Some(SupportingDocument {
        id: at.text_at("ID"),
        description: at.text_at("DocumentDescription"),
        url: at.text_at("Attachment/ExternalReference/URI"),
        file_name: content.attribute("filename"),
        media_type: content.attribute("mimeCode"),
    })
}

/// Adds a line and those that it consists of, which only the extension of XRechnung has; a line's amount is the sum of
/// theirs.
fn add_lines(at: At, parent: Option<&str>, depth: usize, lines: &mut Vec<Line>) {
    if depth > MAX_DEPTH {
        return;
    }
    let mut line = line(at);
    line.parent = parent.map(str::to_owned);
    line.status = (depth > 0).then(|| "subline".to_owned());
    let id = line.id.clone();
    lines.push(line);
    for inner in at.all("SubInvoiceLine").chain(at.all("SubCreditNoteLine")) {
        add_lines(inner, id.as_deref(), depth + 1, lines);
    }
}

fn line(at: At) -> Line {
    let quantity = at.first(&["InvoicedQuantity", "CreditedQuantity"]);
    let item = at.at("Item");
    let price = at.at("Price");
    let discount = price.at("AllowanceCharge");
    let category = item.at("ClassifiedTaxCategory");
    let period = at.at("InvoicePeriod");
    Line {
        id: at.text_at("ID"),
        parent: None,
        status: None,
        note: at.text_at("Note"),
        quantity: quantity.number(),
        unit: quantity.attribute("unitCode"),
        amount: at.number_at("LineExtensionAmount"),
        order_line: at.text_at("OrderLineReference/LineID"),
        accounting: at.text_at("AccountingCost"),
        period_start: period.at("StartDate").date(),
        period_end: period.at("EndDate").date(),
        adjustments: at.all("AllowanceCharge").map(adjustment).collect(),
        price: price.number_at("PriceAmount"),
        discount: discount.number_at("Amount"),
        gross_price: discount.number_at("BaseAmount"),
        price_quantity: price.number_at("BaseQuantity"),
        tax_category: category.text_at("ID"),
        tax_rate: category.number_at("Percent"),
        name: item.text_at("Name"),
        description: item.text_at("Description"),
        seller_code: item.text_at("SellersItemIdentification/ID"),
        buyer_code: item.text_at("BuyersItemIdentification/ID"),
        standard_code: item.text_at("StandardItemIdentification/ID"),
        classifications: item
            .all("CommodityClassification")
            .filter_map(|classification| classification.text_at("ItemClassificationCode"))
            .collect(),
        origin: item.text_at("OriginCountry/IdentificationCode"),
        attributes: item
            .all("AdditionalItemProperty")
            .filter_map(|pair| Some((pair.text_at("Name")?, pair.text_at("Value")?)))
            .collect(),
    }
}
