use super::*;
use crate::authority::{Authority, AuthorityKind};
use crate::certificate::{
    HostCertRequest, Principal, UserCertRequest, issue_host_certificate, issue_user_certificate,
};
use crate::key;

const NOW: u64 = 1_800_000_000;

struct Ask {
    authority: Authority,
    trusted: Vec<PublicKey>,
    principals: Vec<String>,
    revocation: Revocation,
    transport: Transport,
    now: u64,
}

impl Ask {
    fn new() -> Self {
        let authority = Authority::generate(AuthorityKind::User, 1).unwrap();
        Self {
            trusted: vec![authority.public_key().clone()],
            authority,
            principals: vec!["owner-1".to_owned(), "ct-web".to_owned()],
            revocation: Revocation::NotRevoked,
            transport: Transport::Exec,
            now: NOW,
        }
    }

    fn certificate(&self, change: impl FnOnce(&mut UserCertRequest)) -> Certificate {
        let principals = vec![Principal::new("ct-web").unwrap()];
        let mut request = UserCertRequest::at(NOW, 3, "dev/3".to_owned(), principals);
        change(&mut request);
        let subject = key::generate("dev").unwrap();
        issue_user_certificate(&self.authority, subject.public_key(), &request).unwrap()
    }

    fn about(&self, certificate: &Certificate) -> Explanation {
        let login = Purpose::Login {
            container: "web",
            user: "dev",
            principals: &self.principals,
        };
        self.judge(certificate, login)
    }

    fn judge(&self, certificate: &Certificate, purpose: Purpose<'_>) -> Explanation {
        let question = Question {
            now: self.now,
            purpose,
            authorities: &self.trusted,
            revocation: &self.revocation,
            transport: self.transport,
        };
        explain(certificate, &question)
    }

    /// The one rule that is broken, and what is said of it.
    fn broken(&self, certificate: &Certificate) -> (CheckedRule, String) {
        let explanation = self.about(certificate);
        assert!(!explanation.accepted);
        let broken: Vec<&Check> = explanation.checks.iter().filter(|check| !check.kept).collect();
        assert_eq!(broken.len(), 1, "{broken:?}");
        assert_eq!(explanation.first_broken(), Some(broken[0]));
        (broken[0].rule, broken[0].words.clone())
    }
}

#[test]
fn a_good_certificate_is_accepted_and_each_rule_says_why() {
    let ask = Ask::new();
    let explanation = ask.about(&ask.certificate(|_| {}));
    assert!(explanation.accepted && explanation.first_broken().is_none());
    assert_eq!(explanation.checks.len(), 8);
    let words: Vec<&str> = explanation
        .checks
        .iter()
        .map(|check| check.words.as_str())
        .collect();
    assert!(words.iter().all(|words| words.ends_with('.')), "{words:?}");
    assert!(words.contains(&"ct-web may enter web as dev."), "{words:?}");
    assert!(
        words.contains(&"It is valid from 2027-01-15 07:55:00 UTC until 2027-01-16 00:00:00 UTC."),
        "{words:?}"
    );
}

#[test]
fn each_rule_is_broken_alone_and_says_so() {
    let ask = Ask::new();
    let good = ask.certificate(|_| {});

    let stranger = Ask::new();
    let (rule, words) = ask.broken(&stranger.certificate(|_| {}));
    assert_eq!(rule, CheckedRule::Authority);
    assert!(words.contains(&ask.authority.fingerprint()), "{words}");

    for (now, part) in [(NOW - 301, "only from"), (NOW + 57_600, "was valid until")] {
        let ask = Ask { now, ..Ask::new() };
        let (rule, words) = ask.broken(&ask.certificate(|_| {}));
        assert_eq!(rule, CheckedRule::Time);
        assert!(words.contains(part), "{words}");
    }

    let mut asked = Ask::new();
    asked.trusted.clone_from(&ask.trusted);
    for (revocation, part) in [
        (
            Revocation::Revoked {
                by: "its serial".to_owned(),
            },
            "by its serial",
        ),
        (
            Revocation::Unknown {
                why: "the list is cut off".to_owned(),
            },
            "cut off",
        ),
    ] {
        asked.revocation = revocation;
        let (rule, words) = asked.broken(&good);
        assert_eq!(rule, CheckedRule::Revocation);
        assert!(words.contains(part), "{words}");
    }

    asked.revocation = Revocation::NotRevoked;
    asked.principals = vec!["owner-2".to_owned()];
    let (rule, words) = asked.broken(&good);
    assert_eq!(rule, CheckedRule::Principal);
    assert!(words.contains("ct-web") && words.contains("owner-2"), "{words}");
    asked.principals.clear();
    assert_eq!(asked.broken(&good).0, CheckedRule::Principal);
}

