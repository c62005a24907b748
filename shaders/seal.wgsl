// What seals are made of: 0, read from a storage buffer at run time. Not from a uniform buffer:
// drivers may compile a shader anew for the values they find there (Mesa does).
struct Seal {
    zero: u32,
}

@group(0) @binding(3) var<storage, read> seal_source: Seal;

// Reads the seal once; every entry point begins with it.
fn open_seal() { zero = seal_source.zero; }
