//! What business documents call things, in the languages of their countries.
//!
//! Phrases are compared without case, accents, spaces and punctuation (`text::compact`); `#` counts as a letter.

use crate::labels::Lexicon;

/// What a label says about the value beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Concept {
    /// Number of the invoice or receipt.
    DocumentNumber,
    /// "No." alone.
    BareNumber,
    /// A title such as "Invoice", which a number may follow.
    Title,
    /// Order or purchase order.
    OrderNumber,
    /// The customer's number at the supplier.
    CustomerNumber,
    /// A reference that is none of the above.
    OtherNumber,
    /// Date of the document.
    DocumentDate,
    /// A date without saying which.
    AnyDate,
    /// Last day of payment.
    DueDate,
    /// A date that is not the document's: delivery, order, period, printing.
    OtherDate,
    /// Time of day.
    Time,
    /// Net amount, before tax.
    Subtotal,
    /// "Net total", which some print before and some after tax.
    NetTotal,
    /// An amount of tax.
    Tax,
    /// A rate of tax.
    TaxRate,
    /// The amount after tax, said in full: "grand total", "total including tax".
    GrandTotal,
    /// "Total" alone.
    Total,
    /// What is still to be paid.
    AmountDue,
    /// The total after rounding.
    RoundedTotal,
    /// The amount that rounding added.
    Rounding,
    /// A deduction.
    Discount,
    /// Shipping, service charge, tip: added before or after tax.
    Charge,
    /// Money handed over.
    Tendered,
    /// Money given back.
    Change,
    /// Already paid before.
    Paid,
    /// Amounts and counts that must not be taken for a total.
    NoTotal,
    /// Starts the summary of tax at the end of a receipt.
    TaxSummary,
    /// How it is paid.
    PaymentMethod,
    /// Starts the seller's name or address.
    Supplier,
    /// Whose bank account it is: most often the seller.
    AccountHolder,
    /// Starts the buyer's name or address.
    Customer,
    /// Starts the place of delivery.
    Delivery,
    /// A tax or VAT number.
    TaxId,
    /// A tax number that is said to be the buyer's.
    CustomerTaxId,
    /// A number in a company register.
    Registration,
    /// An international bank account.
    Iban,
    /// A bank's code.
    Bic,
    /// Currency of the amounts.
    Currency,
    /// Telephone and fax.
    Phone,
    /// E-mail.
    Email,
    /// Web site.
    Website,
    /// Staff, tables, tills: labels that only end what stands before them.
    Other,
}

/// The lexicon of all labels.
pub fn lexicon() -> Lexicon<Concept> {
    Lexicon::new(
        PHRASES
            .iter()
            .flat_map(|(concept, phrases)| phrases.split('|').map(move |phrase| (*concept, phrase.trim()))),
    )
}

/// All phrases of one meaning.
pub fn phrases(concept: Concept) -> impl Iterator<Item = &'static str> {
    let of_concept = PHRASES.iter().filter(move |(other, _)| *other == concept);
    of_concept.flat_map(|(_, phrases)| phrases.split('|').map(str::trim))
}

