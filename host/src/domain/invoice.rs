//! An electronic invoice as the European standard EN 16931 has it. The numbers BT-… are the standard's own names for
//! what an invoice says; BG-… are groups of them.

/// An amount, quantity or percentage, as stated.
pub type Number = f64;

/// An invoice or credit note. Texts are as stated, dates `YYYY-MM-DD`; what is not stated is `None` or empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Invoice {
    /// How it was written.
    pub syntax: Syntax,
    /// BT-24: the specification it follows, such as that of XRechnung.
    pub profile: Option<String>,
    /// BT-1.
    pub number: Option<String>,
    /// BT-2.
    pub issue_date: Option<String>,
    /// BT-3: code of UNTDID 1001, such as 380 for an invoice and 381 for a credit note.
    pub type_code: Option<String>,
    /// BT-5: ISO 4217 code of every amount that names no other currency.
    pub currency: Option<String>,
    /// BT-6: currency in which the tax is accounted for, where it is another.
    pub tax_currency: Option<String>,
    /// BT-7.
    pub tax_point_date: Option<String>,
    /// BT-9.
    pub due_date: Option<String>,
    /// BT-10 to BT-19 and BG-3: what it refers to.
    pub references: References,
    /// BT-20.
    pub payment_terms: Option<String>,
    /// BG-1.
    pub notes: Vec<String>,
    /// BG-4.
    pub seller: Party,
    /// BG-7.
    pub buyer: Party,
    /// BG-10: who is paid, where it is not the seller.
    pub payee: Option<Party>,
    /// BG-11.
    pub tax_representative: Option<Party>,
    /// BG-13.
    pub delivery: Delivery,
    /// BG-16.
    pub payment: Payment,
    /// BG-20 and BG-21: allowances and charges on the whole invoice.
    pub adjustments: Vec<Adjustment>,
    /// BG-22.
    pub totals: Totals,
    /// BG-23.
    pub taxes: Vec<Tax>,
    /// BG-24.
    pub supporting_documents: Vec<SupportingDocument>,
    /// BG-25.
    pub lines: Vec<Line>,
}

/// How an invoice is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Syntax {
    /// UN/CEFACT Cross Industry Invoice: ZUGFeRD, Factur-X, XRechnung.
    #[default]
    Cii,
    /// OASIS Universal Business Language: Peppol, XRechnung.
    Ubl,
}

impl Syntax {
    /// The usual name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cii => "CII",
            Self::Ubl => "UBL",
        }
    }
}

/// What an invoice refers to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct References {
    /// BT-10.
    pub buyer: Option<String>,
    /// BT-11.
    pub project: Option<String>,
    /// BT-12.
    pub contract: Option<String>,
    /// BT-13.
    pub order: Option<String>,
    /// BT-14.
    pub sales_order: Option<String>,
    /// BT-15.
    pub receipt: Option<String>,
    /// BT-16.
    pub despatch: Option<String>,
    /// BT-17.
    pub tender: Option<String>,
    /// BT-18.
    pub object: Option<String>,
    /// BT-19.
    pub accounting: Option<String>,
    /// BG-3: earlier invoices, with their dates.
    pub preceding: Vec<(String, Option<String>)>,
}

/// A party.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Party {
    /// BT-27, BT-44.
    pub name: Option<String>,
    /// BT-28, BT-45.
    pub trading_name: Option<String>,
    /// BT-29, BT-46.
    pub identifiers: Vec<String>,
    /// BT-30, BT-47.
    pub registration: Option<String>,
    /// BT-31, BT-48.
    pub vat_id: Option<String>,
    /// BT-32.
    pub tax_number: Option<String>,
    /// BT-33.
    pub legal_form: Option<String>,
    /// BT-34, BT-49.
    pub electronic_address: Option<String>,
    /// BG-5, BG-8.
    pub address: Address,
    /// BT-41, BT-56.
    pub contact: Option<String>,
    /// BT-42, BT-57.
    pub phone: Option<String>,
    /// BT-43, BT-58.
    pub email: Option<String>,
}

/// A postal address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// Street, and what else stands before the city.
    pub lines: Vec<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// ISO 3166 code.
    pub country: Option<String>,
}

impl Address {
    /// The address in one line; `None` for an empty one.
    pub fn in_one_line(&self) -> Option<String> {
        let city =
            [&self.postal_code, &self.city].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
        let parts =
            self.lines.iter().cloned().chain([city]).chain(self.region.clone()).chain(self.country.clone());
        let line = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
        (!line.is_empty()).then_some(line)
    }
}

/// Where and when goods are delivered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivery {
    /// BT-70.
    pub name: Option<String>,
    /// BT-71.
    pub location: Option<String>,
    /// BT-72.
    pub date: Option<String>,
    /// BT-73.
    pub period_start: Option<String>,
    /// BT-74.
    pub period_end: Option<String>,
    /// BG-15.
    pub address: Address,
}

