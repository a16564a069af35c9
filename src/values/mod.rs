//! Small words that every room speaks: sizes, times, names, modes. Nothing here touches the machine or imports another room.

mod known;
mod mode;
mod moment;
mod name;
mod problem;
mod size;
mod span;
mod text;
mod window;

pub use known::Known;
pub use mode::Mode;
pub use moment::{Now, Stamp};
pub use name::{NameError, ProjectName};
pub use problem::Problem;
pub use size::Bytes;
pub use span::Every;
pub use text::{ParseError, fingerprint, one_line};
pub use window::Window;
