//! The overview page: one document of tables, whole without JavaScript, refreshed by the browser. Pure.

mod host;
mod tables;

use super::html::Html;
use crate::api::Refusal;
use crate::api::shapes::{Containers, History, PlanShown, Status};

/// Everything on the page.
pub struct Overview {
    pub status: Status,
    pub containers: Containers,
    pub plan: PlanShown,
    pub history: History,
}

const HEAD: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
    <meta name=\"color-scheme\" content=\"light dark\">\n\
    <meta http-equiv=\"refresh\" content=\"10\">\n\
    <link rel=\"stylesheet\" href=\"/style.css\">\n<title>";

/// The page of an agent that answers.
/// `web_trouble`: why the newest web configuration is not in force.
pub fn render_overview(overview: &Overview, web_trouble: Option<&str>) -> String {
    let status = &overview.status;
    let mut html = Html::default();
    html.raw(HEAD).text(&status.verdict.text).raw("</title>\n</head>\n<body>\n");
    push_header(&mut html, status, web_trouble);
    html.raw("<main>\n");
    host::push_host(&mut html, &status.host);
    tables::push_concerns(&mut html, &status.concerns);
    tables::push_projects(&mut html, &status.projects);
    tables::push_plan(&mut html, &overview.plan);
    tables::push_storage(&mut html, status);
    tables::push_containers(&mut html, &overview.containers.containers);
    tables::push_history(&mut html, &overview.history);
    html.raw("</main>\n");
    push_footer(&mut html, status);
    html.raw("</body>\n</html>\n");
    html.finish()
}

fn push_header(html: &mut Html, status: &Status, web_trouble: Option<&str>) {
    html.raw("<header class=\"").raw(match status.verdict.state.as_str() {
        "ok" => "good",
        "warning" => "look",
        _ => "bad",
    });
    html.raw("\">\n<h1>").text(&status.verdict.text).raw("</h1>\n<p>");
    html.raw("mode <b>").text(status.mode.as_str()).raw("</b> · round ").text(&status.round.to_string());
    html.raw(" at ").raw("<time>").text(&tables::moment(status.at)).raw("</time>");
    html.raw(" · hostkeeper ").text(&status.agent.version);
    html.raw(" · configuration of <time>").text(&tables::moment(status.agent.config_loaded)).raw("</time></p>\n");
    if let Some(why) = &status.agent.config_refused {
        html.raw("<p class=\"alert\">The last reload was refused: ").text(why);
        html.raw(". Next: <code>hostkeeper config check</code></p>\n");
    }
    if let Some(why) = web_trouble {
        html.raw("<p class=\"alert\">The web configuration does not hold, the earlier one is in force: ").text(why);
        html.raw("</p>\n");
    }
    if let Some(why) = &status.ledger.why {
        html.raw("<p class=\"alert\">The ledger cannot be written, so nothing is changed: ").text(why).raw("</p>\n");
    }
    for keeper in &status.keepers {
        if let Some(trouble) = &keeper.trouble {
            html.raw("<p class=\"alert\">Keeper ").text(&keeper.keeper).raw(" is in trouble: ").text(trouble);
            html.raw("</p>\n");
        }
    }
    html.raw("</header>\n");
}

fn push_footer(html: &mut Html, status: &Status) {
    html.raw(
        "<footer>\n<p>This page only shows. To act: <code>hostkeeper plan</code>, <code>hostkeeper apply</code>, ",
    );
    html.raw("<code>hostkeeper explain NAME</code>. For Prometheus: <a href=\"/metrics\">/metrics</a>.</p>\n<p>");
    html.raw("Agent since <time>").text(&tables::moment(status.agent.started)).raw("</time>");
    let files = status.agent.config_files.join(", ");
    html.raw(", configured by ").text(if files.is_empty() { "nothing but defaults" } else { &files });
    html.raw(". The page renews itself every 10 s.</p>\n</footer>\n");
}

/// The page when the agent does not answer.
pub fn render_trouble(refusal: &Refusal) -> String {
    let mut html = Html::default();
    html.raw(HEAD).raw("hostkeeper does not answer</title>\n</head>\n<body>\n<header class=\"bad\">\n<h1>");
    html.raw("The agent does not answer</h1>\n<p>").text(&refusal.text).raw("</p>\n<p>Next: <code>");
    html.text(&refusal.cure).raw("</code></p>\n</header>\n<main>\n<p>Nothing is known of the host while the agent ");
    html.raw("does not answer. This page tries again every 10 s.</p>\n</main>\n</body>\n</html>\n");
    html.finish()
}
