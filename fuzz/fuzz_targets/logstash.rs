//! Configurations of Logstash: none stops the program, what comes out loads, and the same text gives the same pipeline.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vigie_pipeline::Pipeline;
use vigie_pipeline::logstash::{ImportOptions, import};

fuzz_target!(|text: &str| {
    let read = |_: &str| Ok(vec![text.to_owned()]);
    let options = ImportOptions { name: "fuzz", variables: &[], read: &read };
    let imported = import(text, &options);
    assert_eq!(imported, import(text, &options));
    if let Ok(imported) = imported {
        let pipeline = Pipeline::from_toml(&imported.pipeline);
        assert_eq!(pipeline.map(|pipeline| pipeline.stage_count()).ok(), Some(imported.stages));
    }
});
