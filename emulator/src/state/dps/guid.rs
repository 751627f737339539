//! Ids that occur once, as Azure writes them.

/// A random GUID: `b1e02da8-c3a0-4ff2-a121-7ea7a6b7f550`.
pub(crate) fn guid() -> String {
    let mut bytes = [0; 16];
    // Without randomness the id is all zeros, which still is one.
    let _ = rustls::crypto::ring::default_provider().secure_random.fill(&mut bytes);
    let digits = format!("{:032x}", u128::from_be_bytes(bytes));
    let mut parts = Vec::with_capacity(5);
    let mut rest = digits.as_str();
    for length in [8, 4, 4, 4, 12] {
        let (part, after) = rest.split_at(length);
        parts.push(part);
        rest = after;
    }
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_has_five_parts_and_occurs_once() {
        let one = guid();
        let lengths: Vec<_> = one.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_ne!(one, guid());
    }
}
