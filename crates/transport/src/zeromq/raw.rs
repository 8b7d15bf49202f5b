use std::ffi::c_int;
use std::io;

/// `ZMQ_XPUB_MANUAL`: no subscription counts unless it is accepted.
pub(super) const XPUB_MANUAL: c_int = 71;
/// `ZMQ_TCP_MAXRT`: milliseconds after which unacknowledged data ends a connection (`TCP_USER_TIMEOUT`).
pub(super) const TCP_MAXRT: c_int = 80;

/// Sets an integer option that the `zmq` crate has no method for.
#[allow(unsafe_code)]
pub(super) fn set_int(socket: &mut zmq::Socket, option: c_int, value: c_int) -> io::Result<()> {
    let pointer = socket.as_mut_ptr();
    // SAFETY: `pointer` is the live ZeroMQ socket that `socket` owns, borrowed exclusively for this call, so no other
    // thread uses it; the option's value is read during the call from `value`, an int of the size given.
    let code =
        unsafe { zmq_sys::zmq_setsockopt(pointer, option, (&raw const value).cast(), size_of::<c_int>()) };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
