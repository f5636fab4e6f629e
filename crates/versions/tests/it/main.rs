//! The orders against facts: tables, and the distribution's own tool as oracle.

mod debian;
mod display;
mod nuget;
mod rpm;

use std::cmp::Ordering;

fn sign(order: Ordering) -> &'static str {
    match order {
        Ordering::Less => "<",
        Ordering::Equal => "=",
        Ordering::Greater => ">",
    }
}
