//! The manifest `plugin.toml`: who a plugin is, what it wishes for, and where it lies in the component.
//!
//! An author ships one file: the manifest is a custom section of the component. A component without one has no
//! wishes and the default limits. Whatever stands here is a wish of the author's; what a plugin is given is the
//! operator's decision.

use serde::{Deserialize, Serialize};
use wasmparser::{Encoding, Parser, Payload};

use super::journal::cut;
use super::limits::AskedLimits;
use crate::domain::capability::Capability;

/// Name of the custom section, at the component's outermost level.
const SECTION: &str = "ocriva:manifest";

/// Longest manifest: a page of text, and far more than one needs.
const MANIFEST_BYTES: usize = 64 << 10;

/// Most hosts that a manifest may name.
const HOSTS: usize = 64;

/// A manifest that was read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The plugin's name: the same as it says when it is asked to describe itself.
    pub name: String,
    /// Its version: the same as well.
    pub version: String,
    /// Whether it is built for WASI: it is then given an empty one, without files, environment and network.
    #[serde(default)]
    pub wasi: bool,
    /// What it asks to be granted.
    #[serde(default)]
    pub capabilities: Capabilities,
    /// The limits it asks for, where the default ones do not do.
    #[serde(default)]
    pub limits: AskedLimits,
}

/// What a plugin asks for beyond its document, its settings and its log. Who asks for one of these and does not
/// import it gets nothing; who imports one and does not ask for it is refused.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// The time of day, and a stopwatch.
    #[serde(default, skip_serializing_if = "is_false")]
    pub clock: bool,
    /// Random bytes.
    #[serde(default, skip_serializing_if = "is_false")]
    pub random: bool,
    /// Values that outlast a call, for each organization its own.
    #[serde(default, skip_serializing_if = "is_false")]
    pub kv: bool,
    /// The reference files of the template. Granted to everybody who asks: they are the template's own.
    #[serde(default, skip_serializing_if = "is_false")]
    pub lookup: bool,
    /// Requests to hosts of the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<AskedHttp>,
    /// The language model that the operator configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub llm: Option<AskedLlm>,
}

impl Capabilities {
    /// Whether this is asked for.
    pub fn asks_for(&self, capability: Capability) -> bool {
        match capability {
            Capability::Clock => self.clock,
            Capability::Random => self.random,
            Capability::Kv => self.kv,
            Capability::Http => self.http.is_some(),
            Capability::Llm => self.llm.is_some(),
        }
    }
}

/// The hosts that a plugin wants to reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedHttp {
    /// Names such as `api.example.org`, with `:port` where it is not the usual one; `*.example.org` stands for every
    /// name below `example.org`.
    pub hosts: Vec<String>,
}

/// How much of the language model a plugin wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedLlm {
    /// Tokens of one call on a document, questions and answers together.
    pub max_tokens: u64,
}

/// Why a manifest cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is not what a manifest is.
    #[error("line {line}: {reason}")]
    Malformed {
        /// Where, from 1.
        line: usize,
        /// What is wrong; where a key is unknown, the known ones.
        reason: String,
    },
    /// One of its values cannot be.
    #[error("`{key}` is `{value}`, {allowed}")]
    BadValue {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// Too many bytes.
    #[error("it has {size} bytes, the limit is {MANIFEST_BYTES}")]
    TooLarge {
        /// How many it has.
        size: usize,
    },
    /// More than one of them.
    #[error("the component has {0} sections `{SECTION}`, there may be one")]
    Several(usize),
    /// Bytes that are no text.
    #[error("it is not UTF-8 text")]
    NotText,
}

impl Manifest {
    /// Reads the text of a `plugin.toml`.
    ///
    /// # Errors
    /// No TOML, an unknown key, a value of another kind, or one out of its range.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MANIFEST_BYTES {
            return Err(Error::TooLarge { size: text.len() });
        }
        let manifest: Self = toml::from_str(text).map_err(|error| Error::Malformed {
            line: line_of(text, error.span().map_or(0, |span| span.start)),
            reason: error.message().to_owned(),
        })?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), Error> {
        let bad =
            |key, value: &str, allowed| Error::BadValue { key, value: cut(value, 64).to_owned(), allowed };
        if !is_name(&self.name) {
            return Err(bad("name", &self.name, NAME_ALLOWED));
        }
        if !is_version(&self.version) {
            return Err(bad("version", &self.version, VERSION_ALLOWED));
        }
        if let Some(AskedHttp { hosts }) = &self.capabilities.http {
            if hosts.is_empty() || hosts.len() > HOSTS {
                let count = format!("a list of {}", hosts.len());
                return Err(bad("capabilities.http.hosts", &count, "it names 1 to 64 hosts"));
            }
            if let Some(host) = hosts.iter().find(|host| !is_host(host)) {
                return Err(bad("capabilities.http.hosts", host, HOST_ALLOWED));
            }
        }
        let zero = self.limits.named().into_iter().find(|(_, asked)| *asked == Some(0));
        zero.map_or(Ok(()), |(key, _)| Err(bad(key, "0", "each limit is at least 1")))
    }
}

/// What `is_name` allows.
pub(super) const NAME_ALLOWED: &str =
    "it takes lower case letters, digits and `-`, starts with a letter and has at most 64 characters";

/// What `is_version` allows.
pub(super) const VERSION_ALLOWED: &str =
    "it is numbers separated by points, with an optional suffix after a hyphen, such as `1.2.0`";

const HOST_ALLOWED: &str = "each is a host such as `api.example.org`, `api.example.org:8443` or `*.example.org`, without `https://` and path";

