//! `bellhop template save`

use std::collections::BTreeMap;

use bellhop_events::TenantId;
use bellhop_events::catalogue::MessageKind;
use bellhop_mail::Template;
use bellhop_store::StoreError;
use bellhop_store::mails::SavedTemplate;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::{Locale, files, parts};
use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::output;

/// What to save.
#[derive(Debug, Args)]
pub struct Save {
    /// Folders and files with templates
    #[arg(value_name = "FOLDER|FILE", required_unless_present = "subject", conflicts_with = "subject")]
    paths: Vec<String>,
    /// Whose templates
    #[arg(long)]
    tenant: TenantId,
    /// Only this kind of message; needed with --subject
    #[arg(long)]
    kind: Option<MessageKind>,
    /// Only this language; needed with --subject
    #[arg(long)]
    locale: Option<Locale>,
    /// File with the subject of one template
    #[arg(long, value_name = "FILE", requires_all = ["html", "text", "kind", "locale"])]
    subject: Option<String>,
    /// File with its HTML part
    #[arg(long, value_name = "FILE", requires = "subject")]
    html: Option<String>,
    /// File with its plain text part
    #[arg(long, value_name = "FILE", requires = "subject")]
    text: Option<String>,
    /// Check them, save nothing
    #[arg(long)]
    dry_run: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// What became of a template.
#[derive(Debug, Serialize)]
struct Saved {
    kind: String,
    locale: String,
    /// Writes so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    changed: bool,
}

type Templates = BTreeMap<(MessageKind, Locale), Template>;

/// Checks all templates, then saves them.
pub async fn save(args: &Save, prefix: &str) -> Result<Exit, CliError> {
    let templates = read(args)?;
    check(&templates)?;
    let mut saved = Vec::new();
    if args.dry_run {
        let all = templates.keys();
        saved.extend(all.map(|(kind, locale)| row(kind, locale, None, false)));
    } else {
        let cloud = Cloud::connect(prefix).await;
        for ((kind, locale), template) in &templates {
            saved.push(put(&cloud, &args.tenant, kind, locale, template).await?);
        }
    }
    if args.json {
        output::json(&json!({ "tenant": args.tenant, "templates": saved, "dry_run": args.dry_run }));
        return Ok(Exit::Ok);
    }
    for Saved { kind, locale, version, changed } in &saved {
        output::line(match (version, changed) {
            (None, _) => format!("{kind} {locale}: right, not saved"),
            (Some(version), true) => format!("{kind} {locale}: saved, version {version}"),
            (Some(version), false) => format!("{kind} {locale}: as it was, version {version}"),
        });
    }
    Ok(Exit::Ok)
}

fn row(kind: &MessageKind, locale: &Locale, version: Option<u64>, changed: bool) -> Saved {
    Saved { kind: kind.to_string(), locale: locale.to_string(), version, changed }
}

fn read(args: &Save) -> Result<Templates, CliError> {
    if let (Some(subject), Some(html), Some(text)) = (&args.subject, &args.html, &args.text) {
        let (Some(kind), Some(locale)) = (&args.kind, &args.locale) else {
            return Err(CliError::usage("expected --kind and --locale with --subject"));
        };
        return Ok([((kind.clone(), locale.clone()), files::one(subject, html, text)?)].into());
    }
    let found = files::read(&args.paths, args.kind.as_ref(), args.locale.as_ref())?;
    if found.is_empty() {
        return Err(CliError::refused(
            "no-templates",
            format_args!("no template of this kind and language in {}", args.paths.join(", ")),
            "Name files KIND.LOCALE.subject.txt, KIND.LOCALE.html and KIND.LOCALE.txt, as pre-arrival.pt.html.",
        ));
    }
    Ok(found)
}

fn check(templates: &Templates) -> Result<(), CliError> {
    for ((kind, locale), template) in templates {
        template.check().map_err(|fault| CliError::fault(format_args!("{kind} {locale}"), &fault))?;
    }
    Ok(())
}

async fn put(
    cloud: &Cloud,
    tenant: &TenantId,
    kind: &MessageKind,
    locale: &Locale,
    template: &Template,
) -> Result<Saved, CliError> {
    let key = super::key(tenant, kind, locale.as_str());
    let items = cloud.store.get(std::slice::from_ref(&key)).await?;
    let former = SavedTemplate::decode(items.get(&key))?;
    let rev = former.as_ref().map_or(0, |former| former.rev);
    if former.is_some_and(|former| parts(former) == *template) {
        return Ok(row(kind, locale, Some(rev), false));
    }
    let Template { subject, html, text } = template.clone();
    let saved = SavedTemplate { rev, subject, html, text, at: Timestamp::now().as_second() };
    cloud.store.commit(vec![saved.put(key)?]).await.map_err(|error| match error {
        StoreError::Lost => CliError::refused(
            "template-changed",
            format_args!("somebody else saved {kind} {locale} of {tenant} at the same moment; this one is not saved"),
            "Look at theirs with bellhop template preview, then save again.",
        ),
        other => other.into(),
    })?;
    Ok(row(kind, locale, Some(rev + 1), true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser, Debug)]
    struct Command {
        #[command(flatten)]
        save: Save,
    }

    #[test]
    fn files_are_named_one_way_or_the_other() {
        let parse = |more: &[&str]| Command::try_parse_from([&["save", "--tenant", "sea"], more].concat()).is_ok();
        let three = ["--subject", "s", "--html", "h", "--text", "t"];
        assert!(parse(&["templates/"]));
        assert!(parse(&[&three[..], &["--kind", "change", "--locale", "pt"]].concat()));
        assert!(!parse(&[]));
        assert!(!parse(&three));
        assert!(!parse(&[
            "templates/",
            "--subject",
            "s",
            "--html",
            "h",
            "--text",
            "t",
            "--kind",
            "k",
            "--locale",
            "pt"
        ]));
        assert!(!parse(&["templates/", "--kind", "No Kind"]));
    }

    #[test]
    fn a_wrong_template_is_refused_with_part_and_line() {
        let of = ("change".parse().expect("a kind"), "pt".parse().expect("a locale"));
        let template = Template::from_files("Hello", "<p>Hello</p>", "Hello\n{{ guest.nam }}");
        let error = check(&[(of, template)].into()).expect_err("refused");
        assert_eq!((error.code, error.exit), ("invalid-template", Exit::Refused));
        assert!(error.message.starts_with("change pt at /text: expected facts among"), "{error}");
        assert!(error.message.ends_with("found line 2: \"guest.nam\", which is unknown"), "{error}");
    }
}
