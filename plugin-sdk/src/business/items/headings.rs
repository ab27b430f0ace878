//! What the columns of tables of goods are called.

use crate::labels::Lexicon;

/// What a column of the table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemColumn {
    /// Number of the line.
    Position,
    /// Article number.
    Code,
    /// What it is.
    Description,
    /// How many.
    Quantity,
    /// Piece, hour, kilogram.
    Unit,
    /// Price of one.
    UnitPrice,
    /// Deduction on the line.
    Discount,
    /// Rate of tax, or its code.
    TaxRate,
    /// Tax of the line.
    TaxAmount,
    /// Price of all.
    Amount,
    /// A date of service.
    Date,
}

/// The lexicon of all headings.
pub(super) fn lexicon() -> Lexicon<ItemColumn> {
    Lexicon::new(
        HEADINGS.iter().flat_map(|(column, words)| words.split('|').map(move |word| (*column, word.trim()))),
    )
}

/// The words that head columns of one meaning.
pub fn heading_words(column: ItemColumn) -> impl Iterator<Item = &'static str> {
    HEADINGS
        .iter()
        .filter(move |(other, _)| *other == column)
        .flat_map(|(_, words)| words.split('|').map(str::trim))
}

const HEADINGS: &[(ItemColumn, &str)] = &[
    (
        ItemColumn::Position,
        "pos | position | no | # | nr | item no | line | sr no | s no | sl no | ln | lp | poz | line no | lfd nr | s n | sno | n | rang",
    ),
    (
        ItemColumn::Code,
        "code | item code | product code | sku | article number | article no | artikelnummer | artikelnr | artikel nr | art nr | artnr | part number | part no | item number | item # | reference | ref | codigo | cod | codice | referencia | bestellnummer | hsn sac | hsn | product id | ean | barcode | stock code | sachnummer | artikel no | code article | art n | article code | upc | material | plu",
    ),
    (
        ItemColumn::Description,
        "description | item | items | product | products | service | services | details | particulars | description of goods | item description | product description | goods | name | item name | product name | activity | task | article | code desc | no description | item s | description of service | service description | qty item | work description | designation item | nature of goods | label \
         | beschreibung | bezeichnung | artikel | artikelbezeichnung | leistung | leistungen | produkt | text | ware | artikelbeschreibung | leistungsbeschreibung | bezeichnung der leistung | benennung | designation | libelle | produit | prestation | prestations | description des produits | detail | descripcion | concepto | producto | articulo | descrizione | prodotto | descrizione dei beni | descrizione articolo | omschrijving | artikelomschrijving | dienst | descricao | designacao | produto | artigo | servico | nazwa | opis | nazwa towaru | nazwa towaru uslugi | nazwa towaru lub uslugi | beskrivning | benamning | artikelnamn | vare | beskrivelse | varebetegnelse | tekst | kuvaus | tuote | nimike | popis | nazev | oznaceni dodavky | denumire | denumirea produselor | megnevezes | aciklama | urun | mal hizmet | malzeme hizmet aciklamasi | keterangan | nama barang | deskripsi | รายการ | รายละเอียด | สินค้า | 品名 | 商品名 | 内容 | 货物名称 | 项目 | 품목",
    ),
    (
        ItemColumn::Quantity,
        "qty | quantity | qty s | pcs | units | hours | hrs | qty hrs | no of units | count | days | unit s | qnty | quant | ordered | shipped | qty shipped | sale | menge | anzahl | stk | stuck | mge | stunden | einheiten | quantite | qte | qty rm | nombre | heures | nb | cantidad | cant | uds | unidades | ctd | quantita | qta | q ta | qt | aantal | uren | quantidade | qtd | qtde | quant | ilosc | antal | mangd | maengde | antall | maara | kpl | mnozstvi | pocet | cantitate | mennyiseg | menny | miktar | adet | jumlah barang | kuantitas | จำนวน | 数量 | 수량",
    ),
    (
        ItemColumn::Unit,
        "unit | uom | u m | units of measure | einheit | einh | me | unite | unidad | ud | unita | um | u m | eenheid | unidade | un | jm | j m | enhet | enhed | yksikko | mj | mertekegyseg | birim | หน่วย | 単位 | 单位",
    ),
    (
        ItemColumn::UnitPrice,
        "unit price | price | rate | unit cost | price each | u price | u p | s price | unit | each | price per unit | hourly rate | price unit | cost | unit price rm | price rm | u price rm | list price | unit amount | selling price | unit net price | net price | price w o tax | retail price | mrp | cost each | price excl vat | rate hr | unit prc | u prc | per unit | net unit price \
         | einzelpreis | preis | stuckpreis | e preis | einzel | ep | vk preis | einzelpreis eur | preis eur | stundensatz | einzelpr | e preis eur | preis pro einheit | netto preis | nettopreis | einheitspreis | preis einheit | einzelpreis netto | grundpreis \
         | prix unitaire | prix | pu | p u | pu ht | p u ht | prix unit | prix unitaire ht | tarif | prix u | prix unit ht | pu net | prix un | precio | precio unitario | p unitario | precio ud | p unit | p v p | pvp | precio unit | prezzo | prezzo unitario | prezzo unit | p unitario | pr unitario | prezzo un | prijs | prijs per stuk | stukprijs | eenheidsprijs | tarief | prijs per eenheid | prijs p st | prijs excl | preco | preco unitario | pr unitario | preco unit | valor unitario | cena | cena jedn | cena jednostkowa | cena netto | cena jedn netto | cena jednostkowa netto | a pris | pris | a pris sek | enhetspris | enhedspris | stk pris | stykpris | pris per enhet | pris pr stk | hinta | a hinta | yksikkohinta | cena za mj | jedn cena | jednotkova cena | pret unitar | pret | egysegar | egysegar netto | birim fiyat | birim fiyati | fiyat | harga | harga satuan | ราคา | ราคาต่อหน่วย | ราคา/หน่วย | หน่วยละ | 単価 | 单价 | 단가",
    ),
    (
        ItemColumn::Discount,
        "discount | disc | disc % | discount % | rabatt | rabatt % | nachlass | remise | rem | dto | descuento | sconto | sc | korting | desconto | desc | rabat | alennus | ale | sleva | indirim | ส่วนลด",
    ),
    (
        ItemColumn::TaxRate,
        "tax | vat | gst | tax rate | vat rate | vat % | tax % | gst % | tax code | sst | gst rate | taxes | cgst | igst | sgst | mwst | mwst % | ust | ust % | steuer | steuersatz | mwst satz | ust satz | tva | % tva | tva % | taux tva | taux | iva | iva % | % iva | tipo iva | aliquota | cod iva | btw | btw % | btw tarief | % btw | taxa | taxa iva | taxa de iva | vat stawka | stawka vat | stawka | moms | moms % | mva | mva % | alv | alv % | dph | dph % | sazba dph | cota tva | afa | afa kulcs | afa % | kdv | kdv orani | kdv % | ภาษี | 税率",
    ),
    (
        ItemColumn::TaxAmount,
        "tax amount | vat amount | gst amount | tax amt | gst amt | mwst betrag | steuerbetrag | ust betrag | montant tva | importe iva | importo iva | btw bedrag | valor iva | kwota vat | momsbelopp | kdv tutari | 税额",
    ),
    (
        ItemColumn::Amount,
        "amount | total | line total | total price | total amount | amt | price total | net amount | extended price | ext price | subtotal | sub total | amount rm | amt rm | total rm | amount usd | amount eur | net | line amount | value | total amt | total cost | extended amount | ext amount | ext | gross | gross amount | amount excl vat | total excl vat | total net | net value | total inc | total value | amount due | total tax | sum | taxable value | charges | rm \
         | betrag | gesamt | gesamtpreis | summe | gesamtbetrag | zeilenbetrag | netto | gesamtpreis eur | betrag eur | gesamt eur | gp | total eur | nettobetrag | wert | positionssumme | gesamt netto | zeilenbetrag ohne mwst | g preis | gesamtpreis netto | summe eur | brutto | total netto | nettogesamt | preis gesamt | ges preis | eur | montant | montant ht | total ht | prix total | prix ht | prix total ht | montant total | total ttc | montant ttc | montant eur ttc | montant eur ht | total h t | prix ttc | importe | subtotal eur | importe neto | importe total | total linea | importe eur | importo | totale | imponibile | prezzo totale | importo netto | valore | importo eur | totale eur | tot | bedrag | totaal | prijs incl btw | prijs excl btw | totaalprijs | totaal excl btw | bedrag excl btw | regeltotaal | totaalbedrag | netto bedrag | valor | valor total | preco total | total liquido | valor liquido | wartosc | wartosc netto | wartosc brutto | kwota | belopp | summa | totalt | belop | belob | sum | i alt | total pris | linjetotal | belop nok | yhteensa | summa eur | celkem | cena celkem | castka | cena celkem bez dph | valoare | valoarea | ertek | osszeg | netto ertek | osszesen | brutto ertek | tutar | toplam | toplam tutar | mal hizmet tutari | subtotal harga | jumlah | jumlah rm | จำนวนเงิน | ราคารวม | รวม | 金額 | 金额 | 小計 | 금액",
    ),
    (ItemColumn::Date, "date | datum | fecha | data | training date | service date | leistungsdatum | วันที่"),
];
