//! A guest that looks for what a WASI usually has, and does with it what the request's `config` says.

use ocriva_plugin_sdk::{Description, Document, Extractor, Failure, Output, Warning, register};
use serde::Deserialize;

#[allow(missing_docs, clippy::all, clippy::allow_attributes, reason = "generated code")]
mod bindings {
    wit_bindgen::generate!({ world: "guest", path: "wit", generate_all });
}

use bindings::wasi::cli::{environment, exit, stdout};
use bindings::wasi::clocks::{monotonic_clock, wall_clock};
use bindings::wasi::filesystem::preopens;
use bindings::wasi::random::random;
use bindings::wasi::sockets::{instance_network, ip_name_lookup};

struct Wasi;

#[derive(Deserialize)]
struct Request {
    config: Config,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Config {
    sleep_ms: u64,
    exits: bool,
    floods: bool,
    hoards: bool,
}

impl Extractor for Wasi {
    type Request = Request;

    fn describe() -> Description {
        Description::new("wasi", "1.0.0", "Looks around")
    }

    fn extract(_document: &Document, request: Request) -> Result<Output, Failure> {
        let Config { sleep_ms, exits, floods, hoards } = request.config;
        let out = stdout::get_stdout();
        let print = |text: &str| {
            let _ = out.blocking_write_and_flush(text.as_bytes());
        };
        print("hello from ");
        print("WASI\nwithout an end");
        if sleep_ms > 0 {
            monotonic_clock::subscribe_duration(sleep_ms * 1_000_000).block();
        }
        if exits {
            exit::exit(Err(()));
        }
        for _ in 0..if floods { 5000 } else { 0 } {
            print("a line that says nothing, again and again\n");
        }
        if hoards {
            let mut kept = Vec::new();
            loop {
                kept.push(stdout::get_stdout());
            }
        }
        let network = instance_network::instance_network();
        let said = [
            format!("{:?}", environment::get_environment()),
            format!("{:?}", environment::get_arguments()),
            format!("{} directories", preopens::get_directories().len()),
            format!("{} s", wall_clock::now().seconds),
            format!("{} ns", monotonic_clock::now()),
            format!("{:?}", random::get_random_bytes(4)),
            format!("{:?}", ip_name_lookup::resolve_addresses(&network, "localhost").map(drop)),
        ];
        let warning = |message: String| Warning { code: "said".to_owned(), message, field: None, page: None };
        Ok(Output { warnings: said.into_iter().map(warning).collect(), ..Output::default() })
    }
}

register!(Wasi);
