//! A document of each preset's kind, made up, and what is to be found in it.

/// A page of text and the values that it says.
pub struct Sample {
    pub preset: &'static str,
    pub text: &'static str,
    /// JSON of some of the fields.
    pub expected: &'static str,
}

pub const SAMPLES: &[Sample] = &[
    Sample {
        preset: "invoice",
        text: "\
Acme Trading Ltd
12 Harbour Road, Bristol BS1 4ND

INVOICE
Invoice number: INV-2041          Invoice date: 14 March 2026
Delivery date: 10 March 2026      Due date: 13 April 2026
VAT no.: GB123456789              Payment terms: 30 days
IBAN: GB82 WEST 1234 5698 7654 32

Description        Quantity      Unit price      Amount
Steel bolt M8           100            0.25       25.00
Washer M8               200            0.10       20.00
Subtotal                                          45.00
VAT 20%                                            9.00
Total GBP                                         54.00
",
        expected: r#"{"invoiceNumber": "INV-2041", "invoiceDate": "2026-03-14", "dueDate": "2026-04-13",
            "serviceDate": "2026-03-10", "paymentTerms": "30 days", "iban": "GB82WEST12345698765432",
            "subtotal": 45, "taxAmount": 9, "total": 54, "currency": "GBP",
            "lineItems": [{"description": "Steel bolt M8", "quantity": 100, "unitPrice": 0.25, "amount": 25},
                {"description": "Washer M8", "quantity": 200, "unitPrice": 0.1, "amount": 20}]}"#,
    },
    Sample {
        preset: "receipt",
        text: "\
Corner Shop
5 High Street
Receipt no: 4711      Date: 03/11/2026 14:05
Bread                            2.40
Milk                             1.10

TOTAL                            3.50
Cash                             5.00
Change                           1.50
",
        expected: r#"{"receiptNumber": "4711", "date": "2026-11-03", "total": 3.5}"#,
    },
    Sample {
        preset: "purchase_order",
        text: "\
PURCHASE ORDER
PO number: PO-7781                Order date: 2 February 2026
Requested delivery date: 20 February 2026
Buyer: Meier Maschinenbau GmbH    Supplier: Acme Trading Ltd
Incoterms: DAP Bristol            Payment terms: 14 days

Article number     Description        Quantity      Unit price      Amount
A-100              Steel bolt M8           100            0.25       25.00
A-200              Washer M8               200            0.10       20.00
Total EUR                                                            45.00
",
        expected: r#"{"purchaseOrderNumber": "PO-7781", "orderDate": "2026-02-02", "deliveryDate": "2026-02-20",
            "buyerName": "Meier Maschinenbau GmbH", "supplierName": "Acme Trading Ltd",
            "deliveryTerms": "DAP Bristol", "paymentTerms": "14 days", "total": 45}"#,
    },
    Sample {
        preset: "delivery_note",
        text: "\
Lieferschein
Lieferschein-Nr.: LS-339          Lieferdatum: 05.02.2026
Bestellnummer: B-7781             Versandart: Spedition Nord
Packstücke: 3                     Bruttogewicht: 42 kg

Artikelnummer      Bezeichnung        Menge      Einheit
A-100              Stahlschraube        100      Stk
",
        expected: r#"{"deliveryNoteNumber": "LS-339", "deliveryDate": "2026-02-05", "orderNumber": "B-7781",
            "carrier": "Spedition Nord", "packages": 3, "grossWeight": "42 kg"}"#,
    },
    Sample {
        preset: "bank_statement",
        text: "\
Bank: Nordbank
Account holder: Anna Berg         IBAN: DE89 3704 0044 0532 0130 00
Statement no.: 7
From: 01.03.2026                  To: 31.03.2026
Opening balance: 1,200.00

Date           Description          Debit        Credit       Balance
03.03.2026     Rent March          800.00                      400.00
15.03.2026     Salary                          2,000.00      2,400.00
Closing balance: 2,400.00
",
        expected: r#"{"bankName": "Nordbank", "accountHolder": "Anna Berg", "iban": "DE89370400440532013000",
            "statementNumber": "7", "periodStart": "2026-03-01", "periodEnd": "2026-03-31",
            "openingBalance": 1200, "closingBalance": 2400,
            "checks": {"runningBalance": true, "closingBalance": true},
            "transactions": [
                {"date": "2026-03-03", "description": "Rent March", "debit": 800, "credit": null, "balance": 400},
                {"date": "2026-03-15", "description": "Salary", "debit": null, "credit": 2000, "balance": 2400}]}"#,
    },
    Sample {
        preset: "credit_note",
        text: "\
Acme Trading Ltd
CREDIT NOTE
Credit note number: CN-88         Credit note date: 20 March 2026
Original invoice: INV-2041        Reason: goods damaged

Description        Quantity      Unit price      Amount
Washer M8               200            0.10       20.00
Subtotal                                          20.00
VAT 20%                                            4.00
Total GBP                                         24.00
",
        expected: r#"{"creditNoteNumber": "CN-88", "creditNoteDate": "2026-03-20",
            "originalInvoiceNumber": "INV-2041", "reason": "goods damaged", "total": 24}"#,
    },
    Sample {
        preset: "quotation",
        text: "\
QUOTATION
Quotation no.: Q-512              Quotation date: 5 January 2026
Valid until: 4 February 2026      Lead time: 3 weeks

Description        Quantity      Unit price      Amount
Pump P3                   2          120.00      240.00
Subtotal                                         240.00
VAT 20%                                           48.00
Total GBP                                        288.00
",
        expected: r#"{"quotationNumber": "Q-512", "quotationDate": "2026-01-05", "validUntil": "2026-02-04",
            "deliveryTime": "3 weeks", "total": 288}"#,
    },
    Sample {
        preset: "utility_bill",
        text: "\
City Power
Account number: 55-1200           Bill number: E-9001
Bill date: 5 May 2026             Due date: 20 May 2026
Meter number: M-77120
Period from: 01/04/2026           Period to: 30/04/2026
Previous reading: 10450           Current reading: 10780
Consumption: 330
Total amount GBP: 92.40
",
        expected: r#"{"accountNumber": "55-1200", "billNumber": "E-9001", "billDate": "2026-05-05",
            "dueDate": "2026-05-20", "meterNumber": "M-77120", "periodStart": "2026-04-01",
            "periodEnd": "2026-04-30", "previousReading": 10450, "currentReading": 10780, "consumption": 330}"#,
    },
    Sample {
        preset: "payslip",
        text: "\
Arbeitgeber: Meier Maschinenbau GmbH
Mitarbeiter: Anna Berg            Personalnummer: 1204
Abrechnungsmonat: März 2026       Auszahlungsdatum: 31.03.2026
Sozialversicherungsnummer: 65 170374 B 003
Bruttolohn:                                  3.500,00
Lohnsteuer:                                    520,50
Summe der Abzüge:                            1.240,75
Nettolohn:                                   2.259,25
",
        expected: r#"{"employerName": "Meier Maschinenbau GmbH", "employeeName": "Anna Berg",
            "employeeNumber": "1204", "period": "März 2026", "payDate": "2026-03-31", "grossPay": 3500,
            "incomeTax": 520.5, "totalDeductions": 1240.75, "netPay": 2259.25}"#,
    },
    Sample {
        preset: "expense_report",
        text: "\
EXPENSE REPORT
Employee: John Miller             Employee ID: E-88
Department: Sales                 Cost centre: 4100
Report date: 12 June 2026         Purpose: Trade fair Lyon

Date           Category      Description          Amount
08/06/2026     Train         Paris to Lyon         84.00
09/06/2026     Hotel         One night            120.00
Total expenses: 204.00
",
        expected: r#"{"employeeName": "John Miller", "employeeNumber": "E-88", "department": "Sales",
            "costCentre": "4100", "reportDate": "2026-06-12", "purpose": "Trade fair Lyon", "total": 204,
            "expenses": [
                {"date": "2026-06-08", "category": "Train", "description": "Paris to Lyon", "amount": 84},
                {"date": "2026-06-09", "category": "Hotel", "description": "One night", "amount": 120}]}"#,
    },
    Sample {
        preset: "contract_header",
        text: "\
SERVICE AGREEMENT
Contract number: C-2026-14
Client: Meier Maschinenbau GmbH
Contractor: Acme Trading Ltd
Date of agreement: 2 January 2026
Effective date: 1 February 2026
End date: 31 January 2028
Term: 24 months
Notice period: 3 months
Contract value: EUR 48,000.00
Governing law: Germany
",
        expected: r#"{"contractNumber": "C-2026-14", "partyA": "Meier Maschinenbau GmbH",
            "partyB": "Acme Trading Ltd", "signatureDate": "2026-01-02", "effectiveDate": "2026-02-01",
            "endDate": "2028-01-31", "term": "24 months", "noticePeriod": "3 months", "contractValue": 48000,
            "governingLaw": "Germany"}"#,
    },
    Sample {
        preset: "business_card",
        text: "\
Meier Maschinenbau GmbH

Anna Berg
Sales Manager

Tel: +49 711 123456
Mobile: +49 170 1234567
anna.berg@meier.example
",
        expected: r#"{"name": "Anna Berg", "jobTitle": "Sales Manager", "company": "Meier Maschinenbau GmbH",
            "email": "anna.berg@meier.example"}"#,
    },
    Sample {
        preset: "passport",
        text: "\
UTOPIA PASSPORT
Place of birth: Zenith            Authority: Ministry of Travel
Date of issue: 16 April 2007

P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<
L898902C36UTO7408122F1204159ZE184226B<<<<<10
",
        expected: r#"{"documentType": "P", "issuingCountry": "UTO", "passportNumber": "L898902C3",
            "surname": "ERIKSSON", "givenNames": "ANNA MARIA", "nationality": "UTO", "birthDate": "1974-08-12",
            "sex": "F", "expiryDate": "2012-04-15", "birthPlace": "Zenith", "issueDate": "2007-04-16",
            "authority": "Ministry of Travel", "personalNumber": "ZE184226B",
            "checks": {"zone": "TD3", "documentNumber": true, "personalNumber": true, "composite": true}}"#,
    },
    Sample {
        preset: "driving_licence",
        text: "\
DRIVING LICENCE
1. BERG
2. ANNA
3. 12.03.1980 STUTTGART
4a. 05.06.2019     4c. City of Stuttgart
4b. 04.06.2034
5. B072RRE2I55
9. AM, B, L
",
        expected: r#"{"surname": "BERG", "givenNames": "ANNA", "birthDate": "1980-03-12",
            "birthPlace": "STUTTGART", "issueDate": "2019-06-05", "expiryDate": "2034-06-04",
            "authority": "City of Stuttgart", "licenceNumber": "B072RRE2I55", "categories": "AM, B, L"}"#,
    },
    Sample {
        preset: "id_card",
        text: "\
Personalausweis
Geburtsort: Zenith
Ausstellende Behörde: Stadt Zenith

I<UTOD231458907<<<<<<<<<<<<<<<
7408122F1204159UTO<<<<<<<<<<<6
ERIKSSON<<ANNA<MARIA<<<<<<<<<<
",
        expected: r#"{"documentNumber": "D23145890", "surname": "ERIKSSON", "givenNames": "ANNA MARIA",
            "birthDate": "1974-08-12", "sex": "F", "expiryDate": "2012-04-15", "nationality": "UTO",
            "birthPlace": "Zenith", "checks": {"zone": "TD1", "composite": true}}"#,
    },
    Sample {
        preset: "bill_of_lading",
        text: "\
BILL OF LADING
B/L no.: HLCU-77120               Booking no.: BK-4451
Vessel: Northern Star             Voyage no.: 017E
Port of loading: Hamburg          Port of discharge: Singapore
Container no.: MSKU1234565        Seal no.: S-9911
Number of packages: 40            Gross weight: 12,400 kg
Freight: prepaid                  Shipped on board: 3 April 2026
",
        expected: r#"{"billOfLadingNumber": "HLCU-77120", "bookingNumber": "BK-4451", "vessel": "Northern Star",
            "voyageNumber": "017E", "portOfLoading": "Hamburg", "portOfDischarge": "Singapore",
            "containerNumber": "MSKU1234565", "sealNumber": "S-9911", "packages": 40,
            "grossWeight": "12,400 kg", "freight": "prepaid", "onBoardDate": "2026-04-03"}"#,
    },
    Sample {
        preset: "customs_form",
        text: "\
EXPORT DECLARATION
MRN: 26DE123456789012A3
Declaration date: 4 April 2026
Exporter: Meier Maschinenbau GmbH
Exporter EORI: DE1234567
Consignee: Acme Trading Ltd
Customs office: Hamburg Hafen
Country of origin: Germany
Country of destination: Singapore
Total packages: 40
Invoice value: EUR 5,200.00

Item no.      HS code       Description of goods      Quantity      Value
1             73181500      Steel bolts                   4000     5,200.00
",
        expected: r#"{"declarationNumber": "26DE123456789012A3", "declarationDate": "2026-04-04",
            "exporter": "Meier Maschinenbau GmbH", "exporterId": "DE1234567", "consignee": "Acme Trading Ltd",
            "customsOffice": "Hamburg Hafen", "countryOfOrigin": "Germany", "countryOfDestination": "Singapore",
            "packages": 40, "invoiceValue": 5200,
            "declaredGoods": [{"item": 1, "commodityCode": "73181500", "description": "Steel bolts", "quantity": 4000,
                "value": 5200}]}"#,
    },
    Sample {
        preset: "medical_bill",
        text: "\
Provider: City Clinic             NPI: 1093817465
Patient name: Anna Berg           Date of birth: 12 March 1980
Insurance company: Vita           Policy number: V-5512
Bill number: MB-301               Bill date: 9 July 2026
Diagnosis: J06.9

Service date     CPT code     Description          Charges
02/07/2026       99213        Office visit          110.00
02/07/2026       87880        Strep test             35.00
Total charges: 145.00
Insurance paid: 100.00
Patient responsibility: 45.00
",
        expected: r#"{"providerName": "City Clinic", "providerId": "1093817465", "patientName": "Anna Berg",
            "patientBirthDate": "1980-03-12", "insurer": "Vita", "policyNumber": "V-5512",
            "billNumber": "MB-301", "billDate": "2026-07-09", "diagnosis": "J06.9", "total": 145,
            "insurancePaid": 100, "patientDue": 45,
            "treatments": [
                {"date": "2026-07-02", "code": "99213", "description": "Office visit", "amount": 110},
                {"date": "2026-07-02", "code": "87880", "description": "Strep test", "amount": 35}]}"#,
    },
    Sample {
        preset: "cv",
        text: "\
Anna Berg

Email: anna.berg@mail.example
Phone: +49 170 1234567
Date of birth: 12 March 1980
Nationality: German
Languages: German, English, French
Skills: Welding, Planning
",
        expected: r#"{"name": "Anna Berg", "email": "anna.berg@mail.example", "birthDate": "1980-03-12",
            "nationality": "German", "languages": ["German", "English", "French"],
            "skills": ["Welding", "Planning"]}"#,
    },
    Sample {
        preset: "form",
        text: "\
Registration of a bicycle
Owner: Anna Berg                  Town: Zenith
Frame number: WX-4471
Colour: blue
Brakes: [x] front   [ ] back
[x] I have insured it
",
        expected: r#"{"entries": [{"label": "Owner", "value": "Anna Berg"}, {"label": "Town", "value": "Zenith"},
            {"label": "Frame number", "value": "WX-4471"}, {"label": "Colour", "value": "blue"},
            {"label": "Brakes", "value": "front"}],
            "checkBoxes": [{"label": "front", "checked": true}, {"label": "back", "checked": false},
                {"label": "I have insured it", "checked": true}]}"#,
    },
    Sample {
        preset: "table",
        text: "\
Members of the club

Member           Joined           Boat
Anna Berg        2019             Seagull
John Miller      2021             Tern
",
        expected: r#"{"rows": [{"Member": "Anna Berg", "Joined": "2019", "Boat": "Seagull"},
            {"Member": "John Miller", "Joined": "2021", "Boat": "Tern"}]}"#,
    },
];
