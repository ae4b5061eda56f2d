//! The columns of a wide contact: what the generator gives, and what is drawn here so that a contact has about 50 filled
//! fields, 10 of them fields that an admin declared. Drawn values depend on the row's number only.

/// What a column holds, for the two servers to make fields of.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    ExternalId,
    Text,
    LongText,
    Email,
    Phone,
    Url,
    Number,
    YesNo,
    Date,
    Time,
    Money,
    Choice(&'static [&'static str]),
    Tags(&'static [&'static str]),
    /// number of a company of the generator
    Company,
    /// number of a contact of the generator
    Contact,
    /// name of one of [`CAMPAIGNS`]
    Campaign,
    /// login of a user
    Owner,
    /// kept in the file as a real export has it, and left to the server
    Stamp,
}

pub struct Column {
    pub header: &'static str,
    /// where an import of Aplomb puts it; its beginning is the field's name
    pub path: &'static str,
    pub kind: Kind,
    pub custom: bool,
    pub value: fn(&Person, &mut Draw) -> String,
}

/// A row of the generator.
pub struct Person<'a> {
    pub id: u64,
    pub company: &'a str,
    pub first: &'a str,
    pub last: &'a str,
    pub email: &'a str,
    pub phone: &'a str,
    pub title: &'a str,
    pub city: &'a str,
    pub country: &'a str,
    pub lifecycle: &'a str,
    pub source: &'a str,
    pub owner: &'a str,
    pub tags: &'a str,
    pub notes: &'a str,
    pub created: &'a str,
    pub updated: &'a str,
    /// an earlier contact of the same company
    pub manager: Option<u64>,
    pub companies: u64,
}

pub const GENERATED: [&str; 17] = [
    "id",
    "company_id",
    "first_name",
    "last_name",
    "email",
    "phone",
    "title",
    "city",
    "country",
    "lifecycle",
    "source",
    "owner",
    "tags",
    "notes",
    "dup_of",
    "created_at",
    "updated_at",
];

/// SplitMix64 (Steele, Lea, Flood 2014), seeded by a row's number.
pub struct Draw(u64);

impl Draw {
    pub fn of(row: u64) -> Draw {
        Draw(row.wrapping_mul(0xA076_1D64_78BD_642F) ^ 42)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// 0 to 1
    pub fn share(&mut self) -> f64 {
        self.next() as f64 / u64::MAX as f64
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn pick(&mut self, of: &'static [&'static str]) -> &'static str {
        of[self.below(of.len() as u64) as usize]
    }

    /// The first is the commonest, each further one about half as common.
    pub fn falling(&mut self, of: &'static [&'static str]) -> &'static str {
        of[(self.next().trailing_zeros() as usize) % of.len()]
    }

    /// A day within `days` from 1 January of `year`, as YYYY-MM-DD.
    fn day(&mut self, year: u64, days: u64) -> String {
        let n = self.below(days);
        format!("{:04}-{:02}-{:02}", year + n / 336, 1 + n % 336 / 28, 1 + n % 28)
    }
}

pub const LIFECYCLE: &[&str] = &["lead", "qualified", "customer", "other"];
const SOURCE: &[&str] = &["website", "referral", "event", "coldCall", "campaign", "partner", "import"];
const TAGS: &[&str] =
    &["vip", "newsletter", "beta", "reseller", "churn-risk", "upsell", "gdpr-export", "event-2025", "decision-maker"];
const DEPARTMENTS: &[&str] =
    &["Sales", "Operations", "Finance", "Engineering", "Procurement", "Marketing", "Legal", "People", "Research"];
const STREETS: &[&str] =
    &["Harbour Road", "Mill Lane", "Station Street", "Kirchweg", "Rue du Port", "Calle Mayor", "Via Roma"];
const REGIONS: &[&str] = &["North", "South", "East", "West", "Capital", "Lakes", "Coast", "Highlands"];
const TOWNS: &[&str] = &["Leeds", "Graz", "Porto", "Gent", "Turku", "Brno", "Malmö", "Reno", "Nantes", "Bologna"];
const SALUTATION: &[&str] = &["mr", "ms", "mx", "dr", "prof"];
const STATUS: &[&str] = &["active", "inactive", "leftCompany"];
const ROLES: &[&str] = &["user", "influencer", "decisionMaker", "champion", "budgetHolder", "gatekeeper", "blocker"];
const LANGUAGES: &[&str] = &["en", "de", "fr", "es", "pt", "it", "nl", "sv", "pl", "ja"];
const ZONES: &[&str] =
    &["Europe/Berlin", "America/New_York", "Europe/London", "Asia/Tokyo", "America/Sao_Paulo", "Australia/Sydney"];
