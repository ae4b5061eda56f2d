//! The table of contents of the API. The server answers exactly what stands here, and the OpenAPI document is made from
//! it. Within the table, a fixed segment stands before a parameter at the same place.

use std::sync::LazyLock;

use crate::call::{Call, Door};
use crate::change;
use crate::download::Download;
use crate::handlers::{
    admin, backup, documents, feed, files, health, imports, jobs, notices, objects, presence, records, sample,
    sessions, setup, system, tokens, views,
};
use crate::http::answer::Answer;
use crate::upload::Form;
use aplomb_model::Result;

/// One call of the API.
pub struct Route {
    pub method: &'static str,
    /// with parameters in braces, below [`BASE`] unless it is one of [`OUTSIDE`]
    pub path: &'static str,
    pub handler: Handler,
    /// the right that is needed; `anyone` needs none, `signed in` any session or key
    pub permission: &'static str,
    pub summary: &'static str,
    /// names of the query parameters it takes
    pub query: &'static [&'static str],
    pub takes: Takes,
    pub gives: Gives,
    /// checks a secret, so wrong attempts are counted by address
    pub guarded: bool,
}

/// Who answers.
#[derive(Clone, Copy)]
pub enum Handler {
    /// anybody, in any state of the server
    Door(fn(&Door) -> Result<Answer>),
    /// a known caller, on an open store
    Call(fn(&Call) -> Result<Answer>),
    /// the same, changing one record
    Change(change::Handler),
    /// the same with a file coming in
    Upload(fn(&Call, Form) -> Result<Answer>),
    /// the same with a file going out
    Download(fn(&Call) -> Result<Download>),
    /// the stream of events
    Live,
}

