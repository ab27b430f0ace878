//! PowerPoint presentations: a page for each slide, its texts and tables from top to bottom.

use bytes::Bytes;
use roxmltree::Node;

use super::package::Package;
use super::{Error, Limits, markup, office};
use crate::domain::flow::{Flow, Paper};

const FORMAT: &str = "PPTX";

/// The main part where no relationship names another.
const MAIN_PART: &str = "ppt/presentation.xml";

/// Reads a presentation.
pub(super) fn read(content: Bytes, limits: Limits) -> Result<Flow, Error> {
    let mut package = Package::open(content, FORMAT, limits)?;
    let main = office::main_part(&mut package)?.unwrap_or_else(|| MAIN_PART.to_owned());
    let presentation = package
        .xml(&main)?
        .ok_or_else(|| Error::Damaged { format: FORMAT, reason: "its main part is missing".into() })?;
    let relations = office::relations(&mut package, &main)?;
    let document = markup::parse(&presentation, FORMAT)?;
    let order = office::elements(document.root_element(), "sldId");
    // The id of a slide is an attribute too; that of its relationship has a namespace.
    let ids = order.iter().filter_map(|slide| {
        slide.attributes().find(|attribute| attribute.name() == "id" && attribute.namespace().is_some())
    });
    let slides: Vec<String> = ids
        .filter_map(|id| relations.iter().find(|relation| relation.id == id.value()))
        .map(|relation| relation.target.clone())
        .collect();
    let mut flow = Flow::new(Paper::Sheets);
    for name in slides {
        let Some(slide) = package.xml(&name)? else { continue };
        flow.page_break();
        let slide = markup::parse(&slide, FORMAT)?;
        add_slide(slide.root_element(), &mut flow)?;
    }
    Ok(flow)
}

fn add_slide(slide: Node, flow: &mut Flow) -> Result<(), Error> {
    let mut shapes = Vec::new();
    collect(slide, &mut shapes, 0)?;
    // What has no place of its own has that of the layout: titles, mostly, which stand on top.
    shapes.sort_by_key(|shape| place(*shape).unwrap_or_default());
    for shape in shapes {
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

/// Finds the shapes with text and the tables of a slide.
fn collect<'a, 'i>(parent: Node<'a, 'i>, shapes: &mut Vec<Node<'a, 'i>>, depth: usize) -> Result<(), Error> {
    if depth > markup::MAX_DEPTH {
        return Err(markup::too_deep(FORMAT));
    }
    for node in parent.children().filter(Node::is_element) {
        match node.tag_name().name() {
            "txBody" | "tbl" => shapes.push(node),
            "AlternateContent" => {
                if let Some(choice) = node.children().find(Node::is_element) {
                    collect(choice, shapes, depth + 1)?;
                }
            }
            _ => collect(node, shapes, depth + 1)?,
        }
    }
    Ok(())
}

/// Top and left of the shape that a text or a table is in.
fn place(node: Node) -> Option<(i64, i64)> {
    let shape = node.ancestors().find(|node| matches!(node.tag_name().name(), "sp" | "graphicFrame"))?;
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
