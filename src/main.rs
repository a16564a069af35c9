//! hostkeeper: arguments in, exit code out.
fn main() {
    hostkeeper::daemon::start_logging();
    let places = hostkeeper::daemon::Places {
        config: std::env::var("HOSTKEEPER_CONFIG").unwrap_or_default().into(),
        state: std::env::var("HOSTKEEPER_STATE").unwrap_or_default().into(),
        socket: std::env::var("HOSTKEEPER_SOCKET").unwrap_or_default().into(),
    };
    if let Err(error) = hostkeeper::daemon::run(&places) {
        tracing::error!("{error}");
    }
}
