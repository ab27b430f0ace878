//! UN/CEFACT Cross Industry Invoice, and its forerunner in ZUGFeRD 1, whose elements have other names in places.

use roxmltree::Node;

use super::xml::At;
use crate::domain::invoice::{
    Account, Address, Adjustment, Delivery, Invoice, Line, Party, Payment, References, SupportingDocument,
    Syntax, Tax, Totals,
};

/// Type code of a referenced document that is the lot of a tender.
const TENDER: &str = "50";

/// Type code of a referenced document that is what is invoiced, such as a meter.
const OBJECT: &str = "130";

/// Reads an invoice.
pub(super) fn read(root: Node) -> Invoice {
    let root = At(Some(root));
    let document = root.first(&["ExchangedDocument", "HeaderExchangedDocument"]);
    let transaction = root.first(&["SupplyChainTradeTransaction", "SpecifiedSupplyChainTradeTransaction"]);
    let agreement =
        transaction.first(&["ApplicableHeaderTradeAgreement", "ApplicableSupplyChainTradeAgreement"]);
    let delivery =
        transaction.first(&["ApplicableHeaderTradeDelivery", "ApplicableSupplyChainTradeDelivery"]);
    let settlement =
        transaction.first(&["ApplicableHeaderTradeSettlement", "ApplicableSupplyChainTradeSettlement"]);
    let context = root.first(&["ExchangedDocumentContext", "SpecifiedExchangedDocumentContext"]);
    let terms = settlement.at("SpecifiedTradePaymentTerms");
    // ZUGFeRD 1 may leave it to the amounts.
    let currency = settlement
        .text_at("InvoiceCurrencyCode")
        .or_else(|| summation(settlement).at("GrandTotalAmount").attribute("currencyID"));
    let tax_currency = settlement.text_at("TaxCurrencyCode");
    Invoice {
        syntax: Syntax::Cii,
        profile: context.text_at("GuidelineSpecifiedDocumentContextParameter/ID"),
        number: document.text_at("ID"),
        issue_date: date(document.at("IssueDateTime")),
        type_code: document.text_at("TypeCode"),
        tax_point_date: settlement.all("ApplicableTradeTax").find_map(|tax| date(tax.at("TaxPointDate"))),
        due_date: settlement
            .all("SpecifiedTradePaymentTerms")
            .find_map(|terms| date(terms.at("DueDateDateTime"))),
        references: references(agreement, delivery, settlement),
        payment_terms: terms.text_at("Description"),
        notes: document.all("IncludedNote").filter_map(|note| note.text_at("Content")).collect(),
        seller: party(agreement.at("SellerTradeParty")),
        buyer: party(agreement.at("BuyerTradeParty")),
        payee: some_party(settlement.at("PayeeTradeParty")),
        tax_representative: some_party(agreement.at("SellerTaxRepresentativeTradeParty")),
        delivery: read_delivery(delivery, settlement),
        payment: payment(settlement, terms),
        adjustments: header_adjustments(settlement),
        totals: totals(settlement, currency.as_deref(), tax_currency.as_deref()),
        taxes: settlement.all("ApplicableTradeTax").map(tax).collect(),
        supporting_documents: agreement.all("AdditionalReferencedDocument").filter_map(supporting).collect(),
        lines: transaction.all("IncludedSupplyChainTradeLineItem").filter_map(line).collect(),
        currency,
        tax_currency,
    }
}

/// A date, whatever the element that holds it is called.
fn date(at: At) -> Option<String> {
    at.first(&["DateTimeString", "DateString", "DateTime", "Date"]).date().or_else(|| at.date())
}

/// The id of a document that is referred to.
fn reference(at: At) -> Option<String> {
    at.first(&["IssuerAssignedID", "ID"]).text()
}

