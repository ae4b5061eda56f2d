//! The exports of other programs import with nothing but a confirmation.

use super::*;
use crate::view::Progress;

struct Case {
    file: &'static str,
    object: &'static str,
    vendor: Option<&'static str>,
    /// header and path of every mapped column
    mapping: &'static [(&'static str, &'static str)],
    created: u64,
    companies: u64,
    /// index of the record, pointer, value
    values: &'static [(usize, &'static str, &'static str)],
}

const CASES: &[Case] = &[
    Case {
        file: "hubspot-contacts.csv",
        object: "contact",
        vendor: Some("hubspot"),
        mapping: &[
            ("Record ID", "externalId"),
            ("First Name", "name.first"),
            ("Last Name", "name.last"),
            ("Email", "email"),
            ("Phone Number", "phone"),
            ("Contact owner", "owner"),
            ("Primary Associated Company ID", "company.externalId"),
            ("Associated Company", "company.name"),
            ("Create Date", "createdAt"),
            ("Lifecycle Stage", "lifecycle"),
            ("Job Title", "title"),
            ("City", "address.city"),
            ("State/Region", "address.region"),
            ("Postal Code", "address.postalCode"),
            ("Country/Region", "address.country"),
            ("Website URL", "website"),
            ("Original Traffic Source", "source"),
            ("Unsubscribed from all email", "emailOptOut"),
        ],
        created: 6,
        companies: 3,
        values: &[
            (0, "/name/last", "Stone"),
            (0, "/company/name", "Northwind Traders Inc"),
            (0, "/owner/name", "Admin User"),
            (1, "/lifecycle", "opportunity"),
            (1, "/source", "referral"),
            (2, "/emailOptOut", "true"),
            (3, "/name/last", "info@ironwood.example"),
            (4, "/name/first", "Mei \"May\""),
            (4, "/email/1", "may@bluepeak.example"),
            (5, "/company/name", "Northwind Traders Inc"),
        ],
    },
    Case {
        file: "salesforce-report.csv",
        object: "contact",
        vendor: Some("salesforce"),
        mapping: &[
            ("Contact ID", "externalId"),
            ("Salutation", "salutation"),
            ("First Name", "name.first"),
            ("Last Name", "name.last"),
            ("Title", "title"),
            ("Account ID", "company.externalId"),
            ("Account Name", "company.name"),
            ("Phone", "phone"),
            ("Mobile", "mobile"),
            ("Email", "email"),
            ("Contact Owner", "owner"),
            ("Mailing Street", "address.street"),
            ("Mailing City", "address.city"),
            ("Mailing Zip/Postal Code", "address.postalCode"),
            ("Mailing Country", "address.country"),
            ("Lead Source", "source"),
            ("Birthdate", "birthday"),
            ("Email Opt Out", "emailOptOut"),
        ],
        created: 5,
        companies: 3,
        values: &[
            (0, "/birthday", "1979-04-13"),
            (0, "/salutation", "ms"),
            (0, "/address/street", "Kungsgatan 1, 2nd floor"),
            (1, "/birthday", "1985-12-01"),
            (2, "/emailOptOut", "true"),
            (2, "/company/name", "Granite Systems AB"),
            (3, "/birthday", "1990-01-02"),
        ],
    },
    Case {
        file: "german-excel.csv",
        object: "company",
        vendor: None,
        mapping: &[
            ("Kundennummer", "externalId"),
            ("Firma", "name"),
            ("Straße", "address.street"),
            ("PLZ", "address.postalCode"),
            ("Ort", "address.city"),
            ("Land", "address.country"),
            ("Telefon", "phone"),
            ("E-Mail", "email"),
            ("Webseite", "website"),
            ("Branche", "industry"),
            ("Mitarbeiter", "employees"),
            ("Jahresumsatz", "revenue"),
            ("Kunde seit", "customerSince"),
            ("USt-IdNr.", "vatId"),
            ("Bemerkungen", "description"),
        ],
        created: 5,
        companies: 0,
        values: &[
            (0, "/name", "Müller & Söhne GmbH"),
            (0, "/revenue/amount", "1234567.89"),
            (0, "/customerSince", "2019-12-31"),
            (0, "/domain", "mueller-soehne.example"),
            (1, "/customerSince", "2021-02-01"),
            (2, "/name", "Jäger \"Forst\" KG"),
            (2, "/description", "Rückruf im März"),
            (3, "/employees", "1250"),
            (3, "/revenue/amount", "98765432.10"),
        ],
    },
    Case {
        file: "google-contacts.csv",
        object: "contact",
        vendor: Some("google"),
        mapping: &[
            ("First Name", "name.first"),
            ("Middle Name", "name.middle"),
            ("Last Name", "name.last"),
            ("Name Prefix", "salutation"),
            ("Nickname", "nickname"),
            ("Organization Name", "company.name"),
            ("Organization Title", "title"),
            ("Organization Department", "department"),
            ("Birthday", "birthday"),
            ("Notes", "description"),
            ("Labels", "tags"),
            ("E-mail 1 - Value", "email"),
            ("E-mail 2 - Value", "email"),
            ("Phone 1 - Value", "phone"),
            ("Phone 2 - Value", "phone"),
            ("Address 1 - Street", "address.street"),
            ("Address 1 - City", "address.city"),
            ("Address 1 - Postal Code", "address.postalCode"),
            ("Address 1 - Country", "address.country"),
            ("Website 1 - Value", "website"),
        ],
        created: 5,
        companies: 4,
        values: &[
            (0, "/email/1", "kira.sato@mail.example"),
            (0, "/phone/2", "+81 3 5555 0133"),
            (0, "/tags/0", "Customers"),
            (0, "/birthday", "1988-04-12"),
            (0, "/address/street", "1 Chome"),
            (2, "/name/first", "Małgorzata Anna"),
            (2, "/tags/1", "VIP"),
            (3, "/name/last", "help@meridian.example"),
        ],
    },
    Case {
        file: "outlook-21.vcf",
        object: "contact",
        vendor: None,
        mapping: &[
            ("Full name", "name"),
            ("First name", "name.first"),
            ("Last name", "name.last"),
            ("Company", "company.name"),
            ("Department", "department"),
            ("Job title", "title"),
            ("E-mail", "email"),
            ("Work phone", "phone"),
            ("Mobile phone", "mobile"),
            ("Fax", "fax"),
            ("Work street", "address.street"),
            ("Work city", "address.city"),
            ("Work postal code", "address.postalCode"),
            ("Work country", "address.country"),
            ("Home street", "otherAddress.street"),
            ("Home city", "otherAddress.city"),
            ("Home postal code", "otherAddress.postalCode"),
            ("Home country", "otherAddress.country"),
            ("Website", "website"),
            ("Birthday", "birthday"),
            ("Notes", "description"),
        ],
        created: 5,
        companies: 2,
        values: &[
            (0, "/name/first", "Jörg"),
            (0, "/company/name", "Jäger & Groß GmbH"),
            (0, "/title", "Geschäftsführer"),
            (0, "/birthday", "1979-04-13"),
            (0, "/address/city", "München"),
            (1, "/email/1", "jw@mail.example"),
            (2, "/name/last", "Köhler"),
        ],
    },
    Case {
        file: "outlook-40.vcf",
        object: "contact",
        vendor: None,
        mapping: &[
            ("UID", "externalId"),
            ("Full name", "name"),
            ("First name", "name.first"),
            ("Last name", "name.last"),
            ("Company", "company.name"),
            ("Department", "department"),
            ("Job title", "title"),
            ("E-mail", "email"),
            ("Work phone", "phone"),
            ("Mobile phone", "mobile"),
            ("Other phone", "phone"),
            ("Work street", "address.street"),
            ("Work city", "address.city"),
            ("Work region", "address.region"),
            ("Work postal code", "address.postalCode"),
            ("Work country", "address.country"),
            ("Website", "website"),
            ("Birthday", "birthday"),
            ("Notes", "description"),
            ("Categories", "tags"),
        ],
        created: 5,
        companies: 4,
        values: &[
            (0, "/name/last", "Dupont"),
            (0, "/company/name", "Cascade Énergie, SA"),
            (0, "/phone/0", "+33-1-99-00-0151"),
            (0, "/mobile", "+33-6-99-00-0152"),
            (0, "/birthday", "1980-02-29"),
            (0, "/tags/1", "vip"),
            (3, "/name/last", "山田"),
            (4, "/birthday", ""),
        ],
    },
    Case {
        file: "pipedrive-people.csv",
        object: "contact",
        vendor: Some("pipedrive"),
        mapping: &[
            ("Person - ID", "externalId"),
            ("Person - Name", "name"),
            ("Person - First name", "name.first"),
            ("Person - Last name", "name.last"),
            ("Person - Organization", "company.name"),
            ("Person - Email - Work", "email"),
            ("Person - Email - Home", "email"),
            ("Person - Phone - Work", "phone"),
            ("Person - Phone - Mobile", "mobile"),
            ("Person - Owner", "owner"),
            ("Person - Labels", "tags"),
            ("Person - Person created", "createdAt"),
            ("Person - Update time", "updatedAt"),
        ],
        created: 5,
        companies: 3,
        values: &[
            (0, "/name/first", "Ágnes"),
            (1, "/email/1", "bs@mail.example"),
            (1, "/tags/1", "Warm lead"),
            (3, "/company/name", "Tidewater Marine ApS"),
        ],
    },
    Case {
        file: "pipedrive-deals.csv",
        object: "deal",
        vendor: Some("pipedrive"),
        mapping: &[
            ("Deal - ID", "externalId"),
            ("Deal - Title", "name"),
            ("Deal - Value", "amount"),
            ("Deal - Currency of Value", "amount.currency"),
            ("Deal - Organization", "company.name"),
            ("Deal - Contact person", "contacts.name"),
            ("Deal - Stage", "stage"),
            ("Deal - Pipeline", "pipeline"),
            ("Deal - Owner", "owner"),
            ("Deal - Expected close date", "closeDate"),
            ("Deal - Probability", "probability"),
            ("Deal - Lost reason", "lostReason"),
            ("Deal - Deal created", "createdAt"),
        ],
        created: 5,
        companies: 3,
        values: &[
            (0, "/amount/amount", "12500.00"),
            (0, "/stage", "proposal"),
            (2, "/amount/amount", "250000.50"),
            (2, "/amount/currency", "USD"),
            (2, "/stage", "won"),
            (3, "/stage", "lost"),
            (3, "/lostReason", "price"),
            (4, "/closeDate", "2026-02-28"),
        ],
    },
    Case {
        file: "zoho-contacts.csv",
        object: "contact",
        vendor: Some("zoho"),
        mapping: &[
            ("Record Id", "externalId"),
            ("Contact Owner", "owner"),
            ("Lead Source", "source"),
            ("First Name", "name.first"),
            ("Last Name", "name.last"),
            ("Account Name.id", "company.externalId"),
            ("Account Name", "company.name"),
            ("Email", "email"),
            ("Title", "title"),
            ("Department", "department"),
            ("Phone", "phone"),
            ("Mobile", "mobile"),
            ("Date of Birth", "birthday"),
            ("Email Opt Out", "emailOptOut"),
            ("Mailing Street", "address.street"),
            ("Mailing City", "address.city"),
            ("Mailing State", "address.region"),
            ("Mailing Zip", "address.postalCode"),
            ("Mailing Country", "address.country"),
            ("Description", "description"),
            ("Tag", "tags"),
            ("Created Time", "createdAt"),
            ("Modified Time", "updatedAt"),
        ],
        created: 5,
        companies: 3,
        values: &[
            (0, "/birthday", "1984-05-30"),
            (0, "/tags/1", "newsletter"),
            (2, "/company/name", "Harbor Textiles SA"),
            (2, "/emailOptOut", "true"),
            (3, "/name/last", "Yılmaz"),
            (4, "/source", "advertising"),
        ],
    },
];

