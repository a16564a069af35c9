//! The configuration as it is used: folders of wrong files with every problem they must be told, special files made
//! on the spot, and every example in the repository.

// The helpers of tests say what they expect as tests do.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, clippy::indexing_slicing)]

mod examples;
mod special;
mod wrong;
