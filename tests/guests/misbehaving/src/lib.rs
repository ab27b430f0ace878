//! A guest that breaks the limit which the request's `config.behaviour` names.

use std::hint::black_box;

use ocriva_plugin_sdk::{Description, Document, Extractor, Failure, Output, log, register};
use serde::Deserialize;

struct Misbehaving;

#[derive(Deserialize)]
struct Request {
    config: Config,
}

#[derive(Deserialize)]
struct Config {
    behaviour: Behaviour,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Behaviour {
    EndlessLoop,
    EndlessHostCalls,
    MemoryBomb,
    ModestMemory,
    Panic,
    TooMuchOutput,
    NoNumber,
    WrongPage,
    LogFlood,
    Recursion,
    Abort,
    TrapInDrop,
    ReadAgain,
    Fail,
}

impl Extractor for Misbehaving {
    type Request = Request;

    fn describe() -> Description {
        Description::new("misbehaving", "1.0.0", "Breaks limits")
    }

    fn extract(document: &Document, request: Request) -> Result<Output, Failure> {
        match request.config.behaviour {
            Behaviour::EndlessLoop => endless_loop(),
            Behaviour::EndlessHostCalls => endless_host_calls(document),
            Behaviour::MemoryBomb => memory_bomb(),
            Behaviour::ModestMemory => return modest_memory(),
            Behaviour::Panic => panic_with_words(),
            Behaviour::TooMuchOutput => return Ok(with_warning(&"x".repeat(2 << 20))),
            Behaviour::NoNumber => return no_number(),
            Behaviour::WrongPage => return wrong_page(),
            Behaviour::LogFlood => log_flood(),
            Behaviour::Recursion => {
                black_box(recurse(1));
            }
            Behaviour::Abort => abort(),
            Behaviour::TrapInDrop => drop(TrapsInDrop),
            Behaviour::ReadAgain => return read_again(document),
            Behaviour::Fail => {
                return Err(Failure { code: "no_total".into(), message: "no total".into(), retryable: true });
            }
        }
        Ok(Output::default())
    }
}

register!(Misbehaving);

fn endless_loop() {
    let mut count = 0_u64;
    loop {
        count = black_box(count.wrapping_add(1));
    }
}

fn endless_host_calls(document: &Document) {
    loop {
        black_box(document.page_count());
    }
}

fn memory_bomb() {
    let mut hoard = Vec::new();
    loop {
        hoard.push(black_box(vec![1_u8; 1 << 20]));
    }
}

/// Takes what it can get, and goes on when there is no more.
fn modest_memory() -> Result<Output, Failure> {
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    loop {
        let mut more: Vec<u8> = Vec::new();
        if more.try_reserve_exact(1 << 20).is_err() {
            return Ok(with_warning(&format!("{} MiB", hoard.len())));
        }
        hoard.push(black_box(more));
    }
}

#[expect(clippy::panic, reason = "to panic is what this guest is for")]
fn panic_with_words() {
    panic!("the total is not a number");
}

/// An infinite confidence is null in JSON, which is no number.
fn no_number() -> Result<Output, Failure> {
    let mut output = with_warning("");
    output.fields.insert("total".to_owned(), field(f32::INFINITY, 1));
    Ok(output)
}

fn wrong_page() -> Result<Output, Failure> {
    let mut output = Output::default();
    output.fields.insert("total".to_owned(), field(1.0, 77));
    Ok(output)
}

fn log_flood() {
    for _ in 0..5000 {
        log::info("a line that says nothing, again and again");
    }
}

fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    if black_box(depth) == 0 {
        return 0;
    }
    recurse(depth + 1) + frame[(depth % 64) as usize]
}

fn abort() {
    #[cfg(target_family = "wasm")]
    core::arch::wasm32::unreachable();
}

/// Stops the plugin when it goes.
struct TrapsInDrop;

impl Drop for TrapsInDrop {
    fn drop(&mut self) {
        abort();
    }
}

fn read_again(document: &Document) -> Result<Output, Failure> {
    let whole = ocriva_plugin_sdk::Rect { x0: 0.0, y0: 0.0, x1: 1e6, y1: 1e6 };
    loop {
        document.recognize(0, whole, 1)?;
    }
}

fn with_warning(message: &str) -> Output {
    let warning = ocriva_plugin_sdk::Warning {
        code: "said".to_owned(),
        message: message.to_owned(),
        field: None,
        page: None,
    };
    Output { warnings: vec![warning], ..Output::default() }
}

fn field(confidence: f32, page: u32) -> ocriva_plugin_sdk::Field {
    ocriva_plugin_sdk::Field {
        value: true.into(),
        confidence,
        page: Some(page),
        bbox: None,
        source: None,
        text: None,
    }
}
