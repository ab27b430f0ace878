//! The rules, from JSON. What is wrong is told with the name of the rule.

use indexmap::IndexMap;
use ocriva_plugin_sdk::Failure;
use ocriva_plugin_sdk::reading::Place;
use ocriva_plugin_sdk::schema::Kind;
use ocriva_plugin_sdk::serde_json::{Map, Value};
use ocriva_plugin_sdk::values::amounts::Convention;
use ocriva_plugin_sdk::values::dates::Order;
use regex_lite::{Regex, RegexBuilder};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::text::{PageText, Region};

/// Bounds of the rules: none takes more than a fraction of a second on a usual document.
const MAX_SETS: usize = 200;
const MAX_RULES: usize = 300;
const MAX_PATTERN: usize = 2000;
const PATTERN_BYTES: usize = 1 << 20;
const PATTERN_DEPTH: u32 = 60;

/// All sets of rules; the first that is for a document reads it.
#[derive(Debug)]
pub struct Rules {
    pub sets: Vec<RuleSet>,
}

/// The rules for one kind of document.
#[derive(Debug)]
pub struct RuleSet {
    keywords: Vec<Regex>,
    excluded: Vec<Regex>,
    pub convention: Option<Convention>,
    pub order: Option<Order>,
    pub fields: Vec<FieldRule>,
    pub lines: Vec<LinesRule>,
    pub required: Vec<String>,
}

/// How a field is found.
#[derive(Debug)]
pub struct FieldRule {
    pub name: String,
    pub kind: Kind,
    /// The word of the kind, as properties of a schema have it.
    pub word: &'static str,
    pub patterns: Vec<Regex>,
    pub anchors: Vec<String>,
    pub place: Option<Place>,
    pub region: Region,
    pub choose: Choose,
    /// Value of every document.
    pub value: Option<Value>,
    pub replace: Vec<(Regex, String)>,
    /// Most lines of a text beside an anchor.
    pub lines: usize,
}

/// Which of several values counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Choose {
    #[default]
    First,
    Last,
    Sum,
    Min,
    Max,
    /// All of them, as a list.
    All,
    /// All of them, with a space between.
    Join,
}

