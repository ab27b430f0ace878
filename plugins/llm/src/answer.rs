//! The model's answer as a JSON object, whatever stands around it.

use ocriva_plugin_sdk::schema::Spec;
use ocriva_plugin_sdk::serde_json::{self, Map, Value};

/// What ends the thoughts that some models put before their answer.
const END_OF_THOUGHTS: &str = "</think>";

/// Reads the object of an answer.
///
/// # Errors
/// What is wrong with it, without a word of it: it may hold what the document says.
pub fn read(content: &str, specs: &[Spec]) -> Result<Map<String, Value>, String> {
    let content = content.rsplit_once(END_OF_THOUGHTS).map_or(content, |(_, answer)| answer).trim();
    let object = match serde_json::from_str(content) {
        Ok(Value::Object(object)) => object,
        Ok(_) => return Err("it is JSON, and no object".to_owned()),
        Err(error) => within(content)
            .ok_or_else(|| format!("it is no JSON (line {}, column {})", error.line(), error.column()))?,
    };
    Ok(unwrapped(object, specs))
}

/// The object in a code block, or between sentences.
fn within(content: &str) -> Option<Map<String, Value>> {
    let (start, end) = (content.find('{')?, content.rfind('}')?);
    serde_json::from_str(content.get(start..=end)?).ok()
}

/// The inner object of one that has none of the members wanted, such as `{"answer": {…}}`.
fn unwrapped(object: Map<String, Value>, specs: &[Spec]) -> Map<String, Value> {
    let is_wanted = |name: &String| specs.iter().any(|spec| spec.name == *name);
    match object.iter().next() {
        Some((name, Value::Object(inner))) if object.len() == 1 && !is_wanted(name) => inner.clone(),
        _ => object,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(content: &str) -> Result<Value, String> {
        let specs = Spec::properties(&json!({"properties": {"total": {}}}));
        super::read(content, &specs).map(Value::Object)
    }

    #[test]
    fn an_object_is_found_in_code_blocks_and_between_sentences() {
        let wanted = Ok(json!({"total": 5}));
        for content in [
            "{\"total\": 5}",
            "```json\n{\"total\": 5}\n```",
            "Here it is:\n```\n{\"total\": 5}\n```\nAnything else?",
            "<think>{\"total\": 4}?</think>\n{\"total\": 5}",
            "{\"answer\": {\"total\": 5}}",
        ] {
            assert_eq!(read(content), wanted, "{content}");
        }
    }

    #[test]
    fn anything_else_is_refused_without_repeating_it() {
        assert_eq!(read("[1]"), Err("it is JSON, and no object".to_owned()));
        assert_eq!(read("The total is {secret}").unwrap_err(), "it is no JSON (line 1, column 1)");
        assert!(read("{\"total\": ").unwrap_err().starts_with("it is no JSON"));
        assert!(read(&"[".repeat(100_000)).is_err());
    }
}
