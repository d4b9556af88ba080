use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::termios::{ControlModes, OptionalActions, QueueSelector, ioctl_tiocexcl, tcflush, tcgetattr, tcsetattr};
use tankline_domain::site::{Framing, Parity};
use thiserror::Error;

use super::pty::{read_some, write_some};
use super::{Arrival, Endpoint, Peer};

/// From one attempt to open a port that went away to the next.
const REOPEN: Duration = Duration::from_secs(1);

/// A serial port could not be used.
#[derive(Debug, Error)]
#[error("cannot {step} {}{}", path.display(), advice(source))]
pub struct SerialError {
    step: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// A serial port that is really there. One that goes away is opened again when it comes back.
#[derive(Debug)]
pub(in crate::line) struct Serial {
    path: PathBuf,
    framing: Framing,
    state: State,
}

#[derive(Debug)]
enum State {
    Open(OwnedFd),
    Gone { next_try: Instant },
}

impl Serial {
    pub(in crate::line) fn open(path: &Path, framing: Framing) -> Result<Self, SerialError> {
        let port = open_port(path, framing)?;
        Ok(Self { path: path.to_owned(), framing, state: State::Open(port) })
    }

    fn lose(&mut self, now: Instant, error: &io::Error) {
        tracing::warn!(port = %self.path.display(), %error, "the port went away; it is opened again when it comes back");
        self.state = State::Gone { next_try: now + REOPEN };
    }
}

impl Endpoint for Serial {
    fn sources(&self) -> Vec<BorrowedFd<'_>> {
        match &self.state {
            State::Open(port) => vec![port.as_fd()],
            State::Gone { .. } => Vec::new(),
        }
    }

    fn receive(&mut self, now: Instant, arrivals: &mut Vec<Arrival>) -> io::Result<()> {
        match &self.state {
            State::Open(port) => match read_some(port) {
                Ok(None) => {}
                Ok(Some(bytes)) if bytes.is_empty() => self.lose(now, &ErrorKind::UnexpectedEof.into()),
                Ok(Some(bytes)) => arrivals.push(Arrival::Bytes(Peer::default(), bytes)),
                Err(error) => self.lose(now, &error),
            },
            State::Gone { next_try } if *next_try <= now => match open_port(&self.path, self.framing) {
                Ok(port) => {
                    tracing::info!(port = %self.path.display(), "the port is back");
                    self.state = State::Open(port);
                }
                Err(_) => self.state = State::Gone { next_try: now + REOPEN },
            },
            State::Gone { .. } => {}
        }
        Ok(())
    }

    fn send(&mut self, _to: Option<Peer>, bytes: &[u8]) -> io::Result<usize> {
        match &self.state {
            // A port that went away shows when it is read.
            State::Open(port) => Ok(bytes.len() - write_some(port, bytes).unwrap_or(0)),
            State::Gone { .. } => Ok(bytes.len()),
        }
    }

    fn due(&self) -> Option<Instant> {
        match self.state {
            State::Open(_) => None,
            State::Gone { next_try } => Some(next_try),
        }
    }
}

fn open_port(path: &Path, framing: Framing) -> Result<OwnedFd, SerialError> {
    let failed = |step| move |errno: Errno| SerialError { step, path: path.to_owned(), source: errno.into() };
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let port = open(path, flags, Mode::empty()).map_err(failed("open the serial port"))?;
    let mut settings = tcgetattr(&port).map_err(failed("read the settings of"))?;
    settings.make_raw();
    let bits = if framing.data_bits == 7 { ControlModes::CS7 } else { ControlModes::CS8 };
    let all = ControlModes::CSIZE | ControlModes::PARENB | ControlModes::PARODD | ControlModes::CSTOPB;
    settings.control_modes.remove(all | ControlModes::CRTSCTS);
    settings.control_modes.insert(bits | ControlModes::CLOCAL | ControlModes::CREAD);
    settings.control_modes.set(ControlModes::PARENB, framing.parity != Parity::None);
    settings.control_modes.set(ControlModes::PARODD, framing.parity == Parity::Odd);
    settings.control_modes.set(ControlModes::CSTOPB, framing.stop_bits == 2);
    // A read without bytes must give none, and not the end of the file.
    settings.special_codes[rustix::termios::SpecialCodeIndex::VMIN] = 1;
    settings.set_speed(framing.baud).map_err(failed("set the rate of"))?;
    tcsetattr(&port, OptionalActions::Now, &settings).map_err(failed("set up"))?;
    if let Some(direction) = framing.direction {
        let turned = tankline_edge::line::serial::turn_by_kernel(&port, direction);
        turned.map_err(|source| SerialError { step: "turn the RS-485 driver of", path: path.to_owned(), source })?;
    }
    ioctl_tiocexcl(&port).map_err(failed("hold"))?;
    tcflush(&port, QueueSelector::IOFlush).map_err(failed("empty"))?;
    Ok(port)
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::NotFound => "; is the adapter plugged in? `ls /dev/ttyUSB* /dev/ttyACM*` shows what there is",
        ErrorKind::PermissionDenied => "; add this user to the group dialout and log in again",
        ErrorKind::ResourceBusy => "; another program holds it, `fuser -v` tells which",
        _ if Errno::from_io_error(error) == Some(Errno::NOTTY) => "; it is not a serial port",
        _ => "",
    }
}
