//! What is refused when an address is saved, and how what is admitted looks.

use bellhop_outbound::{GuardedUrl, Policy};
use proptest::prelude::*;

const PUBLIC: Policy = Policy { local: false };
const LOCAL: Policy = Policy { local: true };

fn code(text: &str, policy: Policy) -> &'static str {
    match GuardedUrl::parse(text, &policy) {
        Ok(_) => "admitted",
        Err(fault) => fault.code,
    }
}

/// URL, and the code of its fault.
const REFUSED: &[(&str, &str)] = &[
    // Other schemes.
    ("http://a.example/", "url-scheme"),
    ("ftp://a.example/", "url-scheme"),
    ("file:///etc/passwd", "url-scheme"),
    ("file://a.example/etc/passwd", "url-scheme"),
    ("gopher://127.0.0.1:6379/_FLUSHALL", "url-scheme"),
    ("data:text/plain,hello", "url-scheme"),
    ("javascript:alert(1)", "url-scheme"),
    ("wss://a.example/", "url-scheme"),
    ("http://127.0.0.1/", "url-scheme"),
    ("http://localhost/", "url-scheme"),
    // No URL, or one that parsers read differently.
    ("", "url-invalid"),
    ("a.example/hook", "url-invalid"),
    ("//a.example/hook", "url-invalid"),
    ("https://", "url-invalid"),
    ("https:a.example", "url-invalid"),
    ("https:/a.example/", "url-invalid"),
    ("https:///a.example/", "url-invalid"),
    (" https://a.example/", "url-invalid"),
    ("https://a.example/ ", "url-invalid"),
    ("https://a.exa\tmple/", "url-invalid"),
    ("https://a.example/\r\nx: y", "url-invalid"),
    ("ht\ntps://127.0.0.1/", "url-invalid"),
    ("https://a.example\\@127.0.0.1/", "url-invalid"),
    ("https:\\\\127.0.0.1\\", "url-invalid"),
    ("https://a.example\0.b.example/", "url-invalid"),
    ("https://①②⑦.0.0.1/", "url-invalid"),
    ("https://127。0。0。1/", "url-invalid"),
    ("https://bücher.example/", "url-invalid"),
    ("https://a.example/ä", "url-invalid"),
    ("https://a%2eexample/", "url-invalid"),
    ("https://%61.example/", "url-invalid"),
    ("https://xn--\u{ff0e}.example/", "url-invalid"),
    ("https://xn--a.example/", "url-invalid"),
    ("https://a.example:/", "url-invalid"),
    ("https://a.example:0443/", "url-invalid"),
    ("https://a.example:99999/", "url-invalid"),
    ("https://@a.example/", "url-invalid"),
    ("https://134744072/", "url-invalid"), // 8.8.8.8, but not so written
    ("https://8.8.2056/", "url-invalid"),
    ("https://0x08080808/", "url-invalid"),
    ("https://010.8.8.8/", "url-invalid"),
    ("https://1.2.3.4.5/", "url-invalid"),
    ("https://256.1.1.1/", "url-invalid"),
    ("https://[fe80::1%25eth0]/", "url-invalid"),
    ("https://[fe80::1%eth0]/", "url-invalid"),
    ("https://[::1/", "url-invalid"),
    // A user name that looks like a host.
    ("https://good.example@127.0.0.1/", "url-userinfo"),
    ("https://good.example:443@a.example/", "url-userinfo"),
    ("https://:password@a.example/", "url-userinfo"),
    ("https://127.0.0.1:443@a.example/", "url-userinfo"),
    ("https://a%40b@a.example/", "url-userinfo"),
    // Fragments that look like one.
    ("https://127.0.0.1#@good.example/", "url-host-private"),
    ("https://127.0.0.1?@good.example/", "url-host-private"),
    ("https://127.0.0.1/@good.example/", "url-host-private"),
    ("https://a.example/#", "url-fragment"),
    ("https://a.example#@127.0.0.1/", "url-fragment"),
    // The machine itself, in all notations.
    ("https://127.0.0.1/", "url-host-private"),
    ("https://127.0.0.1./", "url-host-private"),
    ("https://127.255.255.254/", "url-host-private"),
    ("https://2130706433/", "url-host-private"),
    ("https://0x7f000001/", "url-host-private"),
    ("https://0x7f.1/", "url-host-private"),
    ("https://0X7F.0x0.0x0.0x1/", "url-host-private"),
    ("https://017700000001/", "url-host-private"),
    ("https://0177.0.0.01/", "url-host-private"),
    ("https://127.1/", "url-host-private"),
    ("https://127.0.1/", "url-host-private"),
    ("https://%31%32%37.0.0.1/", "url-host-private"),
    ("https:///127.0.0.1/", "url-host-private"),
    ("https://0/", "url-host-private"),
    ("https://0.0.0.0/", "url-host-private"),
    ("https://[::]/", "url-host-private"),
    ("https://[::1]/", "url-host-private"),
    ("https://[0:0:0:0:0:0:0:1]/", "url-host-private"),
    ("https://[::127.0.0.1]/", "url-host-private"),
    ("https://[::ffff:7f00:1]/", "url-host-private"),
    ("https://[::ffff:127.0.0.1]/", "url-host-private"),
    ("https://[64:ff9b::7f00:1]/", "url-host-private"),
    ("https://[64:ff9b:1::7f00:1]/", "url-host-private"),
    ("https://[2002:7f00:1::]/", "url-host-private"),
    ("https://[2001:0:808:808::80ff:fffe]/", "url-host-private"),
    // Metadata services.
    ("https://169.254.169.254/latest/meta-data/", "url-host-private"),
    ("https://169.254.170.2/v2/credentials/", "url-host-private"),
    ("https://2852039166/", "url-host-private"),
    ("https://0xa9fea9fe/", "url-host-private"),
    ("https://0xa9.0xfe.0xa9.0xfe/", "url-host-private"),
    ("https://0251.0376.0251.0376/", "url-host-private"),
    ("https://169.16689662/", "url-host-private"),
    ("https://169.254.43518/", "url-host-private"),
    ("https://[::ffff:169.254.169.254]/", "url-host-private"),
    ("https://[64:ff9b::a9fe:a9fe]/", "url-host-private"),
    ("https://[fd00:ec2::254]/", "url-host-private"),
    ("https://100.100.100.200/", "url-host-private"),
    ("https://metadata.google.internal/", "url-host-private"),
    ("https://instance-data.ec2.internal/", "url-host-private"),
    // Other ranges.
    ("https://10.0.0.1/", "url-host-private"),
    ("https://[::ffff:10.0.0.1]/", "url-host-private"),
    ("https://172.31.255.255/", "url-host-private"),
    ("https://192.168.1.1/", "url-host-private"),
    ("https://100.64.0.1/", "url-host-private"),
    ("https://192.0.0.8/", "url-host-private"),
    ("https://198.18.0.1/", "url-host-private"),
    ("https://224.0.0.1/", "url-host-private"),
    ("https://240.0.0.1/", "url-host-private"),
    ("https://255.255.255.255/", "url-host-private"),
    ("https://[fc00::1]/", "url-host-private"),
    ("https://[fe80::1]/", "url-host-private"),
    ("https://[ff02::1]/", "url-host-private"),
    ("https://[2001:db8::1]/", "url-host-private"),
    // Names without a place in the public DNS.
    ("https://localhost/", "url-host-private"),
    ("https://LOCALHOST/", "url-host-private"),
    ("https://localhost./", "url-host-private"),
    ("https://localhost../", "url-host-private"),
    ("https://localhost6/", "url-host-private"),
    ("https://ip6-localhost/", "url-host-private"),
    ("https://localhost.localdomain/", "url-host-private"),
    ("https://a.localhost/", "url-host-private"),
    ("https://intranet/", "url-host-private"),
    ("https://com./", "url-host-private"),
    ("https://foo.internal/", "url-host-private"),
    ("https://foo.internal./", "url-host-private"),
    ("https://printer.local/", "url-host-private"),
    ("https://router.home.arpa/", "url-host-private"),
    ("https://1.0.0.127.in-addr.arpa/", "url-host-private"),
    // Names that are none.
    ("https://a.example./", "url-host-name"),
    ("https://a..example/", "url-host-name"),
    ("https://.a.example/", "url-host-name"),
    ("https://-a.example/", "url-host-name"),
    ("https://a_b.example/", "url-host-name"),
    ("https://*.example/", "url-host-name"),
    // Ports of other services.
    ("https://a.example:22/", "url-port"),
    ("https://a.example:25/", "url-port"),
    ("https://a.example:80/", "url-port"),
    ("https://a.example:6379/", "url-port"),
    ("https://a.example:0/", "url-port"),
    ("https://a.example:65535/", "url-port"),
    ("https://8.8.8.8:9001/", "url-port"),
];

