//! The first look at an uploaded file, and changes of what was guessed.

use std::io::{Read, Seek, SeekFrom};

use aplomb_crm::{Ctx, Map};
use aplomb_model::{Action, Error, FieldError, Object, Result};

use super::edits::Changed;
use super::source::SealedSource;
use super::state::{ColumnState, Run, State};
use super::{Imports, Upload, may_import};
use crate::map::convert::Column;
use crate::map::guess::{self, Guess};
use crate::map::stats::Stats;
use crate::map::table::{self, Table};
use crate::map::target::{self, Place, Target};
use crate::map::{self};
use crate::read::{self, Format, ReadError, sniff};
use crate::view::{ColumnView, DateOrder, ImportView, MapTo, Options};

impl Imports {
    /// Looks at an uploaded file and guesses the mapping. Blocks for about a second per 100,000 rows.
    pub fn start_upload(&self, ctx: &Ctx, object: &str, file_name: &str, upload: Upload) -> Result<ImportView> {
        may_import(ctx)?;
        let schema = self.crm.schema();
        let declared = schema.by_name(object).filter(|o| !o.internal).cloned();
        let declared = declared.ok_or_else(|| Error::not_found("object"))?;
        if aplomb_access::decide(&ctx.actor, &declared, Action::Create).is_err() {
            return Err(Error::new(aplomb_model::Code::Forbidden, "your role does not allow creating these records"));
        }
        let id = upload.id;
        let source = upload.finish()?;
        let state = self.look(ctx, &declared, file_name, id, source).and_then(|state| {
            self.keep(ctx, &state)?;
            Ok(state)
        });
        match state {
            Ok(state) => Ok(state.view(&self.crm, Run::default())),
            Err(e) => {
                super::source::remove(&self.uploads, id);
                Err(e)
            }
        }
    }

    fn look(
        &self,
        ctx: &Ctx,
        object: &Object,
        file_name: &str,
        id: aplomb_model::Id,
        mut source: SealedSource,
    ) -> Result<State> {
        let (format, layout, table) = examine(file_name, &mut source)?;
        let footer: Vec<&str> = table.left_out.iter().map(|l| l.text.as_str()).collect();
        let vendor = map::recognise(&table.shape.headers, &table.stats, &footer);
        let guesses = guess::mapping(&self.crm.schema(), object, &table.shape.headers, &table.stats, vendor);
        let hints = self.hints(ctx, format, layout.delimiter, &table.stats)?;
        let mut warnings = Vec::new();
        let columns = columns(&table, guesses, &hints, &mut warnings);
        let paths: Vec<Option<String>> = columns.iter().map(|c| c.view.field.clone()).collect();
        let options = Options {
            match_field: guess::match_field(object, &paths),
            source: vendor.map_or("file", |v| v.name()).to_owned(),
            ..Options::default()
        };
        Ok(State {
            id,
            object: object.name.clone(),
            file_name: file_name.chars().take(200).collect(),
            format,
            layout,
            shape: table.shape,
            vendor: vendor.map(|v| v.name().to_owned()),
            columns,
            options,
            warnings,
            left_out: table.left_out,
            preview: None,
            findings: None,
            outdated: false,
            changed: Changed::default(),
            revision: 0,
            created_at: ctx.now,
            created_by: ctx.actor.user,
            started_at: None,
        })
    }

    /// What decides where no value does.
    fn hints(&self, ctx: &Ctx, format: Format, delimiter: Option<char>, stats: &[Stats]) -> Result<Hints> {
        let settings = self.crm.settings(ctx)?;
        let zone = settings.pointer("/organisation/timeZone").and_then(|v| v.as_str()).unwrap_or_default();
        let american = zone.starts_with("America/") || zone.starts_with("US/");
        let order = if american { DateOrder::Mdy } else { DateOrder::Dmy };
        let typed = matches!(format, Format::Xlsx | Format::Jsonl);
        let decimal = if !typed && delimiter == Some(';') { ',' } else { '.' };
        let am_pm =
            stats.iter().any(|s| s.dates > 0 && s.samples.iter().any(|v| v.ends_with(" AM") || v.ends_with(" PM")));
        Ok(Hints {
            order: stats.iter().find_map(Stats::date_order).unwrap_or(if am_pm { DateOrder::Mdy } else { order }),
            decimal: match typed {
                true => '.',
                false => stats.iter().find_map(Stats::decimal).unwrap_or(decimal),
            },
        })
    }

    pub(super) fn remap(&self, ctx: &Ctx, state: &mut State, mapping: &[MapTo], options: &Map) -> Result<()> {
        let schema = self.crm.schema();
        let object = schema.by_name(&state.object).cloned().ok_or_else(|| Error::not_found("object"))?;
        for (at, change) in mapping.iter().enumerate() {
            let place = format!("mapping[{at}]");
            let column = state.columns.get_mut(change.column);
            let column = column
                .ok_or_else(|| Error::field(format!("{place}.column"), "unknown_column", "there is no such column"))?;
            if let Some(path) = &change.field
                && target::resolve(&object, path).is_none()
            {
                let detail = format!("{} has no such field", object.name);
                return Err(Error::field(format!("{place}.field"), "unknown_field", detail));
            }
            column.view.field = change.field.clone();
            column.view.confidence = 1.0;
            column.view.reason = "chosen".to_owned();
        }
        self.options(ctx, state, &object, options)?;
        twice(state, &object)
    }

