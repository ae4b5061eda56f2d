//! A lead becomes a contact at a company with a deal. The lead stays, says what became of it, and what was done with
//! it is related to the new records as well.

use std::sync::Arc;

use aplomb_model::query::Scalar;
use aplomb_model::value::Link;
use aplomb_model::{Action, Code, Error, Id, Object, Record, Result, Value, fold, json};
use serde_json::json;

use crate::crm::Crm;
use crate::errors::{OrStore, denied};
use crate::records::plan::{Origin, Plan};
use crate::records::{Access, Columns};
use crate::{ConvertLead, Converted, Ctx};

/// Fields of the same meaning: of the lead, of the contact.
const CONTACT: &[(&str, &str)] = &[
    ("name", "name"),
    ("email", "email"),
    ("phone", "phone"),
    ("mobile", "mobile"),
    ("title", "title"),
    ("address", "address"),
    ("salutation", "salutation"),
    ("linkedin", "linkedin"),
    ("description", "description"),
    ("consentEmail", "consentEmail"),
    ("emailOptOut", "emailOptOut"),
    ("doNotCall", "doNotCall"),
    ("source", "source"),
    ("score", "score"),
    ("owner", "owner"),
    ("tags", "tags"),
    ("lastTouchAt", "lastTouchAt"),
    ("nextTouchAt", "nextTouchAt"),
];
const COMPANY: &[(&str, &str)] = &[
    ("companyName", "name"),
    ("website", "website"),
    ("industry", "industry"),
    ("employees", "employees"),
    ("revenue", "revenue"),
    ("address", "address"),
    ("source", "source"),
    ("owner", "owner"),
    ("lastTouchAt", "lastTouchAt"),
];
const DEAL: &[(&str, &str)] = &[
    ("budget", "amount"),
    ("source", "source"),
    ("campaign", "campaign"),
    ("owner", "owner"),
    ("lastTouchAt", "lastTouchAt"),
];
const WORK: [&str; 6] = ["activity", "task", "note", "call", "meeting", "email"];
/// Most pieces of work that are related to the new records.
const MOST_WORK: usize = 1_000;

impl Crm {
    pub fn convert_lead(&self, ctx: &Ctx, id: Id, options: ConvertLead) -> Result<Converted> {
        let (answer, seq) = self.inner.write(ctx, "convert", |plan| {
            let done = Conversion::start(plan, id, &options)?.run(plan)?;
            let render = plan.render()?;
            let show = |record: &Option<Record>| {
                let record = record.as_ref()?;
                let object = plan.schema.by_code(record.object)?;
                let present = plan.current(record.object, record.id).ok()??;
                Some(render.record(object, &present, &Columns::ALL))
            };
            Ok(json!({
                "lead": show(&Some(done.lead)), "contact": show(&done.contact),
                "company": show(&done.company), "deal": show(&done.deal),
            }))
        })?;
        Ok(Converted { answer, seq })
    }
}

struct Conversion<'o> {
    object: Arc<Object>,
    lead: Record,
    options: &'o ConvertLead,
}

struct Done {
    lead: Record,
    contact: Option<Record>,
    company: Option<Record>,
    deal: Option<Record>,
}

