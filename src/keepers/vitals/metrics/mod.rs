//! The families of what was seen, in the dialects that existing dashboards speak. Pure.

pub mod container;
pub mod gpu;
pub mod host;
pub mod machine;
pub mod manual;
pub mod node;
pub mod project;
