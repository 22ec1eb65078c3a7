//! `tollgate build`.

use crate::args::BuildArgs;
use crate::report::{Exit, Report};
use anyhow::{Context as _, Result};
use serde_json::json;
use std::fs;
use tollgate_pack::build::{BuildError, Finish, compose};

pub fn run(args: &BuildArgs) -> Result<Report> {
    let output = args.output.display().to_string();
    let name = args.output.file_stem().with_context(|| format!("`{output}`: no file name"))?;
    let built = compose(&name.to_string_lossy(), &args.filters, Finish::Packed);
    // The output of the compiler has many lines, which an error of this program does not.
    if let Err(BuildError::Cargo { what, output }) = &built {
        let text = format!("cannot build `{what}`:\n{output}");
        return Ok(Report { exit: Exit::Failure, json: json!({ "error": text }), text });
    }
    let bytes = fs::copy(built?, &args.output).with_context(|| format!("`{output}`"))?;
    Ok(Report {
        exit: Exit::Success,
        text: format!("{output}: {bytes} bytes\n"),
        json: json!({ "file": output, "bytes": bytes, "filters": args.filters }),
    })
}
