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
        "pos | position | no | # | nr | item no | line | sr no | s no | sl no | ln | lp | poz | line no | lfd nr | s n | sno | n | rang \
         | lin | linea | lin no | riga | ligne | rad | rad nr | rivi | polozka c | por | por c | p c | ssz | sorszam | regel | ลำดับ | ลำดับที่ | ที่ | line #",
    ),
    (
        ItemColumn::Code,
        "code | item code | product code | sku | article number | article no | artikelnummer | artikelnr | artikel nr | art nr | artnr | part number | part no | item number | item # | reference | ref | codigo | cod | codice | referencia | bestellnummer | hsn sac | hsn | product id | ean | barcode | stock code | sachnummer | artikel no | code article | art n | article code | upc | material | plu \
         | varenr | varenummer | art no | nimikenro | tuotenro | tuotekoodi | cikkszam | kod | kod produktu | indeks | katalogove cislo | kat c | cislo | cislo zbozi | codigo articulo | cod articulo | cod art | codice articolo | cod articolo | cod prodotto | cod produto | referencia articulo | ref article | code produit | code art | ref produit | best nr | bestell nr | mat nr | materialnr | materialnummer | model | model no | mpn | style | isbn | catalog # | catalogue no | cat no | stock no | stock # | product # | product no | product number | part # | item id | รหัสสินค้า | รหัส",
    ),
    (
        ItemColumn::Description,
        "description | item | items | product | products | service | services | details | particulars | description of goods | item description | product description | goods | name | item name | product name | activity | task | article | code desc | no description | item s | description of service | service description | qty item | work description | designation item | nature of goods | label \
         | beschreibung | bezeichnung | artikel | artikelbezeichnung | leistung | leistungen | produkt | text | ware | artikelbeschreibung | leistungsbeschreibung | bezeichnung der leistung | benennung | designation | libelle | produit | prestation | prestations | description des produits | detail | descripcion | concepto | producto | articulo | descrizione | prodotto | descrizione dei beni | descrizione articolo | omschrijving | artikelomschrijving | dienst | descricao | designacao | produto | artigo | servico | nazwa | opis | nazwa towaru | nazwa towaru uslugi | nazwa towaru lub uslugi | beskrivning | benamning | artikelnamn | vare | beskrivelse | varebetegnelse | tekst | kuvaus | tuote | nimike | popis | nazev | oznaceni dodavky | denumire | denumirea produselor | megnevezes | aciklama | urun | mal hizmet | malzeme hizmet aciklamasi | keterangan | nama barang | deskripsi | รายการ | รายละเอียด | สินค้า | 品名 | 商品名 | 内容 | 货物名称 | 项目 | 품목 \
         | beskrivelse av vare | vare tjeneste | produkt tjeneste | vare ydelse | ydelse | specifikation | specification | tjanst | vara tjanst | artikelbeskrivning | tuotteen nimi | palvelu | selite | popis polozky | polozka | nazev polozky | nazov | cikk megnevezese | termek megnevezese | termek | szolgaltatas | tetel | nazwa uslugi | nazwa towaru i uslugi | towar usluga | wyszczegolnienie | przedmiot | designacao do artigo | descricao do produto | mercadoria | descrizione prodotto | descrizione servizi | prestazione | descrizione del bene | denominazione | voce | descripcion del articulo | descripcion del servicio | detalle | conceptos | denominacion | designation des produits | designation prestation | nature de la prestation | intitule | objet | detail des prestations | articles | produits | leistungsart | position beschreibung | bezeichnung artikel | artikel leistung | dienstleistung | tatigkeit | gegenstand | omschrijving artikel | product omschrijving | dienst omschrijving | beschrijving | werkzaamheden | item details | items ordered | product details | product service | service item | services rendered | services provided | charge description | line description | room type | type of service | merchandise | materials | part description | รายการสินค้า | รายละเอียดสินค้า | ชื่อสินค้า",
    ),
    (
        ItemColumn::Quantity,
        "qty | quantity | qty s | pcs | units | hours | hrs | qty hrs | no of units | count | days | unit s | qnty | quant | ordered | shipped | qty shipped | sale | menge | anzahl | stk | stuck | mge | stunden | einheiten | quantite | qte | qty rm | nombre | heures | nb | cantidad | cant | uds | unidades | ctd | quantita | qta | q ta | qt | aantal | uren | quantidade | qtd | qtde | quant | ilosc | antal | mangd | maengde | antall | maara | kpl | mnozstvi | pocet | cantitate | mennyiseg | menny | miktar | adet | jumlah barang | kuantitas | จำนวน | 数量 | 수량 \
         | std | stdn | stunde | timer | timmar | tim | ore | godziny | godz | hodiny | hod | tunnit | tuntia | ora | orak | horas | nb heures | nombre d heures | nb h | jours | tage | dagen | dage | dagar | giorni | dias | nights | nachte | nuits | noches | notti | nachten | hours worked | qty ordered | qty delivered | qty invoiced | invoiced qty | delivered | qty unit | qty uom | liefermenge | gelieferte menge | menge einheit | menge me | menge einh | qte livree | cantidad ud | cant ud | aantal stuks | stuks | st | ilosc jm | antal st | antal stk | lkm | kappaletta | ks | kusu | db | mennyiseg me | adet miktar \
         | pieces | pc | nos | boxes | cartons | cases | bags | sheets | copies | licenses | licences | seats | users | months | weeks | pax",
    ),
    (
        ItemColumn::Unit,
        "unit | uom | u m | units of measure | einheit | einh | me | unite | unidad | ud | unita | um | u m | eenheid | unidade | un | jm | j m | enhet | enhed | yksikko | mj | mertekegyseg | birim | หน่วย | 単位 | 单位 \
         | yks | egyseg | me egyseg | einheiten | und | jedn | jed | jednostka | enh | stk enhed | mernajednotka",
    ),
    (
        ItemColumn::UnitPrice,
        "unit price | price | rate | unit cost | price each | u price | u p | s price | unit | each | price per unit | hourly rate | price unit | cost | unit price rm | price rm | u price rm | list price | unit amount | selling price | unit net price | net price | price w o tax | retail price | mrp | cost each | price excl vat | rate hr | unit prc | u prc | per unit | net unit price \
         | einzelpreis | preis | stuckpreis | e preis | einzel | ep | vk preis | einzelpreis eur | preis eur | stundensatz | einzelpr | e preis eur | preis pro einheit | netto preis | nettopreis | einheitspreis | preis einheit | einzelpreis netto | grundpreis \
         | prix unitaire | prix | pu | p u | pu ht | p u ht | prix unit | prix unitaire ht | tarif | prix u | prix unit ht | pu net | prix un | precio | precio unitario | p unitario | precio ud | p unit | p v p | pvp | precio unit | prezzo | prezzo unitario | prezzo unit | p unitario | pr unitario | prezzo un | prijs | prijs per stuk | stukprijs | eenheidsprijs | tarief | prijs per eenheid | prijs p st | prijs excl | preco | preco unitario | pr unitario | preco unit | valor unitario | cena | cena jedn | cena jednostkowa | cena netto | cena jedn netto | cena jednostkowa netto | a pris | pris | a pris sek | enhetspris | enhedspris | stk pris | stykpris | pris per enhet | pris pr stk | hinta | a hinta | yksikkohinta | cena za mj | jedn cena | jednotkova cena | pret unitar | pret | egysegar | egysegar netto | birim fiyat | birim fiyati | fiyat | harga | harga satuan | ราคา | ราคาต่อหน่วย | ราคา/หน่วย | หน่วยละ | 単価 | 单价 | 단가 \
         | ansatz | price exc vat | price ex vat | price ex gst | price excl gst | price excl tax | unit price ex vat | unit price exc vat | unit price excl vat | unit price ex gst | unit price inc gst | price inc vat | price incl vat | unit price incl vat | tarif ht | taux horaire | prix ht unitaire | prix net | stykkpris | pris pr enhet | pris pr enhed | pris enhet | pris stk | pris eks mva | pris ekskl moms | pris exkl moms | jednotkova cena bez dph | cena bez dph | cena j | cena mj | cena za jednotku | cena za kus | precio hora | tarifa | tariffa | prezzo netto | valor unit | vl unit | preco un | cena brutto | cena jednostkowa brutto | cena jedn brutto | koszt jednostkowy | yks hinta | hinta yks | veroton hinta | hinta alv 0 | nightly rate | daily rate | day rate | rate per hour | rate per day | hourly | price per hour | price per night | unit value | sales price | item price | item cost | einzel netto | preis je einheit | preis stk | preis pro stk | preis je stk | einzelbetrag | stundenlohn | tagessatz | prijs incl btw stuk | stuksprijs | prijs stuk",
    ),
    (
        ItemColumn::Discount,
        "discount | disc | disc % | discount % | rabatt | rabatt % | nachlass | remise | rem | dto | descuento | sconto | sc | korting | desconto | desc | rabat | alennus | ale | sleva | indirim | ส่วนลด \
         | rabatt i % | bonus | kedvezmeny | opust | upust",
    ),
    (
        ItemColumn::TaxRate,
        "tax | vat | gst | tax rate | vat rate | vat % | tax % | gst % | tax code | sst | gst rate | taxes | cgst | igst | sgst | mwst | mwst % | ust | ust % | steuer | steuersatz | mwst satz | ust satz | tva | % tva | tva % | taux tva | taux | iva | iva % | % iva | tipo iva | aliquota | cod iva | btw | btw % | btw tarief | % btw | taxa | taxa iva | taxa de iva | vat stawka | stawka vat | stawka | moms | moms % | mva | mva % | alv | alv % | dph | dph % | sazba dph | cota tva | afa | afa kulcs | afa % | kdv | kdv orani | kdv % | ภาษี | 税率 \
         | vat code | sales tax | tax pct | mva sats | moms sats | alv kanta | vero | veroprosentti | aliquota iva | al iva | taxe | code tva | btw code | btw perc | st | iva aplicado | tipo impositivo | impuesto",
    ),
    (
        ItemColumn::TaxAmount,
        "tax amount | vat amount | gst amount | tax amt | gst amt | mwst betrag | steuerbetrag | ust betrag | montant tva | importe iva | importo iva | btw bedrag | valor iva | kwota vat | momsbelopp | kdv tutari | 税额 \
         | vat amt | gst value | tax value | kwota podatku | wartosc vat | kwota podatku vat | moms belob | mva belop | alv summa | alv euroa | afa osszeg | dph castka | dph celkem | dph kc | valor do iva | imposta | importo imposta | cuota iva | cuota | mwst eur | ust eur | steuer eur | tva eur | btw eur | igst amount | cgst amount | sgst amount",
    ),
    (
        ItemColumn::Amount,
        "amount | total | line total | total price | total amount | amt | price total | net amount | extended price | ext price | subtotal | sub total | amount rm | amt rm | total rm | amount usd | amount eur | net | line amount | value | total amt | total cost | extended amount | ext amount | ext | gross | gross amount | amount excl vat | total excl vat | total net | net value | total inc | total value | amount due | total tax | sum | taxable value | charges | rm \
         | betrag | gesamt | gesamtpreis | summe | gesamtbetrag | zeilenbetrag | netto | gesamtpreis eur | betrag eur | gesamt eur | gp | total eur | nettobetrag | wert | positionssumme | gesamt netto | zeilenbetrag ohne mwst | g preis | gesamtpreis netto | summe eur | brutto | total netto | nettogesamt | preis gesamt | ges preis | eur | montant | montant ht | total ht | prix total | prix ht | prix total ht | montant total | total ttc | montant ttc | montant eur ttc | montant eur ht | total h t | prix ttc | importe | subtotal eur | importe neto | importe total | total linea | importe eur | importo | totale | imponibile | prezzo totale | importo netto | valore | importo eur | totale eur | tot | bedrag | totaal | prijs incl btw | prijs excl btw | totaalprijs | totaal excl btw | bedrag excl btw | regeltotaal | totaalbedrag | netto bedrag | valor | valor total | preco total | total liquido | valor liquido | wartosc | wartosc netto | wartosc brutto | kwota | belopp | summa | totalt | belop | belob | sum | i alt | total pris | linjetotal | belop nok | yhteensa | summa eur | celkem | cena celkem | castka | cena celkem bez dph | valoare | valoarea | ertek | osszeg | netto ertek | osszesen | brutto ertek | tutar | toplam | toplam tutar | mal hizmet tutari | subtotal harga | jumlah | jumlah rm | จำนวนเงิน | ราคารวม | รวม | 金額 | 金额 | 小計 | 금액 \
         | kwota brutto | kwota netto | celkem bez dph | celkem s dph | cena s dph | cena celkem s dph | veroton summa | veroton yhteensa | yhteensa alv 0 | hinta yhteensa | pris i alt | pris totalt | i alt ekskl moms | linjebelop | linjesum | delsumma | radsumma | summa exkl moms | belopp exkl moms | belop eks mva | sum eks mva | importe bruto | precio total | valor neto | total neto | total con iva | total iva incl | prezzo tot | importo totale | totale riga | tot imponibile | totale iva incl | totale imponibile | regelbedrag | bedrag incl btw | totaal incl btw | montant net | montant net ht | total net ht | prix net ht | line value | line net | net line amount | extension | extended | ext amt | charge | fee | fees | gross value | total ex vat | total exc vat | total inc vat | total incl vat | total ex gst | total inc gst | amount ex vat | amount exc vat | amount inc vat | amount ex gst | amount inc gst | net total | line price | item total | summe netto | gesamt brutto | bruttobetrag | betrag netto | betrag brutto | gesamtsumme | positionsbetrag | positionswert | zeilensumme | nettosumme | valor s iva | valor c iva | valor iliquido | wartosc z vat | razem | razem netto | razem brutto | brutto osszesen | netto osszesen | nettó osszeg | brutto osszeg | tutari | toplam fiyat | จำนวนเงินรวม | ราคาสุทธิ | ยอดรวม",
    ),
    (ItemColumn::Date, "date | datum | fecha | data | training date | service date | leistungsdatum | วันที่"),
];
