//! Letting go of what an operator kept.

/// What takes more than this is freed by a thread of its own.
const LARGE_BYTES: u64 = 16 << 20;

/// Frees `value`. Millions of values take a tenth of a second, which nobody should wait for: least
/// of all whoever stopped the query.
pub(super) fn discard<T: Send + 'static>(value: T, bytes: u64) {
    if bytes < LARGE_BYTES {
        return;
    }
    let thread = std::thread::Builder::new().name("discard".to_owned());
    // Where there is no thread to be had, the value goes with the closure, here and now.
    let _ = thread.spawn(move || drop(value));
}
