//! Each limit stops the guest that breaks it, with its own code, while good callers beside it go on.

use std::time::Duration;

use ocriva::plugins::Call;
use serde_json::json;

use super::made_up::MadeUp;
use super::{RECEIPT, call, call_on, engine, load};

/// Calls the misbehaving guest with tight limits beside four good callers, which must all succeed.
async fn misbehave(behaviour: &str) -> Call {
    let engine = engine(|settings| {
        settings.cpu_ms = 500;
        settings.wall_ms = 20_000;
        settings.memory_mib = 32;
        settings.output_kib = 256;
        settings.log_lines = 50;
        settings.log_kib = 1;
        settings.host_calls = 10_000;
        settings.handles = 100;
        settings.ocr_calls = 3;
    });
    let bad = load(&engine, "misbehaving").await;
    let good = load(&engine, "lines").await;
    let stopped = async { call(&engine, &bad, json!({ "behaviour": behaviour })).await };
    let good_caller = || async {
        for _ in 0..20 {
            let called = call(&engine, &good, json!({})).await;
            assert_eq!(called.result.unwrap().fields.len(), 4);
        }
    };
    let (stopped, ..) = tokio::join!(stopped, good_caller(), good_caller(), good_caller(), good_caller());
    stopped
}

/// Code of the failure, and whether it may pass.
fn failure(called: &Call) -> (&str, bool) {
    let error = called.result.as_ref().expect_err("the guest is stopped");
    (error.code(), error.is_transient())
}

#[tokio::test]
async fn an_endless_loop_is_stopped_when_its_processor_time_is_used_up() {
    let called = misbehave("endless_loop").await;
    assert_eq!(failure(&called), ("plugin.timeout_cpu", false));
    // The time that passes depends on what else the machine does: a long call stands back behind everything.
    assert!((500..1000).contains(&called.usage.cpu_ms.used), "{:?}", called.usage);
}

#[tokio::test]
async fn endless_calls_to_the_host_are_counted() {
    let called = misbehave("endless_host_calls").await;
    assert_eq!(failure(&called), ("plugin.denied", false));
    assert_eq!(called.usage.host_calls.used, 10_000);
}

#[tokio::test]
async fn a_memory_bomb_is_refused_memory_and_stops() {
    let called = misbehave("memory_bomb").await;
    assert_eq!(failure(&called), ("plugin.memory", false));
    assert!(called.usage.memory_bytes.used <= 32 << 20, "{:?}", called.usage);
}

#[tokio::test]
async fn a_guest_that_asks_for_memory_politely_goes_on_with_less() {
    let called = misbehave("modest_memory").await;
    let output = called.result.unwrap();
    assert_eq!(output.warnings.len(), 1);
    assert!(called.usage.memory_bytes.used > 28 << 20, "{:?}", called.usage);
}

#[tokio::test]
async fn a_panic_is_told_with_its_message() {
    let called = misbehave("panic").await;
    assert_eq!(failure(&called), ("plugin.panic", false));
    let message = called.result.unwrap_err().to_string();
    assert!(message.contains("the total is not a number"), "{message}");
}

#[tokio::test]
async fn too_much_output_is_not_taken() {
    let called = misbehave("too_much_output").await;
    assert_eq!(failure(&called), ("plugin.bad_output", false));
    let message = called.result.unwrap_err().to_string();
    assert!(message.contains("262144 bytes"), "{message}");
}

#[tokio::test]
async fn output_that_breaks_the_contract_is_not_taken() {
    for behaviour in ["no_number", "wrong_page"] {
        let called = misbehave(behaviour).await;
        assert_eq!(failure(&called), ("plugin.bad_output", false), "{behaviour}");
    }
}

#[tokio::test]
async fn a_flooded_log_keeps_its_first_lines_and_counts_the_others() {
    let called = misbehave("log_flood").await;
    assert!(called.result.is_ok());
    let kept: usize = called.logs.lines.iter().map(|line| line.message.len()).sum();
    assert!(kept <= 1024 && called.logs.lines.len() <= 50, "{kept} bytes");
    assert_eq!(called.logs.lines.len() + called.logs.dropped as usize, 5000);
}

#[tokio::test]
async fn deep_recursion_is_told_from_other_traps() {
    let called = misbehave("recursion").await;
    assert_eq!(failure(&called), ("plugin.stack", false));
    let called = misbehave("abort").await;
    assert_eq!(failure(&called), ("plugin.trap", false));
}

#[tokio::test]
async fn reading_parts_of_a_page_again_and_again_is_denied() {
    let called = misbehave("read_again").await;
    assert_eq!(failure(&called), ("plugin.denied", false));
    assert_eq!(called.usage.ocr_calls.used, 3);
}

