//! `wasm-bindgen-web MODULE FOLDER`: writes the JavaScript that loads MODULE, `candor.js`, and the module itself into
//! FOLDER.

use anyhow::Context as _;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let module = arguments.next().context("usage: wasm-bindgen-web MODULE FOLDER")?;
    let folder = arguments.next().context("usage: wasm-bindgen-web MODULE FOLDER")?;
    Bindgen::new()
        .input_path(module)
        .out_name("candor")
        .web(true)?
        .typescript(false)
        .omit_default_module_path(false)
        .generate(folder)
}