    fn options(&self, ctx: &Ctx, state: &mut State, object: &Object, changes: &Map) -> Result<()> {
        let mut json = serde_json::to_value(&state.options).map_err(|_| Error::internal("options cannot be read"))?;
        if let Some(all) = json.as_object_mut() {
            for (key, value) in changes {
                match (key.as_str(), value.as_bool()) {
                    // the name of the first version
                    ("addChoices", Some(add)) => {
                        all.insert("unknownChoice".to_owned(), if add { "add" } else { "refuse" }.into())
                    }
                    _ => all.insert(key.clone(), value.clone()),
                };
            }
        }
        let options: Options =
            serde_json::from_value(json).map_err(|e| Error::field("options", "invalid", e.to_string()))?;
        let refuse =
            |field: &str, detail: &str| Err(FieldError::new(format!("options.{field}"), "invalid", detail).into());
        let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if options.source.is_empty() || options.source.len() > 40 || !options.source.chars().all(sound) {
            return refuse("source", "must be 1 to 40 letters, digits, dots or dashes");
        }
        if let Some(name) = &options.match_field
            && ![target::ID, target::EXTERNAL_ID].contains(&name.as_str())
            && !object.field(name).is_some_and(|f| f.indexed)
        {
            return refuse("match", "must be an indexed field of the object");
        }
        if options.decimal.is_some_and(|d| d != ',' && d != '.') {
            return refuse("decimal", "must be a comma or a point");
        }
        self.money_and_zone(ctx, &options)?;
        state.options = options;
        Ok(())
    }

    /// What a commit needs: something is mapped, and what is required is among it or can be made.
    pub(super) fn complete(&self, state: &State) -> Result<()> {
        let schema = self.crm.schema();
        let object = schema.by_name(&state.object).ok_or_else(|| Error::not_found("object"))?;
        let targets: Vec<Target> = state.rules(object).into_iter().filter_map(|c| c.target).collect();
        if targets.is_empty() {
            return Err(Error::field("mapping", "required", "no column is mapped to a field"));
        }
        let known = targets.iter().any(|t| t.place == Place::Id || t.place == Place::ExternalId);
        let covered = |name: &str| object.field(name).is_some_and(|f| guess::covers(f, &targets));
        for field in object.live().filter(|f| f.required && !f.read_only && f.default.is_none()) {
            let stand_in = field.name == object.title && (covered("email") || covered("domain") || covered("website"));
            if !known && !stand_in && !guess::covers(field, &targets) {
                let detail = format!("{} is required and no column is mapped to it", field.label);
                return Err(Error::field("mapping", "required", detail));
            }
        }
        Ok(())
    }
}

/// Format, layout and table of a file.
pub fn examine(file_name: &str, source: &mut (impl Read + Seek)) -> Result<(Format, read::Layout, Table), ReadError> {
    source.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    source.by_ref().take(64 * 1024).read_to_end(&mut head)?;
    let format = sniff(file_name, &head)?;
    let layout = read::layout(format, source)?;
    let table = table::analyse(format, &layout, source)?;
    if table.shape.rows == 0 {
        return Err(ReadError::Empty);
    }
    Ok((format, layout, table))
}

pub struct Hints {
    pub order: DateOrder,
    pub decimal: char,
}

pub fn columns(table: &Table, guesses: Vec<Guess>, hints: &Hints, warnings: &mut Vec<String>) -> Vec<ColumnState> {
    let each = table.shape.headers.iter().zip(&table.stats).zip(guesses).enumerate();
    each.map(|(index, ((header, stats), guess))| {
        let dates = stats.share(stats.dates) > 0.5;
        if guess.path.is_some() && dates && stats.either_order > 0 && stats.date_order().is_none() {
            let read = if hints.order == DateOrder::Mdy { "month/day" } else { "day/month" };
            warnings.push(format!("the dates in “{header}” can be read both ways; they are read as {read}/year"));
        }
        if guess.path.is_some() && stats.dmy > 0 && stats.mdy > 0 && dates {
            warnings.push(format!("the dates in “{header}” are written in different orders"));
        }
        let view = ColumnView {
            index,
            header: header.clone(),
            samples: stats.samples.clone(),
            filled: stats.filled,
            field: guess.path,
            confidence: guess.confidence,
            reason: guess.reason,
        };
        ColumnState {
            view,
            order: stats.date_order().unwrap_or(hints.order),
            decimal: stats.decimal().unwrap_or(hints.decimal),
        }
    })
    .collect()
}

/// A field that holds one value is filled by one column.
fn twice(state: &State, object: &Object) -> Result<()> {
    let mut seen: Vec<Target> = Vec::new();
    for column in &state.columns {
        let Some(target) = column.view.field.as_deref().and_then(|p| target::resolve(object, p)) else { continue };
        if seen.iter().any(|s| s.place == target.place) && !target::takes_several(object, &target) {
            let detail = format!("{} is filled by two columns", target.path);
            return Err(Error::field("mapping", "mapped_twice", detail));
        }
        seen.push(target);
    }
    Ok(())
}

impl State {
    /// How the cells of every column are read.
    pub fn rules(&self, object: &Object) -> Vec<Column> {
        let rule = |c: &ColumnState| Column {
            target: c.view.field.as_deref().and_then(|path| target::resolve(object, path)),
            order: self.options.date_order.unwrap_or(c.order),
            decimal: self.options.decimal.unwrap_or(c.decimal),
        };
        self.columns.iter().map(rule).collect()
    }

    pub fn header(&self, column: usize) -> &str {
        self.shape.headers.get(column).map_or("", String::as_str)
    }

    pub fn names_companies(&self) -> bool {
        self.columns
            .iter()
            .any(|c| matches!(c.view.field.as_deref(), Some("company" | "company.name" | "parent" | "parent.name")))
    }
}
