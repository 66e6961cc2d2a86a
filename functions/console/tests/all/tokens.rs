//! Who is let in: of all that can be wrong with a token, each alone keeps its bearer out, and all with the same words.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bellhop_kit::{advance, now};
use serde_json::{Value, json};

use crate::common::issuer::Mood;
use crate::common::{AUDIENCE, FakeIssuer, ISSUER, Stage, claims};

fn good() -> Value {
    claims("mia", "manager", &json!(["sea"]))
}

fn with(name: &str, value: &Value) -> Value {
    let mut claims = good();
    claims[name] = value.clone();
    claims
}

fn without(name: &str) -> Value {
    let mut claims = good();
    claims.as_object_mut().expect("an object").remove(name);
    claims
}

/// Claims of which each breaks one rule.
fn bad_claims() -> Vec<(String, Value)> {
    let now = now().as_second();
    let table: Vec<(&str, Vec<Value>)> = vec![
        (
            "iss",
            vec![json!("https://other.example"), json!(format!("{ISSUER}/")), json!([ISSUER]), json!(null), json!(7)],
        ),
        (
            "aud",
            vec![json!("other"), json!(["other"]), json!([]), json!(""), json!(null), json!([AUDIENCE, 7]), json!({})],
        ),
        ("azp", vec![json!("another-client"), json!(7)]),
        (
            "exp",
            vec![
                json!(now - 60),
                json!(now - 3600),
                json!(0),
                json!(-1),
                json!("9999999999"),
                json!(null),
                json!(1e300),
                json!(i64::MAX),
                json!(u64::MAX),
                json!([]),
                json!(true),
            ],
        ),
        ("nbf", vec![json!(now + 61), json!(now + 3600), json!("0"), json!(null), json!(-5), json!({})]),
        ("sub", vec![json!(""), json!(" "), json!("a".repeat(201)), json!(7), json!(null), json!("a\nb")]),
        (
            "bellhop_role",
            vec![
                json!("admin"),
                json!("Operator"),
                json!("operator "),
                json!(["operator"]),
                json!(null),
                json!(1),
                json!(""),
            ],
        ),
        (
            "bellhop_tenants",
            vec![
                json!(null),
                json!(7),
                json!({"sea": true}),
                json!([7]),
                json!(["sea", null]),
                json!(["Sea"]),
                json!(["sea#villa"]),
                json!(["*"]),
                json!("sea;hill"),
                json!([["sea"]]),
                json!(vec!["sea"; 1001]),
            ],
        ),
    ];
    let mut cases = Vec::new();
    for (name, values) in table {
        if name != "azp" && name != "nbf" {
            cases.push((format!("without {name}"), without(name)));
        }
        cases.extend(values.into_iter().map(|value| (format!("{name} {value}"), with(name, &value))));
    }
    let mut access = without("aud");
    access["client_id"] = json!(AUDIENCE);
    cases.push(("a client id in an ID token".to_owned(), access.clone()));
    access["token_use"] = json!("access");
    access["client_id"] = json!("other");
    cases.push(("an access token of another client".to_owned(), access));
    cases
}

