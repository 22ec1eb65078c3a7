//! `tollgate-pack`: packs a module, or builds all that are shipped. `tollgate inspect` shows one.

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, Subcommand};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use tollgate_pack::build::{Finish, binaryen, package, shipped, weights};
use tollgate_pack::{Options, pack, paths};

/// What turns a linked filter into the module that is shipped.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Packs one module.
    File {
        /// As the linker left it.
        input: PathBuf,
        /// Where to put the packed one.
        output: PathBuf,
        /// The filter's name.
        #[arg(long)]
        name: String,
        /// The filter's version.
        #[arg(long)]
        version: String,
        /// The JSON Schema of its configuration.
        #[arg(long)]
        schema: Option<PathBuf>,
        /// Keep these callbacks and no others (comma-separated).
        #[arg(long, value_delimiter = ',')]
        keep_only: Option<Vec<String>>,
        /// Keep the names of functions.
        #[arg(long)]
        keep_names: bool,
    },
    /// Builds and packs every filter that is shipped, into one folder with SHA256SUMS.
    Dist {
        /// The folder; cargo's target directory/dist if not given.
        folder: Option<PathBuf>,
    },
    /// Builds a filter with each of its default features left out, and says what the module weighs less.
    Weigh {
        /// The package.
        package: String,
    },
}

fn main() -> ExitCode {
    // One line, whatever RUST_BACKTRACE says: what goes wrong here is never in this program.
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("tollgate-pack: {why:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    match Arguments::parse().command {
        Command::File { input, output, name, version, schema, keep_only, keep_names } => {
            let schema = schema
                .map(|path| -> Result<_> {
                    let text = fs::read(&path).with_context(|| format!("`{}`", path.display()))?;
                    serde_json::from_slice(&text).with_context(|| format!("`{}`", path.display()))
                })
                .transpose()?;
            let bytes = fs::read(&input).with_context(|| format!("`{}`", input.display()))?;
            let options =
                Options { name, version, schema, keep_only, keep_names, binaryen: Some(binaryen()?) };
            let packed = pack(&bytes, &options).with_context(|| format!("`{}`", input.display()))?;
            fs::write(&output, &packed).with_context(|| format!("`{}`", output.display()))?;
            println!("{} -> {} bytes", bytes.len(), packed.len());
        }
        Command::Dist { folder } => dist(folder.unwrap_or_else(|| paths::target_dir().join("dist")))?,
        Command::Weigh { package } => weigh(&package)?,
    }
    Ok(())
}

/// What features have in common is in the module as long as one of them is: they weigh more together than in a sum.
fn weigh(package: &str) -> Result<()> {
    let weights = weights(package)?;
    let whole = weights.first().map_or(0, |(_, bytes)| *bytes);
    for (without, bytes) in &weights {
        match without {
            None => println!("{bytes:>9}  {package}"),
            Some(feature) => println!("{:>9}  {feature}", whole.saturating_sub(*bytes)),
        }
    }
    Ok(())
}

/// The folder holds afterwards what is shipped now, and nothing that was shipped once.
fn dist(folder: PathBuf) -> Result<()> {
    let mut modules = Vec::new();
    for filter in shipped()? {
        modules.push((format!("{}.wasm", filter.name), fs::read(package(&filter.name, Finish::Packed)?)?));
    }
    ensure!(!modules.is_empty(), "no package has `ship = true` under [package.metadata.tollgate]");
    fs::create_dir_all(&folder).with_context(|| format!("`{}`", folder.display()))?;
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "wasm") {
            fs::remove_file(path)?;
        }
    }
    let mut sums = String::new();
    for (file, bytes) in &modules {
        fs::write(folder.join(file), bytes)?;
        let sum: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        sums += &format!("{sum}  {file}\n");
        println!("{:>9}  {file}", bytes.len());
    }
    fs::write(folder.join("SHA256SUMS"), sums)?;
    println!("in {}", folder.display());
    Ok(())
}
