//! What a module says about itself, and what anybody can see of it.

use crate::Error;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use walrus::{ExportItem, Module, RawCustomSection};

/// The name of the custom section.
pub const SECTION: &str = "tollgate.manifest";

/// What a shipped module carries about itself, as JSON in a custom section. Nothing in it depends on when or where it
/// was built.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The filter's package.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The ABI's version.
    pub abi: String,
    /// The callbacks it has, by name.
    pub callbacks: Vec<String>,
    /// The JSON Schema of its configuration; none for a filter that takes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
}

impl Manifest {
    pub(crate) fn write(mut self, module: &mut Module) -> Result<(), Error> {
        self.schema = self.schema.map(sorted);
        let data = serde_json::to_vec(&self).map_err(|why| Error::Invalid(why.to_string()))?;
        module.customs.add(RawCustomSection { name: SECTION.into(), data });
        Ok(())
    }
}

/// Keys in order, whether or not some crate in the build turned on serde_json's `preserve_order`.
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

/// What can be seen of a module.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// What it says about itself; none if it was not packed by us.
    pub manifest: Option<Manifest>,
    /// Exported functions, by name.
    pub functions: Vec<String>,
    /// Other exports, by name.
    pub other_exports: Vec<String>,
    /// Imports as `module.name`, by name.
    pub imports: Vec<String>,
    /// Custom sections, by name.
    pub custom_sections: Vec<String>,
    /// Its size in bytes.
    pub size: usize,
}

/// Looks into a module, ours or not.
pub fn inspect(wasm: &[u8]) -> Result<Inspection, Error> {
    let module = Module::from_buffer(wasm).map_err(|why| Error::Invalid(format!("{why:#}")))?;
    let mut seen = Inspection {
        manifest: None,
        functions: Vec::new(),
        other_exports: Vec::new(),
        imports: module.imports.iter().map(|i| format!("{}.{}", i.module, i.name)).collect(),
        custom_sections: Vec::new(),
        size: wasm.len(),
    };
    for export in module.exports.iter() {
        match export.item {
            ExportItem::Function(_) => seen.functions.push(export.name.clone()),
            _ => seen.other_exports.push(export.name.clone()),
        }
    }
    for (_, section) in module.customs.iter() {
        seen.custom_sections.push(section.name().into());
        if section.name() == SECTION {
            let data = section.data(&walrus::IdsToIndices::default());
            let manifest = serde_json::from_slice(&data);
            seen.manifest =
                Some(manifest.map_err(|why| Error::Invalid(format!("section `{SECTION}`: {why}")))?);
        }
    }
    for list in [&mut seen.functions, &mut seen.other_exports, &mut seen.imports, &mut seen.custom_sections] {
        list.sort();
    }
    Ok(seen)
}
