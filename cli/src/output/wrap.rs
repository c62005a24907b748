//! What stands around an array's data in a file.

use ::safetensors::Dtype;
use ::safetensors::tensor::{Metadata, TensorInfo};
use wgpu_softmax::DType;

use super::zip::Member;
use crate::files::{Container, METADATA, header_bytes, short};

/// What an array of results is to be in a file.
#[derive(Clone, Debug)]
pub struct Form {
    /// In which kind of file.
    pub container: Container,
    /// What it is called there.
    pub name: String,
    /// The length of each axis.
    pub dims: Vec<usize>,
    /// Whether the first axis lies together.
    pub fortran: bool,
    /// The type of its elements.
    pub dtype: DType,
    /// Bytes of data.
    pub bytes: u64,
}

/// What stands before the data, and what stands behind it.
#[derive(Debug)]
pub struct Wrap {
    /// Before the data.
    pub head: Vec<u8>,
    /// What stands behind it where that is something.
    pub member: Option<Member>,
    /// Bytes of the whole file.
    pub bytes: u64,
}

impl Wrap {
    /// Of an array; an error says why there is no such file.
    pub fn new(form: &Form) -> Result<Self, String> {
        let (head, member) = match form.container {
            Container::Npy => (npy(form)?, None),
            Container::Npz => {
                let npy = npy(form)?;
                let name = format!("{}.npy", form.name);
                let member = Member::new(name, &npy, form.bytes).ok_or_else(|| too_long(&form.name))?;
                ([member.head(), npy].concat(), Some(member))
            }
            Container::Safetensors => (safetensors(form)?, None),
        };
        let behind = member.as_ref().map_or(0, Member::tail_bytes);
        Ok(Self { bytes: head.len() as u64 + form.bytes + behind, head, member })
    }
}

fn npy(form: &Form) -> Result<Vec<u8>, String> {
    header_bytes(&form.dims, form.fortran, form.dtype).ok_or_else(|| {
        let (ending, dtype) = (form.container.name(), form.dtype);
        format!("a .{ending} file holds no {dtype}; name it .safetensors, or take --dtype f32")
    })
}

fn too_long(name: &str) -> String {
    format!("a member cannot be called {}; give it a shorter name, as FILE.npz:NAME", short(name, 40))
}

fn safetensors(form: &Form) -> Result<Vec<u8>, String> {
    if form.name == METADATA {
        return Err(format!(
            "a tensor cannot be called {METADATA}, which names notes in the format; give it another name, as FILE.safetensors:NAME"
        ));
    }
    let dtype = match form.dtype {
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::F64 => Dtype::F64,
        _ => Dtype::F32,
    };
    let data_offsets = (0, usize::try_from(form.bytes).map_err(|error| error.to_string())?);
    let info = TensorInfo { dtype, shape: form.dims.clone(), data_offsets };
    let metadata = Metadata::new(None, vec![(form.name.clone(), info)]).map_err(|error| error.to_string())?;
    let mut text = serde_json::to_vec(&metadata).map_err(|error| error.to_string())?;
    // The data begins at a multiple of 8, so that it may be mapped and used where it lies.
    text.resize(text.len().next_multiple_of(8), b' ');
    Ok([&(text.len() as u64).to_le_bytes()[..], &text].concat())
}