const CONSENT: &[&str] = &["given", "unknown", "refused", "withdrawn"];
const CONSENT_SOURCE: &[&str] = &["Web form", "Trade fair card", "Phone call", "Signed contract", "Newsletter"];
const LEGAL: &[&str] = &["consent", "contract", "legitimateInterest", "legalObligation"];
const CHANNEL: &[&str] = &["email", "phone", "mobile", "social", "post"];
const SOURCE_DETAIL: &[&str] =
    &["Pricing page", "Hannover Messe", "White paper", "Partner day", "Search ad", "Old CRM", "Customer's hint"];
const ASSISTANTS: &[&str] = &["Kim Park", "Lea Braun", "Tom Reed", "Ines Sousa", "Jon Dahl", "Mia Keller", "Raj Iyer"];
pub const CAMPAIGNS: &[&str] = &["Spring 2025", "Autumn 2025", "Launch week", "Win back", "Partner tour", "Webinar 7"];
pub const SEGMENTS: &[&str] = &["smallBusiness", "midMarket", "enterprise", "publicSector", "education"];
const INTERESTS: &[&str] = &["analytics", "automation", "integration", "security", "training", "support"];

const fn column(
    header: &'static str,
    path: &'static str,
    kind: Kind,
    value: fn(&Person, &mut Draw) -> String,
) -> Column {
    Column { header, path, kind, custom: false, value }
}

const fn custom(
    header: &'static str,
    path: &'static str,
    kind: Kind,
    value: fn(&Person, &mut Draw) -> String,
) -> Column {
    Column { header, path, kind, custom: true, value }
}

use Kind::*;

pub const COLUMNS: &[Column] = &[
    column("id", "externalId", ExternalId, |p, _| p.id.to_string()),
    column("company_id", "company.externalId", Company, |p, _| p.company.to_owned()),
    column("first_name", "name.first", Text, |p, _| p.first.to_owned()),
    column("last_name", "name.last", Text, |p, _| p.last.to_owned()),
    column("email", "email", Email, |p, _| p.email.to_owned()),
    column("phone", "phone", Phone, |p, _| p.phone.to_owned()),
    column("title", "title", Text, |p, _| p.title.to_owned()),
    column("department", "department", Text, |_, d| d.falling(DEPARTMENTS).to_owned()),
    column("street", "address.street", Text, |_, d| format!("{} {}", 1 + d.below(240), d.pick(STREETS))),
    column("city", "address.city", Text, |p, _| p.city.to_owned()),
    column("region", "address.region", Text, |_, d| d.pick(REGIONS).to_owned()),
    column("postal_code", "address.postalCode", Text, |_, d| format!("{:05}", d.below(99_999))),
    column("country", "address.country", Text, |p, _| p.country.to_owned()),
    column("other_city", "otherAddress.city", Text, |_, d| some(d, 60, |d| d.pick(TOWNS).to_owned())),
    column("salutation", "salutation", Choice(SALUTATION), |_, d| d.falling(SALUTATION).to_owned()),
    column("nickname", "nickname", Text, |p, d| some(d, 70, |_| p.first.chars().take(3).collect())),
    column("mobile", "mobile", Phone, |_, d| number(d)),
    column("fax", "fax", Phone, |_, d| some(d, 70, number)),
    column("birthday", "birthday", Date, |_, d| d.day(1955, 16_800)),
    column("website", "website", Url, |p, _| format!("https://{}", domain(p))),
    column("linkedin", "linkedin", Url, |p, _| format!("https://linkedin.example/in/{}-{}", letters(p.last), p.id)),
    column("twitter", "twitter", Text, |p, d| some(d, 70, |_| format!("@{}{}", letters(p.last), p.id))),
    column("skype", "skype", Text, |p, d| some(d, 80, |_| format!("live:{}{}", letters(p.first), p.id))),
    column("source", "source", Choice(SOURCE), |p, _| source(p.source).to_owned()),
    column("source_detail", "sourceDetail", Text, |_, d| d.pick(SOURCE_DETAIL).to_owned()),
    column("status", "status", Choice(STATUS), |_, d| d.falling(STATUS).to_owned()),
    column("lifecycle", "lifecycle", Choice(LIFECYCLE), |p, _| lifecycle(p.lifecycle).to_owned()),
    column("buying_role", "buyingRole", Choice(ROLES), |_, d| d.falling(ROLES).to_owned()),
    column("reports_to_id", "reportsTo.externalId", Contact, |p, _| {
        p.manager.map(|m| m.to_string()).unwrap_or_default()
    }),
    column("assistant", "assistant", Text, |_, d| d.pick(ASSISTANTS).to_owned()),
    column("assistant_phone", "assistantPhone", Phone, |_, d| number(d)),
    column("language", "language", Text, |_, d| d.falling(LANGUAGES).to_owned()),
    column("time_zone", "timeZone", Text, |_, d| d.pick(ZONES).to_owned()),
    column("description", "description", LongText, |p, _| p.notes.to_owned()),
    column("consent_email", "consentEmail", Choice(CONSENT), |_, d| d.falling(CONSENT).to_owned()),
    column("consent_phone", "consentPhone", Choice(CONSENT), |_, d| d.falling(CONSENT).to_owned()),
    column("consent_at", "consentAt", Time, |_, d| format!("{}T{:02}:15:00Z", d.day(2022, 1_300), d.below(24))),
    column("consent_source", "consentSource", Text, |_, d| d.pick(CONSENT_SOURCE).to_owned()),
    column("legal_basis", "legalBasis", Choice(LEGAL), |_, d| d.falling(LEGAL).to_owned()),
    column("email_opt_out", "emailOptOut", YesNo, |_, d| yes(d, 8)),
    column("do_not_call", "doNotCall", YesNo, |_, d| yes(d, 12)),
    column("email_bounced", "emailBounced", YesNo, |_, d| yes(d, 3)),
    column("rating", "rating", Number, |_, d| (1 + d.below(5)).to_string()),
    column("score", "score", Number, |_, d| (d.share() * d.share() * 100.0).round().to_string()),
    column("preferred_channel", "preferredChannel", Choice(CHANNEL), |_, d| d.falling(CHANNEL).to_owned()),
    column("campaigns", "campaigns", Campaign, |_, d| d.falling(CAMPAIGNS).to_owned()),
    column("owner", "owner", Owner, |p, _| p.owner.to_owned()),
    column("tags", "tags", Tags(TAGS), |p, _| p.tags.to_owned()),
    column("created_at", "", Stamp, |p, _| p.created.to_owned()),
    column("updated_at", "", Stamp, |p, _| p.updated.to_owned()),
    custom("cost_centre", "costCentre", Text, |_, d| format!("CC-{:04}-{}", d.below(9_000), d.below(40))),
    custom("seats", "seats", Number, |_, d| (1 + (d.share().powi(3) * 2_000.0) as u64).to_string()),
    custom("annual_value", "annualValue", Money, |_, d| format!("{}.00", value(d))),
    custom("renewal_on", "renewalOn", Date, |_, d| d.day(2025, 1_000)),
    custom("segment", "segment", Choice(SEGMENTS), |_, d| d.falling(SEGMENTS).to_owned()),
    custom("interests", "interests", Tags(INTERESTS), interests),
    custom("portal_user", "portalUser", YesNo, |_, d| yes(d, 35)),
    custom("portal", "portal", Url, |p, _| format!("https://portal.example/c/{}", p.id)),
    custom("reseller_id", "reseller.externalId", Company, |p, d| (1 + d.below(p.companies.max(1))).to_string()),
    custom("last_survey_at", "lastSurveyAt", Time, |_, d| format!("{}T{:02}:30:00Z", d.day(2025, 480), d.below(24))),
];

