//! Scripts that are read by networks of their own: Thai, Cyrillic, Vietnamese.

use ocriva::assets;
use ocriva::config::{Config, OcrMode};
use ocriva::domain::format::Format;
use ocriva::domain::geometry::Turn;
use ocriva::ocr::{self, Engine, Reading};

use super::{find, picture, read, words};

/// Set to anything, it lets the tests pass without the networks.
const WITHOUT_SCRIPTS: &str = "OCRIVA_TESTS_WITHOUT_SCRIPTS";

/// Whether set-up fetched the networks; where it could not, the environment must say that they may be missing.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of the program")]
fn have_networks() -> bool {
    let files = ["Thai.traineddata", "Cyrillic.traineddata", "vie.traineddata"];
    if files.iter().all(|file| assets::model(file).is_some()) {
        return true;
    }
    assert!(
        std::env::var_os(WITHOUT_SCRIPTS).is_some(),
        "networks are missing: type `cargo xtask setup` or, to go without, set {WITHOUT_SCRIPTS}=1"
    );
    eprintln!(
        "WARNING: no networks for further scripts and {WITHOUT_SCRIPTS} is set: their tests DO NOT RUN"
    );
    false
}

fn text(reading: &Reading) -> Vec<String> {
    let line = |segment: &ocriva::domain::page::Segment| {
        segment.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    };
    reading.segments.iter().map(line).collect()
}

#[test]
fn thai_and_english_lines_of_one_page_are_read() {
    if !have_networks() {
        return;
    }
    let reading = read(&picture("thai_and_english.jpg", Format::Jpeg));
    let text = text(&reading);
    assert!(
        text.contains(&"ทุกคนมีสิทธิที่จะเป็นเจ้าของทรัพย์สินโดยลำพังตนเอง เช่นเดียวกับโดยร่วมกับผู้อื่น".to_owned()),
        "{text:#?}"
    );
    assert!(text.contains(&"society and the State.".to_owned()), "{text:#?}");
    // A clause without spaces is as certain as the least certain of its fifty letters.
    assert!(words(&reading).iter().all(|word| word.confidence > 0.6));
}

#[test]
fn vietnamese_keeps_all_of_its_marks() {
    if !have_networks() {
        return;
    }
    let reading = read(&picture("vietnamese.jpg", Format::Jpeg));
    let text = text(&reading);
    assert!(
        text.contains(&"Tuyên ngôn toàn thế giới về nhân quyền của Liên Hợp Quốc".to_owned()),
        "{text:#?}"
    );
    assert!(text.contains(&"Lời nói đầu".to_owned()), "{text:#?}");
}

#[test]
fn cyrillic_is_read_with_latin_words_and_amounts_beside_it() {
    if !have_networks() {
        return;
    }
    let reading = read(&picture("cyrillic.png", Format::Png));
    let expected = [
        "Все люди рождаются свободными и равными",
        "в своем достоинстве и правах.",
        "Вони наділені розумом і совістю.",
        "TOTAL 1 234.56 Сумма 89.90",
    ];
    assert_eq!(text(&reading).join("\n").replace("\nСумма", " Сумма"), expected.join("\n"));
    let (left, right) = (find(&reading, "люди").bbox, find(&reading, "рождаются").bbox);
    assert!(left.x1 <= right.x0 && (left.width() - 70.0).abs() < 15.0, "{left:?} {right:?}");
}

#[test]
fn a_cyrillic_page_is_read_upside_down_too() {
    if !have_networks() {
        return;
    }
    let reading = read(&ocr::upright(picture("cyrillic.png", Format::Png), Turn::Half, 0.0));
    assert_eq!(reading.turn, Turn::Half);
    find(&reading, "достоинстве");
}

#[test]
fn without_the_networks_the_rest_is_read_and_the_fingerprint_differs() {
    let is_network = |name: &str| name.ends_with(".traineddata");
    let without =
        Engine::new(&Config::default().ocr, move |name| assets::model(name).filter(|_| !is_network(name)));
    let reading = without.read(picture("cyrillic.png", Format::Png), OcrMode::Accurate).unwrap();
    find(&reading, "89.90");
    if have_networks() {
        let with = Engine::new(&Config::default().ocr, assets::model);
        assert_ne!(without.fingerprint(OcrMode::Accurate), with.fingerprint(OcrMode::Accurate));
        assert_ne!(without.fingerprint(OcrMode::Fast), with.fingerprint(OcrMode::Fast));
    }
}

#[test]
fn a_damaged_network_is_an_error_that_names_it() {
    let damaged = Engine::new(&Config::default().ocr, |name| match name {
        "Thai.traineddata" => Some(b"damaged"),
        _ => assets::model(name),
    });
    let error = damaged.read(picture("cyrillic.png", Format::Png), OcrMode::Accurate).unwrap_err();
    assert!(error.to_string().contains("Thai.traineddata"), "{error}");
}
