//! What the sample consists of: rows made from lists of words, always the same for the same day.

use aplomb_model::{Currency, Id, Result, Timestamp};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::errors::OrInternal;
use crate::{Ctx, Map, Random};

const COMPANIES: &str = include_str!("../../assets/sample/companies.toml");
const WORDS: &str = include_str!("../../assets/sample/words.toml");
const CONTACTS: usize = 120;
const DEALS: usize = 60;
const WORK: usize = 600;
const LEADS: usize = 15;
const TICKETS: usize = 15;
const SEED: u64 = 2026;

pub(crate) struct Row {
    pub object: &'static str,
    pub id: Id,
    pub fields: Map,
}

#[derive(Deserialize)]
struct Companies {
    companies: Vec<Company>,
}

/// name, domain, industry, employees, revenue in thousands, street, city, postal code, country, type
#[derive(Deserialize)]
struct Company(String, String, String, u32, u32, String, String, String, String, String);

/// name, SKU, category, price, billing
#[derive(Deserialize)]
struct Product(String, String, String, String, String);

#[derive(Deserialize)]
struct Words {
    first: Vec<String>,
    last: Vec<String>,
    titles: Vec<String>,
    departments: Vec<String>,
    roles: Vec<String>,
    deals: Vec<String>,
    competitors: Vec<String>,
    next_steps: Vec<String>,
    calls: Vec<String>,
    call_notes: Vec<String>,
    meetings: Vec<String>,
    emails: Vec<String>,
    email_bodies: Vec<String>,
    tasks: Vec<String>,
    notes: Vec<String>,
    activities: Vec<String>,
    tickets: Vec<String>,
    campaigns: Vec<String>,
    products: Vec<Product>,
}

struct Maker<'c> {
    ctx: &'c Ctx,
    dice: Random,
    currency: Currency,
    rows: Vec<Row>,
}

struct Person {
    id: Id,
    company: usize,
    email: String,
}

struct Deal {
    id: Id,
    company: usize,
    person: usize,
}

/// Companies before contacts before deals before work: every reference leads back.
pub(crate) fn rows(ctx: &Ctx, currency: Currency) -> Result<Vec<Row>> {
    let companies: Companies = toml::from_str(COMPANIES).or_internal("the sample's companies")?;
    let words: Words = toml::from_str(WORDS).or_internal("the sample's words")?;
    let mut maker = Maker { ctx, dice: Random::seeded(SEED), currency, rows: Vec::new() };
    let campaigns = maker.campaigns(&words);
    let products = maker.products(&words);
    let ids = maker.companies(&companies.companies);
    let people = maker.contacts(&words, &companies.companies, &ids);
    maker.leads(&words, &campaigns);
    let deals = maker.deals(&words, &companies.companies, &ids, &people, &products);
    maker.tickets(&words, &ids, &people);
    maker.work(&words, &ids, &people, &deals);
    Ok(maker.rows)
}

