//! Kills the program, reads its disk as a thief would, damages its files.

mod crash;
mod sealed;
