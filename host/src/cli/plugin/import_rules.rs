//! `ocriva plugin import-rules`: invoice2data's templates as settings of the plugin `rules`.
//!
//! What has no counterpart is left out and told: nothing is carried over that would mean something else.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use regex_lite::RegexBuilder;
use serde_json::{Map, Value, json};

/// Largest template.
const MAX_BYTES: u64 = 1 << 20;

/// Fields that invoice2data asks for where a template does not say.
const USUALLY_REQUIRED: [&str; 4] = ["date", "amount", "invoice_number", "issuer"];

#[derive(Debug, Args)]
pub struct ImportRules {
    /// Templates of invoice2data.
    #[arg(required = true, value_name = "FILE.yml")]
    files: Vec<PathBuf>,
}

impl ImportRules {
    /// Prints the settings to the standard output, and to the standard error output what was left out.
    ///
    /// # Errors
    /// A file that cannot be read or is no template.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let mut sets = Vec::new();
        for path in &self.files {
            let mut import = Import::default();
            let template = read(path).with_context(|| format!("`{}` is no template", path.display()))?;
            sets.push(import.set(&template, path));
            for left_out in import.left_out {
                eprintln!("{}: {left_out}", path.display());
            }
        }
        let settings = match sets.as_slice() {
            [set] => set.clone(),
            _ => json!({"templates": sets}),
        };
        super::super::print(&(serde_json::to_string_pretty(&settings)? + "\n"))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn read(path: &Path) -> anyhow::Result<Map<String, Value>> {
    let size = std::fs::metadata(path)?.len();
    anyhow::ensure!(size <= MAX_BYTES, "it has {size} bytes, {MAX_BYTES} are allowed");
    let text = std::fs::read_to_string(path)?;
    let template: Value = serde_yaml_ng::from_str(&text)?;
    match template {
        Value::Object(template) => Ok(template),
        _ => anyhow::bail!("it is not a map with `fields`"),
    }
}

#[derive(Default)]
struct Import {
    /// Whether the template's patterns are for text in small letters.
    is_lower_case: bool,
    /// What could not be carried over, a sentence each.
    left_out: Vec<String>,
    fields: Map<String, Value>,
    lines: Map<String, Value>,
}

impl Import {
    /// A template as a set of rules.
    fn set(&mut self, template: &Map<String, Value>, path: &Path) -> Value {
        let options = template.get("options").and_then(Value::as_object).cloned().unwrap_or_default();
        self.is_lower_case = options.get("lowercase") == Some(&Value::Bool(true));
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let issuer = text(template.get("issuer"));
        let mut set = Map::new();
        set.insert("name".to_owned(), Value::from(issuer.clone().unwrap_or(stem)));
        for (from, to) in [("keywords", "keywords"), ("exclude_keywords", "excludeKeywords")] {
            let patterns = self.patterns(template.get(from), from);
            if !patterns.is_empty() {
                set.insert(to.to_owned(), json!(patterns));
            }
        }
        if let Some(issuer) = issuer {
            self.fields.insert("issuer".to_owned(), json!({"value": issuer}));
        }
        let chosen = self.options(&options);
        if !chosen.is_empty() {
            set.insert("options".to_owned(), Value::Object(chosen));
        }
        for (name, field) in template.get("fields").and_then(Value::as_object).into_iter().flatten() {
            self.field(name, field);
        }
        match template.get("lines") {
            Some(Value::Object(lines)) => self.lines("lines", lines),
            Some(Value::Array(several)) => {
                for (index, lines) in several.iter().enumerate() {
                    let name = if index == 0 { "lines".to_owned() } else { format!("lines{}", index + 1) };
                    match lines {
                        Value::Object(lines) => self.lines(&name, lines),
                        _ => self.leave_out(format!("`lines[{index}]` is no map")),
                    }
                }
            }
            Some(_) => self.leave_out("`lines` is neither a map nor a list"),
            None => {}
        }
        for key in template.keys() {
            let known = [
                "issuer",
                "fields",
                "keywords",
                "exclude_keywords",
                "options",
                "required_fields",
                "lines",
                "template_name",
            ];
            if key == "priority" {
                self.leave_out(
                    "`priority`: of several sets the first that fits is taken, so put it where it belongs",
                );
            } else if !known.contains(&key.as_str()) {
                self.leave_out(format!("`{key}` has no counterpart"));
            }
        }
        let required = self.required(template.get("required_fields"));
        set.insert("fields".to_owned(), Value::Object(std::mem::take(&mut self.fields)));
        if !self.lines.is_empty() {
            set.insert("lines".to_owned(), Value::Object(std::mem::take(&mut self.lines)));
        }
        set.insert("required".to_owned(), json!(required));
        Value::Object(set)
    }

