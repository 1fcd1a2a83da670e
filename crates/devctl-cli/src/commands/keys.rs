//! `devctl key show`.

use crate::failure::Failure;
use crate::output::text::{moment, plain};
use crate::output::{BAD, DIM, GOOD, Palette, Printer, STRONG};
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::{CertificateInfo, Nothing};

pub(crate) async fn key(printer: &Printer) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let key = session.core.show_key(&session.caller, Nothing {}).await?;
    if printer.json {
        printer.document(&key)?;
        return Ok(0);
    }
    let palette = printer.stdout.palette;
    printer.say(&format!(
        "{} {}",
        palette.paint(STRONG, &plain(&key.fingerprint)),
        plain(&key.algorithm)
    ))?;
    printer.say(&plain(&key.public_key))?;
    printer.say(&format!(
        "{} {}",
        palette.paint(DIM, "private key"),
        plain(&key.path)
    ))?;
    match &key.certificate {
        Some(certificate) => printer.say(&certificate_text(certificate, palette))?,
        None => printer.say("no certificate yet: the first login issues one")?,
    }
    Ok(0)
}

/// A certificate in lines.
pub(super) fn certificate_text(certificate: &CertificateInfo, palette: Palette) -> String {
    let valid = if certificate.valid {
        palette.paint(GOOD, "valid")
    } else {
        palette.paint(BAD, "not valid")
    };
    let label = |text| palette.paint(DIM, text);
    [
        format!("certificate {} is {valid}", certificate.serial),
        format!("  {} {}", label("id"), plain(&certificate.key_id)),
        format!(
            "  {} {} to {}, renewed from {} on",
            label("valid"),
            moment(&certificate.valid_after),
            moment(&certificate.valid_before),
            moment(&certificate.renew_at)
        ),
        format!(
            "  {} {}",
            label("may enter"),
            plain(&certificate.principals.join(", "))
        ),
        format!("  {} {}", label("signed by"), plain(&certificate.authority)),
    ]
    .join("\n")
}