#[test]
fn hostile_addresses_are_refused() {
    let wrong = REFUSED.iter().filter(|(text, expected)| code(text, PUBLIC) != *expected);
    let found: Vec<_> = wrong.map(|(text, expected)| (text, expected, code(text, PUBLIC))).collect();
    assert!(found.is_empty(), "URL, expected, found: {found:#?}");
}

#[test]
fn long_addresses_are_refused() {
    let base = "https://a.example/";
    let fits = 2048 - base.len();
    for (text, expected) in [
        (format!("{base}{}", "a".repeat(fits)), "admitted"),
        (format!("{base}{}", "a".repeat(fits + 1)), "url-too-long"),
        // Too long as soon as it is percent-encoded.
        (format!("{base}{}", "\"".repeat(1000)), "url-too-long"),
        (format!("https://{}.example/", "a".repeat(63)), "admitted"),
        (format!("https://{}.example/", "a".repeat(64)), "url-host-name"),
        (format!("https://{}example/", "abcdefg.".repeat(32)), "url-host-name"),
    ] {
        assert_eq!(code(&text, PUBLIC), expected, "{text}");
    }
}

#[test]
fn addresses_on_the_internet_are_admitted() {
    for text in [
        "https://hooks.example.com/",
        "https://hooks.example.com",
        "HTTPS://Hooks.Example.COM/Path",
        "https://hooks.example.com:443/",
        "https://hooks.example.com:8443/a/b?c=d&e=%20",
        "https://xn--bcher-kva.example/",
        "https://a-b.c--d.example/@/:/~user;v=1",
        "https://8.8.8.8/",
        "https://[2606:4700:4700::1111]/",
        "https://localhost.example.com/",
        "https://127.0.0.1.example.com/",
    ] {
        assert_eq!(code(text, PUBLIC), "admitted", "{text}");
    }
}