    fn options(&mut self, options: &Map<String, Value>) -> Map<String, Value> {
        let mut chosen = Map::new();
        for (name, value) in options {
            match (name.as_str(), value) {
                ("currency", Value::String(code)) => {
                    self.fields.insert("currency".to_owned(), json!({"value": code}));
                }
                ("decimal_separator", Value::String(sign)) if sign == "." || sign == "," => {
                    chosen.insert("decimalSeparator".to_owned(), json!(sign));
                }
                ("date_formats", formats) => {
                    let orders: Vec<bool> =
                        texts(formats).iter().filter_map(|format| is_day_first(format)).collect();
                    match (orders.contains(&true), orders.contains(&false)) {
                        (true, false) => drop(chosen.insert("dateOrder".to_owned(), json!("dayFirst"))),
                        (false, true) => drop(chosen.insert("dateOrder".to_owned(), json!("monthFirst"))),
                        (true, true) => self.leave_out(
                            "`options.date_formats` has day and month in both orders: the document decides",
                        ),
                        (false, false) => {}
                    }
                }
                // Dates are read in all languages; small letters are dealt with in the patterns.
                ("languages" | "lowercase", _)
                | ("remove_whitespace" | "remove_accents", Value::Bool(false)) => {}
                _ => self.leave_out(format!("`options.{name}` has no counterpart")),
            }
        }
        chosen
    }

    fn field(&mut self, name: &str, given: &Value) {
        if let Some(plain) = name.strip_prefix("static_") {
            self.fields.insert(plain.to_owned(), json!({"value": given}));
            return;
        }
        match given {
            Value::Object(rule) => self.rule(name, rule),
            Value::String(_) | Value::Array(_) => {
                let (name, choose) = match name.strip_prefix("sum_") {
                    Some(plain) => (plain, Some("sum")),
                    None => (name, None),
                };
                self.regex(name, given, usual_type(name), choose);
            }
            _ => self.leave_out(format!("`fields.{name}` is neither a pattern nor a rule")),
        }
    }

    fn rule(&mut self, name: &str, rule: &Map<String, Value>) {
        match rule.get("parser").and_then(Value::as_str) {
            Some("static") => {
                self.fields.insert(name.to_owned(), json!({"value": rule.get("value")}));
            }
            Some("lines") => self.lines(name, rule),
            Some("regex") => {
                if rule.contains_key("area") {
                    self.leave_out(format!(
                        "`fields.{name}.area` is in pixels of a picture of the page: give it as `area` in fractions"
                    ));
                }
                let kind = match text(rule.get("type")).as_deref() {
                    Some("int") => Some("integer"),
                    Some("float") => Some("number"),
                    Some("date") => Some("date"),
                    Some(other) => {
                        self.leave_out(format!("`fields.{name}.type`: there is no type `{other}`"));
                        None
                    }
                    None => usual_type(name),
                };
                let group = text(rule.get("group"));
                let known = ["sum", "min", "max", "first", "last", "join"];
                let choose = group.as_deref().filter(|group| known.contains(group));
                if group.is_some() && choose.is_none() {
                    self.leave_out(format!("`fields.{name}.group` has no counterpart"));
                }
                self.regex(name, rule.get("regex").unwrap_or(&Value::Null), kind, choose);
            }
            Some(other) => self.leave_out(format!("`fields.{name}`: there is no parser `{other}`")),
            None => self.leave_out(format!("`fields.{name}` names no parser")),
        }
    }

    fn regex(&mut self, name: &str, given: &Value, kind: Option<&str>, choose: Option<&str>) {
        let patterns = self.patterns(Some(given), &format!("fields.{name}"));
        if patterns.is_empty() {
            return;
        }
        let mut rule = Map::new();
        let pattern = match patterns.as_slice() {
            [only] => json!(only),
            several => json!(several),
        };
        rule.insert("pattern".to_owned(), pattern);
        rule.extend(kind.map(|kind| ("type".to_owned(), json!(kind))));
        rule.extend(choose.map(|choose| ("choose".to_owned(), json!(choose))));
        self.fields.insert(name.to_owned(), Value::Object(rule));
    }

