//! The loop that exists once: observe, decide, guard, act, measure. Owns the words of deciding (`Plan`, `Planned`,
//! `Concern`, `Change`, `Snapshot`) and the guard. Knows no keeper by name and touches the machine only through them.

mod audit_view;
mod clean_view;
mod concern;
mod guard;
mod keeper;
mod limits_view;
mod plan;
mod pool_view;
mod reclaim_view;
mod rules;
mod run;
mod seat;
mod snapshot;
mod subject;
#[cfg(test)]
mod tests;

pub use audit_view::{Allowed, AuditView, Finding};
pub use clean_view::{CleanView, DeletedView};
pub use concern::{Concern, Severity};
pub use guard::{Circumstances, Proposal, Storm, decide_gates};
pub use keeper::{Change, Keeper, Views};
pub use limits_view::{BoundState, BoundView, LimitsView, ObservedView, ServiceLimitsView};
pub use plan::{Block, Class, Evidence, Gate, Plan, Planned, Purpose, Reason, Step};
pub use pool_view::{PoolMemberView, PoolView};
pub use reclaim_view::{Leftover, LeftoverClass, ReclaimView, UnboundLog};
pub use rules::{Limits, Rules};
pub use run::{Done, RoundResult, SharedSeat, Table, look_and_plan, outcome_of, run_round};
pub use seat::{Promise, Seat, Seated, Sight};
pub use snapshot::{
    AgentView, CacheView, CollectorView, ContainerView, DirView, FilesystemView, FixView, GpuView, HostView,
    KeeperReport, LedgerState, PlannedView, ProjectView, Snapshot, TierView,
};
pub use subject::Subject;
