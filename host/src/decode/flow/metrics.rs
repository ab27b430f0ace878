//! Widths of letters and the breaking of lines.

use super::FONT_SIZE;

/// Widths of Helvetica's letters from the space to the tilde, in thousandths of the font's size, as in Adobe's metrics.
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
    500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
    556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
    278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// Width of letters that are not in the table: most accented ones have that of their plain ones, which is near this.
const USUAL: u16 = 556;

/// Width of a text in points.
pub(super) fn width(text: &str) -> f32 {
    text.chars().map(letter_width).sum()
}

fn letter_width(letter: char) -> f32 {
    let thousandths = match letter {
        ' '..='~' => WIDTHS.get(letter as usize - ' ' as usize).copied().unwrap_or(USUAL),
        // Signs above and below other letters.
        '\u{300}'..='\u{36f}'
        | '\u{e31}'
        | '\u{e34}'..='\u{e3a}'
        | '\u{e47}'..='\u{e4e}'
        | '\u{64b}'..='\u{65f}'
        | '\u{200b}'..='\u{200f}' => 0,
        // East Asian letters are square.
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe4f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3ffff}' => 1000,
        _ => USUAL,
    };
    f32::from(thousandths) * FONT_SIZE / 1000.0
}

/// Breaks a text into lines of words that are at most `room` points wide. A word that is wider alone is broken between
/// letters; an empty text has no lines.
pub(super) fn wrap(text: &str, room: f32) -> Vec<Vec<&str>> {
    let mut lines = Vec::new();
    let mut line: Vec<&str> = Vec::new();
    let mut used = 0.0;
    for word in text.split_whitespace().flat_map(|word| Pieces { rest: word, room }) {
        let width = width(word);
        let space = if line.is_empty() { 0.0 } else { letter_width(' ') };
        if !line.is_empty() && used + space + width > room {
            lines.push(std::mem::take(&mut line));
            used = width;
        } else {
            used += space + width;
        }
        line.push(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// Pieces of a word, each as wide as there is room, and of one letter at least.
struct Pieces<'a> {
    rest: &'a str,
    room: f32,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let mut used = 0.0;
        let end = self.rest.char_indices().find_map(|(at, letter)| {
            used += letter_width(letter);
            (at > 0 && used > self.room).then_some(at)
        });
        let (piece, rest) = self.rest.split_at_checked(end.unwrap_or(self.rest.len()))?;
        self.rest = rest;
        (!piece.is_empty()).then_some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_long_words_between_letters() {
        let room = width("aaaa aaaa");
        assert_eq!(wrap("aaaa aaaa aaaa", room), [vec!["aaaa", "aaaa"], vec!["aaaa"]]);
        assert_eq!(wrap("aaaaaaaaaaaa", width("aaaaa")), [["aaaaa"], ["aaaaa"], ["aa"]]);
        assert_eq!(wrap("ab", 0.0), [["a"], ["b"]]);
        assert!(wrap("  ", room).is_empty());
    }
}
