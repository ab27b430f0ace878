//! What recognition gets wrong in names and addresses, where it can be known from the words around.

use super::words::{LEGAL_FORMS, PLACES, SHORT_LEGAL_FORMS};
use crate::text;

/// A name with the digits in its legal form taken for the letters they look like: `S0N 8HD`, `5/B`.
pub fn mend_form(name: &str) -> String {
    let mut words: Vec<String> = name.split(' ').map(str::to_owned).collect();
    for index in 1..words.len() {
        let Some(word) = words.get(index) else { break };
        let has_digit = word.chars().any(|c| c.is_ascii_digit());
        let has_letter = word.chars().any(char::is_alphabetic);
        let mended: String = word.chars().map(letter_like).collect();
        let folded = text::compact(&mended);
        let is_form = LEGAL_FORMS.contains(&folded.as_str()) || SHORT_LEGAL_FORMS.contains(&folded.as_str());
        // Of a form of two words, the second follows the first whatever letter of it was misread.
        let before = words.get(index - 1).map(|before| text::compact(before)).unwrap_or_default();
        let second = FORM_PAIRS.iter().find(|(first, _)| *first == before).map(|(_, second)| *second);
        let is_near = second.is_some_and(|second| {
            let characters = |text: &str| text.chars().collect::<Vec<char>>();
            folded != second && text::distance_within(&characters(&folded), &characters(second), 1).is_some()
        });
        if let Some(second) = second.filter(|_| is_near) {
            let capitals = word.chars().filter(|c| c.is_alphabetic()).all(char::is_uppercase);
            let point = if word.ends_with('.') { "." } else { "" };
            let spelled = if capitals { second.to_uppercase() } else { capitalized(second) };
            words[index] = format!("{spelled}{point}");
        } else if has_digit && has_letter && is_form {
            words[index] = mended;
        }
    }
    words.join(" ")
}

/// Legal forms of two words.
const FORM_PAIRS: &[(&str, &str)] = &[("sdn", "bhd"), ("pvt", "ltd"), ("pte", "ltd"), ("pty", "ltd")];

/// An address as recognised, with what recognition confuses put right: letters in words of streets (`Jin` for `Jln`), and
/// points for commas where the other parts have commas.
pub fn mend_address(address: &str) -> String {
    let words: Vec<String> = address.split(' ').map(mend_place).collect();
    let has_commas = words.iter().any(|word| word.ends_with(','));
    let last = words.len().saturating_sub(1);
    let mut mended: Vec<String> = Vec::with_capacity(words.len());
    for (index, word) in words.iter().enumerate() {
        let bare = word.strip_suffix('.').filter(|_| has_commas && index < last);
        let parts_ended = bare.is_some_and(|bare| {
            let letters = bare.chars().all(char::is_alphabetic) && bare.chars().count() >= 4;
            // "NO 7." may have its point.
            let is_house =
                index < 2 || words.get(index - 1).is_some_and(|before| text::compact(before) == "no");
            let number = bare.chars().all(|c| c.is_ascii_digit()) && !bare.is_empty() && !is_house;
            letters || number
        });
        mended.push(bare.filter(|_| parts_ended).map_or_else(|| word.clone(), |bare| format!("{bare},")));
    }
    mended.join(" ")
}

/// A word of a street or building, if the word is one but for letters that look alike.
fn mend_place(word: &str) -> String {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    let lower = bare.to_lowercase();
    let letters = bare.chars().filter(|c| c.is_alphabetic()).count();
    if letters < 2 || !(3..=12).contains(&bare.len()) || !bare.is_ascii() || PLACES.contains(&lower.as_str())
    {
        return word.to_owned();
    }
    let alike = look_alike(&lower);
    let Some(place) = PLACES.iter().find(|place| place.len() == bare.len() && look_alike(place) == alike)
    else {
        return word.to_owned();
    };
    let capitals = bare.chars().skip(1).filter(|c| c.is_uppercase() && *c != 'I').count();
    let spelled = if capitals > 0 { place.to_uppercase() } else { capitalized(place) };
    word.replacen(bare, &spelled, 1)
}

fn capitalized(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// A text with each letter or digit replaced by the one that stands for all that look like it.
fn look_alike(text: &str) -> String {
    let letter = |c: char| match c {
        'i' | '1' | '|' => 'l',
        '0' => 'o',
        '5' => 's',
        '8' => 'b',
        other => other,
    };
    text.chars().map(letter).collect()
}

/// The capital that a digit looks like.
fn letter_like(character: char) -> char {
    match character {
        '0' => 'O',
        '1' => 'I',
        '5' => 'S',
        '8' => 'B',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legal_forms_are_put_right() {
        assert_eq!(mend_form("NORTH LAKE SDN BND"), "NORTH LAKE SDN BHD");
        assert_eq!(mend_form("Blue Tin Pte Ltb."), "Blue Tin Pte Ltd.");
        assert_eq!(mend_form("KEDAI ROTI 5/B"), "KEDAI ROTI S/B");
        assert_eq!(mend_form("STUDIO 54 LTD"), "STUDIO 54 LTD");
    }

    #[test]
    fn words_of_streets_and_commas_of_addresses_are_put_right() {
        assert_eq!(mend_address("No. 5, Jin Bunga, BIk C"), "No. 5, Jln Bunga, Blk C");
        assert_eq!(
            mend_address("NO 7. LANE ONE, OLD TOWN. 50100 IPOH."),
            "NO 7. LANE ONE, OLD TOWN, 50100 IPOH."
        );
        assert_eq!(mend_address("12 High St. Oxford"), "12 High St. Oxford");
    }
}
