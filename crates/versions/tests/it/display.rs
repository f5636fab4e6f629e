use fleetmend_versions::display::compare;
use proptest::prelude::*;

#[test]
fn table() {
    for (a, expected, b) in [
        ("1.2", "=", "1.2.0.0"),
        ("1.2", "<", "1.2.0.1"),
        ("24.09", "=", "24.9"),
        ("9", "<", "10"),
        ("1.2.3.4.5.6", ">", "1.2.3.4.5"),
        ("v1.2", "=", "1.2"),
        ("V1.3", ">", "1.2"),
        ("Version 1.3", ">", "1.2"),
        ("ver. 1.3", ">", "1.2"),
        ("24.09 (x64)", "=", "24.09"),
        ("24.09 x64", "<", "24.10"),
        ("24.09 (64-bit)", "<", "24.10 (32 bit)"),
        (" 1.2 ", "=", "1.2"),
        ("1, 2, 0, 3", ">", "1.2.0.2"),
        ("118.0.5993.70", "<", "118.0.5993.118"),
        ("99999999999999999999.1", "<", "100000000000000000000"),
        // Text behind the numbers: an order only where the numbers before it differ.
        ("1.2 beta", "<", "1.3"),
        ("1.2 beta", "=", "1.2 BETA"),
        ("1.2 beta", "?", "1.2"),
        ("1.2 beta", "?", "1.2.1"),
        ("1.2-1", "?", "1.2-2"),
        ("1.2a", "?", "1.2b"),
        ("11.0.21+9", "?", "11.0.21"),
        ("11.0.21+9", "<", "11.0.22"),
        ("11.0.21+9", "=", "11.0.21+9"),
        // One number alone with text says too little.
        ("8u401", "?", "8u391"),
        ("8u401", "?", "11.0.2"),
        ("5a3f9c", "?", "1.2.3"),
        ("2024-01-05", "?", "2024-02-05"),
        ("2024-01-05", "=", "2024-01-05"),
        // No number in front.
        ("r123", "?", "r124"),
        ("r123", "=", "R123"),
        ("unknown", "?", "unknown"),
        ("", "?", ""),
        ("", "?", "1.0"),
        ("v", "?", "1.0"),
        ("Very 1.0", "?", "1.0"),
        // One kind of separator only.
        ("1.2,3", "?", "1.2.3"),
        ("1..2", "?", "1.2"),
    ] {
        let found = compare(a, b).map_or("?", crate::sign);
        assert_eq!(found, expected, "{a:?} {b:?}");
        assert_eq!(
            compare(b, a),
            compare(a, b).map(std::cmp::Ordering::reverse),
            "{b:?} {a:?}"
        );
    }
}

proptest! {
    #[test]
    fn plain_numbers_are_ordered_part_by_part(
        a in prop::collection::vec(0_u32..30, 1..6),
        b in prop::collection::vec(0_u32..30, 1..6),
    ) {
        let text = |parts: &[u32]| {
            parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(".")
        };
        let padded = |parts: &[u32]| {
            let mut parts = parts.to_vec();
            parts.resize(6, 0);
            parts
        };
        prop_assert_eq!(compare(&text(&a), &text(&b)), Some(padded(&a).cmp(&padded(&b))));
    }

    #[test]
    fn any_two_texts_are_compared_without_panic(a in "\\PC{0,30}", b in "\\PC{0,30}") {
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).map(std::cmp::Ordering::reverse));
    }
}
