//! Guests that break the rules which a compiler would keep for them: each is stopped with a code that says what it did,
//! within twice its deadline, and the next call is as good as any.

use std::borrow::Cow;
use std::sync::Arc;

use ocriva::plugins::{Call, Engine, Refusal};
use serde_json::json;

use super::modules::{Module, with_instances};
use super::{call, engine};

/// Milliseconds of processor time that a guest has here.
const CPU_MS: u64 = 200;

fn strict() -> Arc<Engine> {
    engine(|settings| {
        settings.cpu_ms = CPU_MS;
        settings.wall_ms = 20_000;
        settings.memory_mib = 8;
        settings.output_kib = 256;
        settings.handles = 100;
    })
}

/// Calls it, and then one that breaks nothing.
async fn stopped(module: Module<'_>) -> Call {
    let engine = strict();
    let plugin = engine.load(Cow::Owned(module.component())).await.expect("it is taken");
    let called = call(&engine, &plugin, json!({})).await;
    assert!(called.usage.cpu_ms.used <= CPU_MS * 2, "{:?}", called.usage);
    let good = engine.load(Cow::Owned(Module::default().component())).await.expect("it is taken");
    let after = call(&engine, &good, json!({})).await;
    assert!(after.result.is_ok(), "{:?}", after.result);
    called
}

/// Code and words of what stopped it.
async fn reason(extract: &str) -> (String, String) {
    told(&stopped(Module { extract, ..Module::default() }).await)
}

fn told(called: &Call) -> (String, String) {
    let error = called.result.as_ref().expect_err("it is stopped");
    assert!(!error.is_transient(), "{error}");
    (error.code().to_owned(), error.to_string())
}

async fn refusal(component: Vec<u8>) -> Refusal {
    strict().load(Cow::Owned(component)).await.err().expect("it is refused")
}

#[tokio::test]
async fn tables_count_as_memory() {
    let items = "(table $one 1 funcref) (table $two 1 funcref)";
    let grow = |table| {
        format!(
            "(loop $more (br_if $more (i32.ge_s (table.grow {table} (ref.null func) (i32.const 1000)) (i32.const 0))))"
        )
    };
    // What one table leaves is not enough for the other: each would be, for itself, within the limit of the pool.
    let big = "(drop (memory.grow (i32.const 110)))";
    let extract = format!("{big} {} {} unreachable", grow("$one"), grow("$two"));
    let called = stopped(Module { items, extract: &extract, ..Module::default() }).await;
    assert_eq!(told(&called).0, "plugin.memory");
    let used = called.usage.memory_bytes.used;
    assert!((7 << 20..=8 << 20).contains(&used), "{used}");
}

#[tokio::test]
async fn a_start_function_or_a_description_without_an_end_costs_no_more_than_a_call() {
    let forever = "(loop $again (br $again))";
    let start = format!("(func $start {forever}) (start $start)");
    for module in
        [Module { items: &start, ..Module::default() }, Module { describe: forever, ..Module::default() }]
    {
        let refusal = refusal(module.component()).await;
        let cause = std::error::Error::source(&refusal).expect("it has a cause").to_string();
        assert!(cause.contains("used 200 ms of processor time"), "{cause}");
    }
}

#[tokio::test]
async fn texts_and_answers_outside_of_memory_break_the_contract() {
    for extract in [
        // Beyond the end, around the end of all addresses, and 4 GiB long.
        "(call $log (i32.const 2) (i32.const 131070) (i32.const 100))",
        "(call $log (i32.const 2) (i32.const -16) (i32.const 100))",
        "(call $log (i32.const 2) (i32.const 0) (i32.const -1))",
        // Not UTF-8.
        "(i32.store (i32.const 4096) (i32.const 0xfffefffe)) (call $log (i32.const 2) (i32.const 4096) (i32.const 4))",
        // The answer's place.
        "(return (i32.const -4))",
        "(return (i32.const 513))",
        // Where an answer is to be written to.
        "(call $page (local.get $doc) (i32.const 0) (i32.const -8))",
    ] {
        let (code, message) = reason(extract).await;
        assert_eq!(code, "plugin.trap", "{extract}: {message}");
        assert!(message.contains("`raw` stopped: "), "{message}");
    }
}

#[tokio::test]
async fn an_answer_that_is_none_of_its_type_breaks_the_contract() {
    let (code, _) = reason("(i32.store8 (i32.const 512) (i32.const 7)) (return (i32.const 512))").await;
    assert_eq!(code, "plugin.trap");
    let (code, _) = reason(
        "(call $drop_doc (local.get $doc)) (i32.store8 (i32.const 512) (i32.const 0))
         (i32.store (i32.const 516) (i32.const 0)) (i32.store (i32.const 520) (i32.const -1)) (return (i32.const 512))",
    )
    .await;
    assert_eq!(code, "plugin.trap");
}

#[tokio::test]
async fn more_than_a_call_to_the_host_may_carry_is_denied() {
    let (code, message) = reason(
        "(drop (memory.grow (i32.const 20))) (call $log (i32.const 2) (i32.const 0) (i32.const 1000000))",
    )
    .await;
    assert_eq!(code, "plugin.denied");
    assert!(
        message.contains("bytes in one call to the host") && message.contains("`output_kib`"),
        "{message}"
    );
}