#[test]
fn local_mode_admits_the_machine_itself_and_nothing_else() {
    for text in ["http://127.0.0.1:8080/x", "http://localhost:1/", "https://[::1]:9999/", "http://127.8.9.1/"] {
        assert_eq!(code(text, LOCAL), "admitted", "{text}");
    }
    for (text, expected) in [
        ("http://a.example/", "url-scheme"),
        ("http://10.0.0.1/", "url-scheme"),
        ("ftp://127.0.0.1/", "url-scheme"),
        ("https://10.0.0.1/", "url-host-private"),
        ("https://169.254.169.254/", "url-host-private"),
        ("https://0.0.0.0/", "url-host-private"),
        ("https://a.localhost/", "url-host-private"),
        ("https://a.example:8080/", "url-port"),
        ("http://user@127.0.0.1/", "url-userinfo"),
        ("http://2130706433/", "url-invalid"),
        ("http://[::ffff:127.0.0.1]/", "url-scheme"),
    ] {
        assert_eq!(code(text, LOCAL), expected, "{text}");
    }
}

#[test]
fn what_is_shown_holds_no_query_and_no_password() {
    let url = GuardedUrl::parse("https://a.example:8443/hook?token=s3cret", &PUBLIC).unwrap();
    assert_eq!(url.to_string(), "https://a.example:8443/hook?…");
    assert_eq!(format!("{url:?}"), "GuardedUrl(https://a.example:8443/hook?…)");
    assert_eq!(url.as_str(), "https://a.example:8443/hook?token=s3cret");
    assert_eq!(url.origin(), "https://a.example:8443");
    for text in
        ["https://me:s3cret@a.example/", "https://me:s3cret@/", "https://a.example:x/?s3cret", "ftp://h/?s3cret"]
    {
        let fault = GuardedUrl::parse(text, &PUBLIC).unwrap_err();
        assert!(!fault.to_string().contains("s3cret"), "{fault}");
    }
}