#[test]
fn the_list_itself_is_asked() {
    let mut ask = Ask::new();
    let certificate = ask.certificate(|_| {});
    let mut list = RevocationList::new(1, NOW);
    assert_eq!(Revocation::of(&certificate, &list), Revocation::NotRevoked);
    list.revoke_serials(ask.authority.public_key(), 3..=3).unwrap();
    ask.revocation = Revocation::of(&certificate, &list);
    let (rule, words) = ask.broken(&certificate);
    assert_eq!(rule, CheckedRule::Revocation);
    assert!(words.contains("by its serial"), "{words}");
}

#[test]
fn a_wildcard_is_no_wildcard() {
    let ask = Ask {
        principals: vec!["ct-*".to_owned(), String::new()],
        ..Ask::new()
    };
    assert_eq!(ask.broken(&ask.certificate(|_| {})).0, CheckedRule::Principal);
}

#[test]
fn a_changed_certificate_has_a_wrong_signature() {
    let ask = Ask::new();
    let mut bytes = ask.certificate(|_| {}).to_bytes().unwrap();
    let place = bytes.windows(6).position(|window| window == b"ct-web").unwrap();
    bytes[place + 3..place + 6].copy_from_slice(b"db1");
    let changed = Certificate::from_bytes(&bytes).unwrap();
    let ask = Ask {
        principals: vec!["ct-db1".to_owned()],
        ..ask
    };
    assert_eq!(ask.broken(&changed).0, CheckedRule::Signature);
}

#[test]
fn a_source_address_is_for_networks_only() {
    let bind = |request: &mut UserCertRequest| request.source_address = vec!["10.0.0.0/8".parse().unwrap()];
    let ask = Ask::new();
    let (rule, words) = ask.broken(&ask.certificate(bind));
    assert_eq!(rule, CheckedRule::CriticalOptions);
    assert!(words.contains("through the engine"), "{words}");
    let ask = Ask {
        transport: Transport::Network,
        ..Ask::new()
    };
    let explanation = ask.about(&ask.certificate(bind));
    assert!(explanation.accepted);
    assert!(
        explanation
            .checks
            .iter()
            .any(|check| check.words.contains("10.0.0.0/8"))
    );
}

#[test]
fn a_forced_command_is_shown() {
    let ask = Ask::new();
    let certificate = ask.certificate(|request| request.force_command = Some("make deploy".to_owned()));
    let explanation = ask.about(&certificate);
    assert!(explanation.accepted);
    assert!(
        explanation
            .checks
            .iter()
            .any(|check| check.words.contains("\"make deploy\""))
    );
}

#[test]
fn host_and_user_certificates_do_not_stand_in_for_each_other() {
    let mut ask = Ask::new();
    let host = Authority::generate(AuthorityKind::Host, 1).unwrap();
    ask.trusted.push(host.public_key().clone());
    let names = vec![Principal::new("ct-web").unwrap()];
    let request = HostCertRequest::at(NOW, 1, "web".to_owned(), names);
    let subject = key::generate("web").unwrap();
    let certificate = issue_host_certificate(&host, subject.public_key(), &request).unwrap();
    assert_eq!(ask.broken(&certificate).0, CheckedRule::Kind);

    let prove = |certificate, name| ask.judge(certificate, Purpose::Host { name });
    assert!(prove(&certificate, "ct-web").accepted);
    assert_eq!(
        prove(&certificate, "ct-db").first_broken().unwrap().rule,
        CheckedRule::Principal
    );
    let user = ask.certificate(|_| {});
    assert_eq!(
        prove(&user, "ct-web").first_broken().unwrap().rule,
        CheckedRule::Kind
    );
}
