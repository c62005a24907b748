//! What stands beside an array, on the command line.

use std::path::PathBuf;

use crate::numbers;

/// Masks, biases and the like.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "What takes part, and what is added")]
#[group(id = "beside")]
pub struct Args {
    /// Which elements take part: an array of bool, or of bytes of which 0 hides an element
    ///
    /// It broadcasts to the input as NumPy's arrays do, as all of these do. In a row that is hidden as a
    /// whole every probability is 0, unless --empty-row says otherwise. All of these files may be .npy,
    /// .npz or .safetensors; of several arrays in one, FILE:NAME is meant.
    #[arg(long, value_name = "FILE")]
    pub mask: Option<PathBuf>,
    /// The mask has a bit for each element, the lowest of each byte first; its shape is SHAPE
    ///
    /// As numpy.packbits(..., bitorder='little') gives it, without gaps between rows. SHAPE is numbers
    /// with commas between them; without it, the mask's shape is the input's.
    #[arg(long, value_name = "SHAPE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    #[arg(requires = "mask")]
    pub mask_bits: Option<Dims>,
    /// Numbers that are added to the scaled elements; -inf hides one
    #[arg(long, value_name = "FILE")]
    pub bias: Option<PathBuf>,
    /// Of the last two axes, queries and keys: each query sees its own position and all before it
    ///
    /// OFFSET is the position of the first query among the keys, 0 unless told.
    #[arg(long, value_name = "OFFSET", num_args = 0..=1, require_equals = true, default_missing_value = "0")]
    #[arg(allow_hyphen_values = true)]
    pub causal: Option<i64>,
    /// Each query sees the last SIZE positions, its own the last of them
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true, value_parser = numbers::window)]
    pub window: Option<u64>,
    /// The position of the first query among the keys, for --window and --alibi
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub offset: Option<i64>,
    /// How many elements of each row take part, the first ones: an array of integers, one per row
    #[arg(long, value_name = "FILE")]
    pub lengths: Option<PathBuf>,
    /// One more logit for each row, which takes its share and has no result: a number, or one per row
    #[arg(long, value_name = "FILE|NUMBER", allow_hyphen_values = true)]
    pub sinks: Option<PathBuf>,
    /// Adds -slope * distance, by query and key; a slope per head (the third axis from the end)
    ///
    /// Without a file, or with auto: the slopes of the paper on ALiBi for so many heads.
    #[arg(long, value_name = "FILE|auto", num_args = 0..=1, require_equals = true, default_missing_value = "auto")]
    pub alibi: Option<PathBuf>,
    /// A factor for each row, besides --scale
    #[arg(long, value_name = "FILE")]
    pub row_scale: Option<PathBuf>,
    /// Rows of any lengths in an array of one axis: integers that rise from 0 to its length
    ///
    /// Row r is the elements from offset r up to offset r + 1. Of all that may stand beside an array, --sinks
    /// and --row-scale go with it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["mask", "bias", "causal", "window", "lengths"])]
    #[arg(conflicts_with_all = ["alibi", "axis"])]
    pub offsets: Option<PathBuf>,
}

/// The length of each axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dims(pub Vec<usize>);

impl std::str::FromStr for Dims {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let axes = text.split(',').map(str::trim).filter(|axis| !axis.is_empty()).map(str::parse);
        let wrong = |_| "give numbers with commas between them, such as 1,8,128,128".to_owned();
        axes.collect::<Result<_, _>>().map(Self).map_err(wrong)
    }
}