/// How a list of objects is found: rows between a start and an end.
#[derive(Debug)]
pub struct LinesRule {
    pub name: String,
    pub start: Option<Regex>,
    pub end: Option<Regex>,
    pub first: Vec<Regex>,
    pub line: Vec<Regex>,
    pub last: Vec<Regex>,
    pub skip: Vec<Regex>,
    /// Kinds of the named groups; text where none is given.
    pub kinds: IndexMap<String, Kind>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SetFile {
    /// For people: who or what the set is for.
    #[serde(default, rename = "name")]
    _name: Option<String>,
    #[serde(default)]
    keywords: OneOrMany,
    #[serde(default)]
    exclude_keywords: OneOrMany,
    #[serde(default)]
    options: OptionsFile,
    #[serde(default)]
    fields: IndexMap<String, Value>,
    #[serde(default)]
    lines: IndexMap<String, Value>,
    #[serde(default)]
    required: OneOrMany,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OptionsFile {
    decimal_separator: Option<char>,
    date_order: Option<DateOrder>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum DateOrder {
    DayFirst,
    MonthFirst,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FieldFile {
    #[serde(default, rename = "type")]
    kind: TypeWord,
    #[serde(default)]
    pattern: OneOrMany,
    #[serde(default)]
    anchor: OneOrMany,
    place: Option<PlaceWord>,
    page: Option<i64>,
    area: Option<[f32; 4]>,
    #[serde(default)]
    choose: Choose,
    value: Option<Value>,
    #[serde(default)]
    replace: Vec<[String; 2]>,
    lines: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LinesFile {
    start: Option<String>,
    end: Option<String>,
    #[serde(default)]
    first_line: OneOrMany,
    #[serde(default)]
    line: OneOrMany,
    #[serde(default)]
    last_line: OneOrMany,
    #[serde(default)]
    skip_line: OneOrMany,
    #[serde(default)]
    types: IndexMap<String, TypeWord>,
}

/// A text, or a list of texts.
#[derive(Default, Deserialize)]
#[serde(untagged, expecting = "a text or a list of texts")]
enum OneOrMany {
    #[default]
    None,
    One(String),
    Many(Vec<String>),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum PlaceWord {
    Behind,
    Right,
    Below,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum TypeWord {
    #[default]
    Text,
    Number,
    Integer,
    Boolean,
    Date,
    Time,
    Email,
    Website,
    Phone,
    Iban,
    Currency,
}

impl TypeWord {
    fn kind(self) -> (Kind, &'static str) {
        match self {
            Self::Text => (Kind::Text, "string"),
            Self::Number => (Kind::Number, "number"),
            Self::Integer => (Kind::Integer, "integer"),
            Self::Boolean => (Kind::Boolean, "boolean"),
            Self::Date => (Kind::Date, "date"),
            Self::Time => (Kind::Time, "time"),
            Self::Email => (Kind::Email, "email"),
            Self::Website => (Kind::Website, "uri"),
            Self::Phone => (Kind::Phone, "phone"),
            Self::Iban => (Kind::Iban, "iban"),
            Self::Currency => (Kind::Currency, "currency"),
        }
    }
}

impl OneOrMany {
    fn into_vec(self) -> Vec<String> {
        match self {
            Self::None => Vec::new(),
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

impl Rules {
    /// Reads the settings of the extractor: one set of rules, or several under `templates`.
    ///
    /// # Errors
    /// Rules that cannot be used, with the name of the first.
    pub fn parse(config: &Map<String, Value>) -> Result<Self, Failure> {
        let mut config = config.clone();
        // Reference files are everybody's.
        config.remove("lookups");
        let Some(given) = config.remove("templates") else {
            return Ok(Self { sets: vec![RuleSet::parse(Value::Object(config), "")?] });
        };
        if let Some(other) = config.keys().next() {
            return Err(bad(other, "stands beside `templates`: it belongs into one of them"));
        }
        let given: Vec<Value> = parse(given, "templates")?;
        if given.len() > MAX_SETS {
            return Err(bad("templates", format!("has {} sets, {MAX_SETS} are allowed", given.len())));
        }
        let sets = given.into_iter().enumerate();
        let sets = sets.map(|(index, set)| RuleSet::parse(set, &format!("templates[{index}].")));
        Ok(Self { sets: sets.collect::<Result<_, _>>()? })
    }

    /// The first set that is for a document.
    pub fn matching(&self, text: &PageText) -> Option<&RuleSet> {
        self.sets.iter().find(|set| {
            set.keywords.iter().all(|keyword| keyword.is_match(&text.text))
                && !set.excluded.iter().any(|keyword| keyword.is_match(&text.text))
        })
    }
}

impl RuleSet {
    fn parse(given: Value, at: &str) -> Result<Self, Failure> {
        let place = if at.is_empty() { "config" } else { at.trim_end_matches('.') };
        let file: SetFile = parse(given, place)?;
        let count = file.fields.len() + file.lines.len();
        if count == 0 {
            return Err(bad(place, "has neither `fields` nor `lines`"));
        }
        if count > MAX_RULES {
            return Err(bad(place, format!("has {count} rules, {MAX_RULES} are allowed")));
        }
        let fields = file.fields.into_iter().map(|(name, given)| FieldRule::parse(&name, given, at));
        let fields = fields.collect::<Result<Vec<_>, _>>()?;
        let lines = file.lines.into_iter().map(|(name, given)| LinesRule::parse(&name, given, at));
        let lines = lines.collect::<Result<Vec<_>, _>>()?;
        let set = Self {
            keywords: patterns(file.keywords.into_vec(), &format!("{at}keywords"))?,
            excluded: patterns(file.exclude_keywords.into_vec(), &format!("{at}excludeKeywords"))?,
            convention: match file.options.decimal_separator {
                None => None,
                Some('.') => Some(Convention::Point),
                Some(',') => Some(Convention::Comma),
                Some(other) => {
                    let place = format!("{at}options.decimalSeparator");
                    return Err(bad(&place, format!("is `{other}`; it is `.` or `,`")));
                }
            },
            order: file.options.date_order.map(|order| match order {
                DateOrder::DayFirst => Order::DayFirst,
                DateOrder::MonthFirst => Order::MonthFirst,
            }),
            fields,
            lines,
            required: file.required.into_vec(),
        };
        match set.required.iter().find(|name| !set.names().any(|known| known == name.as_str())) {
            Some(unknown) => {
                Err(bad(&format!("{at}required"), format!("names `{unknown}`, for which there is no rule")))
            }
            None => Ok(set),
        }
    }

    /// Names of all fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let fields = self.fields.iter().map(|rule| rule.name.as_str());
        fields.chain(self.lines.iter().map(|rule| rule.name.as_str()))
    }
}

impl FieldRule {
    /// A rule; a text or a list of texts is one of patterns.
    fn parse(name: &str, given: Value, at: &str) -> Result<Self, Failure> {
        let place = format!("{at}fields.{name}");
        let given = match given {
            Value::String(_) | Value::Array(_) => {
                Value::Object([("pattern".to_owned(), given)].into_iter().collect())
            }
            other => other,
        };
        let file: FieldFile = parse(given, &place)?;
        let (kind, word) = file.kind.kind();
        let replace = file
            .replace
            .into_iter()
            .enumerate()
            .map(|(index, [from, to])| Ok((pattern(&from, &format!("{place}.replace[{index}]"))?, to)));
        let rule = Self {
            name: name.to_owned(),
            kind,
            word,
            patterns: patterns(file.pattern.into_vec(), &format!("{place}.pattern"))?,
            anchors: file.anchor.into_vec(),
            place: file.place.map(|place| match place {
                PlaceWord::Behind => Place::Behind,
                PlaceWord::Right => Place::Right,
                PlaceWord::Below => Place::Below,
            }),
            region: Region { page: file.page, area: file.area },
            choose: file.choose,
            value: file.value,
            replace: replace.collect::<Result<_, Failure>>()?,
            lines: file.lines.unwrap_or(1).clamp(1, 50),
        };
        if let Some([left, top, right, bottom]) = rule.region.area
            && !(left < right && top < bottom && left >= 0.0 && top >= 0.0 && right <= 1.0 && bottom <= 1.0)
        {
            let message = "is no `[left, top, right, bottom]` in fractions of the page from 0 to 1";
            return Err(bad(&format!("{place}.area"), message));
        }
        let finds = !rule.patterns.is_empty() || !rule.anchors.is_empty() || rule.region.is_part();
        if !finds && rule.value.is_none() {
            return Err(bad(&place, "needs a `pattern`, an `anchor`, an `area`, a `page` or a `value`"));
        }
        if rule.place.is_some() && rule.anchors.is_empty() {
            return Err(bad(&place, "has a `place`, which is one beside an `anchor`, but no `anchor`"));
        }
        Ok(rule)
    }
}

impl LinesRule {
    fn parse(name: &str, given: Value, at: &str) -> Result<Self, Failure> {
        let place = format!("{at}lines.{name}");
        let file: LinesFile = parse(given, &place)?;
        let optional = |given: Option<String>, key: &str| {
            given.map(|given| pattern(&given, &format!("{place}.{key}"))).transpose()
        };
        let many = |given: OneOrMany, key: &str| patterns(given.into_vec(), &format!("{place}.{key}"));
        let rule = Self {
            name: name.to_owned(),
            start: optional(file.start, "start")?,
            end: optional(file.end, "end")?,
            first: many(file.first_line, "firstLine")?,
            line: many(file.line, "line")?,
            last: many(file.last_line, "lastLine")?,
            skip: many(file.skip_line, "skipLine")?,
            kinds: file.types.into_iter().map(|(name, word)| (name, word.kind().0)).collect(),
        };
        let groups: Vec<&str> = rule.groups().collect();
        if groups.is_empty() {
            return Err(bad(
                &place,
                "needs a `line` or `firstLine` with a named group, such as `(?P<amount>\\S+)`",
            ));
        }
        match rule.kinds.keys().find(|name| !groups.contains(&name.as_str())) {
            Some(unknown) => Err(bad(
                &format!("{place}.types"),
                format!("names `{unknown}`, which no pattern has as a group"),
            )),
            None => Ok(rule),
        }
    }

    /// Names of the columns.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        let all = self.first.iter().chain(&self.line).chain(&self.last);
        all.flat_map(|pattern| pattern.capture_names().flatten())
    }
}

fn parse<T: DeserializeOwned>(given: Value, place: &str) -> Result<T, Failure> {
    T::deserialize(given).map_err(|error| bad(place, error.to_string()))
}

fn patterns(given: Vec<String>, place: &str) -> Result<Vec<Regex>, Failure> {
    let several = given.len() > 1;
    let compiled = given.iter().enumerate().map(|(index, text)| {
        let place = if several { format!("{place}[{index}]") } else { place.to_owned() };
        pattern(text, &place)
    });
    compiled.collect()
}

/// Compiles a pattern whose search takes time in proportion to the text, whatever it says.
fn pattern(text: &str, place: &str) -> Result<Regex, Failure> {
    if text.len() > MAX_PATTERN {
        return Err(bad(place, format!("has {} bytes, {MAX_PATTERN} are allowed", text.len())));
    }
    let mut builder = RegexBuilder::new(text);
    let compiled = builder.multi_line(true).size_limit(PATTERN_BYTES).nest_limit(PATTERN_DEPTH).build();
    compiled.map_err(|error| bad(place, format!("`{text}` cannot be used: {error}")))
}

fn bad(place: &str, message: impl AsRef<str>) -> Failure {
    Failure::new("bad_rules", format!("`{place}`: {}", message.as_ref()))
}
