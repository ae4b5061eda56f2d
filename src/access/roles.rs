//! The eight standard roles as data.

use std::collections::{BTreeMap, BTreeSet};

use aplomb_model::rights::Grants;
use aplomb_model::{Capability, Role, Scope};

/// The roles every installation starts with; an admin may add others.
pub fn standard_roles() -> Vec<Role> {
    vec![system_admin(), sales_manager(), sales_rep(), marketing(), support(), executive(), data_analyst(), partner()]
}

use Scope::{All, None, Own, Team};

const fn grants(read: Scope, create: Scope, update: Scope, delete: Scope, export: Scope) -> Grants {
    Grants { read, create, update, delete, export }
}

const NOTHING: Grants = grants(None, None, None, None, None);
const LOOK: Grants = grants(All, None, None, None, None);
const LOOK_AND_EXPORT: Grants = grants(All, None, None, None, All);
const EVERYTHING: Grants = grants(All, All, All, All, All);
/// sees all, works with his own
const OWN_WORK: Grants = grants(All, Own, Own, Own, None);
/// sees what his team does, works with his own
const TEAM_WORK: Grants = grants(Team, Own, Own, Own, None);
/// sees and works with his own only
const ONLY_OWN: Grants = grants(Own, Own, Own, Own, None);

/// What people write down about their own day.
const WORK: [&str; 6] = ["activity", "task", "note", "call", "meeting", "email"];

fn role(key: &str, label: &str, description: &str, objects: &[(&str, Grants)], capabilities: &[Capability]) -> Role {
    Role {
        key: key.to_owned(),
        label: label.to_owned(),
        description: description.to_owned(),
        objects: objects.iter().map(|(name, grants)| ((*name).to_owned(), *grants)).collect::<BTreeMap<_, _>>(),
        capabilities: capabilities.iter().copied().collect::<BTreeSet<_>>(),
        custom: false,
    }
}

