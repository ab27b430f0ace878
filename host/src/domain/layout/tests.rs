//! Layout on made-up words: rows, columns, blocks.

use super::*;
use crate::domain::page::{RawWord, Unit};

const PAGE: PageSize = PageSize { width: 600.0, height: 800.0, unit: Unit::Point };

/// A segment of words with 6 units a letter and 10 units of height.
fn segment(x: f32, y: f32, text: &str) -> Segment {
    let mut words = Vec::new();
    let mut at = x;
    for word in text.split(' ') {
        let width = word.chars().count() as f32 * 6.0;
        words.push(RawWord {
            text: word.into(),
            bbox: Rect::new(at, y, at + width, y + 10.0),
            confidence: 1.0,
        });
        at += width + 6.0;
    }
    let bbox = words.iter().map(|word: &RawWord| word.bbox).reduce(|a, b| a.union(&b)).unwrap();
    Segment { words, bbox }
}

fn lines(segments: Vec<Segment>) -> Vec<String> {
    let arranged = arrange(segments, PAGE);
    let text = |line: &Line| {
        let words = &arranged.words[line.first_word as usize..(line.first_word + line.word_count) as usize];
        words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    };
    arranged.lines.iter().map(text).collect()
}

fn blocks(segments: Vec<Segment>) -> Vec<u32> {
    arrange(segments, PAGE).lines.iter().map(|line| line.block).collect()
}

/// A column of running text at `x` whose lines are numbered.
fn column(x: f32, y: f32, name: &str, count: usize) -> Vec<Segment> {
    (0..count)
        .map(|line| segment(x, y + 12.0 * line as f32, &format!("{name}{line} and so the text runs on here")))
        .collect()
}

#[test]
fn no_segments_make_no_lines() {
    assert_eq!(arrange(Vec::new(), PAGE), Arranged::default());
}

#[test]
fn a_price_far_to_the_right_stays_on_the_row_of_its_item() {
    let receipt = vec![
        segment(500.0, 121.0, "9.00"),
        segment(10.0, 100.0, "FRIED RICE"),
        segment(500.0, 101.0, "4.50"),
        segment(10.0, 120.0, "TOTAL"),
    ];
    assert_eq!(lines(receipt), ["FRIED RICE 4.50", "TOTAL 9.00"]);
}

#[test]
fn a_table_is_read_by_rows() {
    let mut table = Vec::new();
    for row in 0..12 {
        let y = 100.0 + 14.0 * row as f32;
        table.push(segment(10.0, y, &format!("item{row}")));
        table.push(segment(250.0, y, "12"));
        table.push(segment(350.0, y, "3.50"));
        table.push(segment(500.0, y, "42.00"));
    }
    assert_eq!(lines(table)[7], "item7 12 3.50 42.00");
}

#[test]
fn columns_of_running_text_are_read_one_after_the_other() {
    let mut page = vec![segment(100.0, 50.0, "A headline that runs over both of the columns of this page")];
    page.extend(column(20.0, 100.0, "left", 6));
    page.extend(column(320.0, 100.0, "right", 6));
    page.push(segment(280.0, 700.0, "Page 1 of 2"));
    let lines = lines(page);
    let order: Vec<&str> = lines.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(
        order,
        [
            "A", "left0", "left1", "left2", "left3", "left4", "left5", "right0", "right1", "right2",
            "right3", "right4", "right5", "Page"
        ]
    );
}

#[test]
fn columns_need_not_share_baselines() {
    let mut page = column(20.0, 100.0, "left", 8);
    page.extend(column(320.0, 105.0, "right", 8));
    let lines = lines(page);
    assert!(lines[7].starts_with("left7") && lines[8].starts_with("right0"), "{lines:?}");
}

#[test]
fn three_columns_are_read_from_left_to_right() {
    let mut page = Vec::new();
    for (index, name) in ["a", "b", "c"].into_iter().enumerate() {
        page.extend(column(260.0 * index as f32, 100.0, name, 5));
    }
    let firsts: Vec<String> = lines(page).iter().map(|line| line.chars().take(2).collect()).collect();
    assert_eq!(
        firsts,
        ["a0", "a1", "a2", "a3", "a4", "b0", "b1", "b2", "b3", "b4", "c0", "c1", "c2", "c3", "c4"]
    );
}

#[test]
fn a_longer_left_column_ends_before_the_right_one_begins() {
    let mut page = column(20.0, 100.0, "left", 9);
    page.extend(column(320.0, 100.0, "right", 5));
    assert!(lines(page)[8].starts_with("left8"));
}

