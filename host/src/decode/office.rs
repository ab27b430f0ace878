//! What office files of one family have in common: relationships between parts, and elements by their local names.

use roxmltree::Node;

use super::package::Package;
use super::{Error, markup};

/// Most columns that a cell may span, beside its own: as wide as a sheet of a word processor's table gets.
pub(super) const MAX_SPAN: usize = 100;

/// A relationship of one part with another part of the same file.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    /// Id by which the part refers to it.
    pub(super) id: String,
    /// Name of the other part.
    pub(super) target: String,
    kind: String,
}

impl Relation {
    /// Whether it is of a kind, such as `header`.
    pub(super) fn is(&self, kind: &str) -> bool {
        self.kind.rsplit('/').next() == Some(kind)
    }
}

/// Name of the file's main part, as its relationships say.
pub(super) fn main_part(package: &mut Package) -> Result<Option<String>, Error> {
    let relations = relations(package, "")?;
    Ok(relations.into_iter().find(|relation| relation.is("officeDocument")).map(|relation| relation.target))
}

/// The relationships of a part, or of the file as a whole where its name is empty. Those with anything outside the file
/// are left out.
pub(super) fn relations(package: &mut Package, part: &str) -> Result<Vec<Relation>, Error> {
    let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
    let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let Some(text) = package.xml(&format!("{folder}_rels/{name}.rels"))? else { return Ok(Vec::new()) };
    let document = markup::parse(&text, "office")?;
    let relations = document.root_element().children().filter(Node::is_element).filter_map(|node| {
        let target = node.attribute("Target").filter(|_| node.attribute("TargetMode") != Some("External"))?;
        Some(Relation {
            id: node.attribute("Id")?.to_owned(),
            target: resolved(&folder, target),
            kind: node.attribute("Type")?.to_owned(),
        })
    });
    Ok(relations.collect())
}

/// A target in the file, seen from a folder. Nothing is above the file's root.
fn resolved(folder: &str, target: &str) -> String {
    let path = match target.strip_prefix('/') {
        Some(absolute) => absolute.to_owned(),
        None => format!("{folder}{target}"),
    };
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The value of an attribute, whatever its namespace.
pub(super) fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.attributes().find(|attribute| attribute.name() == name).map(|attribute| attribute.value())
}

/// The elements of a name in another, also inside of wrappers such as content controls, but not in one another.
pub(super) fn elements<'a, 'i>(parent: Node<'a, 'i>, name: &str) -> Vec<Node<'a, 'i>> {
    let mut found = Vec::new();
    let mut open: Vec<Node> = parent.children().filter(Node::is_element).collect();
    open.reverse();
    while let Some(node) = open.pop() {
        if node.tag_name().name() == name {
            found.push(node);
        } else {
            let children: Vec<Node> = node.children().filter(Node::is_element).collect();
            open.extend(children.into_iter().rev());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_resolved_within_the_file() {
        assert_eq!(resolved("word/", "header1.xml"), "word/header1.xml");
        assert_eq!(resolved("ppt/slides/", "../media/image1.png"), "ppt/media/image1.png");
        assert_eq!(resolved("word/", "/xl/workbook.xml"), "xl/workbook.xml");
        assert_eq!(resolved("", "../../../etc/passwd"), "etc/passwd");
    }
}
