//! Tells cargo what beside the sources goes into the program: the migrations, and the islands once
//! they are built (`make islands`).

fn main() {
    // Cargo compares times of what exists; a folder that is missing would mean a new build every time.
    let islands = "target/site/pkg";
    if let Err(error) = std::fs::create_dir_all(islands) {
        println!("cargo:warning={islands}: {error}");
    }
    println!("cargo:rerun-if-changed={islands}");
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=public");
}
