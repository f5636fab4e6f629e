//! The digest that shared rows are stored under.

use ring::digest::{Context, SHA256};

/// The first half of the SHA-256 over texts, each with its length: devices choose the texts, and
/// must find no two rows that look like one.
pub fn text_digest<'a>(texts: impl IntoIterator<Item = &'a str>) -> [u8; 16] {
    let mut context = Context::new(&SHA256);
    for text in texts {
        context.update(&(text.len() as u32).to_le_bytes());
        context.update(text.as_bytes());
    }
    let mut half = [0; 16];
    half.copy_from_slice(&context.finish().as_ref()[..16]);
    half
}