/// How an invoice is paid.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Payment {
    /// BT-81: code of UNTDID 4461.
    pub means_code: Option<String>,
    /// BT-82.
    pub means_text: Option<String>,
    /// BT-83.
    pub remittance: Option<String>,
    /// BG-17.
    pub accounts: Vec<Account>,
    /// BT-87: the last digits of the card.
    pub card: Option<String>,
    /// BT-89.
    pub mandate: Option<String>,
    /// BT-90.
    pub creditor_id: Option<String>,
    /// BT-91.
    pub debited_account: Option<String>,
}

/// An account to pay to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// BT-84: an IBAN where there is one.
    pub id: String,
    /// BT-85.
    pub name: Option<String>,
    /// BT-86.
    pub bic: Option<String>,
}

/// An allowance or a charge.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Adjustment {
    /// Whether it makes the invoice dearer.
    pub is_charge: bool,
    /// BT-92, BT-99.
    pub amount: Option<Number>,
    /// BT-93, BT-100.
    pub base: Option<Number>,
    /// BT-94, BT-101.
    pub percent: Option<Number>,
    /// BT-97, BT-104, or the code in BT-98, BT-105.
    pub reason: Option<String>,
    /// BT-95, BT-102.
    pub tax_category: Option<String>,
    /// BT-96, BT-103.
    pub tax_rate: Option<Number>,
}

/// The sums of an invoice.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Totals {
    /// BT-106: sum of the lines.
    pub lines: Option<Number>,
    /// BT-107.
    pub allowances: Option<Number>,
    /// BT-108.
    pub charges: Option<Number>,
    /// BT-109.
    pub without_tax: Option<Number>,
    /// BT-110.
    pub tax: Option<Number>,
    /// BT-111: the same in the accounting currency.
    pub tax_in_tax_currency: Option<Number>,
    /// BT-112.
    pub with_tax: Option<Number>,
    /// BT-113.
    pub prepaid: Option<Number>,
    /// BT-114.
    pub rounding: Option<Number>,
    /// The sum of BT-DEX-002: what is due for the services of others.
    pub third_party: Option<Number>,
    /// BT-115.
    pub due: Option<Number>,
}

/// The tax at one rate.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tax {
    /// BT-116.
    pub base: Option<Number>,
    /// BT-117.
    pub amount: Option<Number>,
    /// BT-118: code of UNTDID 5305, such as `S` for the standard rate.
    pub category: Option<String>,
    /// BT-119, in per cent.
    pub rate: Option<Number>,
    /// BT-120, or the code in BT-121.
    pub exemption: Option<String>,
}

/// A document that an invoice carries or refers to. Its content is not read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SupportingDocument {
    /// BT-122.
    pub id: Option<String>,
    /// BT-123.
    pub description: Option<String>,
    /// BT-124; never fetched.
    pub url: Option<String>,
    /// File name in BT-125.
    pub file_name: Option<String>,
    /// Media type in BT-125.
    pub media_type: Option<String>,
}

/// A line of an invoice.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Line {
    /// BT-126.
    pub id: Option<String>,
    /// Id of the line that this one is part of.
    pub parent: Option<String>,
    /// `group`, `information` or `subline` of one whose amount is in that of another, or is none; `None` of all others.
    pub status: Option<String>,
    /// BT-127.
    pub note: Option<String>,
    /// BT-129.
    pub quantity: Option<Number>,
    /// BT-130: code of UN/ECE recommendations 20 and 21.
    pub unit: Option<String>,
    /// BT-131.
    pub amount: Option<Number>,
    /// BT-132.
    pub order_line: Option<String>,
    /// BT-133.
    pub accounting: Option<String>,
    /// BT-134.
    pub period_start: Option<String>,
    /// BT-135.
    pub period_end: Option<String>,
    /// BG-27 and BG-28.
    pub adjustments: Vec<Adjustment>,
    /// BT-146: price after discount.
    pub price: Option<Number>,
    /// BT-147.
    pub discount: Option<Number>,
    /// BT-148.
    pub gross_price: Option<Number>,
    /// BT-149: the quantity that the price is for; 1 where it is not stated.
    pub price_quantity: Option<Number>,
    /// BT-151.
    pub tax_category: Option<String>,
    /// BT-152, in per cent.
    pub tax_rate: Option<Number>,
    /// BT-153.
    pub name: Option<String>,
    /// BT-154.
    pub description: Option<String>,
    /// BT-155.
    pub seller_code: Option<String>,
    /// BT-156.
    pub buyer_code: Option<String>,
    /// BT-157.
    pub standard_code: Option<String>,
    /// BT-158.
    pub classifications: Vec<String>,
    /// BT-159.
    pub origin: Option<String>,
    /// BG-32: names and values.
    pub attributes: Vec<(String, String)>,
}

impl Invoice {
    /// Whether it is a credit note, by its type code.
    pub fn is_credit_note(&self) -> bool {
        matches!(
            self.type_code.as_deref(),
            Some("81" | "83" | "261" | "296" | "308" | "381" | "396" | "420" | "458" | "532")
        )
    }
}
