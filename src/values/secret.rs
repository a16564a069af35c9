//! What may be kept of a secret: a mark. Marks of one key can be compared with each other, and that is all: they are not
//! printed, not written, and mean nothing to the next life of the process.

use sha2::Digest;

/// Chance that makes marks worthless to anybody else: nobody can look a short password up.
#[derive(Clone)]
pub struct MarkKey([u8; 32]);

/// Of a secret, the part that tells whether another one is the same.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretMark([u8; 16]);

impl MarkKey {
    /// `chance`: bytes that nobody can know.
    pub fn new(chance: [u8; 32]) -> MarkKey {
        MarkKey(chance)
    }
}

impl SecretMark {
    pub fn of(key: &MarkKey, secret: &str) -> SecretMark {
        let digest = sha2::Sha256::new().chain_update(key.0).chain_update(secret.as_bytes()).finalize();
        let mut mark = [0; 16];
        mark.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        SecretMark(mark)
    }
}

impl std::fmt::Debug for MarkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl std::fmt::Debug for SecretMark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_tell_whether_secrets_are_the_same_and_nothing_else() {
        let (key, other) = (MarkKey::new([1; 32]), MarkKey::new([2; 32]));
        assert_eq!(SecretMark::of(&key, "hunter2"), SecretMark::of(&key, "hunter2"));
        assert_ne!(SecretMark::of(&key, "hunter2"), SecretMark::of(&key, "hunter3"));
        assert_ne!(SecretMark::of(&key, "hunter2"), SecretMark::of(&other, "hunter2"));
        assert_eq!(format!("{key:?} {:?}", SecretMark::of(&key, "hunter2")), "*** ***");
    }
}
