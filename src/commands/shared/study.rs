//! Reading result folders, with what is damaged in them said.

use densenet_bench::files::read_text;
use densenet_bench::formats::ablation::LARGEST_FILE;
use densenet_bench::formats::study::{LongTables, Study};
use densenet_bench::trials::ResultFolder;
use densenet_bench::views::report::Reported;
use serde_json::{Value, json};

use super::failure::Failure;
use super::output::say;

/// The study of a folder; a warning names each table that is damaged.
pub fn read(folder: &ResultFolder, long: LongTables) -> Result<Study, Failure> {
    let study = folder.study(long).map_err(Failure::input)?;
    for damage in &study.damage {
        say(&format!("warning: {damage}"));
    }
    Ok(study)
}

/// A folder's report needs its environment and the text of its ablation beside its tables.
pub fn reported(folder: &ResultFolder, study: Study) -> Result<Reported, Failure> {
    let environment = folder.environment().map_err(Failure::input)?;
    let environment = environment.map_or(Value::Null, |environment| json!(environment));
    Ok(with_environment(folder, study, environment))
}

/// The same without an environment that is damaged, which is said.
pub fn reported_as_it_is(folder: &ResultFolder, study: Study) -> Reported {
    let environment = folder.environment().unwrap_or_else(|error| {
        say(&format!("warning: {error}"));
        None
    });
    let environment = environment.map_or(Value::Null, |environment| json!(environment));
    with_environment(folder, study, environment)
}

fn with_environment(folder: &ResultFolder, study: Study, environment: Value) -> Reported {
    let file = folder.root().join("ablation.toml");
    Reported {
        folder: folder.root().display().to_string(),
        study,
        environment,
        // It was parsed a moment ago; what cannot be read now is left out.
        file: read_text(&file, LARGEST_FILE).unwrap_or_default(),
    }
}