#[test]
fn join_appends_segments() {
    let join = |base: &str, path: &str| {
        GuardedUrl::parse(base, &PUBLIC)
            .unwrap()
            .join(path)
            .map_or_else(|fault| fault.code.to_owned(), |url| url.as_str().to_owned())
    };
    for (base, path, expected) in [
        ("https://a.example", "availability", "https://a.example/availability"),
        ("https://a.example/api/v1", "availability", "https://a.example/api/v1/availability"),
        ("https://a.example/api/v1/", "/a/b", "https://a.example/api/v1/a/b"),
        ("https://a.example/api?key=1", "a", "https://a.example/api/a?key=1"),
        ("https://a.example/", "a?b#c", "https://a.example/a%3Fb%23c"),
        ("https://a.example/", "@evil.example", "https://a.example/@evil.example"),
        ("https://a.example/", "%2e%2e", "https://a.example/%252e%252e"),
        ("https://a.example/", "a\\b ä", "https://a.example/a%5Cb%20%C3%A4"),
        ("https://a.example/", "https://evil.example", "url-invalid"),
        ("https://a.example/", "//evil.example/", "url-invalid"),
        ("https://a.example/b", "../a", "url-invalid"),
        ("https://a.example/b", "./a", "url-invalid"),
        ("https://a.example/b", "", "url-invalid"),
        ("https://a.example/b", "a\r\nb", "url-invalid"),
    ] {
        assert_eq!(join(base, path), expected, "{base} + {path}");
    }
    assert_eq!(join("https://a.example/", &"a".repeat(2048)), "url-too-long");
}

proptest! {
    #[test]
    fn what_was_admitted_once_is_admitted_again_and_means_the_same(
        scheme in "https?|HTTPS|ftp", host in "[a-z0-9.:\\[\\]%@x_-]{1,20}", rest in "[/?#:@\\\\a-z0-9.%{}|^\"<>-]{0,20}",
    ) {
        let text = format!("{scheme}://{host}{rest}");
        if let Ok(url) = GuardedUrl::parse(&text, &PUBLIC) {
            let again = GuardedUrl::parse(url.as_str(), &PUBLIC);
            prop_assert_eq!(again.map(|again| again.as_str().to_owned()), Ok(url.as_str().to_owned()));
            prop_assert!(text.to_ascii_lowercase().starts_with(&url.origin()));
        }
    }

    #[test]
    fn a_joined_address_stays_below_its_base(path in "\\PC{0,40}") {
        let base = GuardedUrl::parse("https://a.example/api", &PUBLIC).unwrap();
        if let Ok(url) = base.join(&path) {
            prop_assert!(url.as_str().starts_with("https://a.example/api/"), "{}", url.as_str());
            prop_assert!(GuardedUrl::parse(url.as_str(), &PUBLIC).is_ok());
        }
    }
}
