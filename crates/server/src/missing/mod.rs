//! The missing stage: installed software against the catalog, stored as what each device lacks.

pub mod matcher;
mod unanswered;
