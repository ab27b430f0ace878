//! Comparing text as people do: without case, accents, spaces and punctuation, and forgiving a misread letter.

/// Folds one character to the lower-case letters and digits it is compared by; nothing for punctuation and spaces.
///
/// Latin letters lose their accents and ligatures are taken apart. Other scripts keep their letters. `#` is kept,
/// because it stands for "number" in labels.
pub fn fold_char(character: char) -> impl Iterator<Item = char> {
    let plain = match character {
        'À'..='Å' | 'à'..='å' | 'Ā'..='ą' => "a",
        'Æ' | 'æ' => "ae",
        'Ç' | 'ç' | 'Ć'..='č' => "c",
        'Ď'..='đ' | 'Ð' | 'ð' => "d",
        'È'..='Ë' | 'è'..='ë' | 'Ē'..='ě' => "e",
        'Ĝ'..='ģ' => "g",
        'Ì'..='Ï' | 'ì'..='ï' | 'Ĩ'..='ı' => "i",
        'Ĺ'..='ł' => "l",
        'Ñ' | 'ñ' | 'Ń'..='ŉ' => "n",
        'Ò'..='Ö' | 'Ø' | 'ò'..='ö' | 'ø' | 'Ō'..='ő' => "o",
        'Œ' | 'œ' => "oe",
        'Ŕ'..='ř' => "r",
        'Ś'..='š' | 'Ș' | 'ș' => "s",
        'ß' => "ss",
        'Ţ'..='ŧ' | 'Ț' | 'ț' => "t",
        'Ù'..='Ü' | 'ù'..='ü' | 'Ũ'..='ų' => "u",
        'Ý' | 'ý' | 'ÿ' => "y",
        'Ź'..='ž' => "z",
        // The Thai vowel that is one letter in some files and a mark with a letter in others.
        'ำ' => "า",
        'ﬁ' => "fi",
        'ﬂ' => "fl",
        '№' => "no",
        _ => "",
    };
    // The raised letters of "Nº" are as often printed as a degree sign, which is no letter.
    let is_raised = matches!(character, 'º' | 'ª');
    let is_kept = (character.is_alphanumeric() && !is_raised) || character == '#';
    let other = (plain.is_empty() && is_kept).then_some(character);
    plain
        .chars()
        .chain(other.into_iter().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric() || *c == '#'))
}

/// Folds a text to the letters and digits it is compared by, without any space.
pub fn compact(text: &str) -> String {
    text.chars().flat_map(fold_char).collect()
}

/// Folds a text to lower-case words of letters and digits with one space between them.
pub fn words(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for part in text.split(|c: char| !c.is_alphanumeric() && c != '#').filter(|part| !part.is_empty()) {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(&compact(part));
    }
    folded
}

/// Splits a name as programmers write it (`invoiceNumber`, `invoice_number`, `InvoiceNumber2`) into its words, in
/// lower case.
pub fn split_name(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut current = String::new();
    let characters: Vec<char> = name.chars().collect();
    for (index, &character) in characters.iter().enumerate() {
        if !character.is_alphanumeric() {
            parts.extend((!current.is_empty()).then(|| std::mem::take(&mut current)));
            continue;
        }
        let previous = index.checked_sub(1).and_then(|index| characters.get(index));
        let next_is_lower = characters.get(index + 1).is_some_and(|next| next.is_lowercase());
        let starts_word = previous.is_some_and(|previous| {
            (character.is_uppercase() && (previous.is_lowercase() || previous.is_numeric()))
                || (character.is_uppercase() && previous.is_uppercase() && next_is_lower)
                || (character.is_numeric() && previous.is_alphabetic())
        });
        if starts_word && !current.is_empty() {
            parts.push(std::mem::take(&mut current));
        }
        current.extend(character.to_lowercase());
    }
    parts.extend((!current.is_empty()).then_some(current));
    parts
}

/// The number of letters to insert, drop or replace between two texts, or nothing when it is more than `limit`.
pub fn distance_within(left: &[char], right: &[char], limit: usize) -> Option<usize> {
    if left.len().abs_diff(right.len()) > limit {
        return None;
    }
    // What both start and end with needs no comparing.
    let same = left.iter().zip(right).take_while(|(left, right)| left == right).count();
    let (left, right) = (left.get(same..)?, right.get(same..)?);
    let same = left.iter().rev().zip(right.iter().rev()).take_while(|(left, right)| left == right).count();
    let (left, right) = (left.get(..left.len() - same)?, right.get(..right.len() - same)?);
    let longer = left.len().max(right.len());
    if left.is_empty() || right.is_empty() || longer == 1 {
        return (longer <= limit).then_some(longer);
    }
    if limit < 2 {
        return None;
    }
    let mut previous: Vec<usize> = (0..=right.len()).collect();
    let mut current = previous.clone();
    for (row, left_char) in left.iter().enumerate() {
        current[0] = row + 1;
        let mut best = current[0];
        for (column, right_char) in right.iter().enumerate() {
            let replace = previous[column] + usize::from(left_char != right_char);
            current[column + 1] = replace.min(previous[column + 1] + 1).min(current[column] + 1);
            best = best.min(current[column + 1]);
        }
        if best > limit {
            return None;
        }
        std::mem::swap(&mut previous, &mut current);
    }
    previous.last().copied().filter(|distance| *distance <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_drops_case_accents_and_punctuation() {
        assert_eq!(compact("Numéro de Façture N° 12"), "numerodefacturen12");
        assert_eq!(compact("Straße Œuvre"), "strasseoeuvre");
        assert_eq!(words("  Invoice-No.: "), "invoice no");
        assert_eq!(words("Receipt #: 12"), "receipt # 12");
    }

    #[test]
    fn names_are_split_at_humps_underscores_and_digits() {
        assert_eq!(split_name("invoiceNumber"), ["invoice", "number"]);
        assert_eq!(split_name("total_amount-due"), ["total", "amount", "due"]);
        assert_eq!(split_name("supplierVATId"), ["supplier", "vat", "id"]);
        assert_eq!(split_name("line2"), ["line", "2"]);
    }

    #[test]
    fn distance_counts_edits_and_stops_at_its_limit() {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        assert_eq!(distance_within(&chars("rounding"), &chars("roundlng"), 1), Some(1));
        assert_eq!(distance_within(&chars("invoice"), &chars("invoce"), 1), Some(1));
        assert_eq!(distance_within(&chars("invoice"), &chars("voices"), 1), None);
    }
}
