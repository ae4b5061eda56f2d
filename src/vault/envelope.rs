//! age envelopes (<https://age-encryption.org/v1>): what leaves or enters the data directory sealed to
//! people rather than to the data key, such as the wrapped data key itself and backups.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::iter;

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::secrecy::SecretString;
use age::stream::{StreamReader, StreamWriter};
use age::{DecryptError, Decryptor, Encryptor, scrypt, x25519};

use crate::ring::MAX_WORK;
use crate::{Secret, Unseal, VaultError};

/// Whom an envelope is sealed to.
#[derive(Clone)]
pub enum Recipient {
    /// A passphrase with scrypt's work factor as log2; must be an envelope's only recipient.
    Passphrase(Secret, u8),
    /// A public key, `age1...`.
    Public(String),
}

impl Recipient {
    /// Those who can open with `unseal`: its passphrase, or the public keys of its identities.
    ///
    /// Errors: [`VaultError::InvalidSecret`].
    pub fn of(unseal: &Unseal, work: u8) -> Result<Vec<Recipient>, VaultError> {
        match unseal {
            Unseal::Passphrase(secret) => Ok(vec![Recipient::Passphrase(secret.clone(), work)]),
            Unseal::Identity(secret) => {
                let identities = Unseal::identities(secret)?;
                Ok(identities.iter().map(|one| Recipient::Public(one.to_public().to_string())).collect())
            }
        }
    }

    fn to_age(&self) -> Result<Box<dyn age::Recipient>, VaultError> {
        match self {
            Recipient::Passphrase(secret, work) => {
                if !(1..=MAX_WORK).contains(work) {
                    return Err(VaultError::InvalidSecret("work factor out of bounds"));
                }
                let mut recipient = scrypt::Recipient::new(SecretString::from(secret.expose().to_owned()));
                recipient.set_work_factor(*work);
                Ok(Box::new(recipient))
            }
            Recipient::Public(text) => match text.trim().parse::<x25519::Recipient>() {
                Ok(recipient) => Ok(Box::new(recipient)),
                Err(_) => Err(VaultError::InvalidSecret("not an age recipient")),
            },
        }
    }
}

/// Why an envelope did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is sealed to somebody else.
    #[error("the secret does not open this envelope")]
    NoMatch,
    /// It is not an envelope, or torn, or altered.
    #[error("damaged envelope")]
    Damaged,
    /// Reading failed.
    #[error(transparent)]
    Io(io::Error),
    /// The secret itself cannot be used.
    #[error(transparent)]
    Secret(VaultError),
}

/// Encrypts a stream; [`EnvelopeWriter::finish`] must be called, else the envelope is truncated.
pub struct EnvelopeWriter<W: Write>(StreamWriter<ArmoredWriter<W>>);

impl<W: Write> EnvelopeWriter<W> {
    /// Begins an envelope on `output`, as text when `armored`.
    ///
    /// Errors: `InvalidInput` for recipients that cannot be used or combined, and those of `output`.
    pub fn new(to: &[Recipient], armored: bool, output: W) -> io::Result<EnvelopeWriter<W>> {
        let recipients = to.iter().map(Recipient::to_age).collect::<Result<Vec<_>, _>>()?;
        let encryptor = Encryptor::with_recipients(recipients.iter().map(|one| &**one as &dyn age::Recipient))
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error.to_string()))?;
        let format = if armored { Format::AsciiArmor } else { Format::Binary };
        Ok(EnvelopeWriter(encryptor.wrap_output(ArmoredWriter::wrap_output(output, format)?)?))
    }

    /// Writes the end of the envelope and gives the output back; does not sync.
    pub fn finish(self) -> io::Result<W> {
        self.0.finish()?.finish()
    }
}

impl<W: Write> Write for EnvelopeWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Decrypts a stream; altered or missing bytes are an error at the place where they are read.
pub struct EnvelopeReader<R: Read>(StreamReader<ArmoredReader<BufReader<R>>>);