fn references(agreement: At, delivery: At, settlement: At) -> References {
    let of_type = |code: &str| {
        let mut documents = agreement.all("AdditionalReferencedDocument");
        documents.find(|document| document.text_at("TypeCode").as_deref() == Some(code)).and_then(reference)
    };
    References {
        buyer: agreement.text_at("BuyerReference"),
        project: agreement.text_at("SpecifiedProcuringProject/ID"),
        contract: reference(agreement.at("ContractReferencedDocument")),
        order: reference(agreement.at("BuyerOrderReferencedDocument")),
        sales_order: reference(agreement.at("SellerOrderReferencedDocument")),
        receipt: reference(delivery.at("ReceivingAdviceReferencedDocument")),
        despatch: reference(delivery.at("DespatchAdviceReferencedDocument")),
        tender: of_type(TENDER),
        object: of_type(OBJECT),
        accounting: settlement.text_at("ReceivableSpecifiedTradeAccountingAccount/ID"),
        preceding: settlement
            .all("InvoiceReferencedDocument")
            .filter_map(|document| {
                Some((
                    reference(document)?,
                    date(document.first(&["FormattedIssueDateTime", "IssueDateTime"])),
                ))
            })
            .collect(),
    }
}

fn some_party(at: At) -> Option<Party> {
    at.is_there().then(|| party(at))
}

fn party(at: At) -> Party {
    let tax_id = |scheme: &str| {
        let mut registrations = at.all("SpecifiedTaxRegistration").map(|registration| registration.at("ID"));
        registrations.find(|id| id.attribute("schemeID").as_deref() == Some(scheme)).and_then(At::text)
    };
    let contact = at.at("DefinedTradeContact");
    let organization = at.at("SpecifiedLegalOrganization");
    Party {
        name: at.text_at("Name").or_else(|| organization.text_at("TradingBusinessName")),
        trading_name: organization.text_at("TradingBusinessName"),
        identifiers: at.all("ID").chain(at.all("GlobalID")).filter_map(At::text).collect(),
        registration: organization.text_at("ID"),
        vat_id: tax_id("VA"),
        tax_number: tax_id("FC"),
        legal_form: at.text_at("Description"),
        electronic_address: at.text_at("URIUniversalCommunication/URIID"),
        address: address(at.at("PostalTradeAddress")),
        contact: contact.text_at("PersonName").or_else(|| contact.text_at("DepartmentName")),
        phone: contact.text_at("TelephoneUniversalCommunication/CompleteNumber"),
        email: contact
            .text_at("EmailURIUniversalCommunication/URIID")
            .or_else(|| contact.text_at("EmailURIUniversalCommunication/CompleteNumber")),
    }
}

fn address(at: At) -> Address {
    let lines = ["LineOne", "LineTwo", "LineThree"].map(|line| at.text_at(line));
    Address {
        lines: lines.into_iter().flatten().collect(),
        postal_code: at.text_at("PostcodeCode"),
        city: at.text_at("CityName"),
        region: at.text_at("CountrySubDivisionName"),
        country: at.text_at("CountryID"),
    }
}

fn read_delivery(delivery: At, settlement: At) -> Delivery {
    let place = delivery.at("ShipToTradeParty");
    let period = settlement.at("BillingSpecifiedPeriod");
    Delivery {
        name: place.text_at("Name"),
        location: place.first(&["GlobalID", "ID"]).text(),
        date: date(delivery.path("ActualDeliverySupplyChainEvent/OccurrenceDateTime")),
        period_start: date(period.at("StartDateTime")),
        period_end: date(period.at("EndDateTime")),
        address: address(place.at("PostalTradeAddress")),
    }
}

