//! `cargo xtask web`: whether a browser takes the kernels. Its compiler (Tint in Chromium) is stricter than naga,
//! above all with barriers and subgroups.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use wgpu_softmax::gpu::source::{Rounding, Source};

use crate::shell::root;

const PAGE: &str = include_str!("page.html");
/// Where the page has its modules.
const MODULES: &str = "/* MODULES */ []";
/// How long the page may say nothing: one module takes a second at most.
const PATIENCE: Duration = Duration::from_secs(60);
/// What each line of the page begins with.
const MARK: &str = "\"wgpu-softmax ";
/// Names that Chromium goes by.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// WebGPU by SwiftShader, which needs no GPU; nothing is fetched.
const FLAGS: [&str; 11] = [
    "--headless",
    "--enable-unsafe-webgpu",
    "--enable-features=Vulkan",
    "--use-vulkan=swiftshader",
    "--use-angle=swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--enable-logging=stderr",
];

/// Makes every pipeline of the catalogue in a headless Chromium.
///
/// # Errors
/// Where no browser is found, it has no WebGPU, or it refuses a kernel.
pub fn web(browser: Option<PathBuf>) -> Result<()> {
    let folder = root().join("target/web");
    fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;
    let mut sources = wgpu_softmax::gpu::source::catalogue();
    sources.retain(|source| source.rounding == Rounding::Sealed);
    let modules: Vec<_> = sources.iter().map(module).collect();
    let page = folder.join("page.html");
    fs::write(&page, filled(&modules))?;
    let mut browser = start(browser.as_deref(), &folder, &page)?;
    let heard = listen(&mut browser, modules.len());
    // It stays open, whatever the page does.
    browser.kill().and_then(|()| browser.wait()).context("ending the browser")?;
    let (taken, refused) = heard?;
    println!(
        "{taken} modules taken, {} refused, {} not tried",
        refused.len(),
        modules.len() - taken - refused.len()
    );
    ensure!(refused.is_empty(), "{}", refused.join("\n"));
    Ok(())
}

fn module(source: &Source) -> Value {
    let constants: serde_json::Map<_, _> =
        source.constants.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    json!({
        "name": source.name,
        "wgsl": source.in_browser(),
        "stages": source.entry_points,
        "constants": constants,
        "subgroups": source.subgroups,
    })
}

/// The page with its modules; no text of theirs ends the script.
fn filled(modules: &[Value]) -> String {
    PAGE.replacen(MODULES, &json!(modules).to_string().replace("</", "<\\/"), 1)
}

fn start(browser: Option<&Path>, folder: &Path, page: &Path) -> Result<Child> {
    let names = browser.map_or_else(|| BROWSERS.map(PathBuf::from).to_vec(), |path| vec![path.to_owned()]);
    for name in &names {
        let mut command = Command::new(name);
        command.args(FLAGS).arg(format!("--user-data-dir={}", folder.join("browser").display()));
        // Its sandbox does not start for root.
        command.arg("--no-sandbox").arg(format!("file://{}", page.display()));
        match command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn() {
            Ok(child) => return Ok(child),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("starting {}", name.display())),
        }
    }
    let names: Vec<_> = names.iter().map(|name| name.display().to_string()).collect();
    bail!(
        "no browser: {} cannot be started; install Debian's chromium, or name one by --browser",
        names.join(", ")
    )
}

/// What the page says, until it is done: how many modules were taken, and the others with the reasons.
fn listen(browser: &mut Child, all: usize) -> Result<(usize, Vec<String>)> {
    let output = browser.stderr.take().context("the browser has no standard error")?;
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(output).split(b'\n').map_while(Result::ok);
        let mut said = lines.filter_map(|line| said(&String::from_utf8_lossy(&line)));
        said.all(|line| tell.send(line).is_ok())
    });
    let (mut taken, mut refused) = (0, Vec::new());
    loop {
        let patience = PATIENCE.as_secs();
        let said = told.recv_timeout(PATIENCE).with_context(|| {
            format!("the browser ended, or its page said nothing for {patience} seconds, before it was done")
        })?;
        if let Some(adapter) = said["adapter"].as_str() {
            println!("{all} modules for {adapter}, subgroups: {}", said["subgroups"]);
        } else if let Some(reasons) = said["refused"].as_array() {
            match reasons.first() {
                None => taken += 1,
                Some(reason) => refused.push(format!("{}: {}", said["name"].as_str().unwrap_or("?"), reason)),
            }
        } else if let Some(why) = said["failed"].as_str() {
            bail!("the page failed: {why}");
        } else {
            return Ok((taken, refused));
        }
    }
}

/// A line of the page, out of a line of the browser's log.
fn said(line: &str) -> Option<Value> {
    let from = line.find(MARK)? + MARK.len();
    let mut values = serde_json::Deserializer::from_str(&line[from..]).into_iter();
    values.next()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_page_are_told_from_others() {
        let line = r#"[1:1:1127/123724.1:INFO:CONSOLE:4] "wgpu-softmax {"name":"a \"b\"","refused":[]}", source: x (4)"#;
        assert_eq!(said(line), Some(json!({"name": "a \"b\"", "refused": []})));
        assert_eq!(said("[1:1:1127/1.1:ERROR:gpu] \"lost\""), None);
    }

    #[test]
    fn the_page_has_every_module() {
        let page = filled(&[json!({"name": "</script>"})]);
        assert!(page.contains(r#"const modules = [{"name":"<\/script>"}]"#), "{page}");
        assert_eq!(page.matches("</script>").count(), 1);
    }
}
