//! Elements by their local names: the syntaxes' namespaces differ between versions, their names hardly.

use roxmltree::Node;

use crate::domain::invoice::Number;

/// An element that may be missing: what is in a missing one is missing.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a, 'i>(pub(super) Option<Node<'a, 'i>>);

impl<'a, 'i> At<'a, 'i> {
    /// The first child of a name.
    pub(super) fn at(self, name: &str) -> Self {
        self.first(&[name])
    }

    /// The first child of any of some names.
    pub(super) fn first(self, names: &[&str]) -> Self {
        Self(self.0.and_then(|node| node.children().find(|child| names.contains(&child.tag_name().name()))))
    }

    /// What a path leads to, names separated by `/`.
    pub(super) fn path(self, path: &str) -> Self {
        path.split('/').fold(self, Self::at)
    }

    /// The children of a name.
    pub(super) fn all(self, name: &str) -> impl Iterator<Item = Self> + use<'a, 'i> {
        let name = name.to_owned();
        let children = self.0.into_iter().flat_map(|node| node.children());
        children.filter(move |child| child.tag_name().name() == name).map(|child| Self(Some(child)))
    }

    /// Its text without white space around it; `None` for an empty one.
    pub(super) fn text(self) -> Option<String> {
        let node = self.0?;
        // A comment within parts the text.
        let text: String =
            node.children().filter(|child| child.is_text()).filter_map(|child| child.text()).collect();
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Text at the end of a path.
    pub(super) fn text_at(self, path: &str) -> Option<String> {
        self.path(path).text()
    }

    /// Its number; `None` for what is none.
    pub(super) fn number(self) -> Option<Number> {
        self.text()?.parse::<Number>().ok().filter(|number| number.is_finite())
    }

    /// Number at the end of a path.
    pub(super) fn number_at(self, path: &str) -> Option<Number> {
        self.path(path).number()
    }

    /// An attribute.
    pub(super) fn attribute(self, name: &str) -> Option<String> {
        let value = self.0?.attribute(name)?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// Whether it is there.
    pub(super) fn is_there(self) -> bool {
        self.0.is_some()
    }

    /// Its date as `YYYY-MM-DD`, from that form with or without hyphens; other texts as they are.
    pub(super) fn date(self) -> Option<String> {
        let text = self.text()?;
        let digits: String = text.chars().filter(char::is_ascii_digit).take(8).collect();
        let is_date = digits.len() == 8 && text.chars().take(10).all(|c| c.is_ascii_digit() || c == '-');
        if !is_date {
            return Some(text);
        }
        let (year, rest) = digits.split_at(4);
        let (month, day) = rest.split_at(2);
        Some(format!("{year}-{month}-{day}"))
    }
}