#[tokio::test]
async fn searches_in_reference_files_beyond_the_limit_are_denied() {
    let engine = engine(|settings| settings.lookups = 1);
    let plugin = load(&engine, "witness").await;
    let called = call(&engine, &plugin, json!({})).await;
    let warnings = called.result.unwrap().warnings;
    let denied = warnings.iter().filter(|warning| warning.message == "plugin.denied").count();
    assert_eq!((denied, called.usage.lookups.used), (4, 1));
}

#[tokio::test]
async fn a_failure_that_the_guest_reports_keeps_its_code() {
    let called = misbehave("fail").await;
    assert_eq!(failure(&called), ("no_total", true));
}

#[tokio::test]
async fn a_guest_that_keeps_its_handles_runs_out_of_them() {
    let engine = engine(|settings| {
        settings.handles = 100;
        // Each picture of this document is made anew, which is the call's time.
        settings.cpu_ms = 20_000;
    });
    let plugin = load(&engine, "witness").await;
    for leak in ["leak", "leakWords", "leakImages", "leakCrops"] {
        let called = call(&engine, &plugin, json!({ leak: true })).await;
        assert_eq!(failure(&called), ("plugin.denied", false), "{leak}");
        assert_eq!(called.usage.handles.used, 100, "{leak}");
    }
}

#[tokio::test]
async fn an_answer_that_is_too_deep_or_of_other_types_is_not_taken() {
    let engine = engine(|_| {});
    let plugin = load(&engine, "witness").await;
    for vice in ["deep", "wrongTypes", "noJson"] {
        let called = call(&engine, &plugin, json!({ vice: true })).await;
        assert_eq!(failure(&called), ("plugin.bad_output", false), "{vice}");
    }
}

#[tokio::test]
async fn a_forged_handle_ends_the_call_that_uses_or_drops_it_and_no_other() {
    let engine = engine(|_| {});
    let plugin = load(&engine, "witness").await;
    for vice in ["forge", "forgeAndDrop"] {
        let called = call(&engine, &plugin, json!({ vice: true })).await;
        assert_eq!(failure(&called), ("plugin.trap", false));
        assert!(call(&engine, &plugin, json!({})).await.result.is_ok());
    }
}

#[tokio::test]
async fn a_trap_while_things_are_dropped_is_a_trap_like_any_other() {
    let called = misbehave("trap_in_drop").await;
    assert_eq!(failure(&called), ("plugin.trap", false));
}

#[tokio::test]
async fn a_document_that_is_slow_to_read_costs_no_processor_time_but_ends_at_the_wall_limit() {
    let engine = engine(|settings| {
        settings.cpu_ms = 50;
        settings.wall_ms = 2000;
    });
    let plugin = load(&engine, "lines").await;
    let slow = MadeUp::from_text(RECEIPT).slow(Duration::from_millis(200));
    let called = call_on(&engine, &plugin, slow, json!({})).await;
    assert!(called.result.is_ok(), "{:?}", called.result);
    assert!(called.usage.wall_ms.used >= 200 && called.usage.cpu_ms.used <= 50, "{:?}", called.usage);
    let slower = MadeUp::from_text(RECEIPT).slow(Duration::from_secs(30));
    let called = call_on(&engine, &plugin, slower, json!({})).await;
    assert_eq!(failure(&called), ("plugin.timeout_wall", true));
}

#[tokio::test]
async fn calls_beyond_the_number_of_places_wait_before_their_clock_starts() {
    let engine = engine(|settings| {
        settings.max_concurrent_calls = 1;
        settings.wall_ms = 10_000;
    });
    let plugin = load(&engine, "lines").await;
    let caller = || async {
        let slow = MadeUp::from_text(RECEIPT).slow(Duration::from_millis(300));
        let called = call_on(&engine, &plugin, slow, json!({})).await;
        assert!(called.result.is_ok(), "{:?}", called.result);
        called.usage.wall_ms.used
    };
    let (a, b, c, d) = tokio::join!(caller(), caller(), caller(), caller());
    // The last one waited for three others.
    assert!([a, b, c, d].iter().all(|used| (300..1200).contains(used)), "{a}, {b}, {c}, {d} ms");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_memory_of_stopped_calls_is_given_back() {
    let engine = engine(|settings| settings.max_concurrent_calls = 4);
    let plugin = load(&engine, "misbehaving").await;
    let before = resident_bytes();
    for _ in 0..50 {
        let called = call(&engine, &plugin, json!({ "behaviour": "memory_bomb" })).await;
        assert!(called.usage.memory_bytes.used > 60 << 20, "{:?}", called.usage);
    }
    let grown = resident_bytes().saturating_sub(before);
    // Fifty times 64 MiB were in use; what other tests use at the same time is far less than a quarter of that.
    assert!(grown < 800 << 20, "{grown} bytes more are resident");
}

/// Memory of this process, in bytes; its tests run beside one another.
#[cfg(target_os = "linux")]
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}
