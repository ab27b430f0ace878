//! PowerPoint presentations: a page for each slide, its texts and tables from top to bottom.

use std::collections::HashMap;

use roxmltree::Node;

use super::package::Package;
use super::{Error, markup, office};
use crate::domain::flow::{Flow, Paper};

const FORMAT: &str = "PPTX";

/// The main part where no relationship names another.
const MAIN_PART: &str = "ppt/presentation.xml";

/// Reads a presentation.
pub(super) fn read(package: &mut Package) -> Result<Flow, Error> {
    let main = office::main_part(package)?.unwrap_or_else(|| MAIN_PART.to_owned());
    let presentation = package
        .xml(&main)?
        .ok_or_else(|| Error::Damaged { format: FORMAT, reason: "its main part is missing".into() })?;
    let relations = office::relations(package, &main)?;
    let document = markup::parse(&presentation, FORMAT)?;
    let order = office::elements(document.root_element(), "sldId");
    // The id of a slide is an attribute too; that of its relationship has a namespace.
    let ids = order.iter().filter_map(|slide| {
        slide.attributes().find(|attribute| attribute.name() == "id" && attribute.namespace().is_some())
    });
    let targets: HashMap<&str, &str> =
        relations.iter().map(|relation| (relation.id.as_str(), relation.target.as_str())).collect();
    let slides = ids.filter_map(|id| targets.get(id.value()).copied());
    let mut flow = Flow::new(Paper::Sheets);
    for name in slides {
        let Some(slide) = package.xml(name)? else { continue };
        flow.page_break();
        let slide = markup::parse(&slide, FORMAT)?;
        add_slide(slide.root_element(), &mut flow)?;
    }
    Ok(flow)
}

fn add_slide(slide: Node, flow: &mut Flow) -> Result<(), Error> {
    let mut shapes = Vec::new();
    // What has no place of its own has that of the layout: titles, mostly, which stand on top.
    collect(slide, (0, 0), &mut shapes, 0)?;
    shapes.sort_by_key(|(place, _)| *place);
    for (_, shape) in shapes {
        if shape.tag_name().name() == "tbl" {
            let rows = office::elements(shape, "tr").into_iter().map(|row| {
                let cells = office::elements(row, "tc").into_iter();
                cells.map(|cell| paragraphs(cell).join("\n")).collect()
            });
            flow.table(rows.collect());
        } else {
            for paragraph in paragraphs(shape) {
                flow.text(paragraph);
            }
        }
        flow.gap();
    }
    Ok(())
}

/// Top and left of a shape.
type Place = (i64, i64);

/// Finds the texts and tables in the shapes of a slide; `outer` is the place of the shape that they are in.
fn collect<'a, 'i>(
    parent: Node<'a, 'i>,
    outer: Place,
    shapes: &mut Vec<(Place, Node<'a, 'i>)>,
    depth: usize,
) -> Result<(), Error> {
    if depth > markup::MAX_DEPTH {
        return Err(markup::too_deep(FORMAT));
    }
    for node in parent.children().filter(Node::is_element) {
        match node.tag_name().name() {
            "txBody" | "tbl" => shapes.push((outer, node)),
            "AlternateContent" => {
                if let Some(choice) = node.children().find(Node::is_element) {
                    collect(choice, outer, shapes, depth + 1)?;
                }
            }
            "sp" | "graphicFrame" => {
                collect(node, place(node).unwrap_or_default(), shapes, depth + 1)?;
            }
            _ => collect(node, outer, shapes, depth + 1)?,
        }
    }
    Ok(())
}

/// Where a shape stands, if it says so.
fn place(shape: Node) -> Option<Place> {
    let offset = shape.descendants().find(|node| node.tag_name().name() == "off")?;
    let number = |name| offset.attribute(name)?.parse().ok();
    Some((number("y")?, number("x")?))
}

/// The paragraphs of a shape or cell.
fn paragraphs(shape: Node) -> Vec<String> {
    let of_paragraph = |paragraph: Node| {
        let mut text = String::new();
        for node in paragraph.descendants() {
            match node.tag_name().name() {
                "t" => text.extend(node.text()),
                "br" => text.push('\n'),
                "tab" if node.parent() == Some(paragraph) => text.push('\t'),
                _ => {}
            }
        }
        text
    };
    office::elements(shape, "p").into_iter().map(of_paragraph).collect()
}
