//! Operands from files.

use std::path::Path;

use wgpu_softmax::{DType, Window, alibi_slopes, bf16, f16};

use super::args::{Args, Dims};
use super::{Beside, Operand};
use crate::failure::Failure;
use crate::files::{Kind, Name, Source, order, shape_text};
use crate::journal::Hash;
use crate::numbers::Number;
use crate::room::Room;

/// An operand as it stands in a file, in C order.
struct Loaded {
    kind: Kind,
    dims: Vec<usize>,
    room: Room,
}

impl Beside {
    /// Reads what the command line names beside an array with these axes, as far as `memory` bytes hold it.
    pub fn load(args: &Args, dims: &[usize], memory: Option<u64>) -> Result<Self, Failure> {
        let mut beside = Self::default();
        if let Some(path) = &args.mask {
            beside.load_mask(path, args.mask_bits.as_ref(), dims, memory)?;
        }
        if let Some(path) = &args.bias {
            beside.load_bias(path, memory)?;
        }
        beside.window(args)?;
        if let Some(path) = &args.lengths {
            let (data, dims) = beside.integers("lengths", path, memory, length)?;
            beside.lengths = Some(Operand { data, dims });
        }
        beside.load_sinks(args.sinks.as_deref(), memory)?;
        if let Some(path) = &args.row_scale {
            beside.row_scale = Some(beside.numbers("row scale", path, memory)?);
        }
        if let Some(path) = &args.alibi {
            beside.load_alibi(path, dims, memory)?;
        }
        if let Some(path) = &args.offsets {
            let (offsets, dims) = beside.integers("offsets", path, memory, offset)?;
            // Where they are not read, their number still says how many rows there are.
            let unread = || bytemuck::try_zeroed_vec(dims.iter().product()).unwrap_or_default();
            beside.offsets = Some(if beside.is_too_large { unread() } else { offsets });
            beside.offsets_file = Some(path.clone());
        }
        Ok(beside)
    }

    fn load_bias(&mut self, path: &Path, memory: Option<u64>) -> Result<(), Failure> {
        let loaded = self.read(path, memory)?;
        let what = "a bias is of f16, bf16, f32 or f64; convert it";
        self.bias_dtype = loaded.kind.float().ok_or_else(|| wrong(path, &loaded, what))?;
        self.note(&format!("bias of {}", self.bias_dtype), &loaded);
        self.bias = Some(Operand { data: loaded.room, dims: loaded.dims });
        Ok(())
    }

    /// Integers, each made what it must be.
    fn integers<T>(
        &mut self,
        what: &str,
        path: &Path,
        memory: Option<u64>,
        made: impl Fn(usize, i128) -> Result<T, String>,
    ) -> Result<(Vec<T>, Vec<usize>), Failure> {
        let loaded = self.read(path, memory)?;
        self.note(what, &loaded);
        let all = integers(path, &loaded)?.into_iter().enumerate();
        let made: Result<_, _> = all.map(|(index, number)| made(index, number)).collect();
        Ok((made.map_err(|what| Failure::of_file(path, what))?, loaded.dims))
    }

    fn load_mask(
        &mut self,
        path: &Path,
        bits: Option<&Dims>,
        dims: &[usize],
        memory: Option<u64>,
    ) -> Result<(), Failure> {
        let loaded = self.read(path, memory)?;
        if loaded.kind.bytes() != 1 {
            return Err(wrong(path, &loaded, "a mask is of bool, u8 or i8; convert it with astype(bool)"));
        }
        self.mask_is_bits = bits.is_some();
        let dims = match bits {
            None => loaded.dims.clone(),
            Some(Dims(given)) if given.is_empty() => dims.to_vec(),
            Some(Dims(given)) => given.clone(),
        };
        let Loaded { kind, room, .. } = loaded;
        let loaded = Loaded { kind, dims, room };
        self.note(if self.mask_is_bits { "mask of bits" } else { "mask" }, &loaded);
        self.mask = Some(Operand { data: loaded.room.bytes().to_vec(), dims: loaded.dims });
        Ok(())
    }

    fn window(&mut self, args: &Args) -> Result<(), Failure> {
        let offset = match (args.causal, args.offset) {
            (Some(causal), Some(offset)) if causal != 0 && causal != offset => {
                let what = format!("--causal={causal} and --offset {offset} are two offsets; give one");
                return Err(Failure::Cannot(what));
            }
            (Some(causal), None) => causal,
            (_, offset) => offset.unwrap_or(0),
        };
        let (window, name) = match args.window {
            Some(size) => (Window::sliding(size), format!("window of {size}")),
            None if args.causal.is_some() => (Window::causal(), "causal".to_owned()),
            None if args.offset.is_none() => return Ok(()),
            None if args.alibi.is_some() => (Window::around(None, None), "positions".to_owned()),
            None => {
                return Err(Failure::Cannot(
                    "--offset is that of --causal, --window or --alibi; give one".into(),
                ));
            }
        };
        self.window = Some(window.offset(offset));
        let name = if offset == 0 { name } else { format!("{name}, offset {offset}") };
        self.identity += &format!(", {name}");
        self.names.push(name);
        Ok(())
    }