impl Maker<'_> {
    fn roll(&self, sides: usize) -> usize {
        usize::from(u16::from_le_bytes(self.dice.bytes())) % sides.max(1)
    }

    fn pick<'w, T>(&self, list: &'w [T]) -> &'w T {
        &list[self.roll(list.len())]
    }

    fn days(&self, days: i64) -> Timestamp {
        let hour = 8 + self.roll(9) as i64;
        self.ctx.now.date().plus_days(days as i32).start().plus_seconds(hour * 3_600 + self.roll(4) as i64 * 900)
    }

    fn day(&self, days: i64) -> Json {
        json!(self.ctx.now.date().plus_days(days as i32))
    }

    fn money(&self, whole: u64) -> Json {
        json!({"amount": whole.to_string(), "currency": self.currency})
    }

    fn add(&mut self, object: &'static str, fields: Json) -> Id {
        let id = self.ctx.new_id();
        let mut fields = match fields {
            Json::Object(fields) => fields,
            _ => Map::new(),
        };
        fields.retain(|_, value| !value.is_null());
        let number = self.rows.iter().filter(|r| r.object == object).count() + 1;
        fields.insert("externalIds".into(), json!([format!("sample:{object}:{number}")]));
        self.rows.push(Row { object, id, fields });
        id
    }

    fn campaigns(&mut self, words: &Words) -> Vec<Id> {
        let kinds = ["email", "event", "webinar"];
        let make = |(at, name): (usize, &String)| {
            let start = -120 + 45 * at as i64;
            let fields = json!({
                "name": name, "type": kinds[at % kinds.len()], "status": if start < -60 { "completed" } else { "active" },
                "startDate": self.day(start), "endDate": self.day(start + 30), "budget": self.money(4_000 + 2_500 * at as u64),
                "sent": 800 + 350 * at, "responses": 40 + 18 * at,
            });
            self.add("campaign", fields)
        };
        words.campaigns.iter().enumerate().map(make).collect()
    }

    fn products(&mut self, words: &Words) -> Vec<Id> {
        let make = |p: &Product| {
            let price = json!({"amount": p.3, "currency": self.currency});
            let fields =
                json!({"name": p.0, "sku": format!("SAMPLE-{}", p.1), "category": p.2, "price": price, "billing": p.4});
            self.add("product", fields)
        };
        words.products.iter().map(make).collect()
    }

    fn companies(&mut self, companies: &[Company]) -> Vec<Id> {
        let make = |(at, c): (usize, &Company)| {
            let customer = c.9 == "customer" || c.9 == "former";
            let tier = ["a", "b", "c"][(at * 7) % 3];
            let health = ["good", "good", "attention", "good", "risk"][at % 5];
            let fields = json!({
                "name": c.0, "domain": c.1, "website": format!("https://www.{}", c.1), "industry": c.2, "employees": c.3,
                "revenue": self.money(u64::from(c.4) * 1_000), "email": [format!("info@{}", c.1)],
                "phone": landline(&c.6, at * LINES),
                "address": {"street": c.5, "city": c.6, "postalCode": c.7, "country": c.8},
                "type": if c.9 == "former" { "customer" } else { c.9.as_str() },
                "status": if c.9 == "former" { "former" } else { "active" },
                "tier": tier,
                "customerSince": if customer { self.day(-400 - 37 * at as i64) } else { Json::Null },
                "health": if customer { json!(health) } else { Json::Null },
            });
            self.add("company", fields)
        };
        companies.iter().enumerate().map(make).collect()
    }

    fn contacts(&mut self, words: &Words, companies: &[Company], ids: &[Id]) -> Vec<Person> {
        let make = |n: usize| {
            let (company, role) = (n % ids.len(), self.roll(words.titles.len()));
            let (first, last) = (&words.first[n % words.first.len()], &words.last[(n * 7 + n / 40) % words.last.len()]);
            let domain = &companies[company].1;
            let local = aplomb_model::fold(&format!("{first}.{last}"))
                .replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "");
            let email = format!("{local}@{domain}");
            let consent = *self.pick(&["given", "given", "unknown", "refused"]);
            let fields = json!({
                "name": {"first": first, "last": last}, "email": [email], "title": words.titles[role],
                "department": words.departments[role], "buyingRole": words.roles[role], "company": ids[company],
                "phone": landline(&companies[company].6, company * LINES + 10 + n / ids.len()),
                "mobile": if (n + n / ids.len()).is_multiple_of(2) { mobile(&companies[company].8, company * 4 + n / ids.len()) } else { Json::Null },
                "address": {"city": companies[company].6, "country": companies[company].8},
                "lifecycle": if companies[company].9 == "customer" { "customer" } else { "opportunity" },
                "source": self.pick(&["website", "referral", "event", "coldCall", "partner"]), "consentEmail": consent,
                "consentAt": if consent == "given" { json!(self.days(-200 - n as i64)) } else { Json::Null },
            });
            Person { id: self.add("contact", fields), company, email }
        };
        (0..CONTACTS).map(make).collect()
    }

    fn leads(&mut self, words: &Words, campaigns: &[Id]) {
        for n in 0..LEADS {
            let (first, last) =
                (&words.first[(n * 11 + 5) % words.first.len()], &words.last[(n * 5 + 3) % words.last.len()]);
            let firm = format!(
                "{} {}",
                words.last[(n * 3 + 8) % words.last.len()],
                self.pick(&["Group", "GmbH", "Ltd", "& Sons"])
            );
            let local = aplomb_model::fold(last).replace(|c: char| !c.is_ascii_alphanumeric(), "");
            let fields = json!({
                "name": {"first": first, "last": last}, "companyName": firm, "email": [format!("{local}{n}@leads.example")],
                "title": self.pick(&words.titles), "status": self.pick(&["new", "new", "contacted", "working", "qualified"]),
                "source": self.pick(&["website", "event", "campaign"]), "score": 20 + self.roll(75),
                "rating": self.pick(&["hot", "warm", "cold"]), "campaign": self.pick(campaigns),
                "budget": self.money(2_000 + 500 * self.roll(60) as u64), "interest": self.pick(&words.products).0,
            });
            self.add("lead", fields);
        }
    }

    fn deals(
        &mut self,
        words: &Words,
        companies: &[Company],
        ids: &[Id],
        people: &[Person],
        products: &[Id],
    ) -> Vec<Deal> {
        const STAGES: [&str; 12] = [
            "qualification",
            "needsAnalysis",
            "proposal",
            "negotiation",
            "commit",
            "won",
            "won",
            "won",
            "lost",
            "lost",
            "proposal",
            "needsAnalysis",
        ];
        let make = |n: usize| {
            let (company, stage) = (n % ids.len(), STAGES[(n * 5 + n / 12) % STAGES.len()]);
            let person = company + ids.len() * self.roll(CONTACTS / ids.len());
            let closed = stage == "won" || stage == "lost";
            let close = if closed { -(5 + self.roll(170) as i64) } else { 7 + self.roll(150) as i64 };
            let size = u64::from(companies[company].3).clamp(60, 2_500);
            let lost = *self.pick(&["price", "competitor", "timing", "noDecision"]);
            let fields = json!({
                "name": format!("{}: {}", companies[company].0, words.deals[(n * 3) % words.deals.len()]), "company": ids[company],
                "contacts": [people[person].id], "amount": self.money((size * (8 + self.roll(30) as u64) / 100 + 1) * 100),
                "stage": stage, "closeDate": self.day(close), "pipeline": if n % 10 == 8 { "renewals" } else { "sales" },
                "type": self.pick(&["new", "new", "upsell", "renewal"]), "priority": self.pick(&["normal", "normal", "high"]),
                "source": self.pick(&["website", "referral", "event", "partner"]), "products": [self.pick(products)],
                "nextStep": if closed { Json::Null } else { json!(self.pick(&words.next_steps)) },
                "lostReason": if stage == "lost" { json!(lost) } else { Json::Null },
                "competitor": if stage == "lost" && lost == "competitor" { json!(self.pick(&words.competitors)) } else { Json::Null },
            });
            Deal { id: self.add("deal", fields), company, person }
        };
        (0..DEALS).map(make).collect()
    }

    fn tickets(&mut self, words: &Words, ids: &[Id], people: &[Person]) {
        for n in 0..TICKETS {
            let person = &people[self.roll(people.len())];
            let fields = json!({
                "subject": words.tickets[n % words.tickets.len()], "contact": person.id, "company": ids[person.company],
                "status": self.pick(&["new", "open", "waiting", "resolved", "closed"]), "channel": self.pick(&["email", "phone", "web"]),
                "priority": self.pick(&["normal", "normal", "high", "urgent"]), "category": self.pick(&["question", "problem", "billing"]),
                "dueAt": self.days(self.roll(10) as i64 - 3),
            });
            self.add("ticket", fields);
        }
    }

    fn work(&mut self, words: &Words, ids: &[Id], people: &[Person], deals: &[Deal]) {
        for n in 0..WORK {
            let deal = n.is_multiple_of(2).then(|| self.pick(deals));
            let person = deal.map_or_else(|| self.roll(people.len()), |d| d.person);
            let company = deal.map_or(people[person].company, |d| d.company);
            let mut related = vec![
                json!({"object": "contact", "id": people[person].id}),
                json!({"object": "company", "id": ids[company]}),
            ];
            related.extend(deal.map(|d| json!({"object": "deal", "id": d.id})));
            // more of it lately
            let (a, b) = (self.roll(180) as i64, self.roll(180) as i64);
            let (object, mut fields) = self.piece(words, n % 12, -a.min(b) - 1, &people[person].email);
            fields["related"] = json!(related);
            self.add(object, fields);
        }
    }

    /// One piece of work, `days` from today.
    fn piece(&self, words: &Words, kind: usize, days: i64, email: &str) -> (&'static str, Json) {
        let direction = *self.pick(&["outbound", "outbound", "inbound"]);
        let at = self.days(days);
        match kind {
            0..=2 => (
                "call",
                json!({
                    "subject": self.pick(&words.calls), "body": self.pick(&words.call_notes), "at": at, "direction": direction,
                    "duration": 120 + 60 * self.roll(25), "outcome": self.pick(&["connected", "connected", "noAnswer", "leftMessage"]),
                }),
            ),
            3..=6 => (
                "email",
                json!({
                    "subject": self.pick(&words.emails), "body": self.pick(&words.email_bodies), "at": at, "direction": direction,
                    "status": if direction == "inbound" { "received" } else { "sent" },
                    "from": if direction == "inbound" { json!(email) } else { Json::Null },
                    "to": if direction == "inbound" { Json::Null } else { json!([email]) },
                }),
            ),
            7 => {
                let planned = self.roll(4) == 0;
                let at = if planned { self.days(1 + self.roll(30) as i64) } else { at };
                (
                    "meeting",
                    json!({
                        "subject": self.pick(&words.meetings), "at": at, "endAt": at.plus_seconds(3_600),
                        "status": if planned { "planned" } else { "held" }, "location": self.pick(&["On site", "Video call", "Our office"]),
                    }),
                )
            }
            8..=9 => {
                let open = self.roll(3) != 0;
                let due = if open { self.days(self.roll(35) as i64 - 4) } else { at };
                (
                    "task",
                    json!({
                        "subject": self.pick(&words.tasks), "dueAt": due, "status": if open { "open" } else { "done" },
                        "priority": self.pick(&["low", "normal", "normal", "high"]),
                    }),
                )
            }
            10 => ("note", json!({"title": "Note", "body": self.pick(&words.notes), "at": at})),
            _ => (
                "activity",
                json!({
                    "kind": self.pick(&["event", "demo", "visit", "message"]), "subject": self.pick(&words.activities), "at": at,
                }),
            ),
        }
    }
}

