//! Names that people give to what an invoice says, in their templates.

/// Names of facts, with what else they are called. Compared without regard to case, and to how words are joined.
const FACTS: &[(&str, &str)] = &[
    (
        "invoiceNumber",
        "invoice no|invoice nr|invoice id|invoice ref|invoice reference|bill number|document number|document no|document id|credit note number|receipt number|number|id|rechnungsnummer|rechnung nr|numero facture|numero de facture|numero factura|numero fattura|factuurnummer",
    ),
    (
        "invoiceDate",
        "issue date|date of issue|date issued|document date|bill date|date|invoice issue date|credit note date|rechnungsdatum|datum|date facture|date de facture|fecha factura|fecha|data fattura|factuurdatum",
    ),
    (
        "dueDate",
        "payment due date|date due|payment due|due|pay by date|payment date|faelligkeitsdatum|falligkeitsdatum|fallig am|date echeance|fecha vencimiento|data scadenza|vervaldatum",
    ),
    (
        "orderNumber",
        "order no|order id|order reference|purchase order|purchase order number|purchase order reference|po number|po|buyer order number|bestellnummer|numero commande",
    ),
    ("customerNumber", "customer no|customer id|buyer id|client number|client id|kundennummer"),
    (
        "supplierName",
        "supplier|vendor|vendor name|seller|seller name|company|company name|issuer|issuer name|biller|biller name|merchant|merchant name|sender|sender name|from|provider|lieferant|verkaufer|fournisseur|vendeur|proveedor|emisor|fornitore|leverancier",
    ),
    (
        "supplierAddress",
        "vendor address|seller address|company address|issuer address|sender address|merchant address|biller address",
    ),
    (
        "supplierTaxId",
        "supplier vat id|supplier vat number|supplier vat|vendor tax id|vendor vat id|vendor vat number|seller tax id|seller vat id|seller vat number|seller vat|tax id|vat id|vat number|vat no|tax number|vat registration number|company vat|ust id|ust idnr|umsatzsteuer id|partita iva|tva|numero tva|btw nummer",
    ),
    (
        "customerName",
        "customer|buyer|buyer name|client|client name|bill to|bill to name|billed to|recipient|recipient name|sold to|purchaser|kunde|rechnungsempfanger|cliente|acheteur|klant",
    ),
    (
        "customerAddress",
        "buyer address|client address|billing address|bill to address|recipient address|sold to address",
    ),
    (
        "customerTaxId",
        "customer vat id|customer vat number|customer vat|buyer tax id|buyer vat id|buyer vat number|buyer vat|client vat number|client tax id",
    ),
    (
        "iban",
        "bank account|account iban|bank account iban|bank account number|account number|supplier iban|iban number|payee account",
    ),
    ("bic", "swift|bic code|swift code|bic swift|bank code"),
    ("currency", "currency code|invoice currency|document currency|wahrung|devise|moneda|valuta"),
    (
        "subtotal",
        "sub total|net|net amount|net total|total net|amount net|total before tax|total without tax|total without vat|total excluding tax|total excluding vat|amount without tax|amount without vat|amount excl vat|amount excluding vat|taxable amount|tax basis total|tax exclusive amount|tax basis|nettobetrag|netto|gesamt netto|total ht|montant ht|base imponible|imponibile",
    ),
    (
        "taxAmount",
        "tax|vat|vat amount|total tax|tax total|total vat|vat total|total tax amount|total vat amount|sales tax|mwst|mehrwertsteuer|umsatzsteuer|steuerbetrag|montant tva|iva|btw",
    ),
    (
        "taxRate",
        "vat rate|tax percent|tax percentage|vat percent|vat percentage|steuersatz|mwst satz|taux tva|tipo iva",
    ),
    (
        "total",
        "total amount|amount|grand total|total gross|gross total|gross amount|gross|invoice total|invoice amount|total invoice amount|amount total|total with tax|total with vat|total including tax|total including vat|total incl tax|total incl vat|tax inclusive amount|amount with tax|amount with vat|amount incl vat|gesamtbetrag|bruttobetrag|brutto|rechnungsbetrag|total ttc|montant ttc|montant total|importe total|totale|totaalbedrag",
    ),
    (
        "amountDue",
        "due amount|balance|balance due|total due|amount payable|payable amount|due payable amount|outstanding amount|amount to pay|open amount|zahlbetrag|offener betrag|net a payer",
    ),
    (
        "paymentMethod",
        "payment means|payment type|payment mode|method of payment|paid by|zahlungsart|mode de paiement",
    ),
    (
        "lineItems",
        "items|lines|invoice lines|invoice items|invoice line items|line item|products|positions|positionen|articles|goods|services|rechnungspositionen|order lines|lignes|details|entries",
    ),
    ("documentType", "invoice type|document kind|type|kind"),
    ("documentTypeCode", "invoice type code|type code"),
    (
        "taxBreakdown",
        "taxes|vat breakdown|tax details|vat details|tax lines|tax summary|vat summary|tax subtotals|steuern|steueraufschlusselung",
    ),
    ("allowances", "document allowances|discounts|reductions|rabatte"),
    ("charges", "document charges|surcharges|fees|zuschlage"),
    (
        "lineTotal",
        "line total amount|sum of lines|sum of line items|lines total|total of lines|line extension amount",
    ),
    (
        "discount",
        "discount amount|total discount|allowance total|total allowances|allowance amount|rabatt|remise|descuento|sconto|korting",
    ),
    ("chargeTotal", "total charges|charge amount|charges total|surcharge|shipping|freight"),
    (
        "prepaidAmount",
        "prepaid|paid amount|amount paid|already paid|total prepaid|prepayment|down payment|deposit|anzahlung|acompte",
    ),
    ("roundingAmount", "rounding|rundung"),
    ("taxCurrency", "vat currency|tax currency code|vat accounting currency|accounting currency"),
    ("taxAmountInTaxCurrency", "tax amount in accounting currency|vat in accounting currency"),
    (
        "notes",
        "note|remarks|remark|comment|comments|invoice note|invoice notes|free text|bemerkungen|hinweise",
    ),
    ("paymentTerms", "terms of payment|payment conditions|terms|zahlungsbedingungen|conditions de paiement"),
    ("paymentReference", "remittance information|remittance|payment id|reference|verwendungszweck"),
    ("paymentMeansCode", "payment code|payment method code"),
    ("paymentAccounts", "bank accounts|accounts|bank details"),
    ("mandateReference", "mandate|direct debit mandate|sepa mandate|mandatsreferenz"),
    ("creditorId", "creditor identifier|creditor reference|glaubiger id"),
    ("debitedAccount", "debited account id|payer account|payer iban"),
    ("buyerReference", "leitweg id|leitweg|customer reference|your reference|routing id|route id"),
    ("projectReference", "project|project number|project id|projekt"),
    ("contractNumber", "contract|contract id|contract reference|contract no|vertrag|vertragsnummer"),
    ("salesOrderNumber", "sales order|sales order reference|sales order id|supplier order number"),
    (
        "deliveryNoteNumber",
        "delivery note|despatch advice|dispatch advice|delivery note no|lieferschein|lieferscheinnummer",
    ),
    ("receivingAdviceNumber", "receiving advice|goods receipt"),
    ("tenderReference", "tender|lot|tender or lot reference"),
    ("invoicedObject", "object|meter number|subscription"),
    (
        "accountingReference",
        "cost center|cost centre|booking reference|buyer accounting reference|kostenstelle",
    ),
    (
        "precedingInvoices",
        "preceding invoice|previous invoices|original invoices|preceding invoice references",
    ),
    ("taxPointDate", "vat date|tax date|value added tax point date"),
    (
        "deliveryDate",
        "date of delivery|date of supply|supply date|service date|shipping date|lieferdatum|leistungsdatum|date de livraison",
    ),
    (
        "periodStart",
        "invoice period start|invoicing period start|billing period start|service period start|start date|period from",
    ),
    (
        "periodEnd",
        "invoice period end|invoicing period end|billing period end|service period end|end date|period to",
    ),
    ("deliveryName", "ship to|ship to name|deliver to|delivery recipient"),
    ("deliveryLocation", "delivery location id"),
    ("deliveryAddress", "ship to address|shipping address|deliver to address|lieferadresse|lieferanschrift"),
    ("supplierTradingName", "seller trading name|trading name|trade name"),
    ("supplierTaxNumber", "seller tax number|seller tax registration|steuernummer"),
    (
        "supplierRegistration",
        "seller registration|registration number|company registration|supplier registration number|handelsregister",
    ),
    ("supplierLegalForm", "seller legal form|legal form"),
    ("supplierId", "seller id|seller identifier|vendor id|supplier number|lieferantennummer"),
    (
        "supplierElectronicAddress",
        "seller electronic address|seller endpoint|supplier endpoint|supplier peppol id|seller endpoint id",
    ),
    ("supplierStreet", "seller street|vendor street|supplier street name"),
    (
        "supplierPostalCode",
        "seller postal code|supplier zip|seller zip|vendor zip|supplier postcode|supplier postal zone",
    ),
    ("supplierCity", "seller city|vendor city"),
    ("supplierRegion", "seller region|supplier state|seller state"),
    ("supplierCountry", "seller country|vendor country|supplier country code|seller country code"),
    (
        "supplierContact",
        "seller contact|vendor contact|contact|contact name|contact person|supplier contact name|ansprechpartner",
    ),
    ("supplierPhone", "seller phone|vendor phone|phone|phone number|telephone|supplier telephone|telefon"),
    ("supplierEmail", "seller email|vendor email|email|e mail|email address|supplier e mail|contact email"),
    ("customerTradingName", "buyer trading name"),
    ("customerTaxNumber", "buyer tax number"),
    ("customerRegistration", "buyer registration|customer registration number"),
    ("customerId", "buyer identifier|customer identifier"),
    (
        "customerElectronicAddress",
        "buyer electronic address|buyer endpoint|customer endpoint|customer peppol id|buyer endpoint id",
    ),
    ("customerStreet", "buyer street|client street"),
    ("customerPostalCode", "buyer postal code|customer zip|buyer zip|customer postcode"),
    ("customerCity", "buyer city|client city"),
    ("customerRegion", "buyer region|customer state|buyer state"),
    ("customerCountry", "buyer country|client country|customer country code|buyer country code"),
    ("customerContact", "buyer contact|customer contact name"),
    ("customerPhone", "buyer phone|customer telephone"),
    ("customerEmail", "buyer email|client email|customer e mail"),
    ("payeeName", "payee|payment recipient"),
    ("taxRepresentativeName", "tax representative|fiscal representative"),
    ("taxRepresentativeTaxId", "tax representative vat id"),
    ("supportingDocuments", "attachments|additional documents|supporting document"),
    ("specification", "specification identifier|customization id|profile|guideline|xrechnung version"),
];

