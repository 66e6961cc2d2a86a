//! Templates in files: `KIND.LOCALE.subject.txt`, `KIND.LOCALE.html` and `KIND.LOCALE.txt`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bellhop_events::catalogue::MessageKind;
use bellhop_mail::Template;

use super::Locale;
use crate::error::CliError;
use crate::input;

/// The three parts by the ends of their files' names; the longest end first, for another ends the same.
const ENDS: [&str; 3] = [".subject.txt", ".html", ".txt"];

/// Paths of the parts, in the order of [`ENDS`].
type Parts = [Option<String>; 3];

/// Reads all templates of directories and files, of this kind and locale if one is named.
pub fn read(
    paths: &[String],
    kind: Option<&MessageKind>,
    locale: Option<&Locale>,
) -> Result<BTreeMap<(MessageKind, Locale), Template>, CliError> {
    let mut sets: BTreeMap<(MessageKind, Locale), Parts> = BTreeMap::new();
    for path in paths {
        let is_directory = Path::new(path).is_dir();
        for file in files(path, is_directory)? {
            let name = Path::new(&file).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            match place(&name) {
                Some((of, part)) => {
                    let wanted = kind.is_none_or(|kind| of.0 == *kind) && locale.is_none_or(|locale| of.1 == *locale);
                    if wanted && let Some(known) = sets.entry(of).or_default()[part].replace(file.clone()) {
                        return Err(CliError::usage(format_args!(
                            "{known} and {file} are the same part of a template"
                        )));
                    }
                }
                // A directory may hold what it likes; a file that is named is meant.
                None if is_directory => {}
                None => return Err(wrong_name(&file)),
            }
        }
    }
    sets.into_iter().map(|(of, parts)| Ok((of.clone(), template(&of, &parts)?))).collect()
}

/// Reads a template of three files that are named one by one.
pub fn one(subject: &str, html: &str, text: &str) -> Result<Template, CliError> {
    let [subject, html, text] = [subject, html, text].map(input::read);
    Ok(Template::from_files(&subject?, &html?, &text?))
}

fn files(path: &str, is_directory: bool) -> Result<BTreeSet<String>, CliError> {
    if !is_directory {
        return Ok([path.to_owned()].into());
    }
    let entries = std::fs::read_dir(path).map_err(|error| CliError::file(path, &error))?;
    let name =
        |entry: std::io::Result<std::fs::DirEntry>| entry.map(|entry| entry.path().to_string_lossy().into_owned());
    entries.map(name).collect::<Result<_, _>>().map_err(|error| CliError::file(path, &error))
}

/// Of which template a file is which part.
fn place(name: &str) -> Option<((MessageKind, Locale), usize)> {
    let (part, rest) = ENDS.iter().enumerate().find_map(|(part, end)| Some((part, name.strip_suffix(end)?)))?;
    let (kind, locale) = rest.split_once('.')?;
    Some(((kind.parse().ok()?, locale.parse().ok()?), part))
}

fn wrong_name(file: &str) -> CliError {
    CliError::refused(
        "template-file",
        format_args!("{file}: expected KIND.LOCALE.subject.txt, KIND.LOCALE.html or KIND.LOCALE.txt"),
        "Name it so, as pre-arrival.pt.html; or name the three files with --subject, --html and --text.",
    )
}

fn template((kind, locale): &(MessageKind, Locale), parts: &Parts) -> Result<Template, CliError> {
    if let [Some(subject), Some(html), Some(text)] = parts {
        return one(subject, html, text);
    }
    let missing = parts.iter().zip(ENDS).filter(|(part, _)| part.is_none());
    let missing: Vec<_> = missing.map(|(_, end)| format!("{kind}.{locale}{end}")).collect();
    Err(CliError::refused(
        "template-incomplete",
        format_args!("missing: {}", missing.join(", ")),
        "A template has three parts: subject, HTML and plain text.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_says_kind_locale_and_part() {
        let of = |name: &str| place(name).map(|((kind, locale), part)| format!("{kind} {locale} {part}"));
        assert_eq!(of("pre-arrival.pt-BR.subject.txt").as_deref(), Some("pre-arrival pt-br 0"));
        assert_eq!(of("pre-arrival.pt.html").as_deref(), Some("pre-arrival pt 1"));
        assert_eq!(of("pre-arrival.pt.txt").as_deref(), Some("pre-arrival pt 2"));
        for bad in ["", "README.md", "x.html", "Pre.pt.html", "pre.p t.html", "pre..html", "pre.pt.x.html"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let of = ("pre-arrival".parse().expect("a kind"), "pt".parse().expect("a locale"));
        let error = template(&of, &[Some("x".to_owned()), None, None]).expect_err("refused");
        assert_eq!(error.code, "template-incomplete");
        assert_eq!(error.message, "missing: pre-arrival.pt.html, pre-arrival.pt.txt");
        assert_eq!(read(&["x.html".to_owned()], None, None).map_err(|error| error.code), Err("template-file"));
    }
}