/// Numbers of one company at most.
const LINES: usize = 20;

/// Numbers kept free for fiction by NANPA, Ofcom, BNetzA, ARCEP, ComReg and PTS; `#` is any digit. Other countries have
/// none, and their companies no telephone.
const LANDLINES: [(&str, &str); 15] = [
    ("San Diego", "+1 619 555 01##"),
    ("Chicago", "+1 312 555 01##"),
    ("Boston", "+1 617 555 01##"),
    ("Phoenix", "+1 602 555 01##"),
    ("London", "+44 20 7946 0###"),
    ("Edinburgh", "+44 131 496 0###"),
    ("Bristol", "+44 117 496 0###"),
    ("Sheffield", "+44 114 496 0###"),
    ("Norwich", "+44 1632 960###"),
    ("München", "+49 89 99998 ###"),
    ("Hamburg", "+49 40 66969 ###"),
    ("Köln", "+49 221 4710 ###"),
    ("Paris", "+33 1 99 00 ## ##"),
    ("Dublin", "+353 20 91# ####"),
    ("Stockholm", "+46 8 465 004 ##"),
];

const MOBILES: [(&str, &str); 4] = [
    ("United Kingdom", "+44 7700 900###"),
    ("Germany", "+49 171 39200 ##"),
    ("France", "+33 6 39 98 ## ##"),
    ("Sweden", "+46 70 174 06 ##"),
];

