//! The character sets of a payment code. All but UTF-8 have one byte for each character, and their lower half is ASCII.

/// The character sets by their number in the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CharacterSet {
    /// 1: UTF-8.
    Utf8,
    /// 2: ISO 8859-1.
    Latin1,
    /// The others: what the bytes from 0xA0 on stand for.
    Other(&'static str),
}

/// 3: ISO 8859-2, Central Europe.
const ISO_8859_2: &str = "\u{a0}Ą˘Ł¤ĽŚ§¨ŠŞŤŹ\u{ad}ŽŻ°ą˛ł´ľśˇ¸šşťź˝žżŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙";
/// 4: ISO 8859-4, Northern Europe.
const ISO_8859_4: &str = "\u{a0}ĄĸŖ¤ĨĻ§¨ŠĒĢŦ\u{ad}Ž¯°ą˛ŗ´ĩļˇ¸šēģŧŊžŋĀÁÂÃÄÅÆĮČÉĘËĖÍÎĪĐŅŌĶÔÕÖ×ØŲÚÛÜŨŪßāáâãäåæįčéęëėíîīđņōķôõö÷øųúûüũū˙";
/// 5: ISO 8859-5, Cyrillic.
const ISO_8859_5: &str = "\u{a0}ЁЂЃЄЅІЇЈЉЊЋЌ\u{ad}ЎЏАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя№ёђѓєѕіїјљњћќ§ўџ";
/// 6: ISO 8859-7, Greek.
const ISO_8859_7: &str = "\u{a0}\u{2018}\u{2019}£€₯¦§¨©ͺ«¬\u{ad}\u{fffd}\u{2015}°±²³΄΅Ά·ΈΉΊ»Ό½ΎΏΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡ\u{fffd}ΣΤΥΦΧΨΩΪΫάέήίΰαβγδεζηθικλμνξοπρςστυφχψωϊϋόύώ\u{fffd}";
/// 7: ISO 8859-10, Nordic.
const ISO_8859_10: &str = "\u{a0}ĄĒĢĪĨĶ§ĻĐŠŦŽ\u{ad}ŪŊ°ąēģīĩķ·ļđšŧž\u{2015}ūŋĀÁÂÃÄÅÆĮČÉĘËĖÍÎÏÐŅŌÓÔÕÖŨØŲÚÛÜÝÞßāáâãäåæįčéęëėíîïðņōóôõöũøųúûüýþĸ";
/// 8: ISO 8859-15, Western Europe with the euro sign.
const ISO_8859_15: &str = "\u{a0}¡¢£€¥Š§š©ª«¬\u{ad}®¯°±²³Žµ¶·ž¹º»ŒœŸ¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ";

impl CharacterSet {
    /// The character set of a number from 1 to 8.
    pub fn numbered(number: &str) -> Option<Self> {
        Some(match number {
            "1" => Self::Utf8,
            "2" => Self::Latin1,
            "3" => Self::Other(ISO_8859_2),
            "4" => Self::Other(ISO_8859_4),
            "5" => Self::Other(ISO_8859_5),
            "6" => Self::Other(ISO_8859_7),
            "7" => Self::Other(ISO_8859_10),
            "8" => Self::Other(ISO_8859_15),
            _ => return None,
        })
    }

    /// The text that bytes stand for. Many makers of codes write UTF-8 whatever they say: what can only be that is
    /// taken for it.
    pub fn decode(self, bytes: &[u8]) -> String {
        match (self, std::str::from_utf8(bytes)) {
            (_, Ok(text)) => text.to_owned(),
            (Self::Utf8, Err(_)) => String::from_utf8_lossy(bytes).into_owned(),
            (Self::Latin1, Err(_)) => bytes.iter().copied().map(char::from).collect(),
            (Self::Other(upper), Err(_)) => bytes
                .iter()
                .map(|byte| match byte.checked_sub(0xa0) {
                    None => char::from(*byte),
                    Some(place) => {
                        upper.chars().nth(usize::from(place)).unwrap_or(char::REPLACEMENT_CHARACTER)
                    }
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_set_has_its_own_letters() {
        let decoded = |number, bytes: &[u8]| CharacterSet::numbered(number).unwrap().decode(bytes);
        assert_eq!(decoded("1", "Müller".as_bytes()), "Müller");
        assert_eq!(decoded("2", b"M\xfcller"), "Müller");
        assert_eq!(decoded("3", b"\xa3\xf3d\xbc"), "Łódź");
        assert_eq!(decoded("4", b"R\xbazekne \xf0\xf1"), "Rēzekne đņ");
        assert_eq!(decoded("5", b"\xc1\xde\xe4\xd8\xef"), "София");
        assert_eq!(decoded("6", b"\xc1\xe8\xde\xed\xe1"), "Αθήνα");
        assert_eq!(decoded("7", b"\xd0\xfe\xaa"), "ÐþŠ");
        assert_eq!(decoded("8", b"10 \xa4"), "10 €");
        assert_eq!(CharacterSet::numbered("9"), None);
    }

    #[test]
    fn utf_8_is_seen_where_a_code_says_otherwise() {
        assert_eq!(CharacterSet::Latin1.decode("Müller".as_bytes()), "Müller");
    }
}
