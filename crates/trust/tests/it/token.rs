//! The line that an administrator pastes.

use fleetmend_trust::{EnrolToken, TokenError};
use proptest::prelude::*;

fn token(server_url: &str) -> EnrolToken {
    EnrolToken {
        server_url: server_url.to_owned(),
        ca_sha256: [7; 32],
        secret: [9; 16],
    }
}

#[test]
fn a_token_is_read_back_with_the_blanks_that_pasting_adds() {
    let text = token("https://patch.example:8443").to_text();
    assert!(
        text.starts_with("fleetmend1_") && !text.contains(char::is_whitespace),
        "{text}"
    );
    for text in [text.clone(), format!("  {text}\r\n")] {
        let read = EnrolToken::from_text(&text).map_err(|error| error.to_string());
        assert!(read.is_ok_and(|it| it == token("https://patch.example:8443")));
    }
    assert_eq!(token("https://x").secret_hex(), "09".repeat(16));
}

#[test]
fn what_is_no_token_says_what_to_do() {
    let right = token("https://x").to_text();
    let cases = [
        ("", TokenError::Prefix),
        ("https://patch.example:8443", TokenError::Prefix),
        (&right[1..], TokenError::Prefix),
        ("fleetmend1_", TokenError::Damaged),
        ("fleetmend1_AAAA", TokenError::Damaged),
        ("fleetmend1_not Base64!", TokenError::Damaged),
        (&right[..right.len() - 1], TokenError::Damaged),
        (&token("http://x").to_text(), TokenError::Damaged),
        (&token("").to_text(), TokenError::Damaged),
    ];
    for (text, expected) in cases {
        let error = EnrolToken::from_text(text).err();
        assert_eq!(error.as_ref(), Some(&expected), "{text}");
        assert!(
            expected.to_string().contains("copy the whole line"),
            "{expected}"
        );
    }
}

#[test]
fn a_text_of_any_length_is_refused_quickly() {
    let long = format!("fleetmend1_{}", "A".repeat(50_000_000));
    assert_eq!(
        EnrolToken::from_text(&long).err(),
        Some(TokenError::Damaged)
    );
    assert!(
        EnrolToken::from_text(&token(&format!("https://{}", "x".repeat(500))).to_text()).is_ok()
    );
}

proptest! {
    #[test]
    fn any_token_is_read_back(
        url in "https://[ -~]{0,60}",
        ca_sha256 in any::<[u8; 32]>(),
        secret in any::<[u8; 16]>(),
    ) {
        let token = EnrolToken { server_url: url, ca_sha256, secret };
        prop_assert!(EnrolToken::from_text(&token.to_text()).is_ok_and(|it| it == token));
    }

    #[test]
    fn a_damaged_token_is_never_taken_for_another(
        at in any::<prop::sample::Index>(),
        with in "[A-Za-z0-9_\\-]{0,2}",
    ) {
        let right = token("https://patch.example:8443").to_text();
        let at = at.index(right.len());
        let mut changed = right.clone();
        changed.replace_range(at..=at, &with);
        prop_assert_eq!(EnrolToken::from_text(&changed).is_ok(), changed == right);
    }

    #[test]
    fn no_text_makes_it_panic(text in "(fleetmend1_)?\\PC{0,80}") {
        let _ = EnrolToken::from_text(&text);
    }
}
