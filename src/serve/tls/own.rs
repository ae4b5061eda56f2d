//! The own authority and its leaf, made at the first run below `DIR/tls`. Whoever installs `ca.pem` on his machines gets
//! no warning; the leaf is renewed under it by itself.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};

use aplomb_model::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use serde::{Deserialize, Serialize};

use super::bad;
use crate::secure::host_of;
use crate::{ServeConfig, ServeError};

/// The longest validity that browsers accept of a leaf.
const LEAF_DAYS: i64 = 397;
/// renewed when less than this is left
const RENEW_DAYS: i64 = 60;
const CA_DAYS: i64 = 3_650;

macro_rules! day {
    ($at:expr) => {{
        let (year, month, day) = $at.date().ymd();
        rcgen::date_time_ymd(i32::from(year), month.unsigned_abs(), day.unsigned_abs())
    }};
}

/// What the leaf was made for, beside it as `leaf.json`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    names: BTreeSet<String>,
    expires: Timestamp,
}

/// Every name and address a browser may use for this machine.
pub(super) fn names(config: &ServeConfig) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    names.extend(config.base_url.as_deref().map(host_of).filter(|host| !host.is_empty()));
    if let Ok(name) = fs::read_to_string("/proc/sys/kernel/hostname") {
        names.extend(Some(name.trim().to_lowercase()).filter(|name| !name.is_empty()));
    }
    match config.listen.ip() {
        ip if ip.is_unspecified() => names.extend(outward_address().map(|ip| ip.to_string())),
        ip => _ = names.insert(ip.to_string()),
    }
    names
}

/// The address other machines see. Connecting a UDP socket sends nothing; it only asks the routing table.
fn outward_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect(SocketAddr::from(([192, 0, 2, 1], 9))).ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_unspecified())
}

/// Paths of leaf chain and key in `dir`; made or renewed when needed.
pub(super) fn own(dir: &Path, names: &BTreeSet<String>, now: Timestamp) -> Result<(PathBuf, PathBuf), ServeError> {
    let (cert, key, about) = (dir.join("leaf.pem"), dir.join("leaf.key"), dir.join("leaf.json"));
    let made: Option<Made> = fs::read(&about).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let good = made.is_some_and(|made| names.is_subset(&made.names) && made.expires > now.plus_days(RENEW_DAYS));
    if good && cert.exists() && key.exists() {
        return Ok((cert, key));
    }
    fs::create_dir_all(dir).map_err(|e| bad(dir, &e))?;
    let (ca_pem, issuer) = authority(dir, now)?;
    let fail = |e: rcgen::Error| bad(&cert, &e);
    let mut params = CertificateParams::new(names.iter().cloned().collect::<Vec<_>>()).map_err(fail)?;
    params.distinguished_name.push(DnType::CommonName, "Aplomb");
    params.use_authority_key_identifier_extension = true;
    params.key_usages.push(KeyUsagePurpose::DigitalSignature);
    params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    (params.not_before, params.not_after) = (day!(now.plus_days(-1)), day!(now.plus_days(LEAF_DAYS - 1)));
    let leaf_key = KeyPair::generate().map_err(fail)?;
    let leaf = params.signed_by(&leaf_key, &issuer).map_err(fail)?;
    write(&key, leaf_key.serialize_pem().as_bytes())?;
    write(&cert, format!("{}{ca_pem}", leaf.pem()).as_bytes())?;
    let made = Made { names: names.clone(), expires: now.plus_days(LEAF_DAYS - 1) };
    write(&about, &serde_json::to_vec(&made).map_err(|e| bad(&about, &e))?)?;
    Ok((cert, key))
}

/// The authority's certificate as PEM and its signing half; made when missing.
fn authority(dir: &Path, now: Timestamp) -> Result<(String, Issuer<'static, KeyPair>), ServeError> {
    let (cert, key) = (dir.join("ca.pem"), dir.join("ca.key"));
    let fail = |e: rcgen::Error| bad(&cert, &e);
    let mut params = CertificateParams::new(Vec::new()).map_err(fail)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.distinguished_name.push(DnType::OrganizationName, "Aplomb");
    params.distinguished_name.push(DnType::CommonName, "Aplomb authority of this installation");
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    (params.not_before, params.not_after) = (day!(now.plus_days(-1)), day!(now.plus_days(CA_DAYS)));
    if let (Ok(pem), Ok(key_pem)) = (fs::read_to_string(&cert), fs::read_to_string(&key)) {
        let pair = KeyPair::from_pem(&key_pem).map_err(fail)?;
        return Ok((pem, Issuer::new(params, pair)));
    }
    let pair = KeyPair::generate().map_err(fail)?;
    let pem = params.self_signed(&pair).map_err(fail)?.pem();
    write(&key, pair.serialize_pem().as_bytes())?;
    write(&cert, pem.as_bytes())?;
    Ok((pem, Issuer::new(params, pair)))
}

/// Replaces a file at once; readable only by the owner.
fn write(path: &Path, bytes: &[u8]) -> Result<(), ServeError> {
    let fresh = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&fresh).map_err(|e| bad(&fresh, &e))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|e| bad(&fresh, &e))?;
    fs::rename(&fresh, path).map_err(|e| bad(path, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> BTreeSet<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_leaf_stays_until_names_or_time_ask_for_another() {
        let dir = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-03-01T10:00:00Z".parse().unwrap();
        let read = |names: &BTreeSet<String>, now| {
            let (cert, key) = own(dir.path(), names, now).unwrap();
            (fs::read(cert).unwrap(), fs::read(key).unwrap(), fs::read(dir.path().join("ca.pem")).unwrap())
        };
        let first = read(&names(&["localhost", "127.0.0.1"]), now);
        assert_eq!(read(&names(&["localhost"]), now.plus_days(200)), first);
        let renamed = read(&names(&["crm.example.org"]), now);
        let renewed = read(&names(&["crm.example.org"]), now.plus_days(LEAF_DAYS - 30));
        assert!(renamed.0 != first.0 && renewed.0 != renamed.0);
        assert!(first.2 == renamed.2 && first.2 == renewed.2, "the authority stays");
    }

    #[cfg(unix)]
    #[test]
    fn keys_are_for_the_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        own(dir.path(), &names(&["localhost"]), Timestamp::from_seconds(1_800_000_000)).unwrap();
        for file in ["leaf.key", "ca.key"] {
            let mode = fs::metadata(dir.path().join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }
}
