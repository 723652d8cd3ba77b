//! Finds near-duplicates among the texts of an Arrow array. No text is copied.
//! `cargo run --release --example arrow`

use std::error::Error;
use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Float64Builder};
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{ArrayRef, RecordBatch, StringArray};
use resemblance::Deduper;

/// The batch with two more columns: whether a row is kept, and the similarity of a removed row to the kept one.
fn with_verdicts(batch: &RecordBatch, texts: &StringArray) -> Result<RecordBatch, Box<dyn Error>> {
    // References into the array's one buffer; a null is a text without words, which is kept.
    let documents: Vec<&str> = texts.iter().map(Option::unwrap_or_default).collect();
    let clusters = Deduper::new().clusters(&documents);

    let (mut kept, mut jaccard) = (BooleanBuilder::new(), Float64Builder::new());
    for row in 0..documents.len() {
        kept.append_value(clusters.is_kept(row));
        jaccard.append_option(
            clusters
                .removal(row)
                .map(|removal| removal.similarity.jaccard),
        );
    }
    let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
    let schema = batch.schema();
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        columns.push((field.name(), column.clone()));
    }
    columns.push(("kept", Arc::new(kept.finish())));
    columns.push(("jaccard_to_kept", Arc::new(jaccard.finish())));
    Ok(RecordBatch::try_from_iter(columns)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let texts = StringArray::from(vec![
        Some(
            "The steam ferry goes back into service on Monday, nine years after its last crossing.",
        ),
        None,
        Some("Volunteers will open the lighthouse to visitors for one day in June."),
        Some(
            "NEWS: The steam ferry goes back into service on Monday, nine years after its last crossing.",
        ),
    ]);
    let column: ArrayRef = Arc::new(texts.clone());
    let batch = RecordBatch::try_from_iter([("text", column)])?;
    let batch = with_verdicts(&batch, &texts)?;
    let [kept, jaccard] = [&batch["kept"], &batch["jaccard_to_kept"]];
    for (row, (kept, jaccard)) in kept
        .as_boolean()
        .iter()
        .zip(jaccard.as_primitive::<Float64Type>())
        .enumerate()
    {
        println!("{row}: kept {kept:?}, {jaccard:?}");
    }
    Ok(())
}
