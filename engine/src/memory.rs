//! Large arrays on huge pages.
//!
//! A search over millions of steps reads rows in no order, so nearly every row is a miss of the
//! table that translates addresses; on a virtual machine each of those costs two walks. Pages of
//! 2 MiB need 512 times fewer entries. Linux gives them to memory that asks (`MADV_HUGEPAGE`) when
//! `/sys/kernel/mm/transparent_hugepage/enabled` says `madvise`, its usual setting.

#![allow(
    unsafe_code,
    reason = "an allocator cannot be written without; every block has its proof"
)]

use std::alloc::{GlobalAlloc, Layout, System};

/// From this size on memory asks for huge pages: that of one huge page on x86-64 and most others.
const LARGE: usize = 2 << 20;

/// The allocator of the system, which asks for huge pages for every large piece of memory.
///
/// Programs take it with `#[global_allocator]`. Where the system is not Linux it is the system's
/// allocator and nothing else.
///
/// Measured on two cores of a virtual machine, attack graph of 1 M states and 10 M steps: see
/// "Huge pages" in `benches/README.md`.
#[derive(Clone, Copy, Debug, Default)]
pub struct HugePages;

// SAFETY: every method hands its arguments to `System` unchanged and returns what `System`
// returned, so `System`'s own promises hold; advice changes how pages are backed and never what
// is in them or whether they are there.
unsafe impl GlobalAlloc for HugePages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise about `layout` is the one that `System` asks for.
        let start = unsafe { System.alloc(layout) };
        advise(start, layout.size());
        start
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`.
        let start = unsafe { System.alloc_zeroed(layout) };
        advise(start, layout.size());
        start
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: `start` came from `System` with this layout, as every method here does.
        let start = unsafe { System.realloc(start, layout, new_size) };
        advise(start, new_size);
        start
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: `start` came from `System` with this layout, as every method here does.
        unsafe { System.dealloc(start, layout) }
    }
}

/// Asks for huge pages in the whole pages of a piece of memory, if it is large.
#[cfg(target_os = "linux")]
fn advise(start: *mut u8, n_bytes: usize) {
    /// Advice is about whole pages; on systems with larger ones the call fails and nothing is lost.
    const PAGE: usize = 4096;
    if n_bytes < LARGE || start.is_null() {
        return;
    }
    let first = start.addr().next_multiple_of(PAGE);
    let end = (start.addr() + n_bytes) / PAGE * PAGE;
    // SAFETY: the range lies inside a piece of memory that was just allocated and belongs to the
    // caller; MADV_HUGEPAGE neither reads nor writes it. Whether it succeeds does not matter.
    let _ = unsafe {
        libc::madvise(
            start.with_addr(first).cast(),
            end.saturating_sub(first),
            libc::MADV_HUGEPAGE,
        )
    };
}

#[cfg(not(target_os = "linux"))]
fn advise(_start: *mut u8, n_bytes: usize) {
    let _ = n_bytes < LARGE;
}

/// Asks for the line of memory that holds this element, which will be read soon. A hint and no
/// more: nothing is read, nothing waits, and an index that is not there is nothing to ask for.
#[inline]
pub(crate) fn prefetch<T>(items: &[T], at: usize) {
    let Some(item) = items.get(at) else {
        return;
    };
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the address is that of a live element; a prefetch neither reads nor writes it as far
    // as the program can tell, and SSE is part of every x86-64.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(item).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = item;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_any_size_holds_what_is_written() {
        for n_bytes in [1, 4095, LARGE - 1, LARGE, LARGE + 4097, 5 * LARGE] {
            let layout = Layout::from_size_align(n_bytes, 16).expect("a valid layout");
            let grown = 2 * n_bytes + 1;
            // SAFETY: sizes are not zero, every pointer is checked, used inside its size and
            // given back with the layout that it has.
            unsafe {
                let start = HugePages.alloc_zeroed(layout);
                assert!(!start.is_null());
                assert_eq!(*start.add(n_bytes - 1), 0);
                start.add(n_bytes - 1).write(7);
                let start = HugePages.realloc(start, layout, grown);
                assert!(!start.is_null());
                assert_eq!(*start.add(n_bytes - 1), 7);
                start.add(grown - 1).write(9);
                let layout = Layout::from_size_align(grown, 16).expect("a valid layout");
                HugePages.dealloc(start, layout);
                let start = HugePages.alloc(layout);
                assert!(!start.is_null());
                start.add(grown - 1).write(1);
                HugePages.dealloc(start, layout);
            }
        }
    }
}
