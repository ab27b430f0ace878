//! Thai as fonts of the nineties have it: marks that are drawn higher, lower or farther left are characters of their own in
//! the private use area, and sara am is two glyphs.

/// The characters that U+F700 to U+F71A are drawn forms of, as in Microsoft's and Apple's fonts for Windows 874 and
/// MacThai: <https://linux.thai.net/~thep/th-otf/>.
const DRAWN_FORMS: [char; 27] = [
    '\u{e10}', '\u{e34}', '\u{e35}', '\u{e36}', '\u{e37}', '\u{e48}', '\u{e49}', '\u{e4a}', '\u{e4b}',
    '\u{e4c}', '\u{e48}', '\u{e49}', '\u{e4a}', '\u{e4b}', '\u{e4c}', '\u{e0d}', '\u{e31}', '\u{e4d}',
    '\u{e47}', '\u{e48}', '\u{e49}', '\u{e4a}', '\u{e4b}', '\u{e4c}', '\u{e38}', '\u{e39}', '\u{e3a}',
];

const NIKHAHIT: char = '\u{e4d}';
const SARA_AA: char = '\u{e32}';
const SARA_AM: char = '\u{e33}';

/// The character that a drawn form stands for; any other stays as it is.
pub(super) fn letter(character: char) -> char {
    let index = u32::from(character).checked_sub(0xf700).and_then(|index| usize::try_from(index).ok());
    index.and_then(|index| DRAWN_FORMS.get(index)).copied().unwrap_or(character)
}

/// A word of Thai as it is typed: with the characters that drawn forms stand for, and sara am as one character behind the
/// tone mark. Of another script, where icons may have the same numbers, it stays as it is.
pub(super) fn typed(word: String) -> String {
    let is_thai = |character: char| matches!(character, '\u{e01}'..='\u{e5b}');
    if !word.contains(is_thai) {
        return word;
    }
    let mut typed = String::with_capacity(word.len());
    let mut characters = word.chars().map(letter).peekable();
    while let Some(character) = characters.next() {
        if character != NIKHAHIT {
            typed.push(character);
            continue;
        }
        let tone = characters.next_if(|next| is_tone(*next));
        match characters.next_if_eq(&SARA_AA) {
            Some(_) => typed.extend(tone.into_iter().chain([SARA_AM])),
            None => typed.extend([NIKHAHIT].into_iter().chain(tone)),
        }
    }
    typed
}

/// Mends a sara am that widely used word processors write as a space and sara aa: no Thai word begins with either.
/// Whether `word` has become the end of `before`; otherwise neither has changed.
pub(super) fn continues(before: &mut String, word: &str) -> bool {
    let is_consonant = |character: char| matches!(character, '\u{e01}'..='\u{e2e}');
    let rest = word.trim_start_matches(is_tone);
    let Some(end) = rest.strip_prefix(SARA_AA) else { return false };
    if !before.trim_end_matches(is_tone).ends_with(is_consonant) {
        return false;
    }
    let tones = word.strip_suffix(rest).unwrap_or_default();
    before.extend([tones, SARA_AM.encode_utf8(&mut [0; 4]), end]);
    true
}

fn is_tone(character: char) -> bool {
    matches!(character, '\u{e48}'..='\u{e4b}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_forms_become_the_characters_they_stand_for() {
        assert_eq!(typed("บ\u{f70b}าน".to_owned()), "บ้าน");
        assert_eq!(typed("เป\u{f712}นญ\u{f718}".to_owned()), "เป็นญุ");
        assert_eq!(typed("ก\u{f6ff}\u{f71b}".to_owned()), "ก\u{f6ff}\u{f71b}");
        assert_eq!(typed("\u{f70b} 12".to_owned()), "\u{f70b} 12", "an icon");
    }

    #[test]
    fn sara_am_of_two_glyphs_is_one_character_behind_its_tone() {
        assert_eq!(typed("จ\u{e4d}\u{e32}นวน".to_owned()), "จำนวน");
        assert_eq!(typed("น\u{f711}\u{f70b}\u{e32}".to_owned()), "น้ำ");
        assert_eq!(typed("ก\u{e4d}\u{e48}".to_owned()), "ก\u{e4d}\u{e48}");
    }

    #[test]
    fn a_word_that_begins_with_sara_aa_ends_the_one_before() {
        let continued = |before: &str, word: &str| {
            let mut before = before.to_owned();
            continues(&mut before, word).then_some(before)
        };
        assert_eq!(continued("จ", "านวน").as_deref(), Some("จำนวน"));
        assert_eq!(continued("น", "\u{e49}า").as_deref(), Some("น้ำ"));
        assert_eq!(continued("total", "านวน"), None);
        assert_eq!(continued("จ", "นวน"), None);
    }
}
