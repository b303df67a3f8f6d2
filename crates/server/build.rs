//! Finds the built UI for `http/ui.rs` to embed; without one, a page that says so takes its place.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

const PLACEHOLDER: &str = "<!doctype html>
<html lang=\"en\">
<head><meta charset=\"utf-8\"><title>Vigie</title></head>
<body>
<h1>The UI was not built</h1>
<p>This binary was compiled without its web UI. Run <code>make ui</code>, then build it again.</p>
<p>The API works: its description is at <a href=\"/api/docs\">/api/docs</a>.</p>
</body>
</html>
";

fn main() -> io::Result<()> {
    let folder = |name: &str| env::var_os(name).map(PathBuf::from).ok_or_else(|| io::Error::other(name.to_owned()));
    let dist = folder("CARGO_MANIFEST_DIR")?.join("../../web/dist");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", dist.display());
    let embedded = if dist.join("index.html").is_file() { dist } else { placeholder(&folder("OUT_DIR")?)? };
    println!("cargo::rustc-env=EMBEDDED_UI_DIR={}", embedded.display());
    Ok(())
}

fn placeholder(out: &Path) -> io::Result<PathBuf> {
    let folder = out.join("ui");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("index.html"), PLACEHOLDER)?;
    Ok(folder)
}
