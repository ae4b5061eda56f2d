//! What a person or a service manager hands over to open the vault: a passphrase or an age identity.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use age::x25519;
use zeroize::Zeroizing;

use crate::VaultError;

const FILE_LIMIT: usize = 64 * 1024;
const IDENTITY_PREFIX: &str = "AGE-SECRET-KEY-";

/// Secret text, wiped on drop, without `Debug` and `Display`.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: String) -> Secret {
        Secret(Zeroizing::new(text))
    }

    /// The text itself; must not be logged or stored in the clear.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// The secret that opens a vault.
#[derive(Clone)]
pub enum Unseal {
    /// Any text; age's scrypt makes a key of it.
    Passphrase(Secret),
    /// One or more age identities (`AGE-SECRET-KEY-1...`), one a line.
    Identity(Secret),
}

impl Unseal {
    /// Reads a file that holds age identities (with `#` comments), or else a passphrase on its first line.
    ///
    /// Errors: [`VaultError::Io`]; [`VaultError::InvalidSecret`] when it is empty, over 64 KiB or not UTF-8.
    pub fn from_file(path: &Path) -> Result<Unseal, VaultError> {
        let file = File::open(path).map_err(VaultError::io(path))?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_LIMIT + 1));
        file.take(FILE_LIMIT as u64 + 1).read_to_end(&mut bytes).map_err(VaultError::io(path))?;
        if bytes.len() > FILE_LIMIT {
            return Err(VaultError::InvalidSecret("longer than 64 KiB"));
        }
        let text = str::from_utf8(&bytes).map_err(|_| VaultError::InvalidSecret("not UTF-8 text"))?;
        Unseal::from_text(text)
    }

    /// The same for text that was typed in or came as a credential.
    ///
    /// Errors: [`VaultError::InvalidSecret`] when it is empty or its age identity cannot be read.
    pub fn from_text(text: &str) -> Result<Unseal, VaultError> {
        let text = text.trim_start_matches('\u{feff}');
        let mut identities = Zeroizing::new(String::with_capacity(text.len() + 1));
        for line in text.lines().map(str::trim).filter(|line| line.starts_with(IDENTITY_PREFIX)) {
            parse_identity(line)?;
            identities.push_str(line);
            identities.push('\n');
        }
        if !identities.is_empty() {
            return Ok(Unseal::Identity(Secret(identities)));
        }
        match text.lines().next() {
            Some(line) if !line.trim().is_empty() => Ok(Unseal::Passphrase(Secret::new(line.to_owned()))),
            _ => Err(VaultError::InvalidSecret("the first line is empty")),
        }
    }

    pub(crate) fn identities(secret: &Secret) -> Result<Vec<x25519::Identity>, VaultError> {
        let lines = secret.expose().lines().map(str::trim);
        let identities: Vec<_> =
            lines.filter(|line| line.starts_with(IDENTITY_PREFIX)).map(parse_identity).collect::<Result<_, _>>()?;
        match identities.is_empty() {
            true => Err(VaultError::InvalidSecret("no age identity in it")),
            false => Ok(identities),
        }
    }
}

fn parse_identity(line: &str) -> Result<x25519::Identity, VaultError> {
    line.parse().map_err(|_| VaultError::InvalidSecret("an age identity in it cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use age::secrecy::ExposeSecret;

    #[test]
    fn secrets_are_told_apart() {
        let identity = x25519::Identity::generate().to_string().expose_secret().to_owned();
        let with_comments = format!("# created: today\r\n# public key: age1x\r\n{identity}\r\n");
        let cases: [(&str, Option<(bool, &str)>); 8] = [
            ("correct horse", Some((false, "correct horse"))),
            ("correct horse\r\nsecond line", Some((false, "correct horse"))),
            ("\u{feff} leading space counts \n", Some((false, " leading space counts "))),
            (&identity, Some((true, &identity))),
            (&with_comments, Some((true, &identity))),
            ("", None),
            ("  \nsecond", None),
            ("AGE-SECRET-KEY-1NONSENSE", None),
        ];
        for (text, expect) in cases {
            let found = match Unseal::from_text(text) {
                Ok(Unseal::Passphrase(secret)) => Some((false, secret.expose().to_owned())),
                Ok(Unseal::Identity(secret)) => Some((true, secret.expose().trim_end().to_owned())),
                Err(_) => None,
            };
            assert_eq!(found, expect.map(|(is, text)| (is, text.to_owned())), "{text:?}");
        }
    }

    #[test]
    fn files_are_read_with_a_limit_and_named_in_errors() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("unseal");
        let error = Unseal::from_file(&path).err().unwrap();
        assert!(error.is_not_found() && error.to_string().contains("unseal"), "{error}");
        for (bytes, good) in [(b"pass\n".to_vec(), true), (vec![b'x'; 70_000], false), (vec![0xff], false)] {
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(Unseal::from_file(&path).is_ok(), good, "{} bytes", bytes.len());
        }
    }
}