impl<R: Read> EnvelopeReader<R> {
    /// Opens an envelope, armored or not.
    ///
    /// Errors: [`OpenError`]; a passphrase and an envelope to a public key are [`OpenError::NoMatch`].
    pub fn open(input: R, unseal: &Unseal) -> Result<EnvelopeReader<R>, OpenError> {
        let decryptor = Decryptor::new_buffered(ArmoredReader::new(input)).map_err(opening)?;
        let stream = match unseal {
            Unseal::Passphrase(_) if !decryptor.is_scrypt() => return Err(OpenError::NoMatch),
            Unseal::Identity(_) if decryptor.is_scrypt() => return Err(OpenError::NoMatch),
            Unseal::Passphrase(secret) => {
                let mut identity = scrypt::Identity::new(SecretString::from(secret.expose().to_owned()));
                identity.set_max_work_factor(MAX_WORK);
                decryptor.decrypt(iter::once(&identity as &dyn age::Identity))
            }
            Unseal::Identity(secret) => {
                let identities = Unseal::identities(secret).map_err(OpenError::Secret)?;
                decryptor.decrypt(identities.iter().map(|one| one as &dyn age::Identity))
            }
        };
        stream.map(EnvelopeReader).map_err(opening)
    }
}

impl<R: Read> Read for EnvelopeReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out)
    }
}

fn opening(error: DecryptError) -> OpenError {
    match error {
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed | DecryptError::NoMatchingKeys => {
            OpenError::NoMatch
        }
        // Armor and header parsers report malformed bytes as I/O errors of these kinds.
        DecryptError::Io(error)
            if !matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
        {
            OpenError::Io(error)
        }
        _ => OpenError::Damaged,
    }
}

/// Whether `input` begins like an age envelope, armored or not; consumes nothing.
pub fn is_envelope(input: &mut impl BufRead) -> io::Result<bool> {
    let start = input.fill_buf()?;
    Ok(start.starts_with(b"age-encryption.org/") || start.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use age::secrecy::ExposeSecret;

    fn identity() -> (Unseal, Recipient) {
        let identity = x25519::Identity::generate();
        let text = identity.to_string().expose_secret().to_owned();
        (Unseal::Identity(Secret::new(text)), Recipient::Public(identity.to_public().to_string()))
    }

    fn seal(to: &[Recipient], armored: bool, plain: &[u8]) -> Vec<u8> {
        let mut writer = EnvelopeWriter::new(to, armored, Vec::new()).unwrap();
        writer.write_all(plain).unwrap();
        writer.finish().unwrap()
    }

    fn open(sealed: &[u8], with: &Unseal) -> Option<Vec<u8>> {
        let mut plain = Vec::new();
        EnvelopeReader::open(sealed, with).ok()?.read_to_end(&mut plain).ok()?;
        Some(plain)
    }

    #[test]
    fn each_recipient_opens_and_nobody_else() {
        let ((one, to_one), (two, to_two), (stranger, _)) = (identity(), identity(), identity());
        let pass = Unseal::Passphrase(Secret::new("p".into()));
        let plain = vec![7; 200_000];
        for armored in [true, false] {
            let sealed = seal(&[to_one.clone(), to_two.clone()], armored, &plain);
            assert!(is_envelope(&mut &sealed[..]).unwrap());
            assert_eq!(open(&sealed, &one).as_deref(), Some(&plain[..]));
            assert_eq!(open(&sealed, &two).as_deref(), Some(&plain[..]));
            assert_eq!(open(&sealed, &stranger), None);
            assert_eq!(open(&sealed, &pass), None);
            assert_eq!(open(&sealed[..sealed.len() - 40], &one), None, "truncated");
        }
    }

    #[test]
    fn passphrases_stand_alone_and_within_bounds() {
        let pass = Recipient::Passphrase(Secret::new("p".into()), 2);
        let sealed = seal(std::slice::from_ref(&pass), false, b"x");
        assert_eq!(open(&sealed, &Unseal::Passphrase(Secret::new("p".into()))).as_deref(), Some(&b"x"[..]));
        assert_eq!(open(&sealed, &Unseal::Passphrase(Secret::new("q".into()))), None);
        for to in [
            vec![pass, identity().1],
            vec![],
            vec![Recipient::Passphrase(Secret::new("p".into()), 0)],
            vec![Recipient::Passphrase(Secret::new("p".into()), 64)],
            vec![Recipient::Public("age1nonsense".into())],
        ] {
            let error = EnvelopeWriter::new(&to, false, Vec::new()).err().unwrap();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
    }
}
