//! Small words that every room speaks: sizes, times, names, modes. Nothing here touches the machine or imports another room.

mod cpus;
mod known;
mod limit;
mod mode;
mod moment;
mod name;
mod problem;
mod secret;
mod secret_words;
mod size;
mod slice;
mod span;
mod text;
mod window;

pub use cpus::Cpus;
pub use known::Known;
pub use limit::Limit;
pub use mode::Mode;
pub use moment::{Now, Stamp};
pub use name::{NameError, ProjectName};
pub use problem::Problem;
pub use secret::{MarkKey, SecretMark};
pub use secret_words::{is_secret_key, split_words};
pub use size::Bytes;
pub use slice::{TENANTS, group_of_slice, slice_of};
pub use span::Every;
pub use text::{ParseError, fingerprint, one_line};
pub use window::Window;