#[test]
fn a_row_that_is_askew_stays_one_row() {
    // Falls by 12 units over the page, more than a line is high.
    let slanted = |y: f32, name: &'static str| {
        (0..5).map(move |piece| {
            segment(110.0 * piece as f32, y + 3.0 * piece as f32, &format!("{name}{piece}"))
        })
    };
    let page = slanted(100.0, "a").chain(slanted(118.0, "b")).collect();
    assert_eq!(lines(page), ["a0 a1 a2 a3 a4", "b0 b1 b2 b3 b4"]);
}

#[test]
fn a_wide_gap_begins_a_block() {
    let page = vec![segment(10.0, 100.0, "one"), segment(10.0, 112.0, "two"), segment(10.0, 150.0, "three")];
    assert_eq!(blocks(page), [0, 0, 1]);
}

#[test]
fn text_along_the_side_comes_last_and_is_no_part_of_a_row() {
    let mut stamp = segment(2.0, 90.0, "margin");
    stamp.bbox = Rect::new(2.0, 50.0, 12.0, 300.0);
    let page = vec![stamp, segment(40.0, 100.0, "first row"), segment(40.0, 112.0, "second row")];
    assert_eq!(lines(page), ["first row", "second row", "margin"]);
}

#[test]
fn rows_of_hebrew_are_read_from_right_to_left() {
    let page =
        vec![segment(10.0, 100.0, "12.50"), segment(400.0, 100.0, "סה״כ"), segment(200.0, 100.0, "לתשלום")];
    assert_eq!(lines(page), ["סה״כ לתשלום 12.50"]);
}

#[test]
fn a_dense_page_of_single_words_is_arranged_in_a_second() {
    let page: Vec<Segment> = (0..24_000)
        .map(|index| segment((index % 100) as f32 * 30.0, (index / 100) as f32 * 12.0, "word"))
        .collect();
    let start = std::time::Instant::now();
    assert_eq!(arrange(page, PAGE).lines.len(), 240);
    assert!(start.elapsed().as_secs_f32() < 5.0, "{:?}", start.elapsed());
}

/// A line of print with ragged spaces, as wide as they are in running text.
fn print(x: f32, y: f32, name: &str, row: usize) -> Segment {
    const TEXTS: [&str; 5] = [
        "and so the text runs on here",
        "a line that says quite other",
        "which is what columns contain",
        "their words never end in line",
        "somebody else has written it",
    ];
    let mut segment = segment(x, y, &format!("{name}{row} {}", TEXTS[(row * 7 + row / 5) % TEXTS.len()]));
    let mut at = x;
    for word in &mut segment.words {
        let width = word.bbox.width();
        word.bbox = Rect::new(at, y, at + width, y + 10.0);
        at += width + 2.5;
    }
    segment.bbox.x1 = at - 2.5;
    segment
}

fn printed(x: f32, y: f32, name: &str, count: usize) -> Vec<Segment> {
    (0..count).map(|row| print(x, y + 12.0 * row as f32, name, row)).collect()
}

/// Two segments as what finds lines gives them where it sees no white space between: as one.
fn joined(left: Segment, right: Segment) -> Segment {
    let bbox = left.bbox.union(&right.bbox);
    Segment { words: left.words.into_iter().chain(right.words).collect(), bbox }
}

/// Reads left and right columns of twelve lines each, and checks that the left one is read first.
fn assert_left_first(page: Vec<Segment>) {
    let lines = lines(page);
    assert_eq!(lines.len(), 24, "{lines:#?}");
    assert!(lines[..12].iter().all(|line| line.starts_with("left")), "{lines:#?}");
    assert!(lines[12..].iter().all(|line| line.starts_with("right")), "{lines:#?}");
}

/// Where a column begins whose gutter is 5 units wide, half a line's height.
fn beside(left: &[Segment]) -> f32 {
    left.iter().map(|segment| segment.bbox.x1).fold(0.0, f32::max) + 5.0
}

#[test]
fn columns_with_a_narrow_gutter_are_read_one_after_the_other() {
    let mut page = printed(10.0, 100.0, "left", 12);
    page.extend(printed(beside(&page), 105.0, "right", 12));
    assert_left_first(page);
}

#[test]
fn columns_are_told_apart_where_lines_were_found_across_both() {
    let left = printed(10.0, 100.0, "left", 12);
    let right = printed(beside(&left), 100.0, "right", 12);
    let rows = left.into_iter().zip(right).enumerate();
    let page = rows.flat_map(|(row, (left, right))| match row % 3 {
        0 => vec![joined(left, right)],
        _ => vec![left, right],
    });
    assert_left_first(page.collect());
}

