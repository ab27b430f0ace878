//! Components that no compiler makes: of modules written as text, which keep to no rule of the contract.

use ocriva_plugin_build::encode;
use support::repository;
use wasm_encoder::{ComponentSection as _, InstanceSection, ModuleArg, RawSection};
use wasmparser::{Parser, Payload};
use wit_component::StringEncoding;
use wit_parser::Resolve;

/// A plugin `raw` as a module. What is not given does what it should.
#[derive(Default, Clone, Copy)]
pub(super) struct Module<'a> {
    /// Further items: tables, globals, functions.
    pub(super) items: &'a str,
    /// What `describe` does before it answers.
    pub(super) describe: &'a str,
    /// What `extract` does before it answers, with `$doc`, `$request` (its place) and `$length`.
    pub(super) extract: &'a str,
    /// What becomes of its memory's requests: `cabi_realloc` after `$size` was put aside at `$at`.
    pub(super) realloc: &'a str,
    /// What is done after the host has read the answer.
    pub(super) after: &'a str,
}

/// A world in which the plugin also has a resource of its own, whose destructor is `$destroy`.
const WORLD: &str = "
    package test:raw;
    interface things { resource thing { constructor(); } }
    world raw { include ocriva:extract/plugin@VERSION; export things; }";

const DESCRIPTION: &str = r#"{"name":"raw","version":"1.0.0"}"#;
const ANSWER: &str = r#"{"fields":{},"tables":[],"warnings":[]}"#;

const TEXT: &str = r#"(module
    (import "ocriva:extract/document@VERSION" "[resource-drop]doc" (func $drop_doc (param i32)))
    (import "ocriva:extract/document@VERSION" "[method]doc.page" (func $page (param i32 i32 i32)))
    (import "ocriva:extract/document@VERSION" "[method]doc.page-count" (func $page_count (param i32) (result i32)))
    (import "ocriva:extract/document@VERSION" "[method]page.number" (func $number (param i32) (result i32)))
    (import "ocriva:extract/document@VERSION" "[resource-drop]page" (func $drop_page (param i32)))
    (import "ocriva:extract/document@VERSION" "[method]doc.meta" (func $meta (param i32 i32)))
    (import "ocriva:extract/log@VERSION" "write" (func $log (param i32 i32 i32)))
    (import "[export]test:raw/things" "[resource-new]thing" (func $new_thing (param i32) (result i32)))
    (import "[export]test:raw/things" "[resource-drop]thing" (func $drop_thing (param i32)))
    (memory (export "memory") 2)
    (global $at (mut i32) (i32.const 8192))
    (data (i32.const 1024) "DESCRIPTION")
    (data (i32.const 2048) "ANSWER")
    (func (export "cabi_realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
        (global.set $at (i32.and (i32.add (global.get $at) (i32.const 7)) (i32.const -8)))
        REALLOC
        (global.get $at)
        (global.set $at (i32.add (global.get $at) (local.get $size))))
    (func (export "ocriva:extract/extractor@VERSION#describe") (result i32)
        DESCRIBE
        (i32.store (i32.const 512) (i32.const 1024))
        (i32.store (i32.const 516) (i32.const DESCRIPTION_BYTES))
        (i32.const 512))
    (func (export "ocriva:extract/extractor@VERSION#extract")
        (param $doc i32) (param $request i32) (param $length i32) (result i32)
        EXTRACT
        (call $drop_doc (local.get $doc))
        (i32.store8 (i32.const 512) (i32.const 0))
        (i32.store (i32.const 516) (i32.const 2048))
        (i32.store (i32.const 520) (i32.const ANSWER_BYTES))
        (i32.const 512))
    (func (export "cabi_post_ocriva:extract/extractor@VERSION#extract") (param i32) AFTER)
    (func (export "test:raw/things#[constructor]thing") (result i32) (call $new_thing (i32.const 1)))
    (func $destroy (export "test:raw/things#[dtor]thing") (param i32) unreachable)
    ITEMS)"#;

impl Module<'_> {
    /// The component that it makes.
    pub(super) fn component(&self) -> Vec<u8> {
        let mut resolve = Resolve::default();
        let (contract, _) = resolve.push_dir(repository().join("wit")).unwrap();
        let version = resolve.packages[contract].name.version.as_ref().unwrap().to_string();
        let package = resolve.push_str("raw.wit", &WORLD.replace("VERSION", &version)).unwrap();
        let world = resolve.select_world(&[package], Some("raw")).unwrap();
        let text = TEXT
            .replace("DESCRIPTION_BYTES", &DESCRIPTION.len().to_string())
            .replace("DESCRIPTION", &DESCRIPTION.replace('"', "\\\""))
            .replace("ANSWER_BYTES", &ANSWER.len().to_string())
            .replace("ANSWER", &ANSWER.replace('"', "\\\""))
            .replace("VERSION", &version)
            .replace("REALLOC", self.realloc)
            .replace("DESCRIBE", self.describe)
            .replace("EXTRACT", self.extract)
            .replace("AFTER", self.after)
            .replace("ITEMS", self.items);
        let mut module = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"));
        wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        encode(&module).unwrap()
    }
}

/// The component with `count` instances more, of a module that is nobody's.
pub(super) fn with_instances(component: &[u8], module: &str, count: usize) -> Vec<u8> {
    let mut depth = 0;
    let mut index = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload.unwrap() {
            Payload::ModuleSection { .. } => {
                index += u32::from(depth == 0);
                depth += 1;
            }
            Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            _ => {}
        }
    }
    let mut grown = component.to_vec();
    let module = wat::parse_str(module).unwrap();
    // The section of a core module holds the module as it is.
    RawSection { id: 1, data: &module }.append_to_component(&mut grown);
    let mut instances = InstanceSection::new();
    for _ in 0..count {
        instances.instantiate(index, Vec::<(&str, ModuleArg)>::new());
    }
    instances.append_to_component(&mut grown);
    grown
}
