//! What the tests need of the machine, and how it gets there.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::isa;
use crate::shell::{output, run};

/// The hidden subcommand that lists adapters.
pub const CHILD: &str = "adapters-child";

/// Something that the tests cannot do without.
struct Need {
    what: &'static str,
    present: fn() -> bool,
    /// Debian's names.
    packages: &'static [&'static str],
}

const NEEDS: [Need; 5] = [
    Need {
        what: "a Vulkan adapter (a GPU's, or Mesa's software one)",
        present: has_vulkan,
        packages: &["mesa-vulkan-drivers", "libvulkan1", "libegl1", "libgles2", "libgl1-mesa-dri"],
    },
    Need {
        what: "Mesa's Vulkan driver for AMD, whose compiler the instruction check asks",
        present: || isa::driver::radeon_icd().is_ok(),
        packages: &["mesa-vulkan-drivers", "libvulkan1"],
    },
    Need { what: "spirv-val", present: has_spirv_val, packages: &["spirv-tools"] },
    Need {
        what: "Open MPI, and libclang to read its headers with, for examples/mpi",
        present: || has_open_mpi() && has_libclang(),
        packages: &["openmpi-bin", "libopenmpi-dev", "libclang-dev"],
    },
    // It exists for fewer processors than Debian does; instructions are counted on this one only.
    Need {
        what: "valgrind",
        present: || !cfg!(target_arch = "x86_64") || has_valgrind(),
        packages: &["valgrind"],
    },
];

/// Makes sure that nothing is missing, installing it where that is possible.
///
/// # Errors
/// With what to install, where it cannot be done from here. A test run without an adapter would
/// say nothing about the GPU, so it is never begun.
pub fn prepare() -> Result<()> {
    if !cfg!(target_os = "linux") {
        // Other systems come with their own driver and have no packages to install.
        return if adapters()?.is_empty() { bail!("wgpu finds no adapter on this machine") } else { Ok(()) };
    }
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    let mut packages: Vec<_> = missing.iter().flat_map(|n| n.packages).copied().collect();
    packages.sort_unstable();
    packages.dedup();
    for need in &missing {
        println!("missing: {}", need.what);
    }
    install(&packages)?;
    match self::missing().first() {
        None => Ok(()),
        Some(need) => bail!("installed {}, and still there is not {}", packages.join(" "), need.what),
    }
}

fn missing() -> Vec<&'static Need> {
    NEEDS.iter().filter(|n| !(n.present)()).collect()
}

fn install(packages: &[&str]) -> Result<()> {
    let line = format!("apt-get install -y {}", packages.join(" "));
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!("install the above with your system's package manager; on Debian or Ubuntu it is: {line}");
    }
    let root = output(Command::new("id").arg("-u"))?.trim() == "0";
    let sudo = !root && quiet(Command::new("sudo").args(["-n", "true"]));
    if !root && !sudo {
        bail!("not root, and sudo asks for a password; run: sudo {line}");
    }
    println!("installing them: {line}");
    let apt = |arguments: &[&str]| {
        let mut command = Command::new(if root { "env" } else { "sudo" });
        command.arg("DEBIAN_FRONTEND=noninteractive").arg("apt-get").args(arguments);
        run(&mut command).with_context(|| format!("could not install; do it by hand: {line}"))
    };
    apt(&["update"])?;
    apt(&[&["install", "-y", "--no-install-recommends"], packages].concat())
}

fn quiet(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

fn has_spirv_val() -> bool {
    quiet(Command::new("spirv-val").arg("--version"))
}

fn has_open_mpi() -> bool {
    quiet(Command::new("mpirun").arg("--version")) && quiet(Command::new("mpicc").arg("--showme:version"))
}

/// Whether the crate that reads C headers finds the library to do it with: where `LIBCLANG_PATH` says,
/// or where distributions put it.
fn has_libclang() -> bool {
    let is_libclang = |entry: &std::fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with("libclang") && !name.contains("cpp") && name.ends_with(".so")
    };
    let holds =
        |folder: &Path| std::fs::read_dir(folder).is_ok_and(|all| all.flatten().any(|e| is_libclang(&e)));
    let llvm = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|e| e.path().join("lib"));
    let usual = ["/usr/lib", "/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"];
    std::env::var_os("LIBCLANG_PATH").is_some() || usual.iter().map(Into::into).chain(llvm).any(|f| holds(&f))
}

fn has_valgrind() -> bool {
    quiet(Command::new("valgrind").arg("--version"))
}

fn has_vulkan() -> bool {
    adapters().is_ok_and(|list| list.iter().any(|a| a.starts_with("vulkan")))
}

/// The adapters that the library finds, as "backend<tab>name". A process of its own asks, since a
/// broken driver can end it, and since a loader does not see what is installed after it started.
fn adapters() -> Result<Vec<String>> {
    let listed = output(Command::new(std::env::current_exe()?).arg(CHILD))?;
    Ok(listed.lines().map(str::to_owned).collect())
}

/// The child's whole life.
pub fn child() {
    for entry in pollster::block_on(wgpu_softmax::gpu::adapter::adapters()) {
        println!("{}\t{}", entry.info.backend.to_string().to_lowercase(), entry.info.name);
    }
}
