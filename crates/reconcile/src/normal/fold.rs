//! One form for texts that look alike.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Letters that Unicode does not take apart and people write without their stroke.
const PLAIN: [(char, &str); 10] = [
    ('ø', "o"),
    ('ł', "l"),
    ('đ', "d"),
    ('ı', "i"),
    ('æ', "ae"),
    ('œ', "oe"),
    ('ß', "ss"),
    ('μ', "u"),
    ('þ', "th"),
    ('ð', "d"),
];

/// Lower case, compatible forms (full width, ligatures) made one, accents and signs of trade marks
/// left out. Folding twice changes nothing.
pub(crate) fn fold(text: &str) -> String {
    // These would become the letters `tm`, `sm`.
    let signs = ['®', '™', '©', '℠'];
    let plain: String = text.chars().filter(|c| !signs.contains(c)).collect();
    let plain: String = plain.trim().nfkc().collect();
    let plain = without_written_signs(&plain);
    let decomposed = plain.nfkd().flat_map(char::to_lowercase);
    let lower: String = decomposed.filter(|c| !is_combining_mark(*c)).collect();
    // Lower case may be another composed form.
    let mut folded = String::with_capacity(lower.len());
    for c in lower.nfkd().filter(|c| !is_combining_mark(*c)) {
        match PLAIN.iter().find(|(from, _)| *from == c) {
            Some((_, to)) => folded.push_str(to),
            None => folded.push(c),
        }
    }
    folded
}

/// `Intel(R)`, `Java(TM)`: the signs in letters.
fn without_written_signs(text: &str) -> String {
    let mut rest = text;
    let mut out = String::with_capacity(text.len());
    while let Some(at) = rest.find('(') {
        let behind = &rest[at..];
        let sign = ["(r)", "(tm)", "(c)"].into_iter().find(|sign| {
            behind
                .get(..sign.len())
                .is_some_and(|it| it.eq_ignore_ascii_case(sign))
        });
        // `R (R)` is a name; a sign stands right behind a word, or begins a publisher.
        let is_behind_word =
            rest[..at].ends_with(char::is_alphanumeric) || (at == 0 && out.is_empty());
        match sign {
            Some(sign) if is_behind_word => {
                out.push_str(&rest[..at]);
                out.push(' ');
                rest = &behind[sign.len()..];
            }
            _ => {
                out.push_str(&rest[..=at]);
                rest = &behind[1..];
            }
        }
    }
    out.push_str(rest);
    out
}
