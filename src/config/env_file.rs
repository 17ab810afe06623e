//! The `.env` file: its settings, and a check for names that are misspelt.

use std::path::Path;

use super::ConfigError;

/// Copies the settings of the file at `path` into the environment, unless they are set there; a missing file is fine.
/// A name that is nearly one of `settings` is refused, unless the right one is set too: other names may be for other
/// programs. Values are never shown.
#[expect(clippy::disallowed_methods, reason = "a variable of the environment goes before the file's")]
pub(super) fn load(path: &Path, settings: &[String]) -> Result<(), ConfigError> {
    match dotenvy::from_path(path) {
        Err(error) if error.not_found() => return Ok(()),
        Err(error) => return Err(ConfigError::new(format!(".env: {}", describe(&error, settings)))),
        Ok(()) => {}
    }
    let Ok(lines) = dotenvy::from_path_iter(path) else { return Ok(()) };
    for (name, _) in lines.flatten() {
        if let Some(meant) = misspelt(&name, settings)
            && std::env::var_os(meant).is_none()
        {
            return Err(ConfigError::new(format!(
                ".env: {name} is not a setting; did you mean {meant}? (If it is another program's, set {meant}, too.)"
            )));
        }
    }
    Ok(())
}

/// The error of a `.env` file, in one line and without its values, which may be secrets.
fn describe(error: &dotenvy::Error, settings: &[String]) -> String {
    let dotenvy::Error::LineParse(line, _) = error else {
        return error.to_string();
    };
    // The text before `=` may be the end of a secret that slipped onto a new line.
    match line.split_once('=').map(|(name, _)| name).filter(|name| settings.iter().any(|known| known == name)) {
        Some(name) => format!("the value of {name} can't be read"),
        None => "a line is not NAME=value".to_owned(),
    }
}

/// The setting that a misspelt name probably means.
fn misspelt<'a>(name: &str, settings: &'a [String]) -> Option<&'a str> {
    if settings.iter().any(|known| known == name) {
        return None;
    }
    let name = name.to_ascii_uppercase();
    let distances = settings.iter().map(|known| (strsim::damerau_levenshtein(&name, known), known));
    // One typing error, or two in a long name.
    let near = distances.filter(|(distance, known)| *distance <= if known.len() < 10 { 1 } else { 2 });
    near.min_by_key(|(distance, _)| *distance).map(|(_, known)| known.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_nearly_a_setting_is_misspelt_and_a_strangers_is_not() {
        let settings = ["USER_ADDR", "USER_URL", "AUTH", "CORS_ORIGINS", "DATABASE_URL"].map(str::to_owned);
        for (name, meant) in [
            ("USR_ADDR", Some("USER_ADDR")),
            ("user_addr", Some("USER_ADDR")),
            ("USER_ADRD", Some("USER_ADDR")),
            ("AUHT", Some("AUTH")),
            ("CORS_ORIGN", Some("CORS_ORIGINS")),
            ("USER_ADDR", None),
            ("PATH", None),
            ("PORT", None),
            ("USER_NAME", None),
            ("REDIS_URL", None),
            ("DATABASE_PASSWORD", None),
        ] {
            assert_eq!(misspelt(name, &settings), meant, "{name}");
        }
    }
}
