//! The public interface, to be filled in.
use std::path::Path;
use std::sync::Arc;

use aplomb_access::Actor;
use aplomb_model::query::Scalar;
use aplomb_model::{Currency, FieldCode, Id, Object, Query, Result, Schema, Seq, Timestamp};
use aplomb_vault::DataKey;
use serde_json::Value as Json;

use crate::{Ctx, Random, types::*};

/// Cheap to clone.
#[derive(Clone)]
pub struct Crm {
    _inner: Arc<()>,
}

#[allow(unused_variables, clippy::too_many_arguments)]
impl Crm {
    // ---- lifecycle
    /// Opens or creates `dir/store.redb` and `dir/index/`, and starts the threads that follow the log and run jobs.
    pub fn open(dir: &Path, key: DataKey, options: CrmOptions) -> Result<Crm> { todo!() }
    pub fn close(&self) { todo!() }
    pub fn is_set_up(&self) -> bool { todo!() }
    /// Organisation, roles, the first admin; optionally sample data. Only once: `Conflict` afterwards.
    pub fn setup(&self, now: Timestamp, random: &Random, setup: Setup) -> Result<()> { todo!() }
    pub fn schema(&self) -> Schema { todo!() }
    pub fn seq(&self) -> Seq { todo!() }
    pub fn ready(&self) -> Readiness { todo!() }
    pub fn verify(&self, progress: &dyn Fn(&str)) -> Result<VerifyReport> { todo!() }
    /// Blocks until lists and searches show `seq`; false after about two seconds.
    pub fn wait_for(&self, seq: Seq) -> bool { todo!() }
    pub fn watch(&self, watcher: Watcher) { todo!() }
    /// A context for an actor, with the organisation's zone.
    pub fn ctx(&self, actor: Arc<Actor>, now: Timestamp, random: Random, request: &str) -> Ctx { todo!() }
    pub fn currency(&self) -> Currency { todo!() }

    // ---- sessions, tokens
    pub fn login(&self, now: Timestamp, random: &Random, email: &str, password: &str, address: &str) -> Result<Login> { todo!() }
    /// The holder of a session cookie; refreshes its idle time.
    pub fn session(&self, now: Timestamp, token: &str) -> Result<(Arc<Actor>, Session)> { todo!() }
    pub fn logout(&self, ctx: &Ctx, token: &str) -> Result<()> { todo!() }
    /// The holder of an API key.
    pub fn token_actor(&self, now: Timestamp, bearer: &str) -> Result<Arc<Actor>> { todo!() }
    /// The actor for a user, as a session of his would have it: for the command line next to the data.
    pub fn actor_of(&self, user: Id) -> Result<Arc<Actor>> { todo!() }
    pub fn user_by_email(&self, email: &str) -> Result<Option<Id>> { todo!() }
    /// `{user, roles, organisation, permissions, capabilities}`; serve adds csrf.
    pub fn who_am_i(&self, ctx: &Ctx) -> Result<Json> { todo!() }
    pub fn tokens_list(&self, ctx: &Ctx) -> Result<Vec<Json>> { todo!() }
    /// `{id, name, user, scopes, createdAt, expiresAt, key}`; the key is shown here only.
    pub fn token_create(&self, ctx: &Ctx, token: NewToken) -> Result<Json> { todo!() }
    pub fn token_revoke(&self, ctx: &Ctx, id: Id) -> Result<()> { todo!() }

    // ---- administration
    pub fn users_list(&self, ctx: &Ctx) -> Result<Vec<Json>> { todo!() }
    pub fn user_get(&self, ctx: &Ctx, id: Id) -> Result<Json> { todo!() }
    /// `{name, email, password, roles, teams?, title?, phone?, language?, timeZone?}`
    pub fn user_create(&self, ctx: &Ctx, fields: Map) -> Result<Json> { todo!() }
    /// Also `{password, currentPassword}` for oneself and `{active}`.
    pub fn user_update(&self, ctx: &Ctx, id: Id, fields: Map) -> Result<Json> { todo!() }
    pub fn user_deactivate(&self, ctx: &Ctx, id: Id) -> Result<Json> { todo!() }
    pub fn teams_list(&self, ctx: &Ctx) -> Result<Vec<Json>> { todo!() }
    pub fn team_create(&self, ctx: &Ctx, fields: Map) -> Result<Json> { todo!() }
    pub fn team_update(&self, ctx: &Ctx, id: Id, fields: Map) -> Result<Json> { todo!() }
    pub fn team_delete(&self, ctx: &Ctx, id: Id) -> Result<()> { todo!() }
    pub fn roles_list(&self, ctx: &Ctx) -> Result<Vec<Json>> { todo!() }
    pub fn role_create(&self, ctx: &Ctx, role: Map) -> Result<Json> { todo!() }
    pub fn role_update(&self, ctx: &Ctx, key: &str, role: Map) -> Result<Json> { todo!() }
    pub fn role_delete(&self, ctx: &Ctx, key: &str) -> Result<()> { todo!() }
    pub fn settings(&self, ctx: &Ctx) -> Result<Json> { todo!() }
    pub fn settings_patch(&self, ctx: &Ctx, patch: Map) -> Result<Json> { todo!() }
    /// Batches after `since`, oldest first, with actor, reason and what they touched.
    pub fn audit(&self, ctx: &Ctx, since: Seq, limit: usize) -> Result<Entries> { todo!() }