fn payment(settlement: At, terms: At) -> Payment {
    let means = settlement.at("SpecifiedTradeSettlementPaymentMeans");
    let accounts = settlement.all("SpecifiedTradeSettlementPaymentMeans").filter_map(|means| {
        let account = means.at("PayeePartyCreditorFinancialAccount");
        let bank = means.first(&[
            "PayeeSpecifiedCreditorFinancialInstitution",
            "PayerSpecifiedDebtorFinancialInstitution",
        ]);
        Some(Account {
            id: account.text_at("IBANID").or_else(|| account.text_at("ProprietaryID"))?,
            name: account.text_at("AccountName"),
            bic: bank.text_at("BICID"),
        })
    });
    Payment {
        means_code: means.text_at("TypeCode"),
        means_text: means.text_at("Information"),
        remittance: settlement.text_at("PaymentReference"),
        accounts: accounts.collect(),
        card: means.text_at("ApplicableTradeSettlementFinancialCard/ID"),
        mandate: terms.text_at("DirectDebitMandateID"),
        creditor_id: settlement.text_at("CreditorReferenceID"),
        debited_account: means.text_at("PayerPartyDebtorFinancialAccount/IBANID"),
    }
}

fn header_adjustments(settlement: At) -> Vec<Adjustment> {
    // Freight has an element of its own in ZUGFeRD 1 and in the extended profile.
    let freight = settlement.all("SpecifiedLogisticsServiceCharge").map(|charge| {
        let tax = charge.at("AppliedTradeTax");
        Adjustment {
            is_charge: true,
            amount: charge.number_at("AppliedAmount"),
            reason: charge.text_at("Description"),
            tax_category: tax.text_at("CategoryCode"),
            tax_rate: tax.first(&["RateApplicablePercent", "ApplicablePercent"]).number(),
            ..Adjustment::default()
        }
    });
    settlement.all("SpecifiedTradeAllowanceCharge").map(adjustment).chain(freight).collect()
}

fn adjustment(at: At) -> Adjustment {
    let indicator = at.text_at("ChargeIndicator/Indicator").or_else(|| at.text_at("ChargeIndicator"));
    let tax = at.at("CategoryTradeTax");
    Adjustment {
        is_charge: matches!(indicator.as_deref(), Some("true" | "1")),
        amount: at.number_at("ActualAmount"),
        base: at.number_at("BasisAmount"),
        percent: at.number_at("CalculationPercent"),
        reason: at.text_at("Reason").or_else(|| at.text_at("ReasonCode")),
        tax_category: tax.text_at("CategoryCode"),
        tax_rate: tax.first(&["RateApplicablePercent", "ApplicablePercent"]).number(),
    }
}

/// The sums of the whole invoice.
fn summation<'a, 'i>(settlement: At<'a, 'i>) -> At<'a, 'i> {
    settlement.first(&[
        "SpecifiedTradeSettlementHeaderMonetarySummation",
        "SpecifiedTradeSettlementMonetarySummation",
    ])
}

fn totals(settlement: At, currency: Option<&str>, tax_currency: Option<&str>) -> Totals {
    let sums = summation(settlement);
    let in_currency = |wanted: Option<&str>| {
        sums.all("TaxTotalAmount")
            .find(|amount| wanted.is_some() && amount.attribute("currencyID").as_deref() == wanted)
            .and_then(At::number)
    };
    // An amount that names no currency is in the invoice's.
    let unnamed = || {
        sums.all("TaxTotalAmount")
            .find(|amount| amount.attribute("currencyID").is_none())
            .and_then(At::number)
    };
    Totals {
        lines: sums.number_at("LineTotalAmount"),
        allowances: sums.number_at("AllowanceTotalAmount"),
        charges: sums.number_at("ChargeTotalAmount"),
        without_tax: sums.number_at("TaxBasisTotalAmount"),
        tax: in_currency(currency).or_else(unnamed),
        tax_in_tax_currency: if tax_currency == currency { None } else { in_currency(tax_currency) },
        with_tax: sums.number_at("GrandTotalAmount"),
        prepaid: sums.number_at("TotalPrepaidAmount"),
        rounding: sums.number_at("RoundingAmount"),
        third_party: None,
        due: sums.number_at("DuePayableAmount"),
    }
}