impl<'o> Conversion<'o> {
    fn start(plan: &Plan<'_>, id: Id, options: &'o ConvertLead) -> Result<Conversion<'o>> {
        let (access, lead) = crate::records::writable(plan, "lead", id, Action::Update)?;
        crate::records::check_version(plan, &access, &lead, options.version, None)?;
        let converted = access.object.field("convertedAt").and_then(|f| lead.get(f.code)).is_some();
        if converted {
            return Err(Error::new(Code::Conflict, "the lead has been converted already"));
        }
        Ok(Conversion { object: access.object, lead, options })
    }

    fn run(self, plan: &mut Plan<'_>) -> Result<Done> {
        let company = self.company(plan)?;
        let contact = self.contact(plan, company.as_ref())?;
        let deal = match self.options.create_deal.unwrap_or(true) {
            true => Some(self.deal(plan, company.as_ref(), &contact)?),
            false => None,
        };
        let made: Vec<Link> =
            [Some(&contact), company.as_ref(), deal.as_ref()].into_iter().flatten().map(Record::link).collect();
        self.carry_work_over(plan, &made)?;
        let lead = self.close(plan, &contact, company.as_ref(), deal.as_ref())?;
        Ok(Done { lead, contact: Some(contact), company, deal })
    }

    fn company(&self, plan: &mut Plan<'_>) -> Result<Option<Record>> {
        if let Some(id) = self.options.company_id {
            return existing(plan, "company", id, "companyId").map(Some);
        }
        let Some(name) = self.value("companyName").map(|v| v.text()) else { return Ok(None) };
        let access = permitted(plan, "company", Action::Read)?;
        let field = access.object.field("name").ok_or_else(|| Error::internal("companies have no name"))?.code;
        let same = plan.view.find(access.object.code, field, &Scalar::Text(fold(&name)), 20).or_store()?;
        for id in same {
            if let Some(record) = plan.live(access.object.code, id)?.filter(|r| access.admits(r)) {
                return Ok(Some(record));
            }
        }
        self.make(plan, "company", COMPANY, vec![("lead", Some(Value::Ref(self.lead.link())))]).map(Some)
    }

    fn contact(&self, plan: &mut Plan<'_>, company: Option<&Record>) -> Result<Record> {
        if let Some(id) = self.options.contact_id {
            return existing(plan, "contact", id, "contactId");
        }
        let more =
            vec![("company", company.map(|c| Value::Ref(c.link()))), ("lead", Some(Value::Ref(self.lead.link())))];
        self.make(plan, "contact", CONTACT, more)
    }

    fn deal(&self, plan: &mut Plan<'_>, company: Option<&Record>, contact: &Record) -> Result<Record> {
        let named = self.value("companyName").or_else(|| self.value("name")).map(|v| v.text()).unwrap_or_default();
        let name = self.options.deal_name.as_ref().map(|n| n.trim().to_owned()).filter(|n| !n.is_empty());
        let mut more = vec![
            ("name", Some(Value::Text(name.unwrap_or(named)))),
            ("company", company.map(|c| Value::Ref(c.link()))),
            ("contacts", Some(Value::Refs(vec![contact.link()]))),
            ("lead", Some(Value::Ref(self.lead.link()))),
        ];
        if let Some(amount) = &self.options.deal_amount {
            let object = plan.schema.by_name("deal").ok_or_else(|| Error::not_found("object"))?;
            let field = object.field("amount").ok_or_else(|| Error::internal("deals have no amount"))?;
            let reader = json::Reader { schema: &plan.schema, currency: plan.settings.organisation.currency };
            let value = reader.read(field, amount).map_err(|e| Error::field("dealAmount", &e.code, e.detail))?;
            more.push(("amount", value));
        }
        self.make(plan, "deal", DEAL, more)
    }

    fn make(
        &self,
        plan: &mut Plan<'_>,
        name: &str,
        taken_over: &[(&str, &str)],
        more: Vec<(&str, Option<Value>)>,
    ) -> Result<Record> {
        let access = permitted(plan, name, Action::Create)?;
        let mut changes = Vec::new();
        for (from, to) in taken_over {
            if let (Some(value), Some(field)) = (self.value(from), access.object.field(to)) {
                changes.push((field.code, Some(value.clone())));
            }
        }
        for (to, value) in more {
            if let Some(field) = access.object.field(to).filter(|_| value.is_some()) {
                changes.retain(|(code, _)| *code != field.code);
                changes.push((field.code, value));
            }
        }
        let record = plan.create(&access.object, None, changes, Origin::System)?;
        if access.admits(&record) { Ok(record) } else { Err(crate::errors::forbidden()) }
    }

    fn carry_work_over(&self, plan: &mut Plan<'_>, made: &[Link]) -> Result<()> {
        for name in WORK {
            let Some(object) = plan.schema.by_name(name).cloned() else { continue };
            let Some(related) = object.field("related").map(|f| f.code) else { continue };
            let start = Some((object.code, related, Id::NIL));
            let found = plan.view.referrers(self.lead.id, MOST_WORK, start).or_store()?;
            for (_, _, id) in found.into_iter().take_while(|(o, f, _)| (*o, *f) == (object.code, related)) {
                let Some(record) = plan.live(object.code, id)? else { continue };
                let mut links = record.get(related).map(Value::links).unwrap_or_default().to_vec();
                links.extend(made.iter().filter(|m| !record.get(related).is_some_and(|v| v.links().contains(m))));
                plan.derive(&object, &record, vec![(related, Some(Value::Refs(links)))]);
            }
        }
        Ok(())
    }

    fn close(
        &self,
        plan: &mut Plan<'_>,
        contact: &Record,
        company: Option<&Record>,
        deal: Option<&Record>,
    ) -> Result<Record> {
        let outcomes = [
            ("status", Some(Value::Text("converted".into()))),
            ("convertedAt", Some(Value::Time(plan.ctx.now))),
            ("convertedContact", Some(Value::Ref(contact.link()))),
            ("convertedCompany", company.map(|c| Value::Ref(c.link()))),
            ("convertedDeal", deal.map(|d| Value::Ref(d.link()))),
        ];
        let changes =
            outcomes.into_iter().filter_map(|(name, value)| Some((self.object.field(name)?.code, value))).collect();
        plan.update(&self.object, &self.lead, changes, Origin::System)
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.lead.get(self.object.field(name)?.code)
    }
}

fn permitted(plan: &Plan<'_>, name: &str, action: Action) -> Result<Access> {
    plan.inner.authorise(plan.ctx, name, action).map_err(|e| match e.code {
        Code::NotFound => denied(aplomb_access::Denied { action: Action::Create, visible: true }),
        _ => e,
    })
}

fn existing(plan: &Plan<'_>, name: &str, id: Id, field: &str) -> Result<Record> {
    let access = permitted(plan, name, Action::Read)?;
    let record = plan.live(access.object.code, id)?.filter(|r| access.admits(r));
    record.ok_or_else(|| Error::field(field, "not_found", "there is no such record"))
}
