//! Bytes as lower-case hexadecimal text: how digests are written everywhere.

/// Bytes in lower-case hexadecimal.
pub fn of(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    push(&mut text, bytes);
    text
}

/// Appends bytes in lower-case hexadecimal.
pub fn push(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_two_digits() {
        assert_eq!(of(&[0, 1, 0x9f, 0xa0, 255]), "00019fa0ff");
        assert_eq!(of(&[]), "");
    }
}