impl Column {
    /// The name of the field, without the part of it that the column fills.
    pub fn field(&self) -> &'static str {
        self.path.split('.').next().unwrap_or(self.path)
    }
}

/// Where a column stands.
pub fn at(header: &str) -> usize {
    COLUMNS.iter().position(|c| c.header == header).expect("a column of the table")
}

fn some(draw: &mut Draw, percent: u64, value: impl Fn(&mut Draw) -> String) -> String {
    if draw.chance(percent) { value(draw) } else { String::new() }
}

fn yes(draw: &mut Draw, percent: u64) -> String {
    (if draw.chance(percent) { "true" } else { "false" }).to_owned()
}

/// Of the block 555-0100 to 555-0199, which is nobody's.
fn number(draw: &mut Draw) -> String {
    format!("+1 {} 555 01{:02}", 201 + draw.below(780), draw.below(100))
}

/// Many small, few large: 500 to about 500,000.
fn value(draw: &mut Draw) -> u64 {
    (500.0 * (draw.share() * 4.0 + draw.share() * 3.0).exp()) as u64
}

fn interests(_: &Person, draw: &mut Draw) -> String {
    let (a, b) = (draw.pick(INTERESTS), draw.pick(INTERESTS));
    if a == b { a.to_owned() } else { format!("{a};{b}") }
}

fn domain(person: &Person) -> String {
    match person.email.split_once('@') {
        Some((_, domain)) => domain.to_owned(),
        None => format!("{}{}.example", letters(person.last), person.id),
    }
}

fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect()
}

/// The generator's words as the keys of the standard declaration.
fn source(word: &str) -> &'static str {
    match word {
        "web form" => "website",
        "referral" => "referral",
        "trade fair" | "webinar" => "event",
        "cold call" => "coldCall",
        "newsletter" => "campaign",
        "partner" => "partner",
        _ => "import",
    }
}

fn lifecycle(word: &str) -> &'static str {
    match word {
        "lead" => "lead",
        "qualified" => "qualified",
        "customer" => "customer",
        _ => "other",
    }
}