#[test]
fn each_imports_with_a_confirmation() {
    for case in CASES {
        let house = House::new();
        let view = house.start(case.object, case.file, &fixture(case.file));
        assert_eq!(view.vendor.as_deref(), case.vendor, "{}", case.file);
        let mapping: Vec<(&str, &str)> =
            view.columns.iter().filter_map(|c| Some((c.header.as_str(), c.field.as_deref()?))).collect();
        assert_eq!(mapping, case.mapping, "{}", case.file);
        let checked = house.imports.check(&house.admin(), view.id).expect("a check");
        let preview = checked.preview.expect("a preview");
        assert_eq!((preview.refused, preview.create), (0, case.created), "{}: {:?}", case.file, preview.errors);
        assert_eq!(preview.companies_to_create, case.companies, "{}", case.file);
        let done = house.commit(view.id);
        assert_eq!(done.status, Status::Done, "{}: {:?}", case.file, done.error);
        let expect = Progress {
            done: case.created,
            total: case.created,
            created: case.created,
            companies_created: case.companies,
            ..Progress::default()
        };
        assert_eq!(done.progress, expect, "{}: {}", case.file, house.errors(view.id));
        let records = house.all(case.object);
        assert_eq!(records.len() as u64, case.created);
        for (index, pointer, value) in case.values {
            assert_eq!(at(&records[*index], pointer), *value, "{} {index} {pointer}", case.file);
        }
    }
}

#[test]
fn a_second_time_nothing_changes() {
    for case in CASES.iter().filter(|c| c.vendor.is_some()) {
        let house = House::new();
        house.import(case.object, case.file, &fixture(case.file));
        let again = house.import(case.object, case.file, &fixture(case.file)).progress;
        assert_eq!(
            (again.created, again.updated, again.refused, again.companies_created),
            (0, 0, 0, 0),
            "{}",
            case.file
        );
        assert_eq!(again.skipped, case.created);
    }
}