/// Columns of lists, with what else they are called.
const COLUMNS: &[(&str, &str)] = &[
    ("lineNumber", "line no|line id|line|no|nr|number|position|pos|id|index"),
    (
        "description",
        "name|item|item name|product|product name|article|title|service|text|bezeichnung|beschreibung|designation|item description|product description|artikel",
    ),
    ("details", "item details|long description|additional description"),
    (
        "code",
        "item code|item number|product code|article number|sku|seller code|item id|product id|artikelnummer|sellers item identification",
    ),
    ("quantity", "qty|count|pieces|units|menge|anzahl|quantite|cantidad|billed quantity|invoiced quantity"),
    ("unit", "unit of measure|uom|unit code|einheit|unite"),
    (
        "unitPrice",
        "price|price per unit|item price|net price|unit net price|rate|einzelpreis|prix unitaire|prix|cost|unit cost",
    ),
    (
        "amount",
        "total|line total|line amount|net amount|sum|total price|total amount|line net amount|net|subtotal|betrag|gesamt|gesamtpreis|montant|importe|value|line extension amount",
    ),
    ("taxRate", "vat|vat rate|tax|rate|tax percent|vat percent|percent|percentage|steuersatz|mwst"),
    ("rate", "tax rate|vat rate|percent|percentage|vat percent|tax percent|steuersatz"),
    ("base", "taxable amount|taxable|net|net amount|base amount|basis|tax base"),
    ("category", "vat category|tax category|code|category code"),
    ("taxCategory", "vat category|tax category code|category"),
    ("exemptionReason", "reason|exemption"),
    ("reason", "description|text|type"),
    ("buyerCode", "buyer item id|customer item number|buyers item identification"),
    ("standardCode", "gtin|ean|barcode|standard item id"),
    ("note", "notes|remark|comment"),
    ("grossPrice", "list price|gross unit price"),
    ("priceDiscount", "discount|price allowance"),
    ("orderLine", "order line number|purchase order line"),
    ("origin", "country of origin|origin country"),
    ("fileName", "file|filename|name"),
    ("mediaType", "mime type|content type"),
];

