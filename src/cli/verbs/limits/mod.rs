//! `limits`: what projects and their containers may use; the Compose override; taking back. One file per subcommand.

mod export;
mod listing;
mod release;
mod suggest;

use super::super::desk::{Desk, shaped};
use super::super::failure::Failure;
use super::super::limits_args::{LimitsArgs, LimitsVerb};
use crate::api::limits::LimitsShown;
use crate::api::request::encode_query;

pub fn run(desk: &mut Desk<'_>, args: &LimitsArgs) -> Result<u8, Failure> {
    match &args.what {
        None => listing::run(desk, args.project.as_deref()),
        Some(LimitsVerb::Export(args)) => export::run(desk, &args.project),
        Some(LimitsVerb::Suggest(args)) => suggest::run(desk, args.project.as_deref()),
        Some(LimitsVerb::Release(args)) => release::run(desk, args),
    }
}

fn read_limits(desk: &mut Desk<'_>, project: Option<&str>) -> Result<(LimitsShown, serde_json::Value), Failure> {
    let target = match project {
        Some(project) => format!("/v1/limits?{}", encode_query(&[("project", project)])),
        None => "/v1/limits".to_owned(),
    };
    let value = desk.read(&target)?;
    Ok((shaped("/v1/limits", &value)?, value))
}