#[tokio::test]
async fn forged_handles_break_the_contract() {
    let page = "(call $page (local.get $doc) (i32.const 0) (i32.const 600))";
    let handle = "(i32.load (i32.const 604))";
    for extract in [
        // Never handed out, of another kind, dropped before, dropped twice, and the document kept beyond the call.
        "(drop (call $number (i32.const 7777)))".to_owned(),
        "(drop (call $number (i32.const -1)))".to_owned(),
        "(drop (call $number (local.get $doc)))".to_owned(),
        format!("{page} (drop (call $page_count {handle}))"),
        format!("{page} (call $drop_page {handle}) (drop (call $number {handle}))"),
        format!("{page} (call $drop_page {handle}) (call $drop_page {handle})"),
        "(call $drop_page (local.get $doc))".to_owned(),
        "(return (i32.const 512))".to_owned(),
    ] {
        let (code, message) = reason(&extract).await;
        assert_eq!(code, "plugin.trap", "{extract}: {message}");
    }
}

#[tokio::test]
async fn handles_of_the_guests_own_making_are_counted_too() {
    let (code, message) = reason("(loop $more (drop (call $new_thing (i32.const 1))) (br $more))").await;
    assert_eq!(code, "plugin.denied");
    assert!(message.contains("limit `handles`"), "{message}");
}

#[tokio::test]
async fn a_trap_where_a_resource_or_an_answer_is_given_back_is_a_trap() {
    let (code, message) = reason("(call $drop_thing (call $new_thing (i32.const 1)))").await;
    assert_eq!(code, "plugin.trap", "{message}");
    let called = stopped(Module { after: "unreachable", ..Module::default() }).await;
    assert_eq!(told(&called).0, "plugin.trap");
    let called = stopped(Module { after: "(loop $again (br $again))", ..Module::default() }).await;
    assert_eq!(told(&called).0, "plugin.timeout_cpu");
}

#[tokio::test]
async fn an_allocator_that_lies_or_does_not_end_is_stopped() {
    let meta = "(call $meta (local.get $doc) (i32.const 600))";
    let lying = |realloc| Module { realloc, extract: meta, ..Module::default() };
    for realloc in ["(return (i32.const -8))", "(return (i32.const 131071))", "unreachable"] {
        let called = stopped(lying(realloc)).await;
        assert_eq!(told(&called).0, "plugin.trap", "{realloc}");
    }
    let called = stopped(lying("(loop $again (br $again))")).await;
    assert_eq!(told(&called).0, "plugin.timeout_cpu");
    // A host function may not be called while the host waits for memory.
    let called = stopped(lying("(call $log (i32.const 2) (i32.const 0) (i32.const 1))")).await;
    assert_eq!(told(&called).0, "plugin.trap");
}

#[tokio::test]
async fn a_recursion_that_uses_the_hosts_stack_is_told_as_one() {
    let items = "(func $deeper (param i32) (result i32) (i32.add (call $deeper (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))";
    let extract = "(drop (call $deeper (i32.const 0)))";
    let called = stopped(Module { items, extract, ..Module::default() }).await;
    assert_eq!(told(&called).0, "plugin.stack");
}

#[tokio::test]
async fn a_component_of_many_parts_is_refused_before_it_takes_others_room() {
    let good = Module::default().component();
    let engine = strict();
    assert!(engine.load(Cow::Owned(with_instances(&good, "(module)", 40))).await.is_ok());
    let page = "(module (memory 1))";
    let big = "(module (memory 200))";
    let table = "(module (table 1 funcref))";
    let many = "(module (table 90000 funcref))";
    for (module, count, words) in [
        ("(module)", 100, "instances"),
        (page, 10, "memories"),
        (big, 2, "memory"),
        (table, 40, "tables"),
        (many, 20, "memory"),
        ("(module (memory 5000))", 1, "memory"),
    ] {
        let refused = refusal(with_instances(&good, module, count)).await;
        let mut said = refused.to_string();
        if let Some(cause) = std::error::Error::source(&refused) {
            said = format!("{said}: {cause}");
        }
        assert!(said.contains(words), "{module}: {said}");
    }
}

#[tokio::test]
async fn a_component_that_a_compiler_does_not_come_to_an_end_with_is_refused_in_time() {
    // Each loop may have changed each of the locals.
    let locals = "(local i32)".repeat(1000);
    let loops: String = (0..10_000)
        .map(|each| {
            let (one, other) = (each * 7 % 1000, each * 13 % 1000);
            format!(
                "(loop (local.set {one} (i32.add (local.get {other}) (i32.const 1))) (br_if 0 (local.get 0)))"
            )
        })
        .collect();
    let costly =
        with_instances(&Module::default().component(), &format!("(module (func {locals} {loops}))"), 1);
    assert!(costly.len() < 300_000, "{} bytes", costly.len());
    for (seconds, memory_mib) in [(2, 2048), (30, 80)] {
        let engine = engine(|settings| {
            settings.compile.cpu_seconds = seconds;
            settings.compile.memory_mib = memory_mib;
        });
        let refused = engine.load(Cow::Owned(costly.clone())).await.err().expect("it is refused");
        let said = refused.to_string();
        assert!(
            said.contains(&format!("more than {seconds} seconds or {memory_mib} MiB to compile")),
            "{said}"
        );
    }
}