fn with_work(work: Grants, others: &[(&'static str, Grants)]) -> Vec<(&'static str, Grants)> {
    WORK.iter().map(|name| (*name, work)).chain(others.iter().copied()).collect()
}

fn system_admin() -> Role {
    let description = "Full access: configuration, users, security settings, every record";
    role("systemAdmin", "System Admin", description, &[("*", EVERYTHING)], &Capability::ALL)
}

fn sales_manager() -> Role {
    let lead = grants(All, All, All, Team, All);
    let objects = with_work(
        grants(All, All, Team, Team, All),
        &[
            ("contact", lead),
            ("company", lead),
            ("lead", lead),
            ("deal", lead),
            ("quote", grants(All, All, Team, Team, All)),
            ("order", grants(All, All, Team, None, All)),
            ("invoice", LOOK_AND_EXPORT),
            ("contract", grants(All, All, Team, None, All)),
            ("campaign", LOOK),
            ("ticket", LOOK),
            ("product", grants(All, All, All, None, All)),
            ("user", LOOK),
            ("team", LOOK),
            ("*", grants(All, All, Team, Team, All)),
        ],
    );
    let description = "Oversees a team: reports, forecast, territories, coaching";
    role("salesManager", "Sales Manager", description, &objects, &[Capability::Import])
}

fn sales_rep() -> Role {
    let objects = with_work(
        grants(Team, Own, Own, Own, None),
        &[
            ("contact", grants(All, Own, Team, Own, None)),
            ("company", grants(All, Own, Team, None, None)),
            ("lead", grants(Team, Own, Team, Own, None)),
            ("deal", grants(Team, Own, Own, Own, None)),
            ("quote", grants(Team, Own, Own, Own, None)),
            ("order", grants(Team, Own, Own, None, None)),
            ("contract", grants(Team, Own, Own, None, None)),
            ("invoice", grants(Team, None, None, None, None)),
            ("campaign", LOOK),
            ("ticket", LOOK),
            ("product", LOOK),
            ("user", LOOK),
            ("team", LOOK),
            ("*", grants(Team, Own, Own, Own, None)),
        ],
    );
    // an import writes within these grants: what a rep brings becomes his own
    let description = "Works leads, opportunities and customers of his own and his team";
    role("salesRep", "Sales Rep", description, &objects, &[Capability::Import])
}

fn marketing() -> Role {
    let objects = with_work(
        TEAM_WORK,
        &[
            // what came of a campaign shows in activities; what sales wrote to somebody is not marketing's to read
            ("activity", OWN_WORK),
            ("campaign", EVERYTHING),
            ("lead", grants(All, All, All, Team, All)),
            ("contact", grants(All, All, All, None, All)),
            ("company", grants(All, All, Team, None, All)),
            ("deal", LOOK),
            ("product", LOOK),
            ("user", LOOK),
            ("team", LOOK),
            ("*", NOTHING),
        ],
    );
    let description = "Runs campaigns, brings in leads, reads what came of them";
    role("marketing", "Marketing", description, &objects, &[Capability::Import])
}

fn support() -> Role {
    let objects = with_work(
        OWN_WORK,
        &[
            ("ticket", grants(All, All, All, Own, None)),
            ("contact", grants(All, All, All, None, None)),
            ("company", grants(All, None, None, None, None)),
            ("product", LOOK),
            ("order", LOOK),
            ("invoice", LOOK),
            ("contract", LOOK),
            ("user", LOOK),
            ("team", LOOK),
            ("*", NOTHING),
        ],
    );
    let description = "Serves customers: tickets and cases, with a look at what they bought";
    role("support", "Support", description, &objects, &[])
}

fn executive() -> Role {
    let description = "Dashboards and analytics over everything; changes nothing";
    let objects = [("*", LOOK_AND_EXPORT), ("note", LOOK), ("email", LOOK), ("user", LOOK), ("team", LOOK)];
    role("executive", "Executive", description, &objects, &[])
}

fn data_analyst() -> Role {
    let description = "Reports, exports and analysis over everything; changes nothing";
    let objects = [("*", LOOK_AND_EXPORT), ("user", LOOK), ("team", LOOK)];
    role("dataAnalyst", "Data Analyst", description, &objects, &[])
}

fn partner() -> Role {
    let objects = with_work(
        ONLY_OWN,
        &[
            ("contact", ONLY_OWN),
            ("company", ONLY_OWN),
            ("lead", ONLY_OWN),
            ("deal", ONLY_OWN),
            ("quote", grants(Own, Own, Own, None, None)),
            ("ticket", ONLY_OWN),
            ("product", LOOK),
            ("*", NOTHING),
        ],
    );
    let description = "A partner organisation: its own records only";
    role("partner", "Partner", description, &objects, &[])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write;
    use std::sync::Arc;

    use aplomb_model::{Action, Id, Object, ObjectCode};

    use super::*;
    use crate::{Actor, RowFilter, Via, allows, can, decide, read_filter, scope};

    const OBJECTS: [&str; 20] = [
        "contact", "company", "lead", "deal", "activity", "task", "note", "call", "meeting", "email", "ticket",
        "product", "quote", "order", "invoice", "contract", "campaign", "user", "team", "(custom)",
    ];
    const GOLDEN: &str = include_str!("../../tests/golden/rights.txt");

    fn actor(role: &Role, via: Via) -> Actor {
        let user = Id::from_u128(1);
        let mates = Arc::new(BTreeSet::from([user, Id::from_u128(2)]));
        Actor { user, roles: vec![Arc::new(role.clone())], teams: vec![], mates, via }
    }

    fn session(role: &Role) -> Actor {
        actor(role, Via::Session(Id::NIL))
    }

    fn object(name: &str) -> Object {
        Object {
            code: ObjectCode(1),
            name: name.into(),
            label: name.into(),
            plural: name.into(),
            icon: String::new(),
            title: "name".into(),
            list: vec![],
            fields: vec![],
            custom: false,
            internal: false,
        }
    }

    fn matrix() -> String {
        let mut out = String::from("role x object: read create update delete export (- none, own, team, all)\n");
        for role in standard_roles() {
            let _ = writeln!(out, "\n{} ({})", role.label, role.key);
            for name in OBJECTS {
                let shown = Action::ALL.map(|action| match scope(&session(&role), name, action) {
                    Scope::None => "-",
                    Scope::Own => "own",
                    Scope::Team => "team",
                    Scope::All => "all",
                });
                let _ = writeln!(out, "  {name:<10} {}", shown.map(|s| format!("{s:<5}")).concat().trim_end());
            }
            let capabilities: Vec<String> =
                Capability::ALL.iter().filter(|c| can(&session(&role), **c)).map(|c| format!("{c:?}")).collect();
            let _ =
                writeln!(out, "  may: {}", if capabilities.is_empty() { "-".into() } else { capabilities.join(" ") });
        }
        out
    }

    /// A change of rights must be read by somebody: bring tests/golden/rights.txt up to date by hand.
    #[test]
    fn rights_are_what_the_golden_file_says() {
        let matrix = matrix();
        let first = matrix.lines().zip(GOLDEN.lines()).find(|(now, then)| now != then);
        assert_eq!(first, Option::None, "first difference (now, golden); the whole is now:\n{matrix}");
        assert_eq!(matrix.lines().count(), GOLDEN.lines().count(), "lines; the whole is now:\n{matrix}");
    }

    #[test]
    fn rows_follow_the_scope() {
        let (own, mate, other) = (Id::from_u128(1), Id::from_u128(2), Id::from_u128(3));
        let roles = standard_roles();
        let role = |key: &str| roles.iter().find(|r| r.key == key).unwrap();
        for (key, name, action, expect) in [
            ("partner", "deal", Action::Read, [true, false, false]),
            ("salesRep", "deal", Action::Read, [true, true, false]),
            ("salesRep", "deal", Action::Update, [true, false, false]),
            ("salesManager", "deal", Action::Update, [true, true, true]),
            ("support", "deal", Action::Read, [false, false, false]),
        ] {
            let found = [own, mate, other].map(|id| allows(&session(role(key)), &object(name), action, Some(id)));
            assert_eq!(found, expect, "{key} {name} {action:?}");
        }
        assert!(
            !allows(&session(role("salesRep")), &object("deal"), Action::Read, Option::None),
            "nobody's is not one's own"
        );
        assert!(allows(&session(role("salesManager")), &object("deal"), Action::Read, Option::None));
    }

    #[test]
    fn roles_add_up_and_keys_cut_down() {
        let roles = standard_roles();
        let of = |keys: &[&str]| {
            roles.iter().filter(|r| keys.contains(&r.key.as_str())).cloned().map(Arc::new).collect::<Vec<_>>()
        };
        let both = Actor { roles: of(&["partner", "marketing"]), ..session(&roles[0]) };
        assert_eq!(scope(&both, "campaign", Action::Create), Scope::All);
        assert_eq!(scope(&both, "ticket", Action::Read), Scope::Own);
        let scopes = vec!["contact:read".parse().unwrap()];
        let key = actor(&roles[0], Via::Token { id: Id::NIL, scopes });
        assert_eq!(scope(&key, "contact", Action::Read), Scope::All);
        assert_eq!(scope(&key, "contact", Action::Update), Scope::None);
        assert!(Capability::ALL.iter().all(|c| !can(&key, *c)));
        let nobody = Actor { roles: vec![], ..session(&roles[0]) };
        assert_eq!(read_filter(&nobody, &object("contact"), Action::Read), RowFilter::None);
        assert!(decide(&Actor::system(), &object("contact"), Action::Delete).is_ok());
        let denied = decide(&key, &object("contact"), Action::Update).unwrap_err();
        assert!(denied.visible && !decide(&key, &object("deal"), Action::Read).unwrap_err().visible);
    }
}
