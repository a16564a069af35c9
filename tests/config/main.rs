//! The configuration as it is used: folders of wrong files with every problem they must be told, special files made
//! on the spot, and every example in the repository.

mod examples;
mod special;
mod wrong;
