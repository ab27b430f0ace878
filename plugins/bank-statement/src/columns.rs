//! What the columns of a statement are called.

use ocriva_plugin_sdk::labels::Lexicon;

/// A column of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// Day of booking.
    Date,
    /// Day from which interest counts.
    ValueDate,
    /// What the movement is for; what else is printed of it goes there.
    Description,
    /// Money that left.
    Debit,
    /// Money that came.
    Credit,
    /// Movement with its sign.
    Amount,
    /// Balance behind the movement.
    Balance,
}

/// All columns, as they are told.
pub const ALL: [(Column, &str); 7] = [
    (Column::Date, "date"),
    (Column::ValueDate, "valueDate"),
    (Column::Description, "description"),
    (Column::Debit, "debit"),
    (Column::Credit, "credit"),
    (Column::Amount, "amount"),
    (Column::Balance, "balance"),
];

/// Headings, and names that templates give the columns.
const WORDS: [(Column, &str); 7] = [
    (
        Column::ValueDate,
        "value date | valuta | valuta date | wert | wertstellung | valutadatum | date de valeur | date valeur | valeur | fecha valor | f valor | data valuta | valutadag | rentedatum | data waluty",
    ),
    (
        Column::Date,
        "date | booking date | posting date | posted | post date | trans date | transaction date | entry date | day | datum | buchungstag | buchungsdatum | buchung | bu tag | date operation | date d operation | date comptable | fecha | fecha operacion | fecha contable | data | data operazione | data contabile | data movimento | boekdatum | boekingsdatum | transactiedatum | data operacji | data ksiegowania | bokforingsdag | bokford | dato",
    ),
    (
        Column::Description,
        "description | details | detail | transaction | transactions | transaction details | transaction description | particulars | narrative | narration | remarks | payee | payment details | reference | type | verwendungszweck | buchungstext | vorgang | text | beschreibung | empfanger | auftraggeber | auftraggeber empfanger | buchungsinformationen | erlauterung | libelle | operation | operations | nature de l operation | designation | concepto | descripcion | movimiento | detalle | descrizione | causale | descrizione operazione | omschrijving | naam omschrijving | opis | opis operacji | tytul | historico | beskrivning | tekst",
    ),
    (
        Column::Debit,
        "debit | debits | debit amount | withdrawal | withdrawals | withdrawals debits | withdrawal amount | money out | paid out | payments | payments out | out | dr | debit dr | charges | soll | belastung | belastungen | lastschrift | ausgang | ausgaben | zu ihren lasten | debe | cargo | cargos | adeudos | addebiti | addebito | dare | uscite | af | afschrift | afgeschreven | obciazenia | debito | debitos",
    ),
    (
        Column::Credit,
        "credit | credits | credit amount | deposit | deposits | deposits credits | deposit amount | money in | paid in | receipts | payments in | in | cr | credit cr | haben | gutschrift | gutschriften | eingang | einnahmen | zu ihren gunsten | haber | abono | abonos | accrediti | accredito | avere | entrate | bij | bijschrijving | bijgeschreven | uznania | credito | creditos",
    ),
    (
        Column::Amount,
        "amount | transaction amount | amt | movement | value | betrag | umsatz | betrag eur | betrag in eur | umsatz eur | montant | montant eur | importe | importe eur | importo | importo eur | bedrag | bedrag eur | kwota | kwota operacji | valor | belopp | belob | belop",
    ),
    (
        Column::Balance,
        "balance | running balance | balance after | available balance | ledger balance | closing balance | account balance | saldo | kontostand | saldo eur | neuer saldo | solde | solde eur | saldo contable | saldo disponible | saldo contabile | saldo po operacji | saldo na boeking | nieuw saldo | bal",
    ),
];

/// The words of all columns.
pub fn lexicon() -> Lexicon<Column> {
    Lexicon::new(WORDS.iter().flat_map(|(column, words)| words.split(" | ").map(move |word| (*column, word))))
}
