//! Short digests that say what a volume was computed from.

use sha2::{Digest, Sha256};

/// Gives the first 16 hexadecimal digits of the SHA-256 of `canonical`.
///
/// 64 bits tell the editions of one tank's table apart; they are no protection against someone who forges a table.
pub(crate) fn digest(canonical: &str) -> String {
    Sha256::digest(canonical.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::digest;

    /// FIPS 180-2, appendix B.1: the message "abc".
    #[test]
    fn digest_is_the_beginning_of_the_sha_256() {
        assert_eq!(digest("abc"), "ba7816bf8f01cfea");
    }
}
