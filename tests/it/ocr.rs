//! Reading pictures: the real models on real receipts, through the engine's border.

mod scripts;

use std::sync::LazyLock;

use ocriva::assets;
use ocriva::config::{Config, OcrMode};
use ocriva::decode::{self, Limits};
use ocriva::domain::format::Format;
use ocriva::domain::geometry::{Rect, Turn};
use ocriva::domain::page::RawWord;
use ocriva::domain::raster::Raster;
use ocriva::ocr::{self, Engine, Reading};
use support::fixture;

/// Shared, since making the plans is most of the work.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(&Config::default().ocr, assets::model));

fn picture(name: &str, format: Format) -> Raster {
    let limits = Limits::from(&Config::default().decode);
    let document = decode::open(fixture(name).into(), format, None, limits).unwrap();
    document.raster(0).unwrap()
}

fn read(raster: &Raster) -> Reading {
    ENGINE.read(raster, OcrMode::Accurate).unwrap()
}

fn words(reading: &Reading) -> Vec<&RawWord> {
    reading.segments.iter().flat_map(|segment| &segment.words).collect()
}

fn find<'a>(reading: &'a Reading, text: &str) -> &'a RawWord {
    let found = words(reading).into_iter().find(|word| word.text.contains(text));
    found.unwrap_or_else(|| panic!("`{text}` is not among {:?}", words(reading)))
}

fn blank(width: u32, height: u32) -> Raster {
    Raster { width, height, pixels: vec![255; (width * height * 3) as usize] }
}

#[test]
fn a_receipt_is_read_with_words_where_they_stand() {
    let raster = picture("receipt.jpg", Format::Jpeg);
    let reading = read(&raster);
    assert_eq!((reading.turn, reading.skew_degrees), (Turn::None, 0.0));
    assert_eq!((reading.width, reading.height), (raster.width, raster.height));
    assert!(find(&reading, "80.90").confidence > 0.9);
    assert!(find(&reading, "25/12/2018").confidence > 0.9);
    let page = Rect::new(0.0, 0.0, raster.width as f32, raster.height as f32);
    for word in words(&reading) {
        assert_eq!(word.bbox.intersection(&page), Some(word.bbox), "{word:?}");
        assert!((0.0..=1.0).contains(&word.confidence), "{word:?}");
        assert!(!word.text.contains(char::is_whitespace) && !word.text.is_empty(), "{word:?}");
    }
}

#[test]
fn words_are_apart_where_the_print_is_and_their_boxes_are_as_high_as_the_print() {
    let reading = read(&picture("receipt.jpg", Format::Jpeg));
    // Printed as `GST ID: 000849813504`; the network reads no space behind the colon.
    assert_eq!(find(&reading, "000849813504").text, "000849813504");
    // The figures are 12 pixels high.
    let height = find(&reading, "25/12/2018").bbox.height();
    assert!((11.0..=18.0).contains(&height), "{height}");
}

#[test]
fn a_turned_receipt_reads_like_the_upright_one_and_in_its_coordinates() {
    let raster = picture("receipt.jpg", Format::Jpeg);
    let upright = read(&raster);
    let expected = find(&upright, "80.90").bbox.center();
    for (turn, back) in [
        (Turn::Clockwise90, Turn::Clockwise270),
        (Turn::Half, Turn::Half),
        (Turn::Clockwise270, Turn::Clockwise90),
    ] {
        let turned = ocr::upright(raster.clone(), turn, 0.0);
        let reading = read(&turned);
        assert_eq!(reading.turn, back, "after a turn by {} degrees", turn.degrees());
        assert_eq!((reading.width, reading.height), (raster.width, raster.height));
        let found = find(&reading, "80.90").bbox.center();
        assert!(
            (found.0 - expected.0).abs() < 6.0 && (found.1 - expected.1).abs() < 6.0,
            "{found:?} {expected:?}"
        );
    }
}

#[test]
fn a_skewed_receipt_is_straightened_and_its_boxes_fit_the_straight_picture() {
    let raster = picture("receipt_skewed.jpg", Format::Jpeg);
    let reading = read(&raster);
    assert!(reading.skew_degrees.abs() > 1.0, "{}", reading.skew_degrees);
    let total = find(&reading, "39.90").bbox;
    let straight = ocr::upright(raster, reading.turn, reading.skew_degrees);
    assert_eq!((straight.width, straight.height), (reading.width, reading.height));
    let again = ENGINE.read_area(&straight, total, OcrMode::Accurate).unwrap();
    let text: Vec<&str> =
        again.iter().flat_map(|segment| &segment.words).map(|word| word.text.as_str()).collect();
    assert!(text.iter().any(|text| text.contains("39.90")), "{text:?}");
}

#[test]
fn an_area_gives_its_own_words_and_none_from_elsewhere() {
    let raster = picture("receipt.jpg", Format::Jpeg);
    let reading = read(&raster);
    let wanted = find(&reading, "25/12/2018").bbox;
    let segments = ENGINE.read_area(&raster, wanted, OcrMode::Accurate).unwrap();
    let words: Vec<&RawWord> = segments.iter().flat_map(|segment| &segment.words).collect();
    assert!(words.iter().any(|word| word.text.contains("25/12/2018")), "{words:?}");
    for word in words {
        assert!(wanted.intersection(&word.bbox).is_some(), "{word:?} is not in {wanted:?}");
    }
    let outside = Rect::new(-50.0, -50.0, -10.0, -10.0);
    assert!(ENGINE.read_area(&raster, outside, OcrMode::Accurate).unwrap().is_empty());
}

#[test]
fn a_photograph_of_a_receipt_is_read() {
    let reading = read(&picture("receipt_photo.jpg", Format::Jpeg));
    find(&reading, "39.90");
}

#[test]
fn fast_mode_reads_too() {
    let raster = picture("receipt.jpg", Format::Jpeg);
    let reading = ENGINE.read(&raster, OcrMode::Fast).unwrap();
    find(&reading, "25/12/2018");
    assert_ne!(ENGINE.fingerprint(OcrMode::Fast), ENGINE.fingerprint(OcrMode::Accurate));
}

#[test]
fn blank_and_degenerate_pictures_have_no_words() {
    for (width, height) in [(1, 1), (1, 10_000), (10_000, 1), (3, 2), (1000, 1400)] {
        let reading = read(&blank(width, height));
        assert!(reading.segments.is_empty(), "{width} x {height}");
        assert_eq!((reading.turn, reading.width, reading.height), (Turn::None, width, height));
    }
    let cut_off = Raster { pixels: vec![0; 10], ..blank(100, 100) };
    assert!(read(&cut_off).segments.is_empty());
}

#[test]
fn pages_read_at_once_read_the_same_as_one_by_one() {
    let raster = picture("receipt.jpg", Format::Jpeg);
    let alone = read(&raster).segments;
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..4).map(|_| scope.spawn(|| read(&raster).segments)).collect();
        for reader in readers {
            assert_eq!(reader.join().unwrap(), alone);
        }
    });
}

#[test]
fn a_missing_model_is_an_error_that_names_it() {
    let engine = Engine::new(&Config::default().ocr, |_| None);
    let error = engine.read(blank(100, 100), OcrMode::Accurate).unwrap_err();
    assert!(error.to_string().contains("orientation.onnx"), "{error}");
}

#[test]
fn a_damaged_model_is_an_error_that_names_it() {
    let engine = Engine::new(&Config::default().ocr, |_| Some(b"not a model"));
    let error = engine.read(blank(100, 100), OcrMode::Accurate).unwrap_err();
    assert!(error.to_string().contains("orientation.onnx"), "{error}");
}