#[test]
fn a_line_that_is_too_long_for_its_column_does_not_end_it() {
    let mut page = printed(10.0, 100.0, "left", 12);
    let x = beside(&page);
    page[6].bbox.x1 = x - 1.5;
    page[6].words.last_mut().unwrap().bbox.x1 = x - 1.5;
    page.extend(printed(x, 100.0, "right", 12));
    assert_left_first(page);
}

#[test]
fn spaces_that_lie_under_one_another_make_no_columns() {
    assert_eq!(lines(column(10.0, 100.0, "line", 12)).len(), 12);
}

fn address(x: f32, y: f32, lines: [&str; 4]) -> Vec<Segment> {
    (0..).zip(lines).map(|(row, line)| segment(x, y + 13.0 * row as f32, line)).collect()
}

#[test]
fn addresses_side_by_side_are_read_one_after_the_other() {
    let seller = ["Seller", "Blue Harbor GmbH", "Mill Road 5", "D-10115 Berlin"];
    let buyer = ["Bill to", "Northwind Ltd", "7 High Street", "London SW1A 1AA"];
    let mut page = address(10.0, 100.0, seller);
    page.extend(address(300.0, 100.0, buyer));
    page.push(segment(10.0, 200.0, "Widget"));
    page.push(segment(300.0, 200.0, "9.00"));
    assert_eq!(lines(page), [&seller[..], &buyer[..], &["Widget 9.00"]].concat());
}

#[test]
fn what_is_labelled_beside_an_address_is_read_in_rows_after_it() {
    let buyer = ["Northwind Ltd", "7 High Street", "75001 Paris", "France"];
    let mut page = address(10.0, 100.0, buyer);
    for (row, (label, value)) in
        (0..).zip([("Invoice number:", "R 42"), ("Date:", "12.03.2024"), ("Customer:", "4711")])
    {
        let y = 100.0 + 13.0 * row as f32;
        page.extend([segment(300.0, y, label), segment(450.0, y, value)]);
    }
    let expected = [&buyer[..], &["Invoice number: R 42", "Date: 12.03.2024", "Customer: 4711"]].concat();
    assert_eq!(lines(page), expected);
}

#[test]
fn rows_of_a_table_with_streets_and_towns_stay_rows() {
    let rows = [
        ("Anna Keller", "Mill Road 5", "10115 Berlin"),
        ("Peter Brandt", "High Street 7", "75001 Paris"),
        ("Maria Lopez", "Garden Lane 12", "28001 Madrid"),
        ("Tom Becker", "Church Road 3", "20095 Hamburg"),
    ];
    let page = (0..).zip(rows).flat_map(|(row, (name, street, town))| {
        let y = 100.0 + 13.0 * row as f32;
        [segment(10.0, y, name), segment(200.0, y, street), segment(400.0, y, town)]
    });
    let expected: Vec<String> =
        rows.iter().map(|(name, street, town)| format!("{name} {street} {town}")).collect();
    assert_eq!(lines(page.collect()), expected);
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn any_segment() -> impl Strategy<Value = (f32, f32, String)> {
        (0.0_f32..600.0, 0.0_f32..800.0, "[a-z]{1,8}( [a-z]{1,8}){0,5}")
    }

    proptest! {
        #[test]
        fn every_word_comes_out_once_and_lines_cover_the_words_in_order(
            placed in proptest::collection::vec(any_segment(), 0..80)
        ) {
            let segments: Vec<Segment> = placed.iter().map(|(x, y, text)| segment(*x, *y, text)).collect();
            let mut before: Vec<String> =
                segments.iter().flat_map(|segment| &segment.words).map(|word| format!("{word:?}")).collect();
            let arranged = arrange(segments, PAGE);
            let mut after: Vec<String> = arranged
                .words
                .iter()
                .map(|word| RawWord { text: word.text.clone(), bbox: word.bbox, confidence: word.confidence })
                .map(|word| format!("{word:?}"))
                .collect();
            before.sort();
            after.sort();
            prop_assert_eq!(before, after);

            let mut next = 0;
            for (index, line) in arranged.lines.iter().enumerate() {
                prop_assert_eq!(line.first_word, next);
                prop_assert!(line.word_count > 0);
                next += line.word_count;
                for word in &arranged.words[line.first_word as usize..next as usize] {
                    prop_assert_eq!((word.line as usize, word.block), (index, line.block));
                }
            }
            prop_assert_eq!(next as usize, arranged.words.len());
        }
    }
}