/// Whether a plugin can be called so.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.len() <= 64
        && name.chars().all(|each| each.is_ascii_lowercase() || each.is_ascii_digit() || each == '-')
}

/// Whether a plugin's version can be this.
pub(super) fn is_version(version: &str) -> bool {
    let numbers = version.split_once('-').map_or(version, |(numbers, _)| numbers);
    version.len() <= 64
        && version.chars().all(|each| each.is_ascii_alphanumeric() || each == '.' || each == '-')
        && numbers.split('.').all(|number| number.parse::<u32>().is_ok())
}

/// Whether this names a host, or all below one.
fn is_host(host: &str) -> bool {
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let name = name.strip_prefix("*.").unwrap_or(name);
    let is_label = |label: &str| {
        !label.is_empty()
            && label.chars().all(|each| each.is_ascii_lowercase() || each.is_ascii_digit() || each == '-')
    };
    host.len() <= 253
        && name.split('.').all(is_label)
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// The manifest's text in a component; `None` where it has none, or where the bytes are no component.
///
/// # Errors
/// More than one, one that is too large, or one that is not text.
pub fn embedded(component: &[u8]) -> Result<Option<&str>, Error> {
    let mut sections = Vec::new();
    let mut depth = 0_usize;
    // What cannot be read on is another's to complain of.
    for payload in Parser::new(0).parse_all(component).map_while(Result::ok) {
        match payload {
            Payload::Version { encoding: Encoding::Module, range, .. } if range.start == 0 => {
                return Ok(None);
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if depth == 0 && section.name() == SECTION => {
                sections.push(section.data());
            }
            _ => {}
        }
    }
    match sections.as_slice() {
        [] => Ok(None),
        [one] if one.len() > MANIFEST_BYTES => Err(Error::TooLarge { size: one.len() }),
        [one] => std::str::from_utf8(one).map(Some).map_err(|_| Error::NotText),
        several => Err(Error::Several(several.len())),
    }
}

fn line_of(text: &str, place: usize) -> usize {
    1 + text.bytes().take(place).filter(|byte| *byte == b'\n').count()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives references")]
fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use ocriva_plugin_build::embed;

    use super::*;

    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn problem(text: &str) -> String {
        Manifest::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_manifest_says_what_a_plugin_wishes_for() {
        let manifest = Manifest::parse(
            "name = \"rates\"\nversion = \"1.0\"\n[capabilities]\nclock = true\nkv = true\n\
             http = { hosts = [\"api.example.org\", \"*.rates.example:8443\"] }\nllm = { max_tokens = 2000 }\n\
             [limits]\ncpu_ms = 2000\n",
        )
        .unwrap();
        assert!(manifest.capabilities.clock && manifest.capabilities.kv && !manifest.capabilities.random);
        assert_eq!(manifest.capabilities.http.unwrap().hosts.len(), 2);
        assert_eq!(manifest.limits, AskedLimits { cpu_ms: Some(2000), ..AskedLimits::default() });
    }

    #[test]
    fn an_unknown_key_names_the_line_and_the_known_ones() {
        let said = problem("name = \"a\"\nversion = \"1\"\n[limits]\nfuel = 7\n");
        assert!(
            said.starts_with("line 4: unknown field `fuel`, expected one of `cpu_ms`, `wall_ms`"),
            "{said}"
        );
        assert!(problem("version = \"1\"").contains("missing field `name`"));
    }

    #[test]
    fn values_out_of_their_range_are_refused() {
        let with = |more: &str| problem(&format!("name = \"a\"\nversion = \"1\"\n{more}\n"));
        assert!(
            problem("name = \"A b\"\nversion = \"1\"").starts_with("`name` is `A b`, it takes lower case")
        );
        assert!(problem("name = \"a\"\nversion = \"one\"").starts_with("`version` is `one`"));
        assert_eq!(with("[limits]\nhandles = 0"), "`handles` is `0`, each limit is at least 1");
        for host in ["https://a.example", "a.example/path", "*", "", "a.example:0", "A.example", "a..b"] {
            let said = with(&format!("[capabilities]\nhttp = {{ hosts = [\"{host}\"] }}"));
            assert!(said.starts_with(&format!("`capabilities.http.hosts` is `{host}`")), "{said}");
        }
        assert!(with("[capabilities]\nhttp = { hosts = [] }").contains("1 to 64 hosts"));
    }

    #[test]
    fn what_is_embedded_is_read_again() {
        let text = "name = \"a\"\nversion = \"1\"\n";
        let component = embed(EMPTY, text);
        assert_eq!(embedded(&component), Ok(Some(text)));
        assert_eq!(embedded(EMPTY), Ok(None));
        assert_eq!(embedded(b"\0asm\x01\0\0\0"), Ok(None));
    }

    #[test]
    fn a_hostile_section_is_refused() {
        let twice = embed(&embed(EMPTY, "a"), "b");
        assert_eq!(embedded(&twice), Err(Error::Several(2)));
        let large = embed(EMPTY, &" ".repeat(MANIFEST_BYTES + 1));
        assert_eq!(embedded(&large), Err(Error::TooLarge { size: MANIFEST_BYTES + 1 }));
        let mut no_text = embed(EMPTY, "name = \"a\"");
        *no_text.last_mut().unwrap() = 0xff;
        assert_eq!(embedded(&no_text), Err(Error::NotText));
        let deep = format!("a = {}1{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(matches!(Manifest::parse(&deep), Err(Error::Malformed { .. })));
    }
}
