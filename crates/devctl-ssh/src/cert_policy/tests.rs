use super::*;
use crate::authority::Authority;
use crate::certificate::{issue_host_certificate, issue_user_certificate};
use crate::key;

const NOW: u64 = 1_800_000_000;
const HOUR: u64 = 60 * 60;
const ISSUE: Issue = Issue {
    now: NOW,
    clip_validity: false,
    transport: Transport::Exec,
};

fn subject() -> PublicKey {
    key::generate("dev").unwrap().public_key().clone()
}

fn principal(name: &str) -> Principal {
    Principal::new(name).unwrap()
}

fn request() -> UserCertRequest {
    UserCertRequest::at(NOW, 1, "dev/1".to_owned(), vec![principal("ct-web")])
}

fn policy() -> CertPolicy {
    CertPolicy::default_for(AuthorityKind::User)
}

fn rule(policy: &CertPolicy, request: &UserCertRequest) -> PolicyRule {
    policy.apply_to_user(&subject(), request, ISSUE).unwrap_err().rule
}

#[test]
fn the_default_policies_let_the_default_requests_through_unchanged() {
    policy().check(AuthorityKind::User).unwrap();
    let asked = request();
    let signed = policy().apply_to_user(&subject(), &asked, ISSUE).unwrap();
    assert_eq!(
        (signed.valid_after, signed.valid_before, signed.extensions),
        (asked.valid_after, asked.valid_before, asked.extensions)
    );
    let authority = Authority::generate(AuthorityKind::User, 1).unwrap();
    issue_user_certificate(&authority, &subject(), &signed).unwrap();

    let policy = CertPolicy::default_for(AuthorityKind::Host);
    policy.check(AuthorityKind::Host).unwrap();
    let asked = HostCertRequest::at(NOW, 1, "web".to_owned(), vec![principal("web.devctl")]);
    let signed = policy.apply_to_host(&subject(), &asked, ISSUE).unwrap();
    assert_eq!(
        (signed.valid_after, signed.valid_before),
        (asked.valid_after, asked.valid_before)
    );
    let authority = Authority::generate(AuthorityKind::Host, 1).unwrap();
    issue_host_certificate(&authority, &subject(), &signed).unwrap();
}

#[test]
fn too_long_is_refused_or_cut_if_that_is_wanted() {
    let asked = UserCertRequest {
        valid_before: NOW + 25 * HOUR,
        ..request()
    };
    let refusal = policy().apply_to_user(&subject(), &asked, ISSUE).unwrap_err();
    assert_eq!(refusal.rule, PolicyRule::MaxValidity);
    let said = refusal.to_string();
    assert!(
        said.contains("maxValiditySeconds") && said.contains("86400 s"),
        "{said}"
    );
    let cut = Issue {
        clip_validity: true,
        ..ISSUE
    };
    let signed = policy().apply_to_user(&subject(), &asked, cut).unwrap();
    assert_eq!(signed.valid_before, NOW + 24 * HOUR);

    // For ever, and in the future: neither slips through.
    for (after, before) in [
        (0, u64::MAX),
        (NOW + HOUR, NOW + 26 * HOUR),
        (u64::MAX - 1, u64::MAX),
    ] {
        let asked = UserCertRequest {
            valid_after: after,
            valid_before: before,
            ..request()
        };
        let signed = policy().apply_to_user(&subject(), &asked, ISSUE);
        assert_eq!(
            signed.is_ok(),
            before - after.max(NOW) <= 24 * HOUR,
            "{after} {before}"
        );
    }
}

#[test]
fn what_starts_now_is_dated_back_and_what_starts_later_is_not() {
    let mut policy = policy();
    policy.clock_skew_seconds = 60;
    let signed = policy.apply_to_user(&subject(), &request(), ISSUE).unwrap();
    assert_eq!(signed.valid_after, NOW - 60);
    let asked = UserCertRequest {
        valid_after: NOW - 10 * HOUR,
        ..request()
    };
    let signed = policy.apply_to_user(&subject(), &asked, ISSUE).unwrap();
    assert_eq!(
        signed.valid_after,
        NOW - 60,
        "nothing is dated back further than the skew"
    );
    let asked = UserCertRequest {
        valid_after: NOW + HOUR,
        ..request()
    };
    let signed = policy.apply_to_user(&subject(), &asked, ISSUE).unwrap();
    assert_eq!(signed.valid_after, NOW + HOUR);
}

#[test]
fn every_principal_has_to_fit_a_rule() {
    let mut policy = policy();
    policy.principals = vec![
        PrincipalRule::Exact(principal("role-ci")),
        PrincipalRule::Prefix(principal("ct-")),
    ];
    let ask = |names: &[&str]| UserCertRequest {
        principals: names.iter().map(|name| principal(name)).collect(),
        ..request()
    };
    policy
        .apply_to_user(&subject(), &ask(&["role-ci", "ct-web"]), ISSUE)
        .unwrap();
    for bad in [&["role-ci2"][..], &["owner-1"], &["ct-web", "owner-1"], &["xct-"]] {
        assert_eq!(rule(&policy, &ask(bad)), PolicyRule::Principals, "{bad:?}");
    }
}

