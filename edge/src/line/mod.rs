//! One RS-485 line: its port, its Modbus master, its gauges.

pub mod board;
pub mod exchange;
pub mod frame;
pub mod gate;
pub mod lines;
pub mod master;
pub mod opening;
mod pause;
pub mod poller;
pub mod port;
pub mod reply_time;
pub mod rod_watch;
pub mod schedule;
pub mod serial;
mod slot;
mod tty;
pub mod unanswered;
