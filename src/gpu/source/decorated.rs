//! SPIR-V in which drivers may neither fuse nor reassociate arithmetic. WGSL has no word for that, SPIR-V has:
//! an operation decorated `NoContraction` may not be combined with another one to a single operation, nor be
//! reassociated (SPIR-V specification, "Decoration").

/// `OpDecorate`, and the decoration.
const OP_DECORATE: u32 = 71;
const NO_CONTRACTION: u32 = 42;
/// The first of the types, `OpTypeVoid`, and the last, `OpTypePipe`, of those that come before all else.
const TYPES: std::ops::RangeInclusive<u32> = 19..=38;
/// `OpFNegate`, `OpFAdd`, `OpFSub`, `OpFMul`, `OpFDiv`, and the products of vectors and matrices from
/// `OpVectorTimesScalar` to `OpDot`.
const ARITHMETIC: [std::ops::RangeInclusive<u32>; 6] =
    [127..=127, 129..=129, 131..=131, 133..=133, 136..=136, 142..=148];
/// Words before the first instruction of a module.
const HEADER: usize = 5;

/// A module whose arithmetic of floats is all decorated `NoContraction`. What is no module is given back as it
/// is.
pub fn no_contraction(words: &[u32]) -> Vec<u32> {
    let mut results = Vec::new();
    // Decorations stand before the first type.
    let mut place = words.len();
    let mut at = HEADER;
    while let Some(word) = words.get(at) {
        let (op, length) = (word & 0xffff, (word >> 16) as usize);
        if TYPES.contains(&op) {
            place = place.min(at);
        } else if ARITHMETIC.iter().any(|range| range.contains(&op)) {
            // Behind the type.
            results.extend(words.get(at + 2));
        }
        // No instruction is empty; a word that says so would never let this end.
        at += length.max(1);
    }
    let (before, after) = words.split_at(place);
    let decorate = |result: u32| [(3 << 16) | OP_DECORATE, result, NO_CONTRACTION];
    before
        .iter()
        .copied()
        .chain(results.into_iter().flat_map(decorate))
        .chain(after.iter().copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(wgsl: &str) -> Vec<u32> {
        let module = naga::front::wgsl::parse_str(wgsl).unwrap();
        let all = (naga::valid::ValidationFlags::all(), naga::valid::Capabilities::all());
        let info = naga::valid::Validator::new(all.0, all.1).validate(&module).unwrap();
        naga::back::spv::write_vec(&module, &info, &Default::default(), None).unwrap()
    }

    /// Instructions by their codes, with their other words.
    fn instructions(words: &[u32]) -> Vec<(u32, Vec<u32>)> {
        let mut found = Vec::new();
        let mut at = HEADER;
        while at < words.len() {
            let length = (words[at] >> 16) as usize;
            found.push((words[at] & 0xffff, words[at + 1..at + length].to_vec()));
            at += length;
        }
        found
    }

    #[test]
    fn all_arithmetic_of_floats_is_decorated_and_nothing_else() {
        let plain = words(
            "@group(0) @binding(0) var<storage, read_write> data: array<vec4<f32>>;
            @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
                let v = data[id.x + 1u];
                data[id.x] = -(v * v + v) * 3.0 - v / data[0] + max(v, vec4(dot(v, v)));
            }",
        );
        let decorated = no_contraction(&plain);
        let before = instructions(&plain);
        let after = instructions(&decorated);
        let is_new = |i: &(u32, Vec<u32>)| i.0 == OP_DECORATE && i.1[1..] == [NO_CONTRACTION];
        let kept: Vec<_> = after.iter().filter(|i| !is_new(i)).cloned().collect();
        assert_eq!(kept, before, "all that was there is there, in its order");
        let marked: Vec<_> = after.iter().filter(|i| is_new(i)).map(|i| i.1[0]).collect();
        // OpFNegate, OpFMul, OpFAdd, OpVectorTimesScalar, OpFDiv, OpFSub, OpDot, OpFAdd.
        let floats = [127, 129, 131, 133, 136, 142, 148];
        let arithmetic: Vec<_> = before.iter().filter(|i| floats.contains(&i.0)).map(|i| i.1[1]).collect();
        assert_eq!(marked, arithmetic);
        assert_eq!(marked.len(), 8);
        let last = after.iter().rposition(is_new).unwrap();
        let first_type = after.iter().position(|i| i.0 == 19).unwrap();
        assert!(last < first_type, "decorations stand before the types");
    }

    #[test]
    fn what_is_no_module_is_given_back() {
        for words in
            [&[0; 9][..], &[], &[0; 4], &[0, 0, 0, 0, 0, (5 << 16) | 129], &[7, 0, 0, 0, 0, 19 | 9 << 16]]
        {
            assert_eq!(no_contraction(words), words);
        }
    }
}