/// What parties are called; properties of an object of such a name are the party's.
const PARTIES: &[&str] = &[
    "supplier",
    "vendor",
    "seller",
    "issuer",
    "company",
    "customer",
    "buyer",
    "client",
    "recipient",
    "billto",
];

/// The fact that a label names.
pub(super) fn fact(label: &str) -> Option<&'static str> {
    find(FACTS, label).next()
}

/// The columns that a label may name: the first that a list has is meant.
pub(super) fn columns(label: &str) -> impl Iterator<Item = &'static str> {
    find(COLUMNS, label)
}

/// Whether a label names a party.
pub(super) fn is_party(label: &str) -> bool {
    PARTIES.contains(&folded(label).as_str())
}

fn find(
    table: &'static [(&'static str, &'static str)],
    label: &str,
) -> impl Iterator<Item = &'static str> + use<> {
    let label = folded(label);
    let is_meant = move |(name, others): &&(&str, &str)| {
        folded(name) == label || others.split('|').any(|other| folded(other) == label)
    };
    table.iter().filter(is_meant).map(|(name, _)| *name)
}

/// A label's letters and digits, in lower case and without accents.
fn folded(label: &str) -> String {
    let plain = |letter: char| match letter {
        'ä' | 'à' | 'á' | 'â' | 'ã' | 'å' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ö' | 'ó' | 'ò' | 'ô' | 'õ' | 'ø' => 'o',
        'ü' | 'ú' | 'ù' | 'û' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        letter => letter,
    };
    label.chars().flat_map(char::to_lowercase).map(plain).filter(|letter| letter.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_names_one_fact_however_its_words_are_joined() {
        for label in ["invoiceNumber", "invoice_number", "Invoice No", "Rechnungsnummer"] {
            assert_eq!(fact(label), Some("invoiceNumber"), "{label}");
        }
        assert_eq!(fact("Fälligkeitsdatum"), Some("dueDate"));
        assert_eq!(fact("seller_vat_id"), Some("supplierTaxId"));
        assert_eq!(fact("favourite colour"), None);
    }

    #[test]
    fn no_name_stands_for_two_facts() {
        let mut seen = std::collections::HashMap::new();
        for (name, others) in FACTS {
            for label in others.split('|').chain([*name]) {
                let before = seen.insert(folded(label), *name);
                assert!(before.is_none_or(|before| before == *name), "`{label}`: {before:?} and `{name}`");
            }
        }
    }
}
