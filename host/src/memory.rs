//! What the program keeps of the memory that it has freed.

/// Freed memory, in bytes, that the allocator keeps for what comes next, and size from which on memory comes from the
/// system and goes back there at once: between what the networks work with, which is wanted again for every line, and the
/// picture of a fine scan.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT_BYTES: libc::c_int = 32 << 20;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE_BYTES: libc::c_int = 32 << 20;

/// Has threads share what memory was freed; to be called before there are others. By itself the GNU allocator keeps up to
/// eight heaps for each core, of which every one holds back what the largest page ever took of it.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the standard library does not tell the allocator anything")]
pub fn share_freed() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let heaps = libc::c_int::try_from(cores).unwrap_or(libc::c_int::MAX);
    for (setting, value) in [
        (libc::M_ARENA_MAX, heaps),
        (libc::M_TRIM_THRESHOLD, KEPT_BYTES),
        (libc::M_MMAP_THRESHOLD, LARGE_BYTES),
    ] {
        // SAFETY: the call takes numbers only, and no other thread runs yet.
        unsafe { libc::mallopt(setting, value) };
    }
}

/// Other allocators have no such setting.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn share_freed() {}
