//! Names that people give to the facts of business documents in their schemas.

use ocriva_plugin_sdk::business::facts::Fact;
use ocriva_plugin_sdk::labels::Lexicon;

/// Facts by the names of properties, split into words.
pub fn facts() -> Lexicon<Fact> {
    Lexicon::new(
        NAMES.iter().flat_map(|(fact, names)| names.split('|').map(move |name| (*fact, name.trim()))),
    )
}

/// Whether a fact is a number.
pub fn is_number(fact: Fact) -> bool {
    matches!(
        fact,
        Fact::Subtotal | Fact::TaxAmount | Fact::TaxRate | Fact::Discount | Fact::Total | Fact::AmountDue
    )
}

/// Whether a fact is a date.
pub fn is_date(fact: Fact) -> bool {
    matches!(fact, Fact::DocumentDate | Fact::DueDate)
}

const NAMES: &[(Fact, &str)] = &[
    (
        Fact::DocumentNumber,
        "invoice number | invoice no | invoice nr | invoice id | invoice # | receipt number | receipt no | receipt id | bill number | bill no | document number | doc number \
         | number of invoice | inv no | rechnungsnummer | numero facture | numero de facture | numero factura | numero fattura | factuurnummer | transaction number | reference number of invoice",
    ),
    (
        Fact::DocumentDate,
        "invoice date | issue date | issued date | date of issue | date issued | issued at | issued on | document date | receipt date | bill date | purchase date | transaction date | date | invoice issue date \
         | rechnungsdatum | datum | date de facture | date facture | fecha factura | fecha | data fattura | factuurdatum | date of purchase | sale date",
    ),
    (Fact::Time, "time | receipt time | transaction time | time of purchase | purchase time"),
    (
        Fact::DueDate,
        "due date | payment due date | date due | payment due | due on | due by | pay by date | faelligkeitsdatum | falligkeitsdatum | date echeance | fecha vencimiento | data scadenza | vervaldatum",
    ),
    (
        Fact::OrderNumber,
        "order number | order no | order id | purchase order | purchase order number | po number | po no | customer order number | bestellnummer | buyer order number | customer reference | po",
    ),
    (
        Fact::CustomerNumber,
        "customer number | customer no | customer id | client number | client id | account number | kundennummer | buyer id",
    ),
    (
        Fact::SupplierName,
        "supplier | supplier name | vendor | vendor name | seller | seller name | merchant | merchant name | company | company name | store | store name | shop | shop name | issuer | issuer name | biller | biller name \
         | sender | sender name | from | provider | service provider | business name | lieferant | verkaufer | fournisseur | vendeur | proveedor | emisor | fornitore | leverancier | organization name | invoice from | payee | restaurant name",
    ),
    (
        Fact::SupplierAddress,
        "supplier address | vendor address | seller address | merchant address | company address | store address | shop address | issuer address | sender address | address | from address | biller address | business address",
    ),
    (
        Fact::SupplierTaxId,
        "supplier tax id | supplier vat id | supplier vat number | vendor tax id | vendor vat number | vendor vat id | seller tax id | seller vat id | seller vat number | tax id | vat id | vat number | vat no | tax number | gst number | gst no | gstin \
         | gst id | merchant tax id | company tax id | ust id | ust idnr | partita iva | nif | cif | btw nummer | tva | numero tva | tax identification number | vat registration number | abn | gst registration number | company vat",
    ),
    (
        Fact::CustomerName,
        "customer | customer name | buyer | buyer name | client | client name | bill to | bill to name | billed to | sold to | recipient | recipient name | purchaser | invoice to | kunde | cliente | klant | customer company",
    ),
    (
        Fact::CustomerAddress,
        "customer address | buyer address | client address | billing address | bill to address | recipient address | sold to address",
    ),
    (
        Fact::CustomerTaxId,
        "customer tax id | customer vat id | customer vat number | buyer tax id | buyer vat id | buyer vat number | client vat number | client tax id",
    ),
    (Fact::Iban, "iban | bank account | account iban | bank account iban | supplier iban | iban number"),
    (Fact::Bic, "bic | swift | bic code | swift code | bic swift"),
    (Fact::Currency, "currency | currency code | invoice currency | wahrung | devise | moneda | valuta"),
    (
        Fact::Subtotal,
        "subtotal | sub total | net | net amount | net total | total net | amount net | total before tax | amount before tax | amount without tax | total excluding tax | total excl tax | total excl vat | taxable amount | nettobetrag | netto | total ht | base imponible | imponibile | amount excl vat | total without tax",
    ),
    (
        Fact::TaxAmount,
        "tax | vat | gst | tax amount | vat amount | gst amount | total tax | tax total | total vat | vat total | total tax amount | sales tax | mwst | mehrwertsteuer | umsatzsteuer | steuerbetrag | montant tva | iva | btw | tax value | total gst",
    ),
    (
        Fact::TaxRate,
        "tax rate | vat rate | gst rate | tax percent | tax percentage | vat percent | vat percentage | steuersatz | taux tva | tipo iva",
    ),
    (
        Fact::Discount,
        "discount | discount amount | total discount | rabatt | remise | descuento | sconto | korting",
    ),
    (
        Fact::Total,
        "total | total amount | amount | grand total | amount total | total price | total due amount | invoice total | invoice amount | total invoice amount | gross amount | gross total | total gross | total incl tax | total including tax | total with tax \
         | total incl vat | amount incl vat | receipt total | bill total | gesamtbetrag | bruttobetrag | rechnungsbetrag | montant total | total ttc | importe total | totale | totaalbedrag | total sum | sum | total cost | total value | amount paid | total paid",
    ),
    (
        Fact::AmountDue,
        "amount due | balance due | total due | due amount | balance | outstanding amount | outstanding balance | amount payable | open amount | remaining balance | offener betrag | zahlbetrag | net a payer",
    ),
    (
        Fact::PaymentMethod,
        "payment method | payment type | payment mode | method of payment | paid by | zahlungsart | mode de paiement | forma de pago | metodo di pagamento | betaalmethode | tender type",
    ),
    (
        Fact::Phone,
        "phone | phone number | telephone | telephone number | tel | supplier phone | merchant phone | vendor phone | store phone | telefon | telefono | company phone | seller phone",
    ),
    (
        Fact::Email,
        "email | e mail | email address | supplier email | vendor email | seller email | company email | contact email | merchant email",
    ),
    (
        Fact::Website,
        "website | web site | url | web | homepage | supplier website | vendor website | merchant website | company website",
    ),
    (
        Fact::LineItems,
        "line items | items | lines | products | positions | invoice lines | invoice items | articles | services | purchased items | line item | receipt items | positionen | rechnungspositionen | item list | goods | details | lignes | order lines | entries",
    ),
];
