//! What lies in memory (the data key, customers' data) stays out of files: the program leaves no core, and other
//! processes of its user cannot read it.

#[cfg(target_os = "linux")]
pub fn keep_out_of_files() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // Either alone keeps most cores away; a program that pipes cores away heeds only the second.
    let done = [setrlimit(Resource::Core, none), set_dumpable_behavior(DumpableBehavior::NotDumpable)];
    if let Some(error) = done.into_iter().find_map(Result::err) {
        eprintln!("warning: a crash may leave a core with data in the clear: {error}");
    }
}

#[cfg(not(target_os = "linux"))]
pub fn keep_out_of_files() {}
