//! Renders any template with any value for its references: the result must be a valid header value.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_policy::{Template, is_valid_value};

fuzz_target!(|input: (&str, &[u8])| {
    let (text, value) = input;
    let template = match text.parse::<Template>() {
        Ok(template) => template,
        Err(error) => {
            assert!((1..=text.len() + 1).contains(&error.column));
            return assert!(!error.to_string().contains('\n'), "{error}");
        }
    };
    assert_eq!(template.as_str(), text);
    let rendered = template.render(|_, out| {
        out.extend_from_slice(value);
        true
    });
    if let Ok(rendered) = rendered {
        assert!(is_valid_value(&rendered));
        assert_eq!(rendered.trim_ascii().len(), rendered.len());
    }
    if template.references().next().is_some() {
        assert!(template.render(|_, _| false).is_err());
    }
});
