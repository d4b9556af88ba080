//! A Modbus TCP server that closes a connection after so many answers.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use tankline_runtime::clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// It listens on a port of its own until it is dropped.
pub struct Gateway {
    pub port: String,
    connections: Arc<Mutex<Vec<Instant>>>,
    task: JoinHandle<()>,
}

impl Gateway {
    pub async fn start(answers: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = format!("tcp://{}", listener.local_addr().unwrap());
        let connections = Arc::new(Mutex::new(Vec::new()));
        let taken = connections.clone();
        let serve = async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                taken.lock().unwrap().push(clock::now());
                // Whoever asks ends the connection, or this side does.
                let _ = serve(connection, answers).await;
            }
        };
        #[expect(clippy::disallowed_methods, reason = "a test owns its task, and ends it")]
        let task = tokio::spawn(serve);
        Self { port, connections, task }
    }

    /// Gives when connections were taken.
    pub fn connections(&self) -> Vec<Instant> {
        self.connections.lock().unwrap().clone()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers three registers to whatever is asked.
async fn serve(mut connection: TcpStream, answers: usize) -> std::io::Result<()> {
    for _ in 0..answers {
        let mut request = [0; 12];
        connection.read_exact(&mut request).await?;
        let mut reply = vec![request[0], request[1], 0, 0, 0, 9, request[6], 3, 6];
        reply.extend([0x25, 0xA9, 0x18, 0xDF, 0x01, 0x45]);
        connection.write_all(&reply).await?;
    }
    Ok(())
}
