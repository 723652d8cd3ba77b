//! The library, called as its users call it. One program, since each one more takes long to link.

#[path = "../support/mod.rs"]
mod support;

mod aside;
mod containment;
mod containment_index;
mod corpora;
mod engine;
mod exact;
mod golden;
mod index;
mod layers;
mod passages;
mod recall;
mod serde;
mod sets;
mod sites;
mod statistics;
mod storage;
mod stream;
mod templates;
mod weights;
mod whole;
