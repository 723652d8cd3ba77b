//! The examples, run as their users run them. One program, since each one more takes long to link.

#[path = "../support/rows.rs"]
#[allow(dead_code, unreachable_pub)]
mod rows;
#[path = "../support/mod.rs"]
mod support;
#[path = "../../benches/support/synthetic/mod.rs"]
mod synthetic;

mod against;
mod annotate;
mod bounds;
mod collisions;
mod dedup;
mod dedup_inputs;
mod dedup_outputs;
mod dedup_refuses;
mod evaluate;
mod evaluate_rules;
#[cfg(target_os = "linux")]
mod failing_calls;
mod fields;
mod generate;
mod keep;
mod leaks;
mod log;
mod long_records;
mod parquet;
mod report;
mod short_examples;
mod stream_example;
mod work;
