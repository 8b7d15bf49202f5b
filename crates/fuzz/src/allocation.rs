use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, which counts for each thread how many bytes are held at the moment.
///
/// A test program names it as its `#[global_allocator]`; [`peak_of`] reads it.
#[derive(Debug)]
pub struct Counting;

thread_local! {
    // Without destructors, so that they can be used for as long as the thread allocates.
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// Runs `work`, and tells how many bytes more this thread held at its worst moment than at the beginning.
///
/// # Panics
/// If the program's allocator is not [`Counting`].
pub fn peak_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    HELD.set(0);
    PEAK.set(0);
    drop(std::hint::black_box(Box::new(0_u8)));
    assert!(PEAK.get() > 0, "the program does not count what it allocates");
    HELD.set(0);
    PEAK.set(0);
    let result = work();
    (result, PEAK.get().unsigned_abs())
}

fn count(bytes: isize) {
    let held = HELD.get() + bytes;
    HELD.set(held);
    PEAK.set(PEAK.get().max(held));
}

fn size(bytes: usize) -> isize {
    isize::try_from(bytes).unwrap_or(isize::MAX)
}

// SAFETY: everything is the system allocator's own doing. What is added touches two numbers of this thread, allocates nothing, and
// cannot unwind.
#[allow(unsafe_code, reason = "an allocator cannot be written without")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(size(layout.size()));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(size(layout.size()));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-size(layout.size()));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new: usize) -> *mut u8 {
        // For a moment both may be there.
        count(size(new));
        count(-size(layout.size()));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, new) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static ALLOCATOR: Counting = Counting;

    #[test]
    fn the_worst_moment_is_told_and_not_the_sum() {
        let (_, peak) = peak_of(|| {
            for _ in 0..10 {
                drop(std::hint::black_box(vec![0_u8; 1000]));
            }
        });
        assert_eq!(peak, 1000);
    }

    #[test]
    fn what_another_thread_allocates_is_not_counted() {
        let (_, peak) = peak_of(|| {
            std::thread::scope(|scope| {
                scope.spawn(|| drop(std::hint::black_box(vec![0_u8; 1 << 20])));
            });
        });
        assert!(peak < 1 << 20, "{peak}");
    }
}
