//! `tollgate-pack` packs a module, or builds and packs all filters that are shipped. `tollgate inspect` shows
//! the result.

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, Subcommand};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use tollgate_pack::build::{Finish, binaryen, package, shipped, weights};
use tollgate_pack::{Options, pack, paths};

/// Pack linked filters into the modules that are shipped
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Pack one module
    File {
        /// Module from the linker
        input: PathBuf,
        /// File to write the packed module to
        output: PathBuf,
        /// Name of the filter
        #[arg(long)]
        name: String,
        /// Version of the filter
        #[arg(long)]
        version: String,
        /// File with the JSON Schema of its configuration
        #[arg(long)]
        schema: Option<PathBuf>,
        /// Keep only these callbacks (comma-separated)
        #[arg(long, value_delimiter = ',')]
        keep_only: Option<Vec<String>>,
        /// Keep the names of functions
        #[arg(long)]
        keep_names: bool,
    },
    /// Build and pack every filter that is shipped, into one folder with SHA256SUMS
    Dist {
        /// Output folder; default: `dist` in cargo's target directory
        folder: Option<PathBuf>,
    },
    /// Build a filter without each of its default features, and show how many bytes each feature adds
    Weigh {
        /// Package to build
        package: String,
    },
}

fn main() -> ExitCode {
    // One line and never a backtrace, regardless of RUST_BACKTRACE: errors come from the input, not from this
    // program.
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
            let binaryen = Some(binaryen()?);
            let options =
                Options { name, version, schema, keep_only, keep_names, binaryen, ..Options::default() };
            let packed = pack(&bytes, &options).with_context(|| format!("`{}`", input.display()))?;
            fs::write(&output, &packed).with_context(|| format!("`{}`", output.display()))?;
            println!("packed {} bytes into {}", bytes.len(), packed.len());
        }
        Command::Dist { folder } => dist(folder.unwrap_or_else(|| paths::target_dir().join("dist")))?,
        Command::Weigh { package } => weigh(&package)?,
    }
    Ok(())
}

/// Shows the size of each feature. Code that several features share counts for none of them, so all features
/// together add more than the sum.
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

/// Builds all shipped filters, and removes all other modules from the folder.
fn dist(folder: PathBuf) -> Result<()> {
    let mut modules = Vec::new();
    for filter in shipped()? {
        modules.push((format!("{}.wasm", filter.name), fs::read(package(&filter.name, Finish::Packed)?)?));
    }
    ensure!(!modules.is_empty(), "no package sets `ship = true` in `[package.metadata.tollgate]`");
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
    println!("written to {}", folder.display());
    Ok(())
}