    fn lines(&mut self, name: &str, given: &Map<String, Value>) {
        let mut rule = Map::new();
        for (from, to) in [
            ("start", "start"),
            ("end", "end"),
            ("first_line", "firstLine"),
            ("line", "line"),
            ("last_line", "lastLine"),
            ("skip_line", "skipLine"),
        ] {
            let patterns = self.patterns(given.get(from), &format!("{name}.{from}"));
            match patterns.as_slice() {
                [] => {}
                [only] => {
                    rule.insert(to.to_owned(), json!(only));
                }
                [first, ..] if matches!(from, "start" | "end") => {
                    self.leave_out(format!("`{name}.{from}`: the first of several patterns was taken"));
                    rule.insert(to.to_owned(), json!(first));
                }
                several => {
                    rule.insert(to.to_owned(), json!(several));
                }
            }
        }
        let has_group = |key: &str| {
            rule.get(key).is_some_and(|patterns| texts(patterns).iter().any(|text| text.contains("(?P<")))
        };
        if !["firstLine", "line", "lastLine"].iter().any(|key| has_group(key)) {
            self.leave_out(format!("`{name}` has no row with a named group"));
            return;
        }
        let mut types = Map::new();
        for (column, kind) in given.get("types").and_then(Value::as_object).into_iter().flatten() {
            match kind.as_str() {
                Some("int") => drop(types.insert(column.clone(), json!("integer"))),
                Some("float") => drop(types.insert(column.clone(), json!("number"))),
                Some("date") => drop(types.insert(column.clone(), json!("date"))),
                _ => self.leave_out(format!("`{name}.types.{column}` has no counterpart")),
            }
        }
        if !types.is_empty() {
            rule.insert("types".to_owned(), Value::Object(types));
        }
        let known = ["parser", "start", "end", "first_line", "line", "last_line", "skip_line", "types"];
        for key in given.keys().filter(|key| !known.contains(&key.as_str())) {
            self.leave_out(format!("`{name}.{key}` has no counterpart"));
        }
        self.lines.insert(name.to_owned(), Value::Object(rule));
    }

    fn required(&mut self, given: Option<&Value>) -> Vec<String> {
        let asked = given.map_or_else(|| USUALLY_REQUIRED.map(str::to_owned).to_vec(), texts);
        let is_there = |name: &String| self.fields.contains_key(name) || self.lines.contains_key(name);
        let (there, missing): (Vec<String>, Vec<String>) = asked.into_iter().partition(is_there);
        if given.is_some() {
            for name in missing {
                self.leave_out(format!("`required_fields` names `{name}`, for which there is no rule"));
            }
        }
        there
    }

    /// The patterns of a text or a list that the plugin can use.
    fn patterns(&mut self, given: Option<&Value>, place: &str) -> Vec<String> {
        let mut usable = Vec::new();
        for pattern in given.map(texts).unwrap_or_default() {
            let pattern = pattern.replace(r"\Z", r"\z");
            let pattern = if self.is_lower_case { format!("(?i){pattern}") } else { pattern };
            match RegexBuilder::new(&pattern).multi_line(true).build() {
                Ok(_) => usable.push(pattern),
                Err(error) => {
                    let kind = if ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|sign| pattern.contains(sign)) {
                        "it looks around, which has no counterpart".to_owned()
                    } else {
                        error.to_string()
                    };
                    self.leave_out(format!("`{place}`: pattern `{pattern}` cannot be used: {kind}"));
                }
            }
        }
        usable
    }

    fn leave_out(&mut self, what: impl Into<String>) {
        self.left_out.push(what.into());
    }
}

/// Whether the day stands first in a format of two numbers; `None` where the year does, or one is a word.
fn is_day_first(format: &str) -> Option<bool> {
    let year = format.find("%Y").or_else(|| format.find("%y"));
    let (day, month) = (format.find("%d")?, format.find("%m")?);
    (year != Some(0)).then_some(day < month)
}

/// The type that invoice2data takes a field to have by its name.
fn usual_type(name: &str) -> Option<&'static str> {
    if name.starts_with("amount") {
        Some("number")
    } else if name.starts_with("date") || name.ends_with("date") {
        Some("date")
    } else {
        None
    }
}

fn text(given: Option<&Value>) -> Option<String> {
    match given? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn texts(given: &Value) -> Vec<String> {
    match given {
        Value::Array(several) => several.iter().filter_map(|one| text(Some(one))).collect(),
        one => text(Some(one)).into_iter().collect(),
    }
}
