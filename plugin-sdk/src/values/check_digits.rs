//! Check digits of numbers that are read from bar codes and payment forms.

/// Digits that follow one another in the table of [`is_swiss_reference`].
const CARRIES: [u32; 10] = [0, 9, 4, 6, 8, 2, 7, 1, 3, 5];

/// Whether the last digit of a GTIN, SSCC, GLN, EAN or UPC is right: GS1's modulo 10, with the weights 3 and 1 from the
/// right.
pub fn is_gs1_number(digits: &str) -> bool {
    let Some(sum) = weighted(digits, |index| if index % 2 == 0 { 1 } else { 3 }) else { return false };
    digits.len() > 1 && sum % 10 == 0
}

/// Whether a text is a creditor reference by ISO 11649 without spaces, `RF` and two check digits (ISO 7064, MOD 97-10)
/// in front.
pub fn is_creditor_reference(reference: &str) -> bool {
    (5..=25).contains(&reference.len())
        && reference.starts_with("RF")
        && super::identifiers::has_iban_checksum(reference)
}

/// Whether a text is a Swiss QR reference: 27 digits, the last by modulo 10, recursive.
pub fn is_swiss_reference(reference: &str) -> bool {
    let Some((body, check)) = reference.split_at_checked(26) else { return false };
    let mut carry = 0;
    for character in body.chars() {
        let Some(digit) = character.to_digit(10) else { return false };
        carry = CARRIES.get(((carry + digit) % 10) as usize).copied().unwrap_or_default();
    }
    check.len() == 1 && check.parse() == Ok((10 - carry) % 10)
}

/// Whether a text has the form of a BIC (ISO 9362): four letters or digits of the bank, the country, the place, and the
/// branch or not.
pub fn is_bic(bic: &str) -> bool {
    let is_upper = |part: &str| part.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    let country = bic.get(4..6).unwrap_or_default();
    matches!(bic.len(), 8 | 11) && is_upper(bic) && country.chars().all(|c| c.is_ascii_uppercase())
}

/// The sum of all digits, each times the weight of its place from the right; `None` where there is anything else.
fn weighted(digits: &str, weight: impl Fn(usize) -> u32) -> Option<u32> {
    digits
        .chars()
        .rev()
        .enumerate()
        .try_fold(0, |sum, (index, digit)| Some(sum + digit.to_digit(10)? * weight(index)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gs1_numbers_of_every_length_have_their_check_digit() {
        for right in ["4006381333931", "96385074", "036000291452", "00012345678905", "106141412345678908"] {
            assert!(is_gs1_number(right), "{right}");
        }
        for wrong in ["4006381333930", "96385075", "", "0", "40063813339a1"] {
            assert!(!is_gs1_number(wrong), "{wrong}");
        }
    }

    #[test]
    fn references_are_told_from_what_was_mistyped() {
        assert!(is_creditor_reference("RF18539007547034"));
        assert!(!is_creditor_reference("RF19539007547034"));
        assert!(is_swiss_reference("210000000003139471430009017"));
        assert!(!is_swiss_reference("210000000003139471430009018"));
        assert!(!is_swiss_reference("21000000000313947143000901"));
    }

    #[test]
    fn banks_are_known_by_their_form() {
        assert!(is_bic("BFSWDE33BER") && is_bic("DEUTDEFF"));
        assert!(!is_bic("BFSWDE33BE") && !is_bic("BFSW1133") && !is_bic("bfswde33"));
    }
}
