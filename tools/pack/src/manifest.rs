//! The manifest of a module, and the inspection of a module.

use crate::{Error, MetricFamily, abi, families, file_type};
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Write};
use walrus::{ExportItem, Import, ImportKind, Module, RawCustomSection, Type, ValType};

/// The name of the custom section with the manifest.
pub const SECTION: &str = "tollgate.manifest";
/// The name of the custom section with the compressed schema. Uncompressed, it would be a twentieth of a
/// module.
pub const SCHEMA_SECTION: &str = "tollgate.schema";
/// Maximum size of an uncompressed schema.
const MAX_SCHEMA: u64 = 1 << 20;

/// The manifest of a shipped module: JSON in one custom section, and the schema in another, as JSON
/// compressed with zlib (RFC 1950). It does not depend on the time or place of the build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Name of the filter's package.
    pub name: String,
    /// Version of the package.
    pub version: String,
    /// Version of the ABI.
    pub abi: String,
    /// Callbacks, sorted by name.
    pub callbacks: Vec<String>,
    /// JSON Schema of the configuration. `None` if the filter has no configuration.
    #[serde(skip)]
    pub schema: Option<Value>,
}

impl Manifest {
    pub(crate) fn write(mut self, module: &mut Module) -> Result<(), Error> {
        let data = serde_json::to_vec(&self).map_err(|why| Error::Invalid(why.to_string()))?;
        module.customs.add(RawCustomSection { name: SECTION.into(), data });
        if let Some(schema) = self.schema.take() {
            let failed = |why: std::io::Error| Error::Invalid(why.to_string());
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(sorted(schema).to_string().as_bytes()).map_err(failed)?;
            let data = encoder.finish().map_err(failed)?;
            module.customs.add(RawCustomSection { name: SCHEMA_SECTION.into(), data });
        }
        Ok(())
    }
}

fn schema_in(section: &[u8]) -> Result<Value, Error> {
    let mut text = Vec::new();
    let read = ZlibDecoder::new(section).take(MAX_SCHEMA + 1).read_to_end(&mut text);
    let why = match read {
        Err(why) => why.to_string(),
        Ok(_) if text.len() as u64 > MAX_SCHEMA => format!("schema exceeds {MAX_SCHEMA} bytes"),
        Ok(_) => match serde_json::from_slice(&text) {
            Ok(schema) => return Ok(schema),
            Err(why) => why.to_string(),
        },
    };
    Err(Error::Invalid(format!("section `{SCHEMA_SECTION}`: {why}")))
}

/// Sorts keys, in case a crate in the build enables `preserve_order` of serde_json.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut fields: Vec<_> = map.into_iter().collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(fields.into_iter().map(|(k, v)| (k, sorted(v))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// The contents of a module.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// The manifest. `None` if the module was not packed by this tool.
    pub manifest: Option<Manifest>,
    /// Families of metrics, sorted.
    pub families: Vec<MetricFamily>,
    /// Exported functions, sorted by name.
    pub functions: Vec<String>,
    /// The export by which Envoy recognises the ABI version: the first of several.
    pub marker: Option<String>,
    /// Other exports, sorted by name.
    pub other_exports: Vec<String>,
    /// Imports as `module.name`, sorted by name.
    pub imports: Vec<String>,
    /// Types of the imported functions.
    pub signatures: BTreeMap<String, Signature>,
    /// Custom sections, sorted by name.
    pub custom_sections: Vec<String>,
    /// Size in bytes.
    pub size: usize,
}

/// The type of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Types of the parameters, such as `i32`.
    pub params: Vec<String>,
    /// Types of the results.
    pub results: Vec<String>,
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}) -> ({})", self.params.join(", "), self.results.join(", "))
    }
}

fn signatures(module: &Module) -> BTreeMap<String, Signature> {
    let texts = |types: &[ValType]| types.iter().map(ToString::to_string).collect();
    let functions = module.imports.iter().filter_map(|import| match import.kind {
        ImportKind::Function(function) => Some((import, module.types.get(module.funcs.get(function).ty()))),
        _ => None,
    });
    let signature = |(import, ty): (&Import, &Type)| {
        let signature = Signature { params: texts(ty.params()), results: texts(ty.results()) };
        (format!("{}.{}", import.module, import.name), signature)
    };
    functions.map(signature).collect()
}

/// Inspects a module, packed or not.
pub fn inspect(wasm: &[u8]) -> Result<Inspection, Error> {
    file_type::check(wasm)?;
    let module = Module::from_buffer(wasm).map_err(|why| Error::Invalid(format!("{why:#}")))?;
    let mut seen = Inspection {
        manifest: None,
        families: Vec::new(),
        functions: Vec::new(),
        marker: None,
        signatures: signatures(&module),
        other_exports: Vec::new(),
        imports: module.imports.iter().map(|i| format!("{}.{}", i.module, i.name)).collect(),
        custom_sections: Vec::new(),
        size: wasm.len(),
    };
    for export in module.exports.iter() {
        match export.item {
            ExportItem::Function(_) => {
                if abi::MARKERS.contains(&export.name.as_str()) {
                    seen.marker.get_or_insert_with(|| export.name.clone());
                }
                seen.functions.push(export.name.clone());
            }
            _ => seen.other_exports.push(export.name.clone()),
        }
    }
    let mut schema = None;
    for (_, section) in module.customs.iter() {
        seen.custom_sections.push(section.name().into());
        let data = || section.data(&walrus::IdsToIndices::default());
        if section.name() == SECTION {
            let manifest = serde_json::from_slice(&data());
            seen.manifest =
                Some(manifest.map_err(|why| Error::Invalid(format!("section `{SECTION}`: {why}")))?);
        } else if section.name() == families::SECTION {
            seen.families.extend(MetricFamily::read(&data())?);
        } else if section.name() == SCHEMA_SECTION {
            schema = Some(schema_in(&data())?);
        }
    }
    if let Some(manifest) = &mut seen.manifest {
        manifest.schema = schema;
    }
    for list in [&mut seen.functions, &mut seen.other_exports, &mut seen.imports, &mut seen.custom_sections] {
        list.sort();
    }
    Ok(seen)
}
