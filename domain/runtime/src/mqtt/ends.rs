//! When certificates end.

use rustls::pki_types::CertificateDer;
use tankline_domain::units::UnixMillis;

use super::TlsFile;

/// The end of a certificate that comes within this time, 30 days, is warned of.
pub const ENDS_SOON_MS: i64 = 30 * 24 * 3600 * 1000;

/// The first end of the certificates in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// What the file is for.
    pub file: TlsFile,
    /// The last moment at which all certificates in it hold.
    pub at: UnixMillis,
}

impl End {
    /// Finds the first end in a file; `None` when no certificate tells one.
    pub(super) fn of(file: TlsFile, certificates: &[CertificateDer<'_>]) -> Option<Self> {
        let ends = certificates.iter().filter_map(|certificate| not_after(certificate));
        ends.min().map(|at| Self { file, at })
    }

    /// Tells whether it comes within 30 days, or has come.
    #[must_use]
    pub const fn is_soon(&self, now: UnixMillis) -> bool {
        self.at.millis_since(now) < ENDS_SOON_MS
    }
}

/// Reads the end of a certificate in DER. RFC 5280, 4.1: the second time of the fifth part of what is signed, of which the first,
/// the version, may be left out.
fn not_after(der: &[u8]) -> Option<UnixMillis> {
    let (SEQUENCE, certificate, _) = element(der)? else { return None };
    let (SEQUENCE, signed, _) = element(certificate)? else { return None };
    let (first, _, after_first) = element(signed)?;
    let mut rest = if first == VERSION { after_first } else { signed };
    // Number, algorithm and issuer stand before it.
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (SEQUENCE, validity, _) = element(rest)? else { return None };
    let (tag, time, _) = element(element(validity)?.2)?;
    moment(tag, std::str::from_utf8(time).ok()?)
}

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xA0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Takes the first element apart: its tag, what it holds, and what stands after it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk()?;
    let (length, rest) = match first {
        0..=0x7F => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x0F))?;
            (bytes.iter().fold(0, |all, byte| all << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (held, after) = rest.split_at_checked(length)?;
    Some((tag, held, after))
}

/// Reads `YYMMDDhhmmssZ`, of 1950 to 2049, or `YYYYMMDDhhmmssZ`. RFC 5280, 4.1.2.5.
fn moment(tag: u8, text: &str) -> Option<UnixMillis> {
    let year_digits = match tag {
        UTC_TIME => 2,
        GENERALIZED_TIME => 4,
        _ => return None,
    };
    let (year, rest) = text.split_at_checked(year_digits)?;
    let century = match tag {
        UTC_TIME if year < "50" => "20",
        UTC_TIME => "19",
        _ => "",
    };
    let part = |at: usize| rest.get(at..at + 2);
    let (month, day, hour, minute, second) = (part(0)?, part(2)?, part(4)?, part(6)?, part(8)?);
    let is_whole = rest.get(10..) == Some("Z");
    is_whole.then(|| format!("{century}{year}-{month}-{day}T{hour}:{minute}:{second}Z").parse().ok())?
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn certificate(years: &[i32]) -> Vec<CertificateDer<'static>> {
        let signed = |year: &i32| {
            let mut params = CertificateParams::new(["rtu".to_owned()]).unwrap();
            params.not_after = date_time_ymd(*year, 2, 28);
            params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
        };
        years.iter().map(signed).collect()
    }

    #[test]
    fn first_end_of_a_file_is_found() {
        let end = |years: &[i32]| End::of(TlsFile::Certificate, &certificate(years)).map(|end| end.at.to_string());
        assert_eq!(end(&[2027]).unwrap(), "2027-02-28T00:00:00.000Z");
        assert_eq!(end(&[1999]).unwrap(), "1999-02-28T00:00:00.000Z");
        assert_eq!(end(&[2051, 2049, 3000]).unwrap(), "2049-02-28T00:00:00.000Z");
        assert_eq!(end(&[3000]).unwrap(), "3000-02-28T00:00:00.000Z");
        assert_eq!(end(&[]), None);
    }

    #[test]
    fn end_is_soon_from_30_days_before() {
        let day = |day: i64| UnixMillis::new(day * 24 * 3600 * 1000);
        let end = End { file: TlsFile::Certificate, at: day(100) };
        assert_eq!([69, 70, 71, 100, 200].map(|now| end.is_soon(day(now))), [false, false, true, true, true]);
    }

    #[test]
    fn damaged_certificate_tells_no_end_or_another_and_harms_nobody() {
        let good = certificate(&[2027]).remove(0).to_vec();
        for at in 0..good.len() {
            assert_eq!(not_after(&good[..at]), None, "cut off at {at}");
            for byte in [0, 0x30, 0x7F, 0x80, 0x81, 0x84, 0xFF] {
                let mut damaged = good.clone();
                damaged[at] = byte;
                not_after(&damaged);
            }
        }
        assert_eq!(moment(UTC_TIME, "270228000000+0100"), None);
        assert_eq!(moment(GENERALIZED_TIME, "20270230000000Z"), None);
    }
}
