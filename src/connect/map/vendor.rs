//! Which program wrote a table, by the headers its export is documented to have.

use super::stats::Stats;
use super::words::key;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    Hubspot,
    Salesforce,
    Pipedrive,
    Zoho,
    Google,
    Outlook,
}

impl Vendor {
    pub fn name(self) -> &'static str {
        match self {
            Vendor::Hubspot => "hubspot",
            Vendor::Salesforce => "salesforce",
            Vendor::Pipedrive => "pipedrive",
            Vendor::Zoho => "zoho",
            Vendor::Google => "google",
            Vendor::Outlook => "outlook",
        }
    }
}

/// (vendor, headers as `words::key` gives them, how many of them must be there)
const MARKS: &[(Vendor, &[&str], usize)] = &[
    (
        Vendor::Pipedrive,
        &[
            "personname",
            "personid",
            "personemail",
            "personphone",
            "personorganization",
            "personowner",
            "persondealstowards",
        ],
        2,
    ),
    (
        Vendor::Pipedrive,
        &["organizationname", "organizationid", "organizationaddress", "organizationowner", "organizationlabels"],
        2,
    ),
    (
        Vendor::Pipedrive,
        &["dealtitle", "dealid", "dealvalue", "dealstage", "dealpipeline", "dealowner", "dealexpectedclosedate"],
        3,
    ),
    (
        Vendor::Google,
        &[
            "givenname",
            "familyname",
            "firstname",
            "lastname",
            "email1value",
            "email1type",
            "email1label",
            "phone1value",
            "phone1label",
            "organization1name",
            "organizationname",
            "groupmembership",
            "labels",
        ],
        4,
    ),
    (Vendor::Google, &["email1value", "phone1value"], 2),
    (
        Vendor::Outlook,
        &[
            "emailaddress",
            "emaildisplayname",
            "emailtype",
            "businessphone",
            "businessstreet",
            "mobilephone",
            "homestreet",
            "businesscity",
            "email2address",
        ],
        4,
    ),
    (
        Vendor::Outlook,
        &["emailadresse", "telefongeschaftlich", "strassegeschaftlich", "mobiltelefon", "ortgeschaftlich", "firma"],
        4,
    ),
    (
        Vendor::Hubspot,
        &[
            "recordid",
            "contactowner",
            "leadstatus",
            "lifecyclestage",
            "createdate",
            "lastactivitydate",
            "associatedcompany",
            "associatedcompanyids",
            "marketingcontactstatus",
            "phonenumber",
            "primarycompany",
            "primaryassociatedcompanyid",
        ],
        4,
    ),
    (
        Vendor::Hubspot,
        &[
            "recordid",
            "companyname",
            "companyowner",
            "createdate",
            "companydomainname",
            "lastactivitydate",
            "phonenumber",
            "industry",
        ],
        5,
    ),
    (
        Vendor::Hubspot,
        &["recordid", "dealname", "dealstage", "closedate", "dealowner", "amount", "pipeline", "dealid"],
        5,
    ),
    (
        Vendor::Zoho,
        &[
            "recordid",
            "contactownerid",
            "contactowner",
            "accountname",
            "accountnameid",
            "mailingstreet",
            "createdbyid",
            "modifiedtime",
            "createdtime",
            "emailoptout",
            "tag",
            "vendorname",
        ],
        6,
    ),
    (
        Vendor::Zoho,
        &[
            "recordid",
            "accountowner",
            "accountownerid",
            "accountname",
            "modifiedtime",
            "createdtime",
            "tag",
            "billingstreet",
        ],
        5,
    ),
    (Vendor::Zoho, &["recordid", "leadowner", "leadownerid", "leadsource", "modifiedtime", "createdtime", "tag"], 5),
    (
        Vendor::Zoho,
        &["recordid", "dealowner", "dealownerid", "dealname", "stage", "modifiedtime", "createdtime", "closingdate"],
        5,
    ),
    (
        Vendor::Salesforce,
        &[
            "contactid",
            "accountid",
            "accountname",
            "accountowner",
            "contactowner",
            "mailingstreet",
            "mailingcity",
            "mailingstateprovince",
            "lastactivity",
            "lastmodifieddate",
            "salutation",
            "leadsource",
            "accountsite",
        ],
        4,
    ),
    (
        Vendor::Salesforce,
        &[
            "opportunityid",
            "opportunityname",
            "opportunityowner",
            "accountname",
            "stage",
            "closedate",
            "fiscalperiod",
            "probability",
            "age",
            "amount",
        ],
        5,
    ),
    (Vendor::Salesforce, &["leadid", "leadowner", "leadstatus", "leadsource", "companyaccount", "stateprovince"], 4),
];

/// `footer`: the lines under the table; Salesforce signs its reports there.
pub fn recognise(headers: &[String], stats: &[Stats], footer: &[&str]) -> Option<Vendor> {
    if footer.iter().any(|line| line.to_ascii_lowercase().contains("salesforce.com")) {
        return Some(Vendor::Salesforce);
    }
    let keys: Vec<String> = headers.iter().map(|h| key(h)).collect();
    if stats.iter().any(|s| s.samples.iter().any(|v| v.starts_with("zcrm_"))) {
        return Some(Vendor::Zoho);
    }
    let fits = |(vendor, marks, least): &(Vendor, &[&str], usize)| {
        let hits = marks.iter().filter(|m| keys.iter().any(|k| k == *m)).count();
        (hits >= *least).then_some((hits, *vendor))
    };
    let best = MARKS.iter().filter_map(fits).fold(None, |best: Option<(usize, Vendor)>, found| match best {
        Some(b) if b.0 >= found.0 => Some(b),
        _ => Some(found),
    });
    if let Some((_, vendor)) = best {
        return Some(vendor);
    }
    let id_of = |i: usize| stats.get(i).is_some_and(|s| s.seen > 0 && s.share(s.salesforce_ids) > 0.9);
    (0..headers.len()).any(id_of).then_some(Vendor::Salesforce)
}