    fn load_sinks(&mut self, given: Option<&Path>, memory: Option<u64>) -> Result<(), Failure> {
        let Some(path) = given else { return Ok(()) };
        if let Some(number) = path.to_str().and_then(|text| text.parse::<Number>().ok()) {
            let number = number.any("sinks")?;
            self.names.push(format!("a sink of {number} in each row"));
            self.identity += &format!(", sink {number}");
            self.sinks = Some(Operand { data: vec![number], dims: Vec::new() });
        } else {
            self.sinks = Some(self.numbers("sinks", path, memory)?);
        }
        Ok(())
    }

    fn load_alibi(&mut self, path: &Path, dims: &[usize], memory: Option<u64>) -> Result<(), Failure> {
        let heads = if dims.len() >= 3 { dims[dims.len() - 3] } else { 1 };
        if path == Path::new("auto") {
            self.names.push(format!("ALiBi, the slopes of {heads} heads"));
            self.identity += &format!(", ALiBi {heads}");
            self.alibi = Some(alibi_slopes(heads));
        } else {
            self.alibi = Some(self.numbers("ALiBi slopes", path, memory)?.data);
        }
        Ok(())
    }

    /// Numbers as f32.
    fn numbers(
        &mut self,
        what: &str,
        path: &Path,
        memory: Option<u64>,
    ) -> Result<Operand<Vec<f32>>, Failure> {
        let loaded = self.read(path, memory)?;
        self.note(what, &loaded);
        let data = match loaded.kind.float() {
            Some(DType::F16) => loaded.room.of::<f16>().iter().map(|x| x.to_f32()).collect(),
            Some(DType::BF16) => loaded.room.of::<bf16>().iter().map(|x| x.to_f32()).collect(),
            Some(DType::F64) => loaded.room.of::<f64>().iter().map(|&x| x as f32).collect(),
            Some(_) => loaded.room.of::<f32>().to_vec(),
            None => return Err(wrong(path, &loaded, "give f16, bf16, f32 or f64; convert it")),
        };
        Ok(Operand { data, dims: loaded.dims })
    }

    /// Takes note of an operand for the report, and of what it holds for `--resume`.
    fn note(&mut self, what: &str, loaded: &Loaded) {
        let name = format!("{what} {}", shape_text(&loaded.dims));
        let mut hash = Hash::default();
        hash.add(loaded.room.bytes());
        self.identity += &format!(", {name} {}", hash.text());
        self.names.push(name);
    }

    /// Reads an array, and puts it into C order. What memory does not hold is counted and left empty: how
    /// much is needed with the input is told when that is planned.
    fn read(&mut self, path: &Path, memory: Option<u64>) -> Result<Loaded, Failure> {
        let source = Source::open(&Name::of(path))?;
        let fail = |what: String| Failure::of_file(path, what);
        self.bytes += source.bytes();
        self.is_too_large |= memory.is_some_and(|memory| self.bytes > memory);
        let (kind, dims, is_fortran) = (source.kind(), source.shape().to_vec(), source.is_fortran());
        if self.is_too_large {
            return Ok(Loaded { kind, dims, room: Room::default() });
        }
        let mut room = Room::new(source.bytes()).map_err(fail)?;
        let mut elements = source.into_elements()?;
        elements.read_same(0, room.bytes_mut())?;
        elements.end()?;
        if is_fortran {
            order::to_c(&mut room, kind.bytes(), &dims).map_err(fail)?;
        }
        Ok(Loaded { kind, dims, room })
    }
}

fn wrong(path: &Path, loaded: &Loaded, way_out: &str) -> Failure {
    Failure::of_file(path, format!("an array of {} cannot be used here: {way_out}", loaded.kind))
}

fn integers(path: &Path, loaded: &Loaded) -> Result<Vec<i128>, Failure> {
    fn all<T: bytemuck::Pod + Into<i128>>(room: &Room) -> Vec<i128> {
        room.of::<T>().iter().map(|&x| x.into()).collect()
    }
    let room = &loaded.room;
    Ok(match loaded.kind {
        Kind::Int(1) => all::<i8>(room),
        Kind::Int(2) => all::<i16>(room),
        Kind::Int(4) => all::<i32>(room),
        Kind::Int(_) => all::<i64>(room),
        Kind::Uint(1) => all::<u8>(room),
        Kind::Uint(2) => all::<u16>(room),
        Kind::Uint(4) => all::<u32>(room),
        Kind::Uint(_) => all::<u64>(room),
        _ => return Err(wrong(path, loaded, "give integers; convert it with astype('int64')")),
    })
}

fn length(index: usize, length: i128) -> Result<u32, String> {
    let most = u32::MAX;
    u32::try_from(length)
        .map_err(|_| format!("number {index} is {length}; a row's length is from 0 to {most}"))
}

fn offset(index: usize, offset: i128) -> Result<u64, String> {
    u64::try_from(offset).map_err(|_| format!("number {index} is {offset}; offsets rise from 0 on"))
}
