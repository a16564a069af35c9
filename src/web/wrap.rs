//! The start of a connection under TLS: the handshake within its time, and a plain word to who speaks HTTP without it.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// From the first byte to keys that both sides have.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);
/// The first byte of every handshake of TLS.
const HANDSHAKE: u8 = 22;

/// The stream under TLS; nothing when the client could not or did not agree in time.
pub async fn start_tls(stream: TcpStream, config: Arc<ServerConfig>) -> Option<TlsStream<TcpStream>> {
    let agreed = tokio::time::timeout(HANDSHAKE_LIMIT, agree(stream, config)).await;
    agreed.ok().flatten()
}

async fn agree(stream: TcpStream, config: Arc<ServerConfig>) -> Option<TlsStream<TcpStream>> {
    let mut first = [0_u8; 1];
    if stream.peek(&mut first).await.ok()? > 0 && first != [HANDSHAKE] {
        refuse_plain(&stream);
        return None;
    }
    match TlsAcceptor::from(config).accept(stream).await {
        Ok(stream) => Some(stream),
        Err(error) => {
            tracing::debug!("a handshake failed: {error}");
            None
        }
    }
}

/// Says that this is the port of TLS, without waiting for the client.
fn refuse_plain(stream: &TcpStream) {
    let text = b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n\
        content-length: 38\r\n\r\nTLS is spoken here: ask with https://\n";
    // Reading first what has come already lets the close be a plain one.
    let mut request = [0_u8; 1024];
    let _ = stream.try_read(&mut request);
    let _ = stream.try_write(text);
}