/// The body of the request, by the name of its schema.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    Nothing,
    Json(&'static str),
    /// may be left out
    Maybe(&'static str),
    Form(&'static str),
}

/// The answer when all goes well.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Gives {
    Nothing,
    Json(u16, &'static str),
    Media(&'static str),
}

pub const BASE: &str = "/api/v1";
/// What monitoring expects at the root.
pub const OUTSIDE: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

const PAGE: [&str; 2] = ["limit", "cursor"];
const LIST: &[&str] = &["filter", "sort", "fields", "q", "limit", "cursor", "offset", "after", "count", "asOf"];

#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    get("/healthz", Handler::Door(health::alive), "anyone", "Whether the process answers").text("text/plain"),
    get("/readyz", Handler::Door(health::ready), "anyone", "Whether the store is open and the index has caught up").gives(200, "Readiness"),
    get("/metrics", Handler::Door(health::metrics), "readMetrics", "Figures for Prometheus; also without a key on the machine itself").text("text/plain"),
    get("/openapi.json", Handler::Door(documents::openapi), "anyone", "This document; with the objects that the caller may read").gives(200, "Any"),
    get("/docs", Handler::Door(documents::page), "anyone", "A page to read this document and to try calls").text("text/html"),
    get("/docs/docs.js", Handler::Door(documents::script), "anyone", "The script of that page").text("text/javascript"),
    get("/docs/docs.css", Handler::Door(documents::style), "anyone", "The style of that page").text("text/css"),

    get("/setup", Handler::Door(setup::state), "anyone", "Whether the first run is still to be done, or the server is sealed").gives(200, "SetupState"),
    post("/setup", Handler::Door(setup::first_run), "set-up code", "The first run: vault, organisation and first administrator").takes("Setup").gives(201, "SetupDone").guarded(),
    post("/setup/check", Handler::Door(setup::check_code), "set-up code", "Whether a set-up code is right").takes("SetupCode").guarded(),
    post("/unseal", Handler::Door(setup::unseal), "unseal secret", "Open the vault of a sealed server").takes("Unseal").gives(200, "SetupState").guarded(),

    post("/session", Handler::Door(sessions::log_in), "anyone", "Log in").takes("LogIn").gives(200, "Session").guarded(),
    get("/session", Handler::Call(sessions::show), "signed in", "Who am I, and what may I do").gives(200, "Session"),
    delete("/session", Handler::Call(sessions::log_out), "signed in", "Log out"),

    get("/sessions", Handler::Call(sessions::list), "signed in", "Where the caller is logged in; not for keys of limited scope").gives(200, "Sessions"),
    delete("/sessions", Handler::Call(sessions::end_all), "signed in", "Log out everywhere else; with current=true here as well").query(&["current"]),
    delete("/sessions/{id}", Handler::Call(sessions::end), "signed in", "End one of the caller's sessions"),

    get("/objects", Handler::Call(objects::list), "read", "The declarations of the objects the caller may read").gives(200, "Objects"),
    post("/objects", Handler::Call(objects::create), "manageSchema", "Declare an object").takes("ObjectDeclaration").gives(201, "Object"),
    get("/objects/{object}", Handler::Call(objects::show), "read", "The declaration of an object").gives(200, "Object"),
    post("/objects/{object}", Handler::Call(objects::create_named), "manageSchema", "Declare an object under this name").takes("ObjectDeclaration").gives(201, "Object"),
    patch("/objects/{object}", Handler::Call(objects::update), "manageSchema", "Change label, icon, title, columns").takes("ObjectDeclaration").gives(200, "Object"),
    delete("/objects/{object}", Handler::Call(objects::delete), "manageSchema", "Remove a custom object that has no records"),
    get("/objects/{object}/fields", Handler::Call(objects::fields), "read", "The fields of an object").gives(200, "Fields"),
    post("/objects/{object}/fields", Handler::Call(objects::field_create), "manageSchema", "Declare a field").takes("FieldDeclaration").gives(201, "Field"),
    get("/objects/{object}/fields/{field}", Handler::Call(objects::field_show), "read", "The declaration of a field").gives(200, "Field"),
    get("/objects/{object}/fields/{field}/uses", Handler::Call(objects::field_uses), "manageSchema", "What hangs on a field").gives(200, "FieldUses"),
    post("/objects/{object}/fields/{field}", Handler::Call(objects::field_create_named), "manageSchema", "Declare a field under this name").takes("FieldDeclaration").gives(201, "Field"),
    patch("/objects/{object}/fields/{field}", Handler::Call(objects::field_update), "manageSchema", "Change label, choices, limits").takes("FieldDeclaration").gives(200, "Field"),
    delete("/objects/{object}/fields/{field}", Handler::Call(objects::field_delete), "manageSchema", "Retire a field; its values stay"),

    post("/records/batch", Handler::Call(records::batch), "create, update, delete", "Up to 1,000 operations, all or none").takes("Batch").gives(200, "BatchDone"),
    post("/records/lead/{id}/convert", Handler::Call(records::convert), "update", "Turn a lead into contact, company and deal").maybe("ConvertLead").gives(200, "Converted"),
    get("/records/{object}", Handler::Call(records::list), "read", "A list").query(LIST).gives(200, "Page"),
    post("/records/{object}", Handler::Change(records::create), "create", "Create a record").takes("NewRecord").gives(201, "Record"),
    post("/records/{object}/query", Handler::Call(records::query), "read", "A list, groups and figures").maybe("Query").query(&["after"]).gives(200, "Page"),
    post("/records/{object}/bulk", Handler::Call(jobs::bulk), "update, delete", "Change or delete many records, in the background").takes("Bulk").gives(202, "Job"),
    get("/records/{object}/trash", Handler::Call(records::trash_list), "read", "What lies in the trash").query(&PAGE).gives(200, "Page"),
    get("/records/{object}/{id}", Handler::Call(records::show), "read", "A record, now or as it was").query(&["fields", "asOf", "after"]).gives(200, "Record"),
    patch("/records/{object}/{id}", Handler::Change(records::update), "update", "Change fields; null clears").takes("RecordChange").gives(200, "Record"),
    delete("/records/{object}/{id}", Handler::Change(records::trash), "delete", "Move to the trash, for 90 days"),
    post("/records/{object}/{id}/restore", Handler::Change(records::restore), "delete", "Out of the trash").maybe("Empty").gives(200, "Record"),
    post("/records/{object}/{id}/undo", Handler::Change(records::undo), "update", "Back to a version, as a new version").takes("Undo").gives(200, "Record"),
    get("/records/{object}/{id}/history", Handler::Call(records::history), "read", "Who changed what, newest first").query(&PAGE).gives(200, "Entries"),
    get("/records/{object}/{id}/stages", Handler::Call(records::stages), "read", "How long it was in each stage").gives(200, "Any"),
    get("/records/{object}/{id}/followers", Handler::Call(notices::followers), "read", "Who follows a record, and whether the caller does").gives(200, "Followers"),
    post("/records/{object}/{id}/follow", Handler::Call(notices::follow), "read", "Be told when somebody else changes a record").maybe("Empty").gives(200, "Followers"),
    delete("/records/{object}/{id}/follow", Handler::Call(notices::unfollow), "read", "Be told no longer").gives(200, "Followers"),
    get("/records/{object}/{id}/timeline", Handler::Call(records::timeline), "read", "Everything that happened with it, newest first").query(&["kinds", "limit", "cursor", "after"]).gives(200, "Entries"),

    get("/jobs", Handler::Call(jobs::list), "signed in", "The caller's jobs, newest first; all of them, and what waits inside, for manageSettings").query(&["all", "limit", "cursor"]).gives(200, "Jobs"),
    get("/jobs/{id}", Handler::Call(jobs::show), "signed in", "A job with its progress").gives(200, "Job"),
    post("/jobs/{id}/cancel", Handler::Call(jobs::cancel), "signed in", "End a job; what it did so far stays").maybe("Empty").gives(200, "Job"),
    post("/jobs/{id}/undo", Handler::Call(jobs::undo), "update, delete", "Take back what a job changed, as far as nobody changed it since").maybe("Empty").gives(202, "Job"),
    get("/jobs/{id}/file", Handler::Download(jobs::file), "export", "The file of an export, for its owner").text("*/*"),
    post("/exports", Handler::Call(jobs::export), "export", "Write records to a file, in the background; it is kept for 7 days").takes("NewExport").gives(202, "Job"),

    get("/notices", Handler::Call(notices::list), "signed in", "What concerns the caller and somebody else did: newest first").query(&["unread", "limit", "cursor"]).gives(200, "Notices"),
    post("/notices/read", Handler::Call(notices::read), "signed in", "Mark notices as read").takes("ReadNotices").gives(200, "Unread"),
    post("/presence", Handler::Call(presence::stay), "read", "Be at a record for the next 45 seconds, perhaps in a field of it, or leave it; who else is there").takes("Here").gives(200, "Others"),

    get("/search", Handler::Call(records::search), "read", "Over everything the caller may see, forgiving typos").query(&["q", "object", "mode", "limit", "cursor", "after"]).gives(200, "SearchResults"),
    get("/changes", Handler::Call(feed::changes), "read", "What changed since a batch, oldest first").query(&["since", "limit"]).gives(200, "Changes"),
    get("/live", Handler::Live, "read", "Changes as they happen, notices, and who else is at a record (server-sent events)").query(&["since"]).text("text/event-stream"),

    get("/imports", Handler::Call(imports::list), "import", "The caller's imports, newest first").gives(200, "Imports"),
    post("/imports", Handler::Upload(imports::upload), "import", "Upload a file and guess its mapping").form("ImportUpload").query(&["object"]).gives(201, "Import"),
    get("/imports/{id}", Handler::Call(imports::show), "import", "An import with mapping and progress").gives(200, "Import"),
    patch("/imports/{id}", Handler::Call(imports::update), "import", "Change mapping and options, single cells, and what becomes of single rows; answers with those rows").takes("ImportChange").gives(200, "Import"),
    get("/imports/{id}/rows", Handler::Call(imports::rows), "import", "Rows that were refused, that are the same as others, that are doubtful, or that were changed").query(&["kind", "limit", "cursor"]).gives(200, "ImportRows"),
    post("/imports/{id}/check", Handler::Call(imports::check), "import", "Validate every row without writing").maybe("Empty").gives(200, "Import"),
    post("/imports/{id}/commit", Handler::Call(imports::commit), "import", "Write, in the background").maybe("Empty").gives(202, "Import"),
    post("/imports/{id}/revert", Handler::Call(imports::revert), "import", "Take back what it wrote").maybe("Empty").gives(202, "Import"),
    get("/imports/{id}/errors.csv", Handler::Download(imports::errors), "import", "Refused rows with their reasons").text("text/csv"),
    get("/export/{object}", Handler::Download(imports::export), "export", "All records that a filter selects, as a file").query(&["format", "filter", "sort", "fields", "q"]).text("text/csv"),

    post("/files", Handler::Upload(files::upload), "create, update", "Upload a file for a record's field; what is not in a record within a day is removed").form("FileUpload").gives(201, "FileRef"),
    get("/files/{id}", Handler::Download(files::download), "read", "A file, to whoever may read the record that refers to it; before that to its uploader").query(&["record", "inline"]).text("*/*"),

    get("/backup", Handler::Download(backup::download), "backup", "A backup of this moment, sealed to age recipients; with since, what changed after that batch").query(&["recipient", "since"]).text("application/octet-stream"),

    get("/system", Handler::Call(system::show), "readMetrics", "The state of the server: store, index, memory, jobs, backup").gives(200, "System"),
    get("/sample", Handler::Call(sample::state), "manageSettings", "Whether the sample data are loaded").gives(200, "SampleState"),
    post("/sample", Handler::Call(sample::load), "manageSettings", "Load the sample data").maybe("Empty").gives(201, "Any"),
    delete("/sample", Handler::Call(sample::remove), "manageSettings", "Remove the sample data"),

    get("/users", Handler::Call(admin::users), "signed in", "The users").gives(200, "Users"),
    post("/users", Handler::Call(admin::user_create), "manageUsers", "Add a user").takes("User").gives(201, "User"),
    get("/users/{id}", Handler::Call(admin::user_show), "signed in", "A user").gives(200, "User"),
    patch("/users/{id}", Handler::Call(admin::user_update), "manageUsers", "Change a user; one's own name and password needs no right").takes("User").gives(200, "User"),
    delete("/users/{id}", Handler::Call(admin::user_deactivate), "manageUsers", "Deactivate a user: no log-in, keys revoked, records stay"),
    get("/users/{id}/sessions", Handler::Call(sessions::list_of), "manageUsers", "Where a user is logged in; one's own need no right").gives(200, "Sessions"),
    delete("/users/{id}/sessions", Handler::Call(sessions::end_all_of), "manageUsers", "Log a user out everywhere; oneself needs no right"),
    get("/teams", Handler::Call(admin::teams), "signed in", "The teams").gives(200, "Teams"),
    post("/teams", Handler::Call(admin::team_create), "manageTeams", "Add a team").takes("Team").gives(201, "Team"),
    patch("/teams/{id}", Handler::Call(admin::team_update), "manageTeams", "Change a team").takes("Team").gives(200, "Team"),
    delete("/teams/{id}", Handler::Call(admin::team_delete), "manageTeams", "Remove a team"),
    get("/roles", Handler::Call(admin::roles), "signed in", "The roles").gives(200, "Roles"),
    post("/roles", Handler::Call(admin::role_create), "manageRoles", "Add a role").takes("Role").gives(201, "Role"),
    patch("/roles/{key}", Handler::Call(admin::role_update), "manageRoles", "Change a role").takes("Role").gives(200, "Role"),
    delete("/roles/{key}", Handler::Call(admin::role_delete), "manageRoles", "Remove a role that nobody has"),
    get("/views", Handler::Call(views::list), "read", "The caller's saved views and the shared ones").query(&["object"]).gives(200, "Views"),
    post("/views", Handler::Call(views::create), "read", "Save the address of a list under a name").takes("NewView").gives(201, "View"),
    patch("/views/{id}", Handler::Call(views::update), "read", "Change a view of one's own, or a shared one as an admin").takes("ViewChange").gives(200, "View"),
    delete("/views/{id}", Handler::Call(views::delete), "read", "Delete a view of one's own, or a shared one as an admin"),

    get("/tokens", Handler::Call(tokens::list), "signed in", "The caller's API keys, or all for whoever manages them").gives(200, "Tokens"),
    post("/tokens", Handler::Call(tokens::create), "signed in", "Make an API key; it is shown once").takes("NewToken").gives(201, "Token"),
    delete("/tokens/{id}", Handler::Call(tokens::revoke), "signed in", "Revoke an API key"),
    get("/audit", Handler::Call(feed::audit), "readAudit", "The change log with actors and reasons").query(&["since", "limit"]).gives(200, "Entries"),
    get("/settings", Handler::Call(admin::settings), "signed in", "The organisation's settings").gives(200, "Settings"),
    patch("/settings", Handler::Call(admin::settings_update), "manageSettings", "Change settings").takes("Settings").gives(200, "Settings"),
];

const fn route(
    method: &'static str,
    path: &'static str,
    handler: Handler,
    permission: &'static str,
    summary: &'static str,
) -> Route {
    let (query, takes, gives) = (&[], Takes::Nothing, Gives::Nothing);
    Route { method, path, handler, permission, summary, query, takes, gives, guarded: false }
}

const fn get(path: &'static str, handler: Handler, permission: &'static str, summary: &'static str) -> Route {
    route("GET", path, handler, permission, summary)
}

const fn post(path: &'static str, handler: Handler, permission: &'static str, summary: &'static str) -> Route {
    route("POST", path, handler, permission, summary)
}

const fn patch(path: &'static str, handler: Handler, permission: &'static str, summary: &'static str) -> Route {
    route("PATCH", path, handler, permission, summary)
}

const fn delete(path: &'static str, handler: Handler, permission: &'static str, summary: &'static str) -> Route {
    route("DELETE", path, handler, permission, summary)
}

/// Ends of addresses whose POST changes one record.
const CONDITIONAL: [&str; 3] = ["/restore", "/undo", "/convert"];

impl Route {
    /// Whether it is about one record that has versions, so that `If-Match` can be honoured.
    pub fn has_versions(&self) -> bool {
        let one = match self.method {
            "POST" => CONDITIONAL.iter().any(|end| self.path.ends_with(end)),
            "GET" => self.path == "/records/{object}/{id}",
            _ => true,
        };
        one && self.path.starts_with("/records/")
    }

    const fn query(mut self, names: &'static [&'static str]) -> Route {
        self.query = names;
        self
    }

    const fn takes(mut self, schema: &'static str) -> Route {
        self.takes = Takes::Json(schema);
        self
    }

    const fn maybe(mut self, schema: &'static str) -> Route {
        self.takes = Takes::Maybe(schema);
        self
    }

    const fn form(mut self, schema: &'static str) -> Route {
        self.takes = Takes::Form(schema);
        self
    }

    const fn gives(mut self, status: u16, schema: &'static str) -> Route {
        self.gives = Gives::Json(status, schema);
        self
    }

    const fn text(mut self, media_type: &'static str) -> Route {
        self.gives = Gives::Media(media_type);
        self
    }

    const fn guarded(mut self) -> Route {
        self.guarded = true;
        self
    }

    /// Whether it only reads.
    pub fn is_safe(&self) -> bool {
        self.method == "GET"
    }

    /// The whole path.
    pub fn full_path(&self) -> String {
        if OUTSIDE.contains(&self.path) { self.path.to_owned() } else { format!("{BASE}{}", self.path) }
    }
}

/// The routes by path, in the order of the table. Made once for the whole life of the program.
pub fn groups() -> &'static [(String, Vec<&'static Route>)] {
    static GROUPS: LazyLock<Vec<(String, Vec<&'static Route>)>> = LazyLock::new(|| {
        let mut groups: Vec<(String, Vec<&'static Route>)> = Vec::new();
        for route in ROUTES {
            let path = route.full_path();
            match groups.iter_mut().find(|(p, _)| *p == path) {
                Some((_, group)) => group.push(route),
                None => groups.push((path, vec![route])),
            }
        }
        groups
    });
    &GROUPS
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_route_is_there_once_and_none_hides_another() {
        let all: BTreeSet<_> = ROUTES.iter().map(|route| (route.path, route.method)).collect();
        assert_eq!(all.len(), ROUTES.len());
        let segments = |path: &'static str| path.split('/').collect::<Vec<_>>();
        for (at, later) in ROUTES.iter().enumerate() {
            for earlier in ROUTES[..at].iter().filter(|earlier| earlier.path != later.path) {
                let (a, b) = (segments(earlier.path), segments(later.path));
                let hides = a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a == b || a.starts_with('{'));
                assert!(!hides, "{} hides {}", earlier.path, later.path);
            }
        }
    }

    /// Who may call what: a change here is a change of the contract and of rights, and wants a second look.
    #[test]
    fn the_table_as_reviewers_read_it() {
        let line = |route: &Route| format!("{:6} {:45} {}", route.method, route.path, route.permission);
        insta::assert_snapshot!(ROUTES.iter().map(line).collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn groups_hold_every_route() {
        let groups = groups();
        assert_eq!(groups.iter().map(|(_, group)| group.len()).sum::<usize>(), ROUTES.len());
        assert!(groups.iter().any(|(path, group)| path == "/api/v1/records/{object}/{id}" && group.len() == 3));
        assert!(groups.iter().any(|(path, _)| path == "/healthz"));
    }
}
