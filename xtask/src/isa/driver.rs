//! One compute pipeline made by Mesa's AMD driver for a chip that is not there. Runs in a child
//! process, since the driver is steered by its environment and prints to standard error.

use std::ffi::CString;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use ash::vk;

use super::spirv::{Binding, BufferKind, Spirv};
use crate::shell::output;

/// The hidden subcommand that the child runs.
pub const CHILD: &str = "isa-child";

/// The hidden subcommand that says the driver's version.
pub const VERSION_CHILD: &str = "isa-version-child";

/// Where Linux distributions put the descriptions of Vulkan drivers.
const ICD_FOLDERS: [&str; 3] =
    ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"];

/// The file that names Mesa's AMD driver.
pub fn radeon_icd() -> Result<PathBuf> {
    let files = ICD_FOLDERS.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let is_radeon = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("radeon_icd") && name.contains(std::env::consts::ARCH)
    };
    files.map(|f| f.path()).find(is_radeon).context(
        "Mesa's Vulkan driver for AMD (radeon_icd.*.json) was not found; the instruction check compiles with it, \
         no AMD card is needed. On Debian or Ubuntu: apt-get install mesa-vulkan-drivers libvulkan1",
    )
}

/// This program, for which the driver will show a device of that family.
fn pretending(compiler: &Path, family: &str) -> Result<Command> {
    let mut command = Command::new(compiler);
    command
        .env_remove("VK_DRIVER_FILES")
        .env_remove("VK_ADD_DRIVER_FILES")
        .env("VK_ICD_FILENAMES", radeon_icd()?)
        .env("VK_LOADER_LAYERS_DISABLE", "~all~")
        .env("RADV_FORCE_FAMILY", family);
    Ok(command)
}

/// The driver's own name of its version, such as "Mesa 22.3.6".
pub fn version(compiler: &Path, family: &str) -> Result<String> {
    Ok(output(pretending(compiler, family)?.arg(VERSION_CHILD))?.trim().to_owned())
}

/// What the version's child does.
pub fn version_child() -> Result<()> {
    // SAFETY: the instance outlives the query; the process ends right after, so nothing is destroyed.
    let version = unsafe {
        let (_entry, instance, physical) = physical()?;
        let mut driver = vk::PhysicalDeviceDriverProperties::default();
        let mut properties = vk::PhysicalDeviceProperties2::default().push_next(&mut driver);
        instance.get_physical_device_properties2(physical, &mut properties);
        driver.driver_info_as_c_str()?.to_string_lossy().into_owned()
    };
    // Distributions add their package's version in parentheses or after a blank.
    let words: Vec<_> = version.split_whitespace().take(2).collect();
    println!("{}", words.join(" "));
    Ok(())
}

/// Has `compiler` (this program) compile a shader for a family of AMD chips, and returns what the
/// driver printed.
pub fn compile(compiler: &Path, family: &str, entry_point: &str, spirv: &Spirv) -> Result<String> {
    let mut child = pretending(compiler, family)?
        .args([CHILD, entry_point, &spirv.immediate_size.to_string()])
        .args(spirv.bindings.iter().map(to_argument))
        .env("RADV_DEBUG", "shaders,shaderstats,nocache")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", compiler.display()))?;
    let bytes: Vec<u8> = spirv.words.iter().flat_map(|w| w.to_le_bytes()).collect();
    child.stdin.take().context("no pipe to the child")?.write_all(&bytes)?;
    let output = child.wait_with_output()?;
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        bail!("the AMD driver did not compile for {family} ({}):\n{printed}", output.status);
    }
    Ok(printed)
}

fn to_argument(b: &Binding) -> String {
    let kind = match b.kind {
        BufferKind::Storage => "storage",
        BufferKind::Uniform => "uniform",
    };
    format!("{}:{}:{kind}", b.group, b.binding)
}

fn from_argument(text: &str) -> Result<Binding> {
    let parts: Vec<_> = text.split(':').collect();
    let [group, binding, kind] = parts[..] else { bail!("{text}: not group:binding:kind") };
    let kind = if kind == "storage" { BufferKind::Storage } else { BufferKind::Uniform };
    Ok(Binding { group: group.parse()?, binding: binding.parse()?, kind })
}

/// The child's whole life: SPIR-V from standard input into a pipeline.
pub fn child(entry_point: &str, immediate_size: u32, bindings: &[String]) -> Result<()> {
    let bindings: Vec<_> = bindings.iter().map(|b| from_argument(b)).collect::<Result<_>>()?;
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let (chunks, _) = bytes.as_chunks::<4>();
    let words: Vec<u32> = chunks.iter().map(|c| u32::from_le_bytes(*c)).collect();
    // SAFETY: the words come from naga, which validated them; every handle is used with the device
    // it came from; the process ends right after, so nothing is destroyed.
    unsafe { make_pipeline(&CString::new(entry_point)?, immediate_size, &bindings, &words) }
}