const PHRASES: &[(Concept, &str)] = &[
    (
        Concept::DocumentNumber,
        "invoice number | invoice no | invoice nr | invoice num | invoice # | invoice id | inv no | inv nr | inv # | inv number \
         | inv id | invoice reference | invoice ref | tax invoice no | tax invoice number | tax invoice # | invoice # no | bill number | bill no \
         | bill # | bill nr | document number | document no | document # | doc no | doc # | doc number | receipt no | receipt number | receipt # \
         | receipt # no | receipt id | rcpt no | rcpt # | rcpt | voucher no | credit note number | credit note no | trans no | transaction no | transaction id | transaction # | trans # \
         | cash bill no | cash sales no | cash sale no | cash inv no | sales no | slip no | slip # | check # | chk # | statement number | statement no | reference invoice \
         | chit # | ticket # | ticket no | ticket number | tax inv no | taxinv | txn | folio no | invoice n \
         | rechnungsnummer | rechnungsnr | rechnungs nr | rechnungs nummer | rechnung nr | rechnung no | rechnung nummer | rechnung # | re nr | rg nr | rechn nr \
         | belegnummer | belegnr | beleg nr | bon nr | bonnr | bon nummer | faktura nr | fakturanummer | faktur nr | gutschriftsnummer | gutschrift nr | rechnungs no \
         | facture n | facture no | facture numero | numero de facture | numero facture | n de facture | no de facture | n facture | no facture | num facture \
         | ref facture | reference facture | facture ref | ticket n | numero de ticket | numero de la facture | avoir n \
         | factura n | factura no | factura num | factura numero | numero de factura | numero factura | n de factura | n factura | no factura | no de factura | num factura | num de factura \
         | factura simplificada n | factura # | numero de documento | recibo n | recibo no \
         | fattura n | fattura nr | fattura no | fattura numero | numero fattura | n fattura | num fattura | numero documento | n documento | nr documento | n doc | scontrino n | documento n | doc n \
         | factuurnummer | factuurnr | factuur nr | factuur nummer | factuur no | notanummer | bonnummer | factuur # \
         | fatura n | fatura no | numero da fatura | n da fatura | fatura numero | nota fiscal n | numero da nota | fatura recibo n | fatura # | nf n \
         | faktury nr | numer faktury | nr faktury | faktura vat nr | rachunek nr | faktura numer | paragon nr \
         | fakturanr | faktura nummer | kvitteringsnummer | kvittonr | kvitto nr | laskun numero | laskunumero | laskun nro | lasku nro | faktura no \
         | faktura c | cislo faktury | danovy doklad c | faktura cislo | factura nr | numar factura | szamlaszam | szamla sorszama | szamla szama | fatura numarasi | fis no \
         | no faktur | nomor faktur | nomor invoice | no invoice | no nota | เลขที่ | เลขที่ใบแจ้งหนี้ | เลขที่ใบกำกับภาษี | เลขที่ใบกำกับ | เลขที่ใบเสร็จ | เลขที่เอกสาร | so hoa don \
         | 請求書番号 | 发票号码 | 송장번호 \
         | credit memo no | credit memo # | credit memo number | debit note no | receipt num | order receipt no | invoice no date | rechnungskorrektur nr | stornorechnung nr | quittung nr | quittungsnummer | bon no | recu n | no de recu | n de recu | n ticket | nota de credito n | numero recibo | n recibo | ricevuta n | numero ricevuta | nota di credito n | scontrino fiscale n | creditnota nr | creditnotanummer | fatura simplificada n | numero fatura | faktura korygujaca nr | numer dokumentu | nr dokumentu | nr rachunku | numer paragonu | nr paragonu | kreditnota nr | kreditfaktura nr | bilagsnummer | bilag nr | kuitti nro | kuittinumero | kuitin numero | uctenka c | cislo uctenky | doklad c | cislo dokladu | bizonylatszam | nyugta sorszama | sorszam | szamla sorszam | numar bon \
         | kvitteringsnr | kvittering nr | bong nr | kassabon nr \
         | bill reference | bill ref | gutschrifts nr | gutschrift no | document reference | folio number | folio | pro number | freight bill no | freight bill number | bol number | waybill no | awb | statement ref",
    ),
    (Concept::BareNumber, "no | nr | number | nummer | numero | num"),
    (
        Concept::OrderNumber,
        "order number | order no | order nr | order # | order id | order ref | order reference | your order no | your order number | our order no | our order number \
         | purchase order | purchase order number | purchase order no | purchase order # | po number | po no | po # | p o number | p o no | p o # | customer order number | customer po | cust po | your order | your po \
         | buyer order number | buyers order no | sales order | sales order no | sales order number | so number | job no | job number | work order | repair order # | your reference | your ref | customer reference | customer ref | booking id | booking no | booking number | reservation number \
         | bestellnummer | bestellnr | bestell nr | bestellung nr | bestellung | auftragsnummer | auftragsnr | auftrags nr | auftrag nr | ihre bestellnummer | ihre bestellung | ihre referenz | ihr zeichen | kundenreferenz | ihre bestellnr \
         | numero de commande | n de commande | no de commande | commande n | bon de commande | bon de commande n | votre reference | votre commande | n commande | reference commande | reference client | votre ref | numero commande \
         | numero de pedido | n pedido | n de pedido | pedido | pedido n | su pedido | su referencia | orden de compra | num pedido | no pedido \
         | numero ordine | ordine n | n ordine | vostro ordine | vs ordine | rif ordine | ordine nr | ordine di acquisto | vs riferimento \
         | ordernummer | bestelnummer | order nummer | uw referentie | uw ordernummer | uw kenmerk | inkoopordernummer \
         | numero do pedido | encomenda n | n encomenda | vossa encomenda | ordem de compra | v encomenda \
         | numer zamowienia | nr zamowienia | zamowienie nr | bestallningsnummer | ordrenummer | ordrenr | ordre nr | er referens | deres ref | tilausnumero | viitteenne | cislo objednavky | objednavka c | rendelesszam | siparis no | เลขที่ใบสั่งซื้อ \
         | uw order | uw bestelnummer | ihr auftrag | ihre auftragsnummer | commande client | pedido cliente | no de pedido cliente | v pedido | v referencia | rif vs ordine | ordine cliente | vs ordine n | nr zlecenia | zlecenie nr | deres referanse | deres referencie | vart ordernr | ert ordernr | ert ordernummer | tilausnro | zakazka c | cislo zakazky | megrendeles szama | rendeles szama | reservation no | reservation # | confirmation number | confirmation no | confirmation # | pnr | numero de reservation | numero de reserva | buchungsnummer | buchungsnr | reserveringsnummer \
         | lpo no | lpo number | lpo",
    ),
    (
        Concept::CustomerNumber,
        "customer number | customer no | customer # | customer id | customer nr | client number | client id | client no | id client | account number | account no | account # | account id | member no | member id | acct no | acct # | cust no | cust id | debtor no \
         | kundennummer | kundennr | kunden nr | kunden no | debitorennummer | kd nr | kundenummer | numero client | n client | no client | code client | ref client | numero de compte | identifiant \
         | numero de cliente | n cliente | cod cliente | codigo cliente | codice cliente | klantnummer | klantnr | klant nr | debiteurnummer | relatienummer | numero do cliente | n cliente | numer klienta | kundnummer | kundnr | kundenr | asiakasnumero | cislo zakaznika | รหัสลูกค้า \
         | customer code | customer account | customer account no | client code | client ref | account code | account ref | your account | kundenkonto | kundenkennung | numero abonne | n abonne | no abonne | reference abonne | compte client | n de client | numero de client | cliente n | n de cliente | codigo de cliente | no de cliente | cod cli | numero cliente | nr klienta | kod klienta | numer nabywcy | kunde id | debitornr | asiakasnro | zakaznicke cislo | cislo odberatele | vevokod | vevo kodja | vevoazonosito | musteri no",
    ),
    (
        Concept::OtherNumber,
        "numero de dossier | dossier n | contract no | contract number | vertragsnummer | numero de ligne | delivery note | delivery note no | lieferschein | lieferscheinnummer | lieferschein nr | bon de livraison | bon de livraison n | albaran | ddt n | pakbon | claim # | policy # | reference no | reference number | ref no | ref nr | ref # | reference | ref | referenz | referencia | riferimento | referentie | kenmerk | unser zeichen | our reference | our ref | notre reference | agreement ref | ref marche | project no | projekt nr | projektnummer | serial number | seriennummer | serienummer | article number | artikelnummer | artikelnr | approval code | auth code | batch no | trace no | auth | terminal id | merchant id",
    ),
    (
        Concept::DocumentDate,
        "invoice date | date of invoice | inv date | invoice dt | tax invoice date | bill date | billing date | billed on | date of issue | issue date | date issued | issued | issued at | issued on | issued date | document date | doc date | receipt date | tax date | tax point | date of supply tax point | dated | statement date | bill dt | biz date | bizdate | transaction date | trans date | txn date | sale date | sales date | purchase date | business date | invoice issued | invoiced on | date of document | date invoice | date time | date & time | date/time \
         | rechnungsdatum | rechnung vom | belegdatum | ausstellungsdatum | datum der rechnung | rechnungs datum | re datum | rg datum | ausgestellt am | fakturadatum | rechnungsdat | datum rechnung | kaufdatum \
         | date de facture | date de la facture | date de facturation | date facture | date d emission | date emission | facture du | date du document | emise le | emis le | date d achat | etabli le | date de vente | facture emise le \
         | fecha de factura | fecha factura | fecha de la factura | fecha de emision | fecha emision | fecha de expedicion | fecha expedicion | fecha documento | fecha de compra \
         | data fattura | data della fattura | data documento | data di emissione | data emissione | data doc | fattura del | del documento \
         | factuurdatum | factuur datum | datum factuur | aankoopdatum \
         | data da fatura | data fatura | data de emissao | data emissao | data do documento | emitido em \
         | data wystawienia | data faktury | wystawiono | wystawiono dnia | data sprzedazy | datum vystaveni | fakturadato | faktura dato | fakturerings dato | faktureringsdato | laskun paivays | laskun pvm | laskupaiva | data facturii | data emiterii | szamla kelte | kiallitas datuma | kelte | fatura tarihi | duzenleme tarihi | tanggal faktur | tanggal invoice | วันที่ออกใบแจ้งหนี้ | วันที่ออก | วันที่เอกสาร | วันที่ใบกำกับ | วันที่ใบกำกับภาษี | ngay hoa don | 発行日 | 請求日 | 开票日期 \
         | date of receipt | date of purchase | date of sale | data zakupu | data dokumentu | data paragonu | dato for udstedelse | udstedelsesdato | utstedt | fakturans datum | datum fakturace | vystaveno | vystaveno dne | datum vystaveni dokladu | szamla datuma | kiallitva | kiallitas kelte | laskutuspaiva | paivays | date facturation | facture etablie le | fait le | date de l achat | expedida el | fecha de venta | emessa il | del giorno | data scontrino | emitida em | datum bon | verkoopdatum | bestelling geplaatst op | facturatiedatum",
    ),
    (
        Concept::AnyDate,
        "date | datum | fecha | data | dato | pvm | paivays | paivamaara | tarih | tanggal | tgl | วันที่ | ngay | 日付 | 日期 | dt | date le | the date",
    ),
    (
        Concept::DueDate,
        "a echeance du | echeance du | pagamento entro il | entro il | due date | date due | payment due | payment due date | payment due by | due by | due on | pay by | please pay by | payable by | pay before | amount due on | total amount due on | balance due date | payment deadline | please remit until | payment date | due \
         | faelligkeitsdatum | falligkeitsdatum | falligkeit | fallig am | faellig am | fallig | zahlbar bis | zahlungsziel | zahlungsfrist | zu zahlen bis | zahlbar bis zum | zahlung bis | bitte uberweisen sie bis zum | uberweisen sie bis zum | bitte bezahlen bis | zahlungstermin | bis zum \
         | date d echeance | date echeance | echeance | date limite de paiement | date limite de paiement le | a payer avant le | a regler avant le | payable avant le | date de reglement | echeance le | a regler le | prelevement a partir du \
         | fecha de vencimiento | fecha vencimiento | vencimiento | fecha de pago | fecha limite de pago | pagar antes de | vto | scadenza | data scadenza | scadenza pagamento | data di scadenza | scadenze \
         | vervaldatum | uiterste betaaldatum | betalen voor | te betalen voor | betaaldatum | vervaldag | data de vencimento | vencimento | data vencimento | data limite de pagamento | pagar ate \
         | termin platnosci | termin zaplaty | data platnosci | forfallsdato | forfall | forfaldsdato | forfallodatum | forfallodag | betalingsfrist | betales senest | erapaiva | datum splatnosti | splatnost | data scadentei | scadent la | fizetesi hatarido | esedekesseg | son odeme tarihi | vade tarihi | vade | jatuh tempo | tanggal jatuh tempo | ครบกำหนด | วันครบกำหนด | วันที่ครบกำหนด | กำหนดชำระ | 支払期限 | 付款期限 \
         | due for payment | payment due on | to be paid by | zahlbar am | zahlungsziel bis | zahlbar ohne abzug bis | falligkeitstermin | echeance de paiement | limite de paiement | a regler au plus tard le | payable le | regler avant le | pagar hasta | fecha tope de pago | fecha de cobro | scadenza il | termine di pagamento | scade il | uiterlijk te betalen op | te betalen op | betalen uiterlijk | betaling voor | data de pagamento | prazo de pagamento | zaplacic do | platne do | termin platnosci do | oss tillhanda senast | oss tillhanda | betalas senast | sista betalningsdag | forfaller | forfallsdag | betalingsdato | sidste rettidige betalingsdag | maksupaiva | viimeinen maksupaiva | datum splatnosti faktury | fizetes hatarideje | fizetesi hatarnap | kelt es fizetesi hatarido",
    ),
    (
        Concept::OtherDate,
        "delivery date | date of delivery | shipping date | ship date | shipped on | order date | date of order | date ordered | service date | date of service | service period | billing period | period | print date | printed | printed at | printed on | date printed | expiry date | valid until | departure | arrival | check in | check out | closed | start date | end date | from date | to date | supply date | date of supply | training date | date of birth \
         | leistungsdatum | leistungszeitraum | lieferdatum | liefer bzw leistungsdatum | liefer und leistungsdatum | liefertermin | bestelldatum | auftragsdatum | abrechnungszeitraum | zeitraum | leistungsmonat | druckdatum | lieferung am | leistungs datum | versanddatum \
         | date de livraison | date de commande | periode | periode de facturation | date d expedition | date de prestation | commande du | date commande | date d impression | livre le \
         | fecha de entrega | fecha de pedido | fecha pedido | periodo | periodo de facturacion | fecha de operacion | fecha valor | data consegna | data ordine | periodo di riferimento | data di consegna | data trasporto \
         | orderdatum | leverdatum | besteldatum | periode van | afleverdatum | data de entrega | data da encomenda | data dostawy | data wykonania uslugi | leveransdatum | leveringsdato | orderdato | ordredato | toimituspaiva | datum uskutecneni plneni | duzp | datum zdanitelneho plneni | teljesites | teljesites datuma | sevk tarihi",
    ),
    (Concept::Time, "time | zeit | uhrzeit | heure | hora | ora | tijd | tid | jam | เวลา | 時刻 | 时间"),
    (
        Concept::Subtotal,
        "total without vat | subtotal | sub total | subtotal incl gst | sub total incl gst | subtotal inclusive gst | subtotal incl tax | sub ttl | subttl | sub total excl gst | sub total gst | net amount | net | total net amount | total before tax | total excluding tax | total excl tax | total excl vat | total excluding vat | total ex vat | total ex gst | total excl gst | total excluding gst | total sales excluding gst | total sales excl gst | sales excl gst | total sales excluding sst | total excluding sst | total ex tax | amount before tax | taxable amount | taxable value | taxable total | amount excl vat | amount excl tax | amount net | net value | goods total | merchandise total | total goods | total exclusive of gst | total exclusive of tax | total taxable amount | net price total | total w o tax | sum net | net sum | item total | items total | untaxed amount | sub total exclude gst | total exclude gst | total excl of gst | total amount excl gst | total amount excluding gst | total without tax | total amount before tax | sub total before tax | sub total ex gst \
         | zwischensumme | nettobetrag | netto | summe netto | nettosumme | gesamt netto | netto gesamt | netto summe | gesamtbetrag netto | gesamtsumme netto | rechnungsbetrag netto | warenwert | warenwert netto | netto betrag | total netto | nettowert | summe ohne mwst | betrag netto | summe positionen | gesamtnetto | netto warenwert | entgelt | rechnungsbetrag ohne mwst | zwischensumme netto | nettoentgelt | netto rechnungsbetrag \
         | total ht | sous total | sous total ht | montant ht | total hors taxe | total hors taxes | total hors tva | montant hors taxe | base ht | net ht | total net ht | montant total ht | total ht net | prix total ht | somme ht | montant net ht | total htva \
         | base imponible | subtotal sin iva | total sin iva | importe neto | total neto | suma | importe sin iva | base | total base imponible | total bruto sin iva | base iva | neto \
         | imponibile | totale imponibile | totale netto | subtotale | netto a pagare senza iva | totale merce | importo netto | totale imponibile merce | imponibile totale | base imponibile | totale senza iva \
         | subtotaal | exclusief btw | totaal exclusief btw | totaal excl btw | totaal ex btw | excl btw | bedrag exclusief btw | netto bedrag | subtotaal excl btw | totaalbedrag excl btw | bedrag excl btw | totaal netto | netto totaal | nettobedrag | grondslag \
         | total sem iva | total iliquido | valor liquido | total liquido | base tributavel | incidencia | base de incidencia | soma | total s iva | valor sem iva \
         | wartosc netto | razem netto | suma netto | kwota netto | delsumma | summa exkl moms | netto summa | exkl moms | belopp exkl moms | nettobelop | sum eks mva | netto belop | belob ekskl moms | subtotal ekskl moms | i alt ekskl moms | total ekskl moms | veroton hinta | veroton yhteensa | veroton summa | yhteensa alv 0 | zaklad dane | celkem bez dph | cena bez dph | mezisoucet | total fara tva | netto osszesen | netto osszeg | adoalap | ara toplam | matrah | kdv haric toplam | toplam tutar kdv haric | รวมเป็นเงิน | มูลค่าก่อนภาษี | ยอดรวมก่อนภาษี | มูลค่าสินค้า | จำนวนเงินก่อนภาษี | 小計 | 小计 \
         | summa exklusive moms | total ex moms | belop eks mva | sum ekskl mva | sum uten mva | sum eksklusive mva | total eks mva | netto ekskl moms | i alt uden moms | total uden moms | momspligtigt belob | arvo ilman alv | yhteensa ilman alv | veroton arvo | valisumma | reszosszeg | reszosszesen | zwischentotal | total exkl mwst | total exklusive mwst | subtotal exkl mwst | nettototal | total excl btw | total excl tva | total sin impuestos | subtotal sin impuestos | wartosc netto razem | total sem impostos | valor iliquido | zaklad | zaklad dph | cena celkem bez dph | sprzedaz opodatkowana | sprzedaz opodatkowana a | sprzedaz opod ptu a | invoice subtotal | order subtotal | sub totals | net invoice total | product total | goods value | total net value | net invoice amount | total amount before gst | pre tax total | total pre tax | merchandise subtotal | items subtotal | total avant taxes | montant avant taxes",
    ),
    (Concept::NetTotal, "net total | total net | nett total | net ttl | total nett"),
    (
        Concept::Tax,
        "kwota ptu | vat paid | tax | vat | gst | sst | hst | pst | tax amount | vat amount | gst amount | total tax | total vat | total gst | sales tax | sales taxes | gst payable | plus vat | add gst | add vat | service tax | total sst | output tax | tax total | vat total | tax payable | gst total | total tax amount | value added tax | cgst | sgst | igst | state tax | local tax | city tax | tax incl | gst included | gst incl | includes gst | including gst | incl gst | incl vat | total gst amount | vat included | gst included in total | gst inclusive | tax included | includes vat of | of which vat | vat charged | sst amount | meals tax | total includes gst | consumption tax \
         | mwst | ust | mehrwertsteuer | umsatzsteuer | mwst betrag | ust betrag | zzgl mwst | zzgl ust | zuzuglich mwst | zuzuglich umsatzsteuer | zuzgl mwst | zuzgl ust | steuer | steuerbetrag | gesamt mwst | ust gesamt | umsatzsteuer gesamt | enthaltene mwst | inkl mwst | enthaltene umsatzsteuer | mehrwertsteuer gesamt | mwst gesamt | summe mwst | summe ust | davon mwst | steuern | mwst enthalten | incl mwst | enth mwst | darin enthalten mwst | plus mwst | umsatzsteuerbetrag | steuer gesamt | zzgl umsatzsteuer | zzgl gesetzl mwst | gesetzl mwst \
         | tva | montant tva | total tva | dont tva | montant de la tva | total taxes | taxes | taxe | tva collectee | total de la tva | dont tva a | tvq | tps | taxe totale | tva totale \
         | iva | cuota iva | total iva | importe iva | cuota | impuestos | impuesto | total impuestos | iva incluido | cuota de iva | igic | i v a \
         | imposta | totale iva | importo iva | totale imposta | iva totale | di cui iva | ammontare iva | imposta totale | iva compresa \
         | btw | btw bedrag | totaal btw | btw totaal | omzetbelasting | waarvan btw | bedrag btw | btw laag | btw hoog | incl btw bedrag \
         | valor iva | total de iva | imposto | valor do iva | total imposto | total do imposto | icms \
         | kwota vat | podatek vat | podatek | razem vat | suma vat | ptu | suma ptu | moms | varav moms | momsbelopp | mva | mva belop | heraf moms | moms 25 | alv | alv yhteensa | arvonlisavero | veron osuus | dph | dan | celkem dph | dph celkem | total tva | valoare tva | afa | afa osszesen | afa osszeg | kdv | kdv tutari | toplam kdv | hesaplanan kdv | ppn | pajak | ภาษีมูลค่าเพิ่ม | จำนวนภาษี | thue gtgt | 消費税 | 税额 | 부가세 \
         | merverdiavgift | mervardesskatt | mva beloep | moms utgor | moms udgor | heraf moms udgor | moms i alt | total moms | moms total | varav mervardesskatt | mva utgjor | dan z pridane hodnoty | alv osuus | alv maara | afa tartalom | vat content | vat contained | total vat amount | vat payable | incl tax | inclusive of tax | mwst ausgewiesen | enthaltene ust | inkl ust | darin mwst | darin enthaltene mwst | beinhaltete mwst | tva comprise | tva incluse | dont taxes | montant des taxes | iva inclusa | iva inc | cuota del iva | btw inbegrepen | inclusief btw bedrag | valor do imposto | iva incluido no total | podatek od towarow i uslug | gst hst | total tax due | estimated tax | occupancy tax | tax charged | total sst tax | vat total amount | ppn 11 | pb1 \
         | qst | tps tvh | tvh | provincial tax | federal tax | county tax",
    ),
    (
        Concept::TaxRate,
        "tax rate | vat rate | gst rate | steuersatz | mwst satz | ust satz | taux | taux tva | taux de tva | tipo iva | tipo de iva | aliquota | aliquota iva | btw tarief | btw percentage | taxa iva | taxa | taxa de iva | stawka vat | momssats | sazba dph | mwst % | vat % | tax % | % tva | % iva | btw %",
    ),
    (
        Concept::GrandTotal,
        "total this invoice | total for this invoice | total of this invoice | total with tax | total with vat | total paid with vat | total with taxes | grand total | total payable | total amount payable | amount payable | total amt payable | total amount incl gst | total amt incl gst | total incl gst | total incl of gst | total inclusive of gst | total inclusive gst | total including gst | total with gst | total inc gst | total gst incl | total gst included | total incl tax | total incl vat | total including vat | total including tax | total inc vat | total inc tax | total incl sst | total inclusive of sst | total sales inclusive of gst | total sales inclusive gst | total sales incl gst | total sales incl of gst | total sales including gst | total sales inclusive of sst | total sales incl sst | total rm incl gst | total rm incl of gst | total amount incl vat | total amount including vat | total invoice amount | invoice total | total invoice | invoice amount | invoice value | total invoice value | gross total | gross amount | total gross | total after tax | total amount after tax | final total | final amount | net payable | net amount payable | nett amount | net total rm | total rm | bill total | bill amount | total bill | total bill amount | order total | total sale | total charge | total charges | total charged | amount charged | total to pay | to pay | total price | total inclusive tax | total price incl vat | total inclusive of tax | total inclusive of vat | jumlah besar | jumlah bayaran | jumlah perlu dibayar | total after rounding | receipt total | total purchase | total cost | total inclusive \
         | gesamtbetrag | gesamtsumme | rechnungsbetrag | rechnungssumme | endbetrag | endsumme | bruttobetrag | bruttosumme | gesamt brutto | brutto gesamt | gesamtbetrag brutto | gesamtbetrag inkl mwst | rechnungsbetrag brutto | summe brutto | gesamtpreis | total inkl mwst | summe inkl mwst | gesamt inkl mwst | brutto | zu zahlen | zu zahlender betrag | zahlbetrag | zahlungsbetrag | gesamtbetrag eur | total brutto | rechnungsendbetrag | rechnungsgesamtbetrag | rechnungsbetrag inkl mwst | gesamt betrag | gesamtbetrag inkl ust | bruttogesamt | rechnungsbetrag gesamt | rechnungs betrag | summe gesamt | endpreis | total chf | total eur | gesamt eur | summe eur \
         | total ttc | montant ttc | total toutes taxes comprises | montant total ttc | total general | net a payer ttc | montant total | prix total ttc | total facture | montant de la facture | total facture ttc | total t t c | somme ttc | total tvac | total tvac eur | total tva comprise | montant facture | total de la facture \
         | total factura | importe total | total con iva | total general | total iva incluido | total euros | total factura eur | importe total factura | total importe | total documento | total iva incl | total con impuestos | total venta | importe factura \
         | totale fattura | totale documento | totale complessivo | importo totale | totale ivato | totale generale | totale iva inclusa | importo totale fattura | totale euro | totale dovuto | totale iva compresa | tot documento | importo complessivo \
         | totaalbedrag | totaal inclusief btw | totaal incl btw | eindtotaal | factuurbedrag | factuurtotaal | totaalbedrag incl btw | inclusief btw | totaal generaal | te voldoen | totaal te voldoen | totaal factuur | bedrag inclusief btw | bedrag incl btw | totaal factuurbedrag | incl btw \
         | total com iva | total da fatura | valor total | total geral | total do documento | valor total da nota | total c iva | total documento eur | total iva incluido | total fatura \
         | wartosc brutto | razem brutto | kwota brutto | suma pln | razem do zaplaty | suma brutto | naleznosc ogolem | ogolem | summa att betala | totalt inkl moms | summa inkl moms | fakturabelopp | totalbelopp | totalsumma | inkl moms | fakturabelob | i alt inkl moms | total inkl moms | total dkk | i alt dkk | sum inkl mva | totalt nok | totalbelop | fakturabelop | a betala totalt | total sek | verollinen yhteensa | laskun summa | loppusumma | kokonaissumma | yhteensa eur | celkem s dph | cena celkem | celkova castka | cena s dph | celkem kc | castka celkem | total general | total de plata | brutto osszesen | brutto osszeg | vegosszeg | fizetendo osszeg | osszesen fizetendo | genel toplam | vergiler dahil toplam | vergiler dahil toplam tutar | kdv dahil toplam | toplam tutar | total pembayaran | total bayar | total belanja | tong cong | tong tien | จำนวนเงินรวมทั้งสิ้น | รวมทั้งสิ้น | ยอดรวมสุทธิ | ยอดสุทธิ | รวมสุทธิ | จำนวนเงินทั้งสิ้น | ยอดรวมทั้งสิ้น | 合計金額 | 総合計 | ご請求金額 | 价税合计 | 합계금액 \
         | belob til betaling | belop a betale | summa inklusive moms | totalt inklusive moms | sum inklusive mva | sum inkl merverdiavgift | a betale totalt | total inklusive moms | total dkk inkl moms | gesamttotal | total inklusive mwst | total inkl mwst chf | rechnungstotal | bruttototal | gesamt zu zahlen | zu zahlen eur | summe zu zahlen | total rechnung | celkem k uhrade | celkem s dph k uhrade | brutto vegosszeg | fizetendo vegosszeg | szamla vegosszege | szamla osszege | total da pagare eur | totale da pagare eur | totale scontrino | totale ricevuta | total con impuestos incluidos | total ticket | total venta con iva | total con igic | total do recibo | total com impostos | wartosc brutto razem | kwota do zaplaty | lacznie do zaplaty | suma do zaplaty | maksettava summa | laskun kokonaissumma | arvo yhteensa | yhteensa sis alv | total due today | total amount incl tax | total amount including tax | order grand total | grand total incl | grand total incl vat | total due incl vat | total owed | total invoiced | montant total a payer | total ttc a payer | total ttc eur | total avec taxes | montant net a payer | totaal factuur incl btw | bestelling totaal | totaal van uw bestelling \
         | total charges this month | total charges this period | total new charges | total this period | total for this shipment",
    ),
    (
        Concept::Total,
        "total | ttl | total amount | total amt | total sales | total sale amount | amount total | total value | totals | sum | total sum | amount | total paid amount | total amount rm | jumlah | jumlah rm | total purchase amount | total inc | total incl | total eat in | total take away | total takeaway | sales total | balance to pay \
         | summe | gesamt | insgesamt | totale | totaal | totale eur | totale complessivo eur | suma total | totale euro | razem | suma | summa | totalt | i alt | ialt | sum nok | yhteensa | celkem | osszesen | toplam | รวม | รวมเงิน | ยอดรวม | 合計 | 合计 | 总计 | 総計 | 합계 | betrag | totaal eur | total a pagar | importe",
    ),
    (
        Concept::AmountDue,
        "amount due | balance due | total due | total amount due | balance | due balance | amount owing | amount outstanding | outstanding amount | outstanding balance | balance payable | new balance | net due | due amount | due payable | residual | payment due amount | please pay | pay this amount | current amount due | total balance due | total now due | balance amount | remaining balance | amount to pay | amount to be paid | total outstanding \
         | offener betrag | zahllast | restbetrag | noch zu zahlen | zu uberweisen | falliger betrag | rechnungsbetrag fallig | offener saldo | zu bezahlen | zu bezahlender betrag | zahlungsbetrag fallig \
         | net a payer | solde a payer | reste a payer | solde | solde du | a payer | somme a payer | total a payer | montant a payer | montant du | net a payer eur | reste du | total du | montant du prelevement \
         | total a pagar | importe a pagar | saldo pendiente | pendiente de pago | a pagar | saldo | liquido a pagar | totale da pagare | netto a pagare | da pagare | importo da pagare | saldo a pagare | importo dovuto | totale a pagare \
         | te betalen | totaal te betalen | te betalen bedrag | nog te betalen | openstaand bedrag | openstaand | saldo te betalen | bedrag te betalen | valor a pagar | total a pagar eur | valor em divida | liquido a receber \
         | do zaplaty | pozostalo do zaplaty | att betala | belopp att betala | kvar att betala | a betale | belop a betale | at betale | til betaling | skyldigt belob | maksettava | maksettavaa | maksettava yhteensa | k uhrade | celkem k uhrade | zbyva uhradit | de plata | fizetendo | odenecek tutar | odenecek | sisa tagihan | ยอดค้างชำระ | ยอดชำระ | ยอดที่ต้องชำระ | お支払金額 | 应付金额 \
         | zaplatit | fennmarado osszeg | meg fizetendo | fennallo tartozas | zbyva k uhrade | zbyva zaplatit | zostalo do zaplaty | pozostaje do zaplaty | avoinna | avoin saldo | restbelob | saldo til betaling | gjenstar a betale | gjenstaende | rest att betala | kvarstar att betala | em divida | em falta | valor pendente | por pagar | importe pendiente | resto por pagar | pendiente | saldo dovuto | residuo da pagare | rimanenza | restant a payer | restant du | noch offen | noch zu bezahlen | verbleibender betrag | verbleibt zu zahlen | offener rechnungsbetrag | restzahlung | restant bedrag | nog te voldoen | ค้างชำระ \
         | net amount after discount | amount after discount | total after discount | net after discount \
         | you owe us | you owe | amount you owe | please pay this amount | total now payable | to be paid",
    ),
    (
        Concept::RoundedTotal,
        "rounded total | rounded total rm | total rounded | total after rounding | total rounding | net total rounded | bill rounded | total rounded amount | rounding total",
    ),
    (
        Concept::Rounding,
        "rounding | rounding adjustment | rounding adj | round adj | rounding adjusment | rounding adjustments | round off | rounded | rounding amount | roundings | round up | rnd adj | rounding diff | pembundaran | rundung | rundungsdifferenz | arrondi | redondeo | arrotondamento | afronding | oresavrundning | oresutjamning | zaokrouhleni | kerekites | 5 sen rounding | bill rounding | adjustment \
         | rundungsausgleich | 5 rappen rundung | rundung chf | rundung auf 5 rappen | ore avrunding | oreafrunding | avrunding | afrunding | oresavrunding | pyoristys | haleru zaokrouhleni | centove vyrovnani | kerekitesi kulonbozet | zaokraglenie | arrondi du total | redondeo del total | arredondamento",
    ),
    (
        Concept::Discount,
        "discount | disc | total discount | less discount | discount amount | member discount | bill discount | item discount | rebate | voucher | coupon | promo discount | less | disc amt | rewards applied | discount total \
         | rabatt | nachlass | skonto | abzuglich rabatt | gesamtrabatt | remise | reduction | escompte | remise totale | descuento | dto | total descuento | rebaja | sconto | sconto totale | sconto merce | korting | desconto | descontos | total descontos | rabat | alennus | sleva | indirim | toplam iskonto | iskonto | ส่วนลด | 割引 | diskon \
         | trade discount | cash discount | early payment discount | loyalty discount | kedvezmeny | engedmeny | remise commerciale | remise exceptionnelle | ristourne | rabais | descuento comercial | sconto commerciale | abbuono | desconto comercial | upust | bonifica | alennus yhteensa | rabatt totalt | total rabatt | sconto applicato | actie korting | kortingsbedrag | descuento aplicado",
    ),
    (
        Concept::Charge,
        "shipping | shipping cost | shipping costs | delivery | delivery charge | delivery fee | delivery charges | freight | postage | p&p | handling | shipping & handling | shipping and handling | service charge | svc charge | serv charge | svr chg | service chg | s charge | service fee | tip | gratuity | surcharge | packing | insurance | convenience fee | packaging | total freight \
         | versand | versandkosten | fracht | porto | frachtkosten | verpackung | lieferkosten | trinkgeld | bearbeitungsgebuhr | frais de port | port | frais de livraison | livraison | frais d expedition | pourboire | eco participation | gastos de envio | portes | envio | transporte | propina | spese di spedizione | spese di trasporto | trasporto | spese di incasso | verzendkosten | bezorgkosten | transportkosten | administratiekosten | portes de envio | koszt wysylki | frakt | toimituskulut | doprava | ค่าขนส่ง | ค่าบริการ | servis ucreti | kargo \
         | fragt | levering | leveringsomkostninger | fraktkostnad | frakt og ekspedisjon | rahti | toimitus | toimituskulu | postovne | balne | postovne a balne | szallitasi dij | szallitasi koltseg | transport | koszty wysylki | koszty transportu | wysylka | dostawa | despesas de envio | frete | spese spedizione | spese di imballo | contributo spese | gastos de transporte | gastos envio | verzending | porto und verpackung | fracht und verpackung | fracht verpackung | transportkosten pauschal | frais d envoi | frais de transport | participation aux frais de port | courier | carriage | delivery and handling | fuel surcharge | booking fee | processing fee | service charges | resort fee | cleaning fee | bagage",
    ),
    (
        Concept::Tendered,
        "contactless | contactless card | contactless visa | contactless mastercard | cash | cash tendered | tendered | tender | amount tendered | tendered cash | cash tender | cash paid | cash received | amount received | paid amount | amt tendered | paid cash | credit card | card payment | visa | mastercard | master card | visa card | debit card | debit | credit | amex | american express | maestro | bank card | card | e wallet | nets | tng | touch n go | master | visa debit | mc | cash rm | cash myr | credit rm | tunai | payment rm | payment | total paid | total payment | total tendered | payment received | amount paid \
         | bar | gegeben | gegeben bar | bargeld | barzahlung | ec karte | ec cash | girocard | kartenzahlung | kreditkarte | karte | especes | carte bancaire | cb | carte bleue | rendu monnaie sur | recu | regle | efectivo | entregado | tarjeta | contanti | carta | pagamento contante | pagamento elettronico | bancomat | contant | pin | pinnen | betaald met | numerario | multibanco | dinheiro | cartao | gotowka | karta | kort | kontant | kontanter | betalat | kateinen | korttimaksu | hotove | hotovost | kartou | numerar | keszpenz | bankkartya | nakit | kredi karti | เงินสด | รับเงิน | 現金 | お預り | 现金 \
         | hotovost prijata | hotovost czk | platba kartou | platebni karta | platnosc karta | gotowka pln | otrzymano | zaplacono gotowka | kort betalt | kortkop | kort sek | dankort | visa dankort | bankkort | swish | mobilepay | vipps | kateinen eur | pankkikortti | maksettu kortilla | paypal | apple pay | google pay | ec kartenzahlung | gegeben eur | bar eur | bar chf | bargeld eur | zahlung bar | kartenzahlung eur | carte bancaire eur | especes eur | paye | paye par cb | cb emv | recu en especes | importe entregado | efectivo entregado | tarjeta bancaria | pago con tarjeta | bizum | contanti euro | importo pagato | pagato | carta di credito | carta di debito | pago bancomat | pinbetaling | betaald pin | bankpas | numerario entregue | entregue | pago | mb way | cartao de credito | cartao debito | บัตรเครดิต | โอน | พร้อมเพย์ | upi | gpay | eftpos | eft | afterpay",
    ),
    (
        Concept::Change,
        "change | change due | change given | cash change | your change | change rm | balance change | baki | kembalian | kembali | ruckgeld | wechselgeld | zuruck | rendu | rendu monnaie | monnaie rendue | a rendre | cambio | vuelta | devolucion | resto | wisselgeld | terug | troco | reszta | vaxel | tillbaka | veksel | byttepenger | byttepenge | vaihtoraha | takaisin | vraceno | vratit | visszajaro | para ustu | เงินทอน | ทอน | お釣り | 找零 \
         | retour | rest zuruck | zuruckgeld | wechselgeld eur | rendu especes | rendu client | devuelto | cambio entregado | su cambio | wisselgeld eur | retour geld | valor troco | vydano | zpet | visszajaro penz | paluu | vekselpenger | tilbage",
    ),
    (
        Concept::Paid,
        "amount already paid | already paid | less payments | less amount paid | payments received | deposit | deposit paid | prepaid | prepayment | advance payment | down payment | paid to date | credits | credits and payments | bereits bezahlt | bereits gezahlt | anzahlung | abzuglich anzahlung | acompte | deja paye | acomptes verses | deja regle | anticipo | a cuenta | pagado | acconto | gia pagato | reeds betaald | voldaan | aanbetaling | betaald | adiantamento | ja pago | zaplacono | forskott | maksettu | zaloha | uhrazene zalohy | avans \
         | less deposit | deposit received | less paid | payment made | payments made | payments | payment received thank you | paid amount | less advance | advance received | advance paid | angezahlt | abzgl anzahlung | abzuglich bereits gezahlt | erhaltene anzahlung | geleistete anzahlung | acompte verse | acompte recu | montant deja regle | deja verse | versements | pagos a cuenta | pagado a cuenta | anticipo recibido | entrega a cuenta | acconto versato | gia versato | anticipo versato | vooruitbetaald | reeds voldaan | adiantamentos | valor pago | zaliczka | wplacono | otrzymana zaliczka | betalt | forudbetalt | a conto | a conto betalt | forhandsbetalt | maksettu ennakko | ennakkomaksu | uhrazeno zalohou | uhrazeno | zaplaceno | eloleg | befizetett eloleg | มัดจำ | ชำระแล้ว",
    ),
    (
        Concept::NoTotal,
        "total qty | total quantity | total item | total items | total item s | total no of items | no of items | item count | items | item s | qty s | total pcs | total units | total saving | total savings | your savings | you saved | you have saved | total saved | savings | your savings for today | total points | points earned | points | point | total point balance | point balance | total 0 supplies | total 6 supplies | total 6 supplies excl gst | total 6 supplies inc gst | total supplies | total discounts | total exempt | total weight | total hours | total taxable | total qty tender | total cartons | total deposit | number of items | total number of items | total count | total pax | net weight | gross weight | unit price | price | total items sold | items sold \
         | anzahl artikel | gesamtmenge | anzahl positionen | gesamtgewicht | sie sparen | ersparnis | nombre d articles | nb articles | nb d articles | total articles | economie | total articulos | n articulos | total unidades | numero articulos | numero pezzi | totale pezzi | totale articoli | n pezzi | aantal artikelen | uw voordeel | ilosc | antal artiklar | antal varer",
    ),
    (
        Concept::TaxSummary,
        "sprzed opod | sprzedaz opod | sprz opod | sprzedaz opodatkowana ptu | gst summary | tax summary | vat summary | gst analysis | tax analysis | vat analysis | summary of gst | sst summary | gst breakdown | vat breakdown | tax breakdown | gst details | gst code | tax code | summary | gst rate | vat breakdown summary | tax details | vat specification | riepilogo iva | desglose iva | desglose de iva | detail tva | recapitulatif tva | resumo iva | btw specificatie | mwst aufstellung | steueraufstellung | momsspecifikation | rekapitulace dph",
    ),
    (
        Concept::PaymentMethod,
        "payment method | payment mode | mode of payment | method of payment | payment type | paid by | payment by | pay mode | payment via | paid via | tender type | payment terms | terms | terms of payment | zahlungsart | zahlungsform | zahlungsweise | zahlungsbedingungen | zahlungsmethode | mode de paiement | mode de reglement | moyen de paiement | modes de reglement | conditions de paiement | conditions de reglement | forma de pago | metodo de pago | condiciones de pago | modalita di pagamento | metodo di pagamento | condizioni di pagamento | pagamento | betaalmethode | betaalwijze | betalingswijze | betalingsconditie | betalingsvoorwaarden | forma de pagamento | modo de pagamento | condicoes de pagamento | metodo de pagamento | sposob platnosci | forma platnosci | betalningssatt | betalningsvillkor | betalingsbetingelser | maksutapa | maksuehto | zpusob uhrady | forma uhrady | fizetesi mod | fizetes modja | odeme sekli | metode pembayaran | วิธีชำระเงิน | การชำระเงิน",
    ),
    (
        Concept::Supplier,
        "seller | vendor | supplier | sold by | from | bill from | service provider | issued by | issuer | merchant | merchant name | payee | remit to | provider | company name | supplier name | vendor name | seller name | store name | invoice from | in favor of | verkaufer | lieferant | rechnungssteller | leistungserbringer | absender | verkauft durch | aussteller | vendeur | fournisseur | emetteur | prestataire | emis par | vendu par | vendedor | proveedor | emisor | fornitore | venditore | cedente | mittente | leverancier | verkoper | fornecedor | emitente | sprzedawca | wystawca | saljare | leverantor | saelger | leverandor | myyja | dodavatel | prodejce | furnizor | vanzator | elado | szallito | satici | penjual | ผู้ขาย | 販売者 | 销售方 \
         | utsteder | udsteder | laskuttaja | toimittaja | elado neve | szamla kiallito | szamlakibocsato | kiallito | sprzedajacy | dostawca | wystawca faktury | dodavatel adresa | emitente fattura | cedente prestatore | prestatore | datos del emisor | datos fiscales emisor | vendeur emetteur | raison sociale | rechnungsaussteller | rechnungsteller | afzender | verkoper adres | vendido por | issued from | bill from address | supplier details | biller | billed by | our details | your supplier",
    ),
    (
        Concept::AccountHolder,
        "account holder | account name | beneficiary | beneficiary name | kontoinhaber | empfanger konto | titulaire du compte | titulaire | titular | titular de la cuenta | intestatario conto | beneficiario | rekeninghouder | ten name van | t n v | titular da conta | kontohaver | in favour of",
    ),
    (
        Concept::Customer,
        "bill to | billed to | bill to address | billing address | invoice to | invoiced to | invoice address | sold to | sold to party | buyer | customer | client | customer name | client name | bill to name | billing to | charge to | attn | attention | to | customer details | customer information | buyer name | customer address | guest name | guest | recipient | name of customer | payer | prepared for | invoice for | insured name | purchaser | billing information | messrs | m s | received from \
         | rechnungsempfanger | rechnungsadresse | rechnungsanschrift | rechnung an | kunde | empfanger | auftraggeber | leistungsempfanger | kaufer | besteller | adresse de facturation | facture a | facturer a | client | destinataire | nom du client | nom de l abonne | acheteur | adresse facturation | facturation \
         | facturar a | facturado a | cliente | datos del cliente | destinatario | comprador | datos de facturacion | direccion de facturacion | nombre del cliente | fatturato a | spett le | spettabile | cessionario | intestatario | fatturare a | intestazione | acquirente \
         | factuuradres | klant | factuur aan | geadresseerde | klantgegevens | koper | afnemer | nabywca | platnik | kund | fakturaadress | faktureringsadress | kunde navn | fakturaadresse | faktureres til | ostaja | laskutusosoite | asiakas | odberatel | zakaznik | kupujici | cumparator | vevo | alici | musteri | sayin | kepada | pelanggan | pembeli | faturado a | exmo s sr s | exmos srs | fatura para | ลูกค้า | ชื่อลูกค้า | นามลูกค้า | 購入者 | 购买方 | 御中 \
         | faktureras | faktureras till | fakturamottagare | kund nr namn | kupujacy | odbiorca faktury | faktura til | fakturamottaker | laskutetaan | laskun saaja | vasarlo | vevo neve | megrendelo | destinatario fattura | cliente fattura | clientela | adquirente | datos cliente | factura a | facturado | a la atencion de | a l attention de | adresse de facturation du client | client facture | vos coordonnees | rechnung fur | rechnungsempfanger adresse | leistungsempfanger adresse | kundenadresse | besteller adresse | gefactureerd aan | factuur voor | factuuradres klant | billed party | billing name | billing contact | ship to bill to | customer bill to | client details | issued to | account of \
         | aan | tav",
    ),
    (
        Concept::Delivery,
        "ship to | shipped to | deliver to | delivery address | shipping address | ship to address | delivered to | delivery to | consignee | lieferadresse | lieferanschrift | versandadresse | lieferung an | adresse de livraison | livre a | livraison a | lieu de livraison | adresse de l installation | direccion de entrega | enviar a | direccion de envio | indirizzo di consegna | destinazione | luogo di consegna | consegnare a | afleveradres | bezorgadres | leveradres | morada de entrega | local de entrega | adres dostawy | odbiorca | leveransadress | leveringsadresse | leveres til | toimitusosoite | dodaci adresa | szallitasi cim | teslimat adresi",
    ),
    (
        Concept::TaxId,
        "gst id | gst id no | gst no | gst reg no | gst reg # | gst reg | gst number | gst registration no | gst registration number | gst reg id | gst # | gst tin | gst regn no | gstin | gstin no | gstin uin | sst id | sst no | sst reg no | sst id no | sst registration no | service tax no | sales tax no | vat no | vat number | vat reg no | vat registration no | vat registration number | vat id | vat id no | vat reg | vat # | vat id number | tax id | tax id no | tax id number | tax no | tax number | tax reg no | tax reg id | tax registration number | tax registration no | tax identification number | tax payer id | taxpayer id | tin | tin no | ein | fein | federal tax id | abn | a b n | acn | pan | pan no | trn | trn no | our vat no | our vat number | supplier vat number | seller vat number | cr no vat no | gst registration \
         | ust id | ust idnr | ust id nr | ustid | ustidnr | ust ident nr | umsatzsteuer id | umsatzsteuer identifikationsnummer | umsatzsteuer ident nr | umsatzsteuer idnr | umsatzsteueridentnr | mwst nr | mwst nummer | uid | uid nr | uid nummer | vat uid | mwst id | umsatzsteuer id nr | ust id no | ust nr | ustidnummer | che mwst | ust id nummer \
         | tva intracom | tva intracommunautaire | n tva | n de tva | no tva | numero de tva | numero tva | n tva intracommunautaire | n tva intracom | tva intra | id tva | n de tva intracommunautaire | n de tva intra communautaire | numero de tva intracommunautaire | n id tva | code tva | tva n | identifiant tva | num tva | n tva intra | tva no \
         | cif | nif | c i f | n i f | nif cif | cif nif | nit | rut | rfc | cuit | ruc | rnc | dni | cnpj | cnpj cpf | inscricao estadual | nif iva | nipc | numero de contribuinte | contribuinte | contribuinte n | n contribuinte \
         | partita iva | p iva | p i | part iva | p iva c f | p iva e c f | codice fiscale e partita iva | p iva cod fisc | partita i v a | cod fisc p iva \
         | btw nummer | btw nr | btw id | btwnummer | btw identificatienummer | btw no | ob nummer | btw nr klant \
         | nip | momsreg nr | momsregistreringsnummer | vat nr | moms nr | org nr mva | momsnummer | cvr | cvr nr | se nr | cvr nummer | orgnr | org nr | organisationsnummer | y tunnus | alv nro | dic | ic dph | cui | cod fiscal | c i f | adoszam | kozossegi adoszam | vergi no | vkn | vergi numarasi | npwp | เลขประจำตัวผู้เสียภาษี | เลขประจำตัวผู้เสียภาษีอากร | เลขผู้เสียภาษี | ma so thue | mst | 登録番号 | 税号 | 纳税人识别号 | 사업자등록번호 \
         | merverdiavgiftsnummer | foretaksregisteret | foretaksregisteret orgnr | org nummer | vat reg nummer | vat nr mva | alv numero | alv tunnus | vat tunnus | eu adoszam | adoazonosito | adoigazgatasi szam | nip ue | nr vat ue | ic dic | mwst id nr | mwst uid | uid mwst | steuer id | tva n intracom | n siret tva | numero iva | n iva | cod fiscal cui | vat id nr | vat ident | business number | hst no | hst number | gst hst no | gst hst | gst hst number | tax registration | company vat no | company vat number | ntn | strn",
    ),
    (
        Concept::CustomerTaxId,
        "customer vat number | customer vat no | customer vat id | your vat no | your vat number | your vat id | client vat number | buyer vat number | customer tax id | customer gst no | customer gstin | buyer gstin | your tax id | ihre ust id | ihre ust idnr | ihre ust id nr | ust id kunde | kunden ust id | n tva client | tva client | n de tva client | votre n tva | votre tva | votre numero de tva | tva intracommunautaire client | nif cliente | cif cliente | nif do cliente | p iva cliente | partita iva cliente | uw btw nummer | btw nummer klant | uw btw nr | v contribuinte | contribuinte cliente | nip nabywcy | kundens momsnr",
    ),
    (
        Concept::Registration,
        "co reg | co reg no | company reg no | company reg # | company reg | company registration no | company no | reg no | registration no | registration number | co no | company registration number | brn | roc no | roc | business reg no | uen | co regn no | cin | cin no | company number | registered no | steuernummer | steuer nr | steuernr | st nr | handelsregister | hrb | hra | amtsgericht | registergericht | siret | siren | rcs | n siret | n siren | ape | code ape | naf | registro mercantil | rea | codice fiscale | cod fisc | c f | kvk | kvk nummer | kvk nr | k v k | regon | krs | ico | i c | reg com | cegjegyzekszam | mersis no | rsin | capital social | pan number | ssm no | ifsc code",
    ),
    (Concept::Iban, "iban | iban no | iban nr | iban number | iban code"),
    (Concept::Bic, "bic | swift | swift code | bic swift | swift bic | bic code | swift no"),
    (
        Concept::Currency,
        "currency | invoice currency | wahrung | devise | monnaie | moneda | divisa | valuta | moeda | waluta | para birimi | mata uang | สกุลเงิน",
    ),
    (
        Concept::Phone,
        "tel | telephone | phone | phone no | tel no | tel & fax no | tel fax | fax | fax no | telefax | mobile | mobile no | hp | h p | hotline | contact no | contact | mobile whatsapps | call | careline | telefon | fon | telefono | tfno | tlf | telefoon | telefone | telefono fax | puhelin | puh | mob | cell | customer service | customer care | โทร | โทรศัพท์ | แฟกซ์ | 電話 | 电话 | whatsapp",
    ),
    (
        Concept::Email,
        "email | e mail | email address | mail | courriel | correo | correo electronico | posta elettronica | pec | e post | sahkoposti | อีเมล | adresse email | e mail adresse | adresse e mail",
    ),
    (
        Concept::Website,
        "website | web | www | web site | internet | site web | http | https | homepage | url",
    ),
    (
        Concept::Other,
        "cashier | cashier # | cashier no | salesperson | sales person | salesman | served by | server | waiter | operator | staff | counter | counter no | table | table no | table # | pax | pax s | terminal | till | till no | register | store | store # | shift | pos | pos no | lane | member | membership no | remark | remarks | note | notes | description | terms and conditions | bank | bank name | bank account | bank details | bankverbindung | kontonummer | kto nr | blz | sort code | page | seite | bearbeiter | ansprechpartner | sachbearbeiter | kassierer | kasse | bediener | es bediente sie | vendeuse | caissier | caisse | cajero | caja | cassa | cassiere | kassa | incoterms | contact commercial | sales contact | prepared by | estimator | hours | warranty | tax invoice to | customer copy | merchant copy | take away | dine in | no of pax | guests | covers | room | room no | address | adresse | indirizzo | direccion | adres | hotel details | rooms",
    ),
    (
        Concept::Title,
        "invoice | tax invoice | simplified tax invoice | commercial invoice | sales invoice | receipt | official receipt | cash bill | cash receipt | bill | credit note | statement | rechnung | quittung | kassenbon | gutschrift | facture | avoir | recu | ticket de caisse | factura | factura simplificada | recibo | fattura | fattura immediata | ricevuta | scontrino | factuur | kassabon | creditfactuur | fatura | fatura recibo | nota fiscal | faktura | faktura vat | paragon fiskalny | kvittering | kvitto | lasku | kuitti | danovy doklad | bon fiscal | szamla | fis | fatura irsaliye | faktur | faktur pajak | ใบแจ้งหนี้ | ใบเสร็จรับเงิน | ใบกำกับภาษี | 請求書 | 領収書 | 发票 | 송장 | tax invoice receipt | e invoice | proforma invoice | pro forma invoice \
         | beleg | kassenbeleg | bon | transaction | kvitto nr | paragon | uctenka | ticket | kassakvitto | kassabon nr | tax invoice receipt no | nota de credito | nota di credito | creditnota | kreditnota | rechnungskorrektur | stornorechnung | credit memo | faktura korygujaca | dobropis | hyvityslasku",
    ),
];