    // ---- declarations
    pub fn objects(&self, ctx: &Ctx) -> Result<Vec<Arc<Object>>> { todo!() }
    pub fn object(&self, ctx: &Ctx, name: &str) -> Result<Arc<Object>> { todo!() }
    pub fn object_create(&self, ctx: &Ctx, declaration: Map) -> Result<Arc<Object>> { todo!() }
    pub fn object_patch(&self, ctx: &Ctx, name: &str, patch: Map) -> Result<Arc<Object>> { todo!() }
    pub fn object_delete(&self, ctx: &Ctx, name: &str) -> Result<()> { todo!() }
    pub fn field_create(&self, ctx: &Ctx, object: &str, declaration: Map) -> Result<Arc<Object>> { todo!() }
    pub fn field_patch(&self, ctx: &Ctx, object: &str, field: &str, patch: Map) -> Result<Arc<Object>> { todo!() }
    pub fn field_delete(&self, ctx: &Ctx, object: &str, field: &str) -> Result<Arc<Object>> { todo!() }

    // ---- records
    pub fn create(&self, ctx: &Ctx, object: &str, fields: Map) -> Result<Written> { todo!() }
    /// `fields` empty: all.
    pub fn get(&self, ctx: &Ctx, object: &str, id: Id, fields: &[String]) -> Result<RecordView> { todo!() }
    /// As it was at a time.
    pub fn get_as_of(&self, ctx: &Ctx, object: &str, id: Id, at: Timestamp) -> Result<RecordView> { todo!() }
    pub fn update(&self, ctx: &Ctx, object: &str, id: Id, if_version: Option<u32>, fields: Map) -> Result<Written> { todo!() }
    pub fn trash(&self, ctx: &Ctx, object: &str, id: Id, if_version: Option<u32>) -> Result<Written> { todo!() }
    pub fn restore(&self, ctx: &Ctx, object: &str, id: Id) -> Result<Written> { todo!() }
    /// Back to what the record was at `version`, as a new version.
    pub fn undo(&self, ctx: &Ctx, object: &str, id: Id, version: u32) -> Result<Written> { todo!() }
    pub fn batch(&self, ctx: &Ctx, ops: Vec<BatchOp>) -> Result<BatchDone> { todo!() }
    pub fn query(&self, ctx: &Ctx, object: &str, query: &Query) -> Result<QueryPage> { todo!() }
    /// Every record that the query selects and the caller may export, in pages; `each` gets pages of records.
    pub fn export(&self, ctx: &Ctx, object: &str, query: &Query, each: &mut dyn FnMut(Vec<Json>) -> Result<()>) -> Result<u64> { todo!() }
    pub fn trash_list(&self, ctx: &Ctx, object: &str, cursor: Option<&str>, limit: usize) -> Result<QueryPage> { todo!() }
    pub fn history(&self, ctx: &Ctx, object: &str, id: Id, cursor: Option<&str>, limit: usize) -> Result<Entries> { todo!() }
    pub fn timeline(&self, ctx: &Ctx, object: &str, id: Id, request: &TimelineRequest) -> Result<Entries> { todo!() }
    pub fn search(&self, ctx: &Ctx, request: &SearchRequest) -> Result<SearchAnswer> { todo!() }
    /// `{changes: [...], next}` of what the caller may see.
    pub fn changes(&self, ctx: &Ctx, since: Seq, limit: usize) -> Result<Json> { todo!() }
    pub fn convert_lead(&self, ctx: &Ctx, id: Id, options: ConvertLead) -> Result<Converted> { todo!() }

    // ---- for connect
    /// One batch; each refused operation says why and does not hold up the others.
    pub fn bulk(&self, ctx: &Ctx, ops: Vec<BulkOp>, reason: &str) -> Result<BulkDone> { todo!() }
    /// Live records the caller may read whose indexed field has this value.
    pub fn find_by(&self, ctx: &Ctx, object: &str, field: &str, scalar: &Scalar) -> Result<Vec<Id>> { todo!() }
    pub fn find_by_many(&self, ctx: &Ctx, object: &str, field: &str, scalars: &[Scalar]) -> Result<Vec<Vec<Id>>> { todo!() }
    /// The typed records behind ids, `None` for those that are not there or not to be seen.
    pub fn records(&self, ctx: &Ctx, object: &str, ids: &[Id]) -> Result<Vec<Option<aplomb_model::Record>>> { todo!() }
    /// All live records of an object the caller may read, by id, in pages: for duplicate checks.
    pub fn scan(&self, ctx: &Ctx, object: &str, after: Option<Id>, limit: usize) -> Result<Vec<aplomb_model::Record>> { todo!() }
    /// Code of the field that keeps other systems' ids, each as `source:object:id`.
    pub fn external_ids(&self, object: &Object) -> Option<FieldCode> { todo!() }
    /// Documents of connect and serve (imports, idempotent answers): not records, not logged.
    pub fn get_doc(&self, kind: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>> { todo!() }
    pub fn put_doc(&self, ctx: &Ctx, kind: &'static str, key: &[u8], value: Option<Vec<u8>>) -> Result<Seq> { todo!() }
    pub fn list_docs(&self, kind: &'static str, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>> { todo!() }
    pub fn register_job(&self, kind: &'static str, handler: JobHandler) { todo!() }
    pub fn enqueue(&self, ctx: &Ctx, kind: &'static str, payload: &Json, due: Timestamp) -> Result<Id> { todo!() }
    /// Starts running due jobs, after their handlers are registered.
    pub fn start_jobs(&self, clock: Arc<dyn Fn() -> Timestamp + Send + Sync>, random: Random) { todo!() }

    // ---- sample data
    /// Loads about 30 companies, 120 contacts, 60 deals, 600 activities; `Conflict` when it is there already.
    pub fn sample_load(&self, ctx: &Ctx) -> Result<Json> { todo!() }
    pub fn sample_remove(&self, ctx: &Ctx) -> Result<Json> { todo!() }
}