unsafe fn make_pipeline(
    entry_point: &CString,
    immediate_size: u32,
    bindings: &[Binding],
    words: &[u32],
) -> Result<()> {
    unsafe {
        let device = open()?;
        let layout = layout(&device, immediate_size, bindings)?;
        let module = device.create_shader_module(&vk::ShaderModuleCreateInfo::default().code(words), None)?;
        let stage = vk::PipelineShaderStageCreateInfo::default()
            // As wgpu does on devices with subgroups.
            .flags(vk::PipelineShaderStageCreateFlags::ALLOW_VARYING_SUBGROUP_SIZE)
            .stage(vk::ShaderStageFlags::COMPUTE)
            .module(module)
            .name(entry_point);
        let info = vk::ComputePipelineCreateInfo::default().stage(stage).layout(layout);
        device
            .create_compute_pipelines(vk::PipelineCache::null(), &[info], None)
            .map_err(|(_, e)| e)
            .context("vkCreateComputePipelines")?;
    }
    Ok(())
}

/// The device that the driver shows. The loader is unloaded with its entry.
unsafe fn physical() -> Result<(ash::Entry, ash::Instance, vk::PhysicalDevice)> {
    unsafe {
        let entry = ash::Entry::load()
            .context("no Vulkan loader; on Debian or Ubuntu: apt-get install libvulkan1")?;
        let app = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_3);
        let instance =
            entry.create_instance(&vk::InstanceCreateInfo::default().application_info(&app), None)?;
        let physical =
            *instance.enumerate_physical_devices()?.first().context("the driver shows no device")?;
        Ok((entry, instance, physical))
    }
}

/// A device with the features that wgpu turns on and that change code: robust buffers above all.
unsafe fn open() -> Result<ash::Device> {
    unsafe {
        let (_entry, instance, physical) = physical()?;
        let queue = [vk::DeviceQueueCreateInfo::default().queue_family_index(0).queue_priorities(&[1.0])];
        let extensions = [ash::ext::robustness2::NAME.as_ptr()];
        let core = vk::PhysicalDeviceFeatures::default().robust_buffer_access(true);
        let mut robust = vk::PhysicalDeviceRobustness2FeaturesEXT::default().robust_buffer_access2(true);
        let mut v12 = vk::PhysicalDeviceVulkan12Features::default().shader_float16(true);
        let mut v13 = vk::PhysicalDeviceVulkan13Features::default()
            .subgroup_size_control(true)
            .shader_zero_initialize_workgroup_memory(true);
        let info = vk::DeviceCreateInfo::default()
            .queue_create_infos(&queue)
            .enabled_extension_names(&extensions)
            .enabled_features(&core)
            .push_next(&mut robust)
            .push_next(&mut v12)
            .push_next(&mut v13);
        instance.create_device(physical, &info, None).context("vkCreateDevice")
    }
}

unsafe fn layout(
    device: &ash::Device,
    immediate_size: u32,
    bindings: &[Binding],
) -> Result<vk::PipelineLayout> {
    let groups = bindings.iter().map(|b| b.group + 1).max().unwrap_or(0);
    let mut sets = Vec::new();
    for group in 0..groups {
        let of_group: Vec<_> = bindings.iter().filter(|b| b.group == group).map(descriptor).collect();
        let info = vk::DescriptorSetLayoutCreateInfo::default().bindings(&of_group);
        sets.push(unsafe { device.create_descriptor_set_layout(&info, None)? });
    }
    let range =
        [vk::PushConstantRange::default().stage_flags(vk::ShaderStageFlags::COMPUTE).size(immediate_size)];
    let info = vk::PipelineLayoutCreateInfo::default()
        .set_layouts(&sets)
        .push_constant_ranges(if immediate_size == 0 { &[] } else { &range });
    Ok(unsafe { device.create_pipeline_layout(&info, None)? })
}

fn descriptor(b: &Binding) -> vk::DescriptorSetLayoutBinding<'static> {
    let kind = match b.kind {
        BufferKind::Storage => vk::DescriptorType::STORAGE_BUFFER,
        BufferKind::Uniform => vk::DescriptorType::UNIFORM_BUFFER,
    };
    vk::DescriptorSetLayoutBinding::default()
        .binding(b.binding)
        .descriptor_type(kind)
        .descriptor_count(1)
        .stage_flags(vk::ShaderStageFlags::COMPUTE)
}