fn tax(at: At) -> Tax {
    Tax {
        base: at.number_at("BasisAmount"),
        amount: at.number_at("CalculatedAmount"),
        category: at.text_at("CategoryCode"),
        rate: at.first(&["RateApplicablePercent", "ApplicablePercent"]).number(),
        exemption: at.text_at("ExemptionReason").or_else(|| at.text_at("ExemptionReasonCode")),
    }
}

fn supporting(at: At) -> Option<SupportingDocument> {
    let code = at.text_at("TypeCode");
    if matches!(code.as_deref(), Some(TENDER | OBJECT)) {
        return None;
    }
    let content = at.at("AttachmentBinaryObject");
    Some(SupportingDocument {
        id: reference(at),
        description: at.text_at("Name"),
        url: at.text_at("URIID"),
        file_name: content.attribute("filename"),
        media_type: content.attribute("mimeCode"),
    })
}

/// A line; `None` for one that only holds a text, as ZUGFeRD 1 has them between others.
fn line(at: At) -> Option<Line> {
    let document = at.at("AssociatedDocumentLineDocument");
    let agreement = at.first(&["SpecifiedLineTradeAgreement", "SpecifiedSupplyChainTradeAgreement"]);
    let delivery = at.first(&["SpecifiedLineTradeDelivery", "SpecifiedSupplyChainTradeDelivery"]);
    let settlement = at.first(&["SpecifiedLineTradeSettlement", "SpecifiedSupplyChainTradeSettlement"]);
    let product = at.at("SpecifiedTradeProduct");
    let price = agreement.at("NetPriceProductTradePrice");
    let gross = agreement.at("GrossPriceProductTradePrice");
    let tax = settlement.at("ApplicableTradeTax");
    let period = settlement.at("BillingSpecifiedPeriod");
    let sums = settlement.first(&[
        "SpecifiedTradeSettlementLineMonetarySummation",
        "SpecifiedTradeSettlementMonetarySummation",
    ]);
    if !product.is_there() && !settlement.is_there() {
        return None;
    }
    let quantity = delivery.at("BilledQuantity");
    let price_quantity = price.at("BasisQuantity").number().or_else(|| gross.at("BasisQuantity").number());
    let status = document.text_at("LineStatusReasonCode").map(|code| code.to_lowercase());
    Some(Line {
        id: document.text_at("LineID"),
        parent: document.text_at("ParentLineID"),
        status: status.filter(|code| matches!(code.as_str(), "group" | "information")),
        note: document.text_at("IncludedNote/Content"),
        quantity: quantity.number(),
        unit: quantity.attribute("unitCode"),
        amount: sums.number_at("LineTotalAmount"),
        order_line: agreement.text_at("BuyerOrderReferencedDocument/LineID"),
        accounting: settlement.text_at("ReceivableSpecifiedTradeAccountingAccount/ID"),
        period_start: date(period.at("StartDateTime")),
        period_end: date(period.at("EndDateTime")),
        adjustments: settlement.all("SpecifiedTradeAllowanceCharge").map(adjustment).collect(),
        price: price.number_at("ChargeAmount"),
        discount: gross.number_at("AppliedTradeAllowanceCharge/ActualAmount"),
        gross_price: gross.number_at("ChargeAmount"),
        price_quantity,
        tax_category: tax.text_at("CategoryCode"),
        tax_rate: tax.first(&["RateApplicablePercent", "ApplicablePercent"]).number(),
        name: product.text_at("Name"),
        description: product.text_at("Description"),
        seller_code: product.text_at("SellerAssignedID"),
        buyer_code: product.text_at("BuyerAssignedID"),
        standard_code: product.text_at("GlobalID"),
        classifications: product
            .all("DesignatedProductClassification")
            .filter_map(|classification| classification.text_at("ClassCode"))
            .collect(),
        origin: product.text_at("OriginTradeCountry/ID"),
        attributes: product
            .all("ApplicableProductCharacteristic")
            .filter_map(|pair| Some((pair.text_at("Description")?, pair.text_at("Value")?)))
            .collect(),
    })
}
