//! `devctl key show` and `devctl ca show`.

use crate::failure::Failure;
use crate::output::text::{moment, plain};
use crate::output::{BAD, DIM, GOOD, Palette, Printer, STRONG};
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::{AuthorityKind, CertificateInfo, Nothing};

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

pub(crate) async fn authorities(printer: &Printer) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let list = session.core.list_authorities(&session.caller, Nothing {}).await?;
    if printer.json {
        printer.document(&list)?;
        return Ok(0);
    }
    let palette = printer.stdout.palette;
    for authority in &list.authorities {
        let signs = match authority.kind {
            AuthorityKind::User => "people",
            AuthorityKind::Host => "containers",
        };
        printer.say(&format!(
            "{} {} signs certificates of {signs}, {} so far, made {}",
            palette.paint(STRONG, &plain(&authority.fingerprint)),
            plain(&authority.algorithm),
            authority.issued,
            moment(&authority.created_at)
        ))?;
        printer.say(&plain(&authority.public_key))?;
    }
    printer.say(&format!(
        "{} in the vault, whose master key is kept in {}",
        palette.paint(DIM, "private halves"),
        plain(&list.kept_in)
    ))?;
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