/// Tokens of which each is wrong in its form, header or signature.
fn bad_tokens(stage: &Stage) -> Vec<(String, String)> {
    let issuer = &stage.issuer;
    let b64 = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let token = issuer.token(&good());
    let parts: Vec<&str> = token.split('.').collect();
    let (header, body, signature) = (parts[0], parts[1], parts[2]);
    let operator = b64(&claims("mia", "operator", &json!([])).to_string());
    let rsa = |header: Value| issuer.rsa_signed(&header, &good());
    let forged = |header: Value| issuer.forged(&header, &good());
    let key = issuer.ec_jwk("evil");
    let mut cases: Vec<(String, String)> = [
        ("nothing", String::new()),
        ("a word", "token".to_owned()),
        ("dots", "..".to_owned()),
        ("two parts", format!("{header}.{body}")),
        ("a fourth part", format!("{token}.{signature}")),
        ("an encrypted token's five", format!("{token}.a.b")),
        ("no signature", format!("{header}.{body}.")),
        ("half a signature", format!("{header}.{body}.{}", &signature[..signature.len() / 2])),
        ("another signature", format!("{header}.{body}.{}", b64("another"))),
        ("other claims under it", format!("{header}.{operator}.{signature}")),
        ("cut off", token[..token.len() - 2].to_owned()),
        ("padding", format!("{token}==")),
        ("standard base64", token.replace(['-', '_'], "+") + "+"),
        ("spaces within", token.replace('.', ". ")),
        ("huge", format!("{header}.{}.{signature}", "A".repeat(20_000))),
        ("a huge claim", issuer.token(&with("x", &json!("x".repeat(9000))))),
        ("none", format!("{}.{body}.", b64(r#"{"alg":"none","kid":"r1"}"#))),
        ("none, with a signature", format!("{}.{body}.{signature}", b64(r#"{"alg":"none","kid":"r1"}"#))),
        ("None", format!("{}.{body}.", b64(r#"{"alg":"None","kid":"r1"}"#))),
        ("no algorithm", rsa(json!({"kid": "r1"}))),
        ("HS256 by the modulus", FakeIssuer::confused("HS256", &issuer.rsa_modulus(), &good())),
        (
            "HS256 by the key as JSON",
            FakeIssuer::confused("HS256", issuer.rsa_jwk("r1").to_string().as_bytes(), &good()),
        ),
        ("HS256 by nothing", FakeIssuer::confused("HS256", b"", &good())),
        ("HS512 said", FakeIssuer::confused("HS512", &issuer.rsa_modulus(), &good())),
        ("RS512 said", rsa(json!({"alg": "RS512", "kid": "r1"}))),
        ("PS256 said", rsa(json!({"alg": "PS256", "kid": "r1"}))),
        ("ES256 said of an RSA key", rsa(json!({"alg": "ES256", "kid": "r1"}))),
        ("RS256 said of a curve's key", rsa(json!({"alg": "RS256", "kid": "e1"}))),
        ("ES384 said", issuer.ec_signed(&json!({"alg": "ES384", "kid": "e1"}), &good())),
        ("EdDSA said", issuer.ec_signed(&json!({"alg": "EdDSA", "kid": "e1"}), &good())),
        ("an unknown key", rsa(json!({"alg": "RS256", "kid": "r2"}))),
        ("no key", rsa(json!({"alg": "RS256"}))),
        ("a key that is no text", rsa(json!({"alg": "RS256", "kid": 7}))),
        ("a long key", rsa(json!({"alg": "RS256", "kid": "r".repeat(300)}))),
        ("somebody else's signature", forged(json!({"alg": "ES256", "kid": "e1"}))),
        ("a key in the header", forged(json!({"alg": "ES256", "kid": "evil", "jwk": key}))),
        ("a key in the header, under a good name", forged(json!({"alg": "ES256", "kid": "e1", "jwk": key}))),
        ("an address of keys", forged(json!({"alg": "ES256", "kid": "e1", "jku": "https://evil.example/keys"}))),
        ("an address of a certificate", forged(json!({"alg": "ES256", "kid": "e1", "x5u": "https://evil.example/c"}))),
        ("a certificate", forged(json!({"alg": "ES256", "kid": "e1", "x5c": ["AAAA"]}))),
        ("what must be understood", rsa(json!({"alg": "RS256", "kid": "r1", "crit": ["exp"]}))),
        ("compressed", rsa(json!({"alg": "RS256", "kid": "r1", "zip": "DEF"}))),
        ("a logout token", rsa(json!({"alg": "RS256", "kid": "r1", "typ": "logout+jwt"}))),
        ("a type that is no text", rsa(json!({"alg": "RS256", "kid": "r1", "typ": 1}))),
        ("a header that is no object", issuer.rsa_signed_text("[]", &good().to_string())),
        ("claims that are no object", issuer.rsa_signed_text(r#"{"alg":"RS256","kid":"r1"}"#, "[]")),
        ("claims that are no JSON", issuer.rsa_signed_text(r#"{"alg":"RS256","kid":"r1"}"#, "{")),
        ("claims too deep", issuer.rsa_signed_text(r#"{"alg":"RS256","kid":"r1"}"#, &"[".repeat(3000))),
    ]
    .map(|(name, token)| (name.to_owned(), token))
    .into();
    cases.extend(bad_claims().into_iter().map(|(name, claims)| (name, issuer.token(&claims))));
    cases
}

#[tokio::test]
async fn each_wrong_token_is_refused_and_all_alike() {
    let stage = Stage::new().await;
    assert_eq!(stage.get("api/me", &stage.issuer.token(&good())).await.status, 200, "what the cases start from");
    let nothing = stage.ask("GET", "api/me", &json!({}), "").await;
    assert_eq!((nothing.status, nothing.header("www-authenticate")), (401, "Bearer"));
    let cases = bad_tokens(&stage);
    assert!(cases.len() >= 100, "{}", cases.len());
    stage.issuer.calls();
    for (name, token) in cases {
        let answer = stage.get("api/me", &token).await;
        assert_eq!((answer.status, &answer.body), (401, &nothing.body), "{name}");
    }
    let foreign = stage.issuer.calls().into_iter().find(|url| !url.starts_with("https://issuer.example/"));
    assert_eq!(foreign, None, "nobody else is asked for keys");
}

#[tokio::test]
async fn only_one_bearer_token_in_its_header_counts() {
    let stage = Stage::new().await;
    let token = stage.manager("sea");
    for header in [token.clone(), format!("Basic {token}"), "Bearer".to_owned(), format!("Bearer{token}")] {
        let answer = stage.ask("GET", "api/me", &json!({ "authorization": header }), "").await;
        assert_eq!(answer.status, 401);
    }
    assert_eq!(stage.ask("GET", &format!("api/me?access_token={token}"), &json!({}), "").await.status, 401);
    assert_eq!(stage.ask("GET", "api/me", &json!({ "cookie": format!("token={token}") }), "").await.status, 401);
    let lower = stage.ask("GET", "api/me", &json!({ "authorization": format!("bearer {token}") }), "").await;
    assert_eq!(lower.status, 200);
}

#[tokio::test]
async fn good_tokens_of_all_kinds_say_who_it_is() {
    let stage = Stage::new().await;
    let now = now().as_second();
    let mut access = good();
    access.as_object_mut().expect("an object").remove("aud");
    (access["client_id"], access["token_use"]) = (json!(AUDIENCE), json!("access"));
    let table = [
        (good(), json!(["sea"])),
        (access, json!(["sea"])),
        (with("aud", &json!(["other", AUDIENCE])), json!(["sea"])),
        (with("azp", &json!(AUDIENCE)), json!(["sea"])),
        (with("exp", &json!(now - 59)), json!(["sea"])),
        (with("exp", &json!(f64::from(1_900_000_000) + 0.5)), json!(["sea"])),
        (with("nbf", &json!(now + 60)), json!(["sea"])),
        (with("bellhop_tenants", &json!("sea, hill  lake")), json!(["hill", "lake", "sea"])),
        (with("bellhop_tenants", &json!([])), json!([])),
        (with("bellhop_tenants", &json!("")), json!([])),
        (with("bellhop_role", &json!("operator")), json!(null)),
    ];
    for (claims, tenants) in table {
        let tokens = [
            stage.issuer.token(&claims),
            stage.issuer.ec_signed(&json!({"alg": "ES256", "kid": "e1"}), &claims),
            stage.issuer.rsa_signed(&json!({"alg": "RS256", "kid": "r1", "typ": "at+jwt"}), &claims),
        ];
        for token in tokens {
            let answer = stage.get("api/me", &token).await;
            assert_eq!((answer.status, &answer.json()["tenants"]), (200, &tenants), "{claims}");
        }
    }
    let named = |name: &str, value: &str| stage.issuer.token(&with(name, &json!(value)));
    for (token, name) in
        [(named("name", "Mia\u{7} M."), "Mia M."), (named("email", "mia@sea.example"), "mia@sea.example")]
    {
        let me = stage.get("api/me", &token).await.json();
        assert_eq!((&me["name"], &me["role"]), (&json!(name), &json!("manager")));
    }
}

#[tokio::test]
async fn keys_are_kept_renewed_and_never_asked_for_in_a_hurry() {
    let stage = Stage::new().await;
    let (r1, moved) = (stage.issuer.rsa_jwk("r1"), stage.issuer.rsa_jwk("r2"));
    let signed =
        |id: &str| stage.issuer.rsa_signed(&json!({"alg": "RS256", "kid": id}), &with("exp", &json!(1_900_000_000)));
    assert_eq!(stage.get("api/me", &signed("r1")).await.status, 200);
    assert_eq!(stage.issuer.calls().len(), 2, "what it is, and its keys");
    stage.issuer.keys(&json!([moved]));
    for n in 0..50 {
        assert_eq!(stage.get("api/me", &signed(&format!("x{n}"))).await.status, 401);
    }
    assert_eq!(stage.issuer.calls(), Vec::<String>::new(), "just asked");
    assert_eq!(stage.get("api/me", &signed("r1")).await.status, 200, "not yet withdrawn, as far as is known");
    advance(10);
    assert_eq!(stage.get("api/me", &signed("r2")).await.status, 200, "an unknown key asks again");
    assert_eq!(stage.get("api/me", &signed("r1")).await.status, 401, "an old key");
    stage.issuer.keys(&json!([r1]));
    stage.issuer.mood(Mood::Down);
    advance(700);
    for _ in 0..5 {
        assert_eq!(stage.get("api/me", &signed("r2")).await.status, 200, "the issuer is down: what is known stays");
    }
    stage.issuer.mood(Mood::Well);
    advance(10);
    assert_eq!(stage.get("api/me", &signed("r2")).await.status, 401, "it is back, and has withdrawn this key");
    assert_eq!(stage.get("api/me", &signed("r1")).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_let_in_or_told_off_while_no_key_is_known() {
    for mood in [Mood::Down, Mood::Elsewhere, Mood::Endless, Mood::Silent] {
        let stage = Stage::new().await;
        stage.issuer.mood(mood);
        let answer = stage.get("api/me", &stage.manager("sea")).await;
        assert_eq!(
            (answer.status, answer.code().as_str(), answer.header("retry-after")),
            (503, "unavailable", "5"),
            "{mood:?}"
        );
        assert_eq!(stage.ask("GET", "api/config", &json!({}), "").await.status, 503);
        assert_eq!(stage.ask("GET", "", &json!({}), "").await.status, 200, "the page can say so");
    }
    for (field, value) in [
        ("issuer", "https://other.example"),
        ("jwks_uri", "http://issuer.example/keys"),
        ("jwks_uri", "file:///keys"),
        ("token_endpoint", "http://login.example/token"),
        ("authorization_endpoint", "javascript:alert(1)"),
    ] {
        let stage = Stage::new().await;
        stage.issuer.discovery(field, &json!(value));
        assert_eq!(stage.get("api/me", &stage.manager("sea")).await.status, 503, "{field} {value}");
    }
}

#[tokio::test]
async fn keys_that_are_too_short_or_for_other_ends_are_passed_over() {
    let stage = Stage::new().await;
    let mut short = stage.issuer.rsa_jwk("r1");
    short["n"] = json!(URL_SAFE_NO_PAD.encode(&stage.issuer.rsa_modulus()[..128]));
    let changed = |name: &str, value: &Value| {
        let mut key = stage.issuer.rsa_jwk("r1");
        key[name] = value.clone();
        key
    };
    let useless = [
        short,
        changed("use", &json!("enc")),
        changed("alg", &json!("RS512")),
        changed("alg", &json!("PS256")),
        changed("key_ops", &json!(["encrypt"])),
        changed("kid", &json!(null)),
        changed("n", &json!("!")),
        json!({"kty": "oct", "kid": "r1", "k": "AAAA", "alg": "HS256"}),
        json!(7),
    ];
    for key in useless {
        stage.issuer.keys(&json!([key]));
        advance(601);
        assert_eq!(stage.get("api/me", &stage.manager("sea")).await.status, 401, "{key}");
    }
    stage.issuer.keys(&json!([{"kty": "unknown"}, stage.issuer.rsa_jwk("r1")]));
    advance(601);
    assert_eq!(stage.get("api/me", &stage.manager("sea")).await.status, 200);
}

#[test]
fn settings_name_what_is_missing_or_unsafe() {
    let read = |issuer: &'static str| {
        bellhop_console::SignIn::read(move |name| match name {
            "OIDC_ISSUER" => Some(issuer.to_owned()),
            "OIDC_AUDIENCE" => Some("x".to_owned()),
            _ => None,
        })
    };
    for good in [
        "https://a.example",
        "https://a.example/pool/",
        "http://127.0.0.1:9000",
        "http://localhost:1/x",
        "http://[::1]:1",
    ] {
        assert!(read(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "http://a.example",
        "http://localhost.example",
        "ftp://a",
        "a",
        "https://u:p@a.example",
        "https://a/?x=1",
        "https://a/#b",
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
    let nothing = bellhop_console::SignIn::read(|_| None).expect_err("refused");
    assert_eq!(nothing.to_string(), "config-missing: set the environment variables OIDC_ISSUER, OIDC_AUDIENCE");
}
