//! An RS-485 driver that the kernel turns from listening to sending.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::ioctl::{Opcode, Setter, ioctl};
use tankline_domain::site::Direction;

/// Source: Linux, include/uapi/asm-generic/ioctls.h.
const TIOCSRS485: Opcode = 0x542F;

/// Source: Linux, include/uapi/linux/serial.h: `SER_RS485_ENABLED`, `SER_RS485_RTS_ON_SEND`, `SER_RS485_RTS_AFTER_SEND`.
const ENABLED: u32 = 1;
const RTS_ON_SEND: u32 = 1 << 1;
const RTS_AFTER_SEND: u32 = 1 << 2;

/// `struct serial_rs485` of Linux, include/uapi/linux/serial.h.
#[repr(C)]
#[derive(Debug, Default)]
struct SerialRs485 {
    flags: u32,
    delay_rts_before_send_ms: u32,
    delay_rts_after_send_ms: u32,
    padding: [u32; 5],
}

/// Lets the kernel turn the driver of an RS-485 port from listening to sending and back.
///
/// # Errors
/// What the system said, when the port's driver cannot.
pub fn turn_by_kernel(port: &impl AsRawFd, direction: Direction) -> io::Result<()> {
    let settings = SerialRs485 {
        flags: ENABLED | if direction.rts_on_send { RTS_ON_SEND } else { RTS_AFTER_SEND },
        delay_rts_before_send_ms: direction.delay_before_send_ms.into(),
        delay_rts_after_send_ms: direction.delay_after_send_ms.into(),
        ..SerialRs485::default()
    };
    #[expect(unsafe_code, reason = "the request takes exactly this structure, and rustix knows no call for it")]
    // SAFETY: TIOCSRS485 reads a `struct serial_rs485` and writes back what the driver made of it; `Setter` owns one.
    let turned = unsafe { ioctl(borrow(port), Setter::<TIOCSRS485, _>::new(settings)) };
    Ok(turned?)
}

/// Borrows the descriptor of a port.
pub(super) fn borrow(port: &(impl AsRawFd + ?Sized)) -> BorrowedFd<'_> {
    #[expect(unsafe_code, reason = "tokio-serial gives its descriptor in this form only")]
    // SAFETY: the port owns the descriptor and lives as long as what is borrowed from it.
    unsafe {
        BorrowedFd::borrow_raw(port.as_raw_fd())
    }
}