#[test]
fn extensions_and_types_outside_the_policy_are_refused() {
    let mut policy = policy();
    policy.extensions = Extensions::NONE;
    assert_eq!(rule(&policy, &request()), PolicyRule::Extensions);
    let asked = UserCertRequest {
        extensions: Extensions::NONE,
        ..request()
    };
    policy.apply_to_user(&subject(), &asked, ISSUE).unwrap();
    policy.key_types = [SubjectType::SkEd25519].into();
    assert_eq!(rule(&policy, &asked), PolicyRule::KeyTypes);
    let token = ssh_key::public::SkEd25519::from(ssh_key::public::Ed25519PublicKey([7; 32]));
    let token = PublicKey::from(KeyData::SkEd25519(token));
    policy.apply_to_user(&token, &asked, ISSUE).unwrap();
}

#[test]
fn weak_keys_are_never_certified() {
    let modulus = ssh_key::Mpint::from_positive_bytes(&[0xff; 256]);
    let exponent = ssh_key::Mpint::from_positive_bytes(&[1, 0, 1]);
    let short = ssh_key::public::RsaPublicKey::new(exponent, modulus).unwrap();
    let short = PublicKey::from(KeyData::Rsa(short));
    let refusal = policy().apply_to_user(&short, &request(), ISSUE).unwrap_err();
    assert_eq!(refusal.rule, PolicyRule::WeakKey);
    assert!(refusal.asked.contains("2048"), "{refusal}");
}

#[test]
fn a_forced_command_is_put_in_and_another_one_refused() {
    let mut policy = policy();
    policy.force_command = Some("deploy".to_owned());
    let signed = policy.apply_to_user(&subject(), &request(), ISSUE).unwrap();
    assert_eq!(signed.force_command.as_deref(), Some("deploy"));
    let asked = UserCertRequest {
        force_command: Some("sh".to_owned()),
        ..request()
    };
    assert_eq!(rule(&policy, &asked), PolicyRule::ForceCommand);
}

#[test]
fn a_source_address_is_narrowed_only_and_never_for_a_container() {
    let network = Issue {
        transport: Transport::Network,
        ..ISSUE
    };
    let ask = |range: &str| UserCertRequest {
        source_address: vec![range.parse().unwrap()],
        ..request()
    };
    let mut policy = policy();
    let refusal = policy
        .apply_to_user(&subject(), &ask("10.0.0.0/8"), ISSUE)
        .unwrap_err();
    assert_eq!(refusal.rule, PolicyRule::Transport);
    assert!(refusal.to_string().contains("through the engine"), "{refusal}");
    policy.source_address = vec!["10.0.0.0/8".parse().unwrap()];
    let signed = policy.apply_to_user(&subject(), &request(), network).unwrap();
    assert_eq!(signed.source_address, policy.source_address);
    let signed = policy
        .apply_to_user(&subject(), &ask("10.1.0.0/16"), network)
        .unwrap();
    assert_eq!(signed.source_address[0].to_string(), "10.1.0.0/16");
    let refusal = policy
        .apply_to_user(&subject(), &ask("0.0.0.0/0"), network)
        .unwrap_err();
    assert_eq!(refusal.rule, PolicyRule::SourceAddress);
}

#[test]
fn a_policy_that_makes_no_sense_is_refused() {
    let broken = |change: fn(&mut CertPolicy), kind| {
        let mut policy = CertPolicy::default_for(kind);
        change(&mut policy);
        policy.check(kind).unwrap_err().rule
    };
    let (user, host) = (AuthorityKind::User, AuthorityKind::Host);
    assert_eq!(
        broken(|policy| policy.max_validity_seconds = 0, user),
        PolicyRule::MaxValidity
    );
    assert_eq!(
        broken(|policy| policy.key_types.clear(), user),
        PolicyRule::KeyTypes
    );
    for command in ["", "a\nb"] {
        let mut policy = policy();
        policy.force_command = Some(command.to_owned());
        assert_eq!(policy.check(user).unwrap_err().rule, PolicyRule::ForceCommand);
    }
    let force = |policy: &mut CertPolicy| policy.force_command = Some("id".to_owned());
    assert_eq!(broken(force, host), PolicyRule::ForceCommand);
    assert_eq!(
        broken(|policy| policy.extensions = Extensions::OWNER, host),
        PolicyRule::Extensions
    );
}

#[test]
fn a_policy_is_kept_as_json_and_nothing_unknown_is_taken() {
    let mut policy = policy();
    policy.principals = vec![PrincipalRule::Prefix(principal("ct-"))];
    policy.source_address = vec!["10.0.0.0/8".parse().unwrap()];
    policy.force_command = Some("id".to_owned());
    let json = serde_json::to_value(&policy).unwrap();
    assert_eq!(json["principals"][0]["prefix"], "ct-");
    assert_eq!(json["keyTypes"][1], "ecdsa-p256");
    assert_eq!(json["sourceAddress"][0], "10.0.0.0/8");
    assert_eq!(
        serde_json::from_value::<CertPolicy>(json.clone()).unwrap(),
        policy
    );
    for (name, value) in [
        ("maxValidity", serde_json::json!(1)),
        ("sourceAddress", serde_json::json!(["10.0.0.1/8"])),
        ("principals", serde_json::json!([{ "prefix": "" }])),
        ("principals", serde_json::json!([{ "exact": "a,b" }])),
        ("keyTypes", serde_json::json!(["dsa"])),
    ] {
        let mut bad = json.clone();
        bad[name] = value;
        assert!(serde_json::from_value::<CertPolicy>(bad).is_err(), "{name}");
    }
    for kind in SubjectType::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
    }
}