fn landline(city: &str, n: usize) -> Json {
    let number = LANDLINES.iter().find(|(of, _)| *of == city).map(|(_, pattern)| number(pattern, n));
    number.map_or(Json::Null, |number| json!([number]))
}

fn mobile(country: &str, n: usize) -> Json {
    let number = MOBILES.iter().find(|(of, _)| *of == country).map(|(_, pattern)| number(pattern, n));
    json!(number)
}

/// The pattern with the last digits of `n`.
fn number(pattern: &str, n: usize) -> String {
    let free = pattern.matches('#').count();
    let digits = format!("{:0free$}", n % 10_usize.pow(free as u32));
    let mut digits = digits.chars();
    pattern.chars().map(|c| if c == '#' { digits.next().unwrap_or('0') } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_sample_has_the_size_it_should() {
        let ctx = Ctx::system("2026-03-18T10:00:00Z".parse().unwrap(), Random::seeded(3), "test");
        let rows = rows(&ctx, Currency::EUR).unwrap();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for row in &rows {
            *counts.entry(row.object).or_default() += 1;
        }
        assert_eq!((counts["company"], counts["contact"], counts["deal"]), (30, 120, 60));
        let work: usize = ["activity", "task", "note", "call", "meeting", "email"].iter().map(|k| counts[k]).sum();
        assert_eq!(work, 600);
        let names: std::collections::BTreeSet<_> =
            rows.iter().filter(|r| r.object == "contact").map(|r| r.fields["name"].to_string()).collect();
        assert_eq!(names.len(), 120);
        let numbers = |name| rows.iter().filter_map(move |r| r.fields.get(name)).map(Json::to_string);
        let phones: Vec<_> = numbers("phone").chain(numbers("mobile")).collect();
        assert_eq!(phones.iter().collect::<std::collections::BTreeSet<_>>().len(), phones.len());
        assert!(phones.len() > 90, "{}", phones.len());
        for (_, pattern) in LANDLINES.iter().chain(&MOBILES) {
            let (fixed, _) = pattern.split_once('#').unwrap();
            assert!(phones.iter().any(|p| p.contains(fixed)), "{pattern}");
        }
    }

    #[test]
    fn numbers_end_with_the_digits() {
        for (pattern, n, expect) in [
            ("+1 619 555 01##", 7, "+1 619 555 0107"),
            ("+353 20 91# ####", 1_234, "+353 20 910 1234"),
            ("##", 321, "21"),
        ] {
            assert_eq!(number(pattern, n), expect);
        }
    }
}
